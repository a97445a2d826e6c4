"""Random features: a fixed random layer, and a softmax readout that alone is trained."""

from __future__ import annotations

from typing import Any

from ..records.data import Meta
from .descriptor import Family, Key


def build(members: int, meta: Meta, **size: Any):
    from ..networks.random_features import RandomFeatures

    return RandomFeatures(members, meta, **size)


FAMILY = Family(
    name="random_features",
    title="Random features",
    description="fixed random ReLU features and a trained readout, the solvable model of regimes",
    place=6,
    kinds=("tabular", "image"),
    keys={"width": Key(int, 1, meaning="random features, each with a weight per class")},
    build=build,
    widest=lambda size, shape, vocabulary: size["width"],
    cached=10_000,
    turned="width",
    step=lambda shape, sizes: 1,
    rough_params=lambda size: 10 * int(size["width"]),
)
