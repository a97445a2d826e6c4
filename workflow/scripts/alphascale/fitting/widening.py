"""Does a wider model gain more than a deeper one? Asked of a grid of widths and layers.

log perplexity = c − w·log₂ d_model − l·log₂ n_layers by least squares over the sizes' means, so w
and l are what a doubling gains. What the two slopes leave over is the noise, lack of fit included,
and the interval of w − l is Student's t of it. A doubling of the width takes four times the
parameters of a block and one of the layers twice, so w/2 − l is asked as well: the gain for the
same parameters.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from ..records.language import LanguagePoint, Widening
from ..records.typed import Refused
from ..units import percent

LEAST = 4  # sizes: three unknowns, and one left over to tell the noise


def widening(points: list[LanguagePoint], level: float) -> Widening | Refused:
    """The gains of width and depth over a ladder; refused where it does not vary both apart."""
    shaped = [p for p in points if p.d_model and p.n_layers]
    if len(shaped) < len(points) or not points:
        return Refused("the sizes have no d_model and n_layers")
    log = np.log2([(p.d_model, p.n_layers) for p in shaped])
    for name, values in zip(("d_model", "n_layers"), log.T, strict=True):
        if np.ptp(values) == 0:
            return Refused(f"every size has {name} {2 ** values[0]:.0f}: a grid varies both")
    columns = np.column_stack([np.ones(len(log)), log])
    if len(log) < LEAST or np.linalg.matrix_rank(columns) < 3:
        return Refused(
            f"{len(log)} sizes do not tell width from depth: both vary together, or fewer than "
            f"{LEAST} sizes; a grid of 2 × 2 does"
        )
    y = np.log([p.mean_perplexity for p in shaped])
    slopes, *_ = np.linalg.lstsq(columns, y, rcond=None)
    df = len(y) - 3
    variance = float(np.sum((y - columns @ slopes) ** 2)) / df
    spread = np.linalg.inv(columns.T @ columns) * variance
    wide, deep = -slopes[1:]
    ends = [_interval(weights, -slopes, spread, df, level) for weights in ((1, -1), (0.5, -1))]
    return Widening(
        sizes=len(y),
        width=float(wide),
        depth=float(deep),
        difference=float(wide - deep),
        interval=ends[0],
        for_parameters=float(wide / 2 - deep),
        for_parameters_interval=ends[1],
        says=_says(wide, deep, ends, len(y), level),
    )


def _interval(
    weights: tuple[float, float], gains: np.ndarray, spread: np.ndarray, df: int, level: float
) -> tuple[float, float]:
    a = np.array([0.0, *weights])
    half = float(student.ppf((1 + level) / 2, df) * np.sqrt(a @ spread @ a))
    return float(a @ gains) - half, float(a @ gains) + half


def _says(
    wide: float, deep: float, ends: list[tuple[float, float]], sizes: int, level: float
) -> str:
    same, parameters = (_verdict(*each) for each in ends)
    (low, high), (low_p, high_p) = ends
    return (
        f"doubling the width multiplies the perplexity by {np.exp(-wide):.3f}, doubling the layers "
        f"by {np.exp(-deep):.3f}: {same} (difference of the logarithms' gains {wide - deep:+.3f}, "
        f"{percent(level)} interval {low:+.3f} to {high:+.3f}, {sizes} sizes); for the same "
        f"parameters in the blocks {parameters} ({wide / 2 - deep:+.3f}, {low_p:+.3f} to "
        f"{high_p:+.3f})"
    )


def _verdict(low: float, high: float) -> str:
    if low > 0:
        return "a wider model gains more than a deeper one"
    return "a deeper model gains more than a wider one" if high < 0 else "they are not told apart"
