"""The Transformer encoder of the reference system, for classes of texts."""

from __future__ import annotations

from typing import Any

from ..errors import UserError
from ..records.data import Meta
from .blocks import D_MODEL, N_LAYERS, rough_params, width_step
from .descriptor import Family, Key, Size, dropout


def build(members: int, meta: Meta, **size: Any):
    from ..networks.transformer import Transformer

    return Transformer(members, meta, **size)


def widest(size: Size, shape: tuple[int, ...], vocabulary: int | None) -> int:
    return size["d_model"] * shape[0]


def default_heads(d_model: int) -> int:
    """Attention heads of the reference system's rule: the first of 8, 4, 2, 1 that divides d."""
    return next(count for count in (8, 4, 2, 1) if d_model % count == 0)


def fill_heads(size: Size) -> Size:
    return size | {"heads": size["heads"] or default_heads(size["d_model"])}


def check_heads(size: Size, where: str) -> None:
    if size["d_model"] % size["heads"]:
        raise UserError(
            f"{where}.heads: {size['heads']} heads do not divide d_model {size['d_model']} evenly"
        )


FAMILY = Family(
    name="transformer",
    title="Transformer",
    description="pre-norm encoder with a masked mean pool and a small head",
    place=3,
    kinds=("text",),
    keys={
        "d_model": D_MODEL,
        "n_layers": N_LAYERS,
        "heads": Key(
            int, 1, default=0, nearest=True,
            meaning="attention heads; by rule the first of 8, 4, 2, 1 that divides d_model",
        ),
        "dropout": dropout(0.1),
    },
    build=build,
    widest=widest,
    # At batch 128, one thread, ms per member and step for 1, 3 and 9 members: at 32 tokens, d 8:
    # 8.3 6.7 6.6, d 32: 15.9 18.4 20.8.
    cached=1_536,
    turned="d_model",
    step=width_step,
    rough_params=rough_params,
    derive=fill_heads,
    check=check_heads,
)  # fmt: skip
