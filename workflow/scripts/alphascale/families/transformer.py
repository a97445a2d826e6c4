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
    # One thread of a busy machine, ms per member and step. At batch 32 of 48 tokens, d 8, of 1, 4
    # and 10 members: 9.2 5.1 4.7; d 16, of 1, 3 and 5: 9.7 7.8 7.2; d 24: 11.1 8.3 9.0. At batch
    # 128 of 32 tokens, d 32: 31 28 28. What was slower together before was faulting pages in.
    cached=6_000,
    turned="d_model",
    step=width_step,
    rough_params=rough_params,
    derive=fill_heads,
    check=check_heads,
)  # fmt: skip
