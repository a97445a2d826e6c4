"""Errors are counts: of n samples tested, an error e was found e·n times.

Rare ones scatter more, none of n is small and not zero, and what is rarer than one in n cannot be
told from nothing.
"""

from __future__ import annotations

import numpy as np

from alphascale.errors import UserError

FloatArray = np.ndarray
MOSTLY = 0.95  # errors above this are counted as if they were this
ENOUGH = 5.0  # errors that tell a share: below, the logarithm of a count is no measure of it
LEAST = 3  # sizes that must have made any error: two are a line, and one is nothing


def counted_variance(error: FloatArray, tested: int) -> FloatArray:
    """Variance of the logarithm of a share that is counted on so many samples (binomial)."""
    e = np.clip(error, 0.5 / tested, MOSTLY)
    return (1 - e) / (e * tested)


def told(error: FloatArray, tested: FloatArray | int) -> FloatArray:
    """How much a share counts that was found on so many samples: less than 1 below `ENOUGH` errors.

    Sizes without an error all hold the same ½/(n + 1): counted in full, they were a floor with an
    interval of 1 %, and targets that the truth reaches were out of reach in all draws.
    """
    return np.minimum(1.0, error * tested / ENOUGH)


def filled(x: FloatArray, error: FloatArray, tested: int, name: str) -> FloatArray:
    """Errors (m,) with those of none among n at the mean of what the share may be, ½/(n + 1)
    (Jeffreys' prior); x (r, m). UserError where too few sizes made any."""
    sizes = len(np.unique(x, axis=1).T)
    some = len(np.unique(x[:, error > 0], axis=1).T)
    if some < min(LEAST, sizes):
        raise UserError(
            f"column {name!r}: {sizes - some} of {sizes} sizes made no error in {tested} samples, "
            f"and {LEAST} that did are needed: test on more samples, or fit the loss"
        )
    return np.where(error == 0, 0.5 / (tested + 1), error)
