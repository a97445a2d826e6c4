"""Is a study limited by variance or by resolution, along each of its axes?

Bahri et al. 2021: with everything else fixed and large x, a loss approaches its limit as x^−1 when
the other resource is the scarce one (variance-limited: D ≫ P for data, width ≫ D for width),
whatever the task; while x is itself the scarce one the loss falls as x^−α with an α that the data
decide, mostly well below 1 (resolution-limited). So each slice of a study (one axis varied, the
other fixed) is fitted with E + A·x^−α and α is compared with the variance exponent. The interval
of α is the profile of the sum of squares, {α : SSE(α) ≤ SSE_min·(1 + F/df)}, which needs no
bootstrap and is exact for a linear model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.stats import f as f_distribution

from alphascale.errors import UserError
from alphascale.laws.result import column
from alphascale.laws.solver import solve_amplitudes

FloatArray = np.ndarray
LEVELS = 4  # of the varied axis in a slice: the rule of a power with a floor
EXPONENTS = np.geomspace(0.02, 5.0, 600)
NEAR = (
    1.35  # an interval reaching further than this factor from the variance exponent decides nothing
)


@dataclass(frozen=True)
class Slice:
    """One axis varied, the other fixed. axis: the column varied; fixed: the other column's value.

    exponent, lower, upper: of the fit with a floor. doubling: log_r[(L(x) − L(rx))/(L(rx) −
    L(r²x))], which knows no floor, from the three largest levels when they are equally spaced,
    else NaN. floor_share: fitted floor over the loss at the largest x. verdict: variance,
    resolution or undetermined.
    """

    axis: str
    fixed: float
    levels: int
    exponent: float
    lower: float
    upper: float
    doubling: float
    floor_share: float
    verdict: str
    df: int = field(repr=False, default=0)
    rise: FloatArray = field(repr=False, default=None)


@dataclass(frozen=True)
class Axis:
    """One axis. slices: one for each value of the other axis that has enough levels.

    exponent, lower, upper: shared by all slices, NaN where their exponents contradict each other.
    verdict: what the shared exponent says; without one, that of all decided slices, or `mixed`
    when they disagree. evidence: sentences.
    """

    name: str
    verdict: str
    exponent: float
    lower: float
    upper: float
    evidence: tuple[str, ...]
    slices: tuple[Slice, ...]


def regimes(
    frame,
    x: str,
    x2: str,
    y: str,
    *,
    seed: str | None = None,
    level: float = 0.95,
    variance_exponent: tuple[float, float] = (1.0, 1.0),
) -> dict[str, Axis]:
    """Verdicts {x: Axis, x2: Axis} for a study with both axes varied.

    variance_exponent: what x and x2 should show when variance-limited: 1 for data and for width, ½
    for the parameters of a network whose width alone grows. Runs with equal x and x2 are averaged.
    seed: column of seeds that share their luck (data order, first weights) across cells; their
    offsets are then taken out of the noise. Raises UserError when no slice of either axis has 4
    levels.
    """
    X = np.stack([column(frame, x), column(frame, x2)])
    Y = column(frame, y)
    if not (np.all(np.isfinite(X)) and np.all(X > 0) and np.all(np.isfinite(Y)) and np.all(Y > 0)):
        raise UserError(f"regimes: {x}, {x2} and {y} must be finite and positive in every row")
    seeds = None if seed is None else np.asarray(frame[seed]).astype(str)
    out = {}
    for i, (name, expected) in enumerate(zip((x, x2), variance_exponent, strict=True)):
        slices = []
        for fixed in np.unique(X[1 - i]):
            rows = X[1 - i] == fixed
            if len(np.unique(X[i, rows])) >= LEVELS:
                blocks = None if seeds is None else seeds[rows]
                levels = _levels(X[i, rows], Y[rows], blocks)
                slices.append(_slice(name, fixed, levels, level, expected))
        out[name] = _axis(name, (x, x2)[1 - i], tuple(slices), expected, level)
    if not any(axis.slices for axis in out.values()):
        raise UserError(
            f"regimes: no value of {x} or {x2} was run at {LEVELS} or more values of the other; "
            "a power with a floor needs as many"
        )
    return out


@dataclass(frozen=True)
class _Levels:
    """One slice by its levels: values, mean losses, runs, summed squared relative differences of
    runs from their level's mean (and from their seed's offset), and the degrees of freedom of
    these.
    """

    values: FloatArray
    losses: FloatArray
    runs: FloatArray
    within: FloatArray
    df: int

    def weights(self) -> FloatArray:
        """Runs over their variance, levels with few runs drawn towards the mean variance of all."""
        if not self.df:
            return self.runs.astype(float)
        pooled = max(float(self.within.sum()) / self.df, 1e-30)
        return self.runs / ((self.within + 2 * pooled) / (self.runs - 1 + 2))


def _levels(values: FloatArray, losses: FloatArray, seeds: FloatArray | None) -> _Levels:
    unique, inverse, runs = np.unique(values, return_inverse=True, return_counts=True)
    mean = np.bincount(inverse, losses) / runs
    relative = losses / mean[inverse] - 1
    df = len(losses) - len(unique)
    if seeds is not None and df:
        _, block = np.unique(seeds, return_inverse=True)
        relative = relative - (np.bincount(block, relative) / np.bincount(block))[block]
        df = max(df - int(block.max()), 1)
    return _Levels(unique, mean, runs, np.bincount(inverse, relative**2), df)


def _slice(name, fixed, levels: _Levels, level: float, expected: float) -> Slice:
    u = np.log(levels.values / levels.values[-1])
    columns = np.stack([np.ones((len(EXPONENTS), len(u))), np.exp(-EXPONENTS[:, None] * u)], axis=1)
    y, w = levels.losses / levels.losses[-1], levels.weights()
    amplitude, sse = solve_amplitudes(columns, y, w / y**2, np.array([False, False]))
    best = int(np.argmin(sse))
    # Runs that repeat a level tell the noise: their degrees of freedom join those of the fit.
    repeats = float(np.sum(levels.within * w / levels.runs))
    df = max(len(u) - 3, 1) + levels.df
    rise = (sse - sse[best]) * df / (sse[best] + repeats + 1e-24)
    lower, upper = _interval(rise, df, level)
    floor = float(amplitude[best, 0])
    return Slice(
        name, float(fixed), len(u), float(EXPONENTS[best]), lower, upper,
        doubling_exponent(levels.values[-3:], levels.losses[-3:]), floor,
        _verdict(lower, upper, floor, expected), df, rise,
    )  # fmt: skip


def _interval(rise: FloatArray, df: int, level: float) -> tuple[float, float]:
    inside = np.flatnonzero(rise <= rise.min() + f_distribution.ppf(level, 1, df))
    return float(EXPONENTS[inside[0]]), float(EXPONENTS[inside[-1]])


def doubling_exponent(values: FloatArray, losses: FloatArray) -> float:
    """α = log_r[(L(x) − L(rx)) / (L(rx) − L(r²x))], whatever the floor; NaN if unequally spaced."""
    ratio = values[1:] / values[:-1]
    first, second = losses[0] - losses[1], losses[1] - losses[2]
    if abs(np.log(ratio[0] / ratio[1])) > 1e-3 or first <= 0 or second <= 0:
        return float("nan")
    return float(np.log(first / second) / np.log(ratio[0]))


def _verdict(lower: float, upper: float, floor: float, expected: float) -> str:
    if upper < expected:
        return "resolution"
    # x^-1 is approached from above (random features: 1/(D - P)): a precise 1.1 may be variance.
    if lower > expected / NEAR and upper < expected * NEAR and floor > 0.5:
        return "variance"
    return "resolution" if lower > expected * NEAR else "undetermined"


def _axis(name: str, other: str, slices: tuple[Slice, ...], expected: float, level: float) -> Axis:
    evidence = [
        f"at {other} = {s.fixed:.4g}: {s.levels} levels of {name}, exponent {s.exponent:.3f} "
        f"({s.lower:.3f} … {s.upper:.3f}; variance-limited means {expected:g}), "
        f"without a floor {s.doubling:.3f}, "
        f"floor {100 * s.floor_share:.0f} % of the smallest loss: {s.verdict}"
        for s in slices
    ]
    shared = _shared(slices, level)
    if shared is not None:
        floor = min(s.floor_share for s in slices)
        verdict = _verdict(shared[1], shared[2], floor, expected)
        evidence.append(
            f"{len(slices)} slice(s) agree with one exponent, {shared[0]:.3f} "
            f"({shared[1]:.3f} … {shared[2]:.3f}): {verdict}"
        )
    else:
        shared = (float("nan"),) * 3
        decided = {s.verdict for s in slices} - {"undetermined"}
        verdict = "mixed" if len(decided) > 1 else next(iter(decided), "undetermined")
    return Axis(name, verdict, *shared, tuple(evidence), slices)


def _shared(slices: tuple[Slice, ...], level: float) -> tuple[float, float, float] | None:
    """One exponent for all slices and its interval; None where they contradict it at 99 %."""
    if not slices:
        return None
    df = sum(s.df for s in slices)
    rise = np.sum([s.rise for s in slices], axis=0)
    spare = len(slices) - 1
    if spare and rise.min() > spare * f_distribution.ppf(0.99, spare, df):
        return None
    return float(EXPONENTS[np.argmin(rise)]), *_interval(rise, df, level)
