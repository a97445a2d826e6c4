"""The CNN of the reference system: three stages of two convolutions, then a small head; here also
of more convolutions, or of one."""

from __future__ import annotations

from typing import Any

from ..records.data import Meta
from .descriptor import Family, Key, Size, dropout

# Least width: one channel in the first stage.
CHANNEL = 1 / 64


def channels(width: float) -> tuple[int, int, int]:
    """Channels of the three stages: ⌊width · (64, 128, 256)⌋, at least one."""
    first, second, third = (max(1, int(width * base)) for base in (64, 128, 256))
    return first, second, third


def build(members: int, meta: Meta, width: float, **rest: Any):
    from ..networks.cnn import CNN

    return CNN(members, meta, channels(width), **rest)


def network(size: Size) -> Size:
    """What a size builds: widths that round to the same channels are the same network."""
    rest = {key: value for key, value in size.items() if key != "width"}
    return {"channels": channels(size["width"])} | rest


def widest(size: Size, shape: tuple[int, ...], vocabulary: int | None) -> int:
    return channels(size["width"])[0] * shape[1] * shape[2]


def step(shape: Size, sizes: list[Size]) -> float:
    """One channel more in the first stage, two and four in the others."""
    return CHANNEL


def rough_params(size: Size) -> int:
    """3 × 3 convolutions, `n_layers` a stage."""
    first, second, third = channels(size["width"])
    more = (size["n_layers"] - 1) * (first**2 + second**2 + third**2)
    return 9 * (first * second + second * third + more)


FAMILY = Family(
    name="cnn",
    title="CNN",
    description="three stages of 3×3 convolutions with batch norm, ReLU, pooling and dropout",
    place=2,
    kinds=("image",),
    keys={
        "width": Key(float, CHANNEL, meaning="multiplier of 64, 128 and 256 channels"),
        "n_layers": Key(int, 1, default=2, meaning="convolutions in each of the three stages"),
        "dropout": dropout(0.3),
        "spatial_dropout": dropout(0.1, "share of channels dropped after a stage"),
    },
    build=build,
    widest=widest,
    # At batch 128, one thread, ms per member and step for 1, 3 and 9 members: at 8×8, 8 channels:
    # 9.8 3.8 3.4, 64 channels: 109 103 178; at 32×32, 16 channels: 148 161 243.
    # On a GPU (H100, batch 128 at 32×32) three members as one are 2.0 (16 channels) and 2.3 (64)
    # times as fast as one by one.
    cached=18_432,
    turned="width",
    step=step,
    rough_params=rough_params,
    network=network,
)
