"""A decoder-only Transformer: pre-norm, causal attention, feed-forward of 4 d with GELU."""

from __future__ import annotations

from typing import Any

from ..records.data import Meta
from .blocks import D_MODEL, N_LAYERS, logits, rough_params, width_step
from .descriptor import Family, Key, dropout


def build(members: int, meta: Meta, **size: Any):
    from ..networks.transformer_lm import TransformerLM

    return TransformerLM(members, meta, **size)


FAMILY = Family(
    name="transformer_lm",
    title="Transformer",
    description="decoder-only Transformer with causal attention, for language models",
    place=4,
    kinds=("tokens",),
    keys={
        "d_model": D_MODEL,
        "n_layers": N_LAYERS,
        "dropout": dropout(0.1),
        "positions": Key(
            str, choices=("learned", "rotary"), default="learned", meaning="how places are told"
        ),
        "tied": Key(
            bool, choices=(False, True), default=False,
            meaning="whether the head is the embedding once more",
        ),
    },
    build=build,
    widest=logits,
    # 1, 2, 4 and 8 members at batch 16, d 32, one layer, one thread, ms per member and step: at 32
    # tokens of 512: 3.6 3.3 3.3 3.2, at 64 of 2,048: 16 24 30 29.
    cached=131_072,
    turned="d_model",
    step=width_step,
    rough_params=rough_params,
)  # fmt: skip
