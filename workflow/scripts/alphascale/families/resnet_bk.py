"""ResNet-BK: a language model that mixes tokens by the resolvent of a tridiagonal matrix."""

from __future__ import annotations

from typing import Any

from ..records.data import Meta
from .blocks import D_MODEL, N_LAYERS, logits, rough_params, width_step
from .descriptor import Family, dropout


def build(members: int, meta: Meta, **size: Any):
    from ..networks.resnet_bk import ResNetBK

    return ResNetBK(members, meta, **size)


FAMILY = Family(
    name="resnet_bk",
    title="ResNet-BK",
    description="experts and the resolvent of a tridiagonal matrix, for language models",
    place=5,
    kinds=("tokens",),
    keys={"d_model": D_MODEL, "n_layers": N_LAYERS, "dropout": dropout(0.1)},
    build=build,
    widest=logits,
    # 1, 2, 4 and 8 members at batch 16, d 32, one layer, one thread, ms per member and step: at 32
    # tokens of 512: 4.3 3.5 3.1 2.9, at 64 of 2,048: 16 16 23 22.
    cached=131_072,
    turned="d_model",
    step=width_step,
    rough_params=rough_params,
)
