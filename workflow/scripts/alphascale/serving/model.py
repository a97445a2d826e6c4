"""What it takes to answer a batch, against N: a + b·N^c through what was measured.

A batch costs something whatever the size (calls, copies, launches of kernels), and beyond that a
power of N: 1 where every weight is read or multiplied once, less where a wider model uses the
device better. a and b are not negative, so the curve never falls. For every c of a grid a and b are
non-negative least squares on relative error; c is the one that misses least, and the interval
weighs all of them by misses^(−(n − 2)/2), the likelihood of normal errors whose size is not known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.special import stdtrit

from ..records.fit import Estimate

POWERS = np.linspace(0.1, 2.0, 96)
# With fewer sizes the power is not told from the rest: it is 1.
TELL_POWER = 4
# Relative scatter below which a clock, or a count of bytes, tells nothing of the next size.
LEAST_SCATTER = 1e-3


@dataclass(frozen=True)
class Curve:
    """A quantity against N."""

    constant: float  # a, in the quantity's unit
    factor: float  # b
    power: float  # c
    # all curves that are weighed, (a, b, c) a row, and their weights
    others: np.ndarray
    weights: np.ndarray
    scatter: float | None  # of the logarithm about the curve; None where too few sizes tell it
    spare: int  # sizes beyond what the curve takes
    reach: tuple[float, float]  # smallest and largest N measured

    def at(self, params: float | np.ndarray) -> float | np.ndarray:
        return self.constant + self.factor * params**self.power

    def predict(self, params: float, level: float) -> Estimate:
        """The curve at N, with an interval for one more size; no ends where it is not known."""
        middle = float(self.at(params))
        if self.scatter is None:
            return Estimate(middle, None, None)
        a, b, c = self.others.T
        apart = np.log((a + b * params**c) / middle)
        variance = float(self.weights @ apart**2) + self.scatter**2
        quantile = float(stdtrit(self.spare, (1 + level) / 2))  # of Student's t
        within = math.exp(quantile * math.sqrt(variance))
        return Estimate(middle, middle / within, middle * within)

    def largest(self, limit: float) -> float:
        """The largest N at which the curve is within a limit: 0 for none, infinite for all."""
        if self.constant > limit:
            return 0.0
        if self.factor == 0:
            return math.inf
        return ((limit - self.constant) / self.factor) ** (1 / self.power)


def through(params: Sequence[float], values: Sequence[float]) -> Curve:
    """The curve through measured values (n,) of sizes (n,), n ≥ 1, all above 0."""
    n, y = np.asarray(params, float), np.asarray(values, float)
    different = len(np.unique(n))
    powers = POWERS if different >= TELL_POWER else np.ones(1)
    rows, misses = [], []
    for power in powers:
        scale = n.max() ** power  # so that both columns are of one size
        terms = np.column_stack([np.ones(len(n)), n**power / scale]) / y[:, None]
        if different == 1:
            terms[:, 1] = 0
        (a, b), miss = nnls(terms, np.ones(len(n)))
        rows.append((a, b / scale, power))
        misses.append(miss**2)
    best = int(np.argmin(misses))
    taken = min(different, 3 if len(powers) > 1 else 2)
    spare = len(n) - taken
    floor = len(n) * LEAST_SCATTER**2
    log_weights = -(len(n) - 2) / 2 * np.log(np.maximum(misses, floor))
    weights = np.exp(log_weights - log_weights.max())
    scatter = None
    if spare > 0:
        scatter = max(LEAST_SCATTER, math.sqrt(misses[best] / spare))
    return Curve(
        *map(float, rows[best]), np.array(rows), weights / weights.sum(), scatter, spare,
        (float(n.min()), float(n.max())),
    )  # fmt: skip
