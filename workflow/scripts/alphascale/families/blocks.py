"""What families of stacked blocks of one width, `d_model`, have in common."""

from __future__ import annotations

import math

from .descriptor import Key, Size

D_MODEL = Key(int, 2, even=True, meaning="width of the residual stream")
N_LAYERS = Key(int, 1, meaning="number of blocks")


def width_step(shape: Size, sizes: list[Size]) -> int:
    """By how much d_model is turned: where heads are given, by what they divide.

    Else by a step that divides the ladder's widths, which keeps a rule for the number of heads at
    theirs.
    """
    if "heads" in shape:
        return math.lcm(2, shape["heads"])
    return math.gcd(8, *(size["d_model"] for size in sizes))


def rough_params(size: Size) -> int:
    """12 d² a block, as of a Transformer."""
    return int(12 * size["n_layers"] * size["d_model"] ** 2)


def logits(size: Size, shape: tuple[int, ...], vocabulary: int | None) -> int:
    """Of a language model the logits are widest."""
    return vocabulary * shape[0]
