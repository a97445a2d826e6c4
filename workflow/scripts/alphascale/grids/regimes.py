"""Is a study limited by variance or by resolution, along each of its axes?

Bahri et al. 2021: with everything else fixed and large x, a loss approaches its limit as x^−1 when
the other resource is the scarce one (variance-limited: D ≫ P for data, width ≫ D for width),
whatever the task; while x is itself the scarce one the loss falls as x^−α with an α that the data
decide, mostly well below 1 (resolution-limited). So each slice of a study (one axis varied, the
other fixed) is fitted with E + A·x^−α and α is compared with the variance exponent. The interval
of α is the profile of the sum of squares, {α : SSE(α) ≤ SSE_min·(1 + F/df)}, which needs no
bootstrap and is exact for a linear model. Three levels leave nothing over: then the noise, and with
it the interval, comes from the runs that repeat a level alone, or, where none does, from how far
the slices are from sharing one exponent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.stats import f as f_distribution

from alphascale.errors import UserError
from alphascale.laws.result import column
from alphascale.laws.solver import solve_amplitudes

FloatArray = np.ndarray
LEVELS = 3  # of the varied axis in a slice: E, A and α are three unknowns
EXPONENTS = np.geomspace(0.02, 5.0, 600)
NEAR = 1.35  # an interval further than this factor from the variance exponent decides nothing
REGIMES = ("variance", "resolution")
MOSTLY = 0.5  # share of the smallest loss that is floor where variance is what limits


@dataclass(frozen=True)
class Slice:
    """One axis varied, the other fixed at `fixed`.

    values (k,) of the axis, ascending, with the mean losses (k,) of their runs and the standard
    errors (k,) of these, NaN where no value has two runs. The curve is floor + gain·(x/x_max)^−
    exponent, floor and gain in the unit of the loss; lower, upper: the exponent's interval, NaN
    where no run is left to tell the noise. doubling: log_r[(L(x) − L(rx))/(L(rx) − L(r²x))], which
    knows no floor, from the three largest levels when they are equally spaced, else NaN. verdict:
    variance, resolution or undetermined; why: the sentence that goes with the last, else empty.
    """

    fixed: float
    values: FloatArray
    losses: FloatArray
    errors: FloatArray
    exponent: float
    lower: float
    upper: float
    floor: float
    gain: float
    doubling: float
    verdict: str
    why: str
    df: int = field(repr=False)
    # sse, rise: sum of squares at EXPONENTS, and how far it lies above its least, in its own noise
    sse: FloatArray = field(repr=False)
    rise: FloatArray = field(repr=False)

    @property
    def floor_share(self) -> float:
        """Fitted floor over the loss at the largest x."""
        return self.floor / float(self.losses[-1])


@dataclass(frozen=True)
class Axis:
    """One axis, `name`, at each value of the `other` that has enough levels of it (slices).

    exponent, lower, upper: shared by all slices, NaN where their exponents contradict each other.
    expected: the exponent that would mean variance-limited. verdict: what the shared exponent says;
    without one, that of all decided slices, or `mixed` when they disagree. evidence: sentences.
    """

    name: str
    other: str
    expected: float
    verdict: str
    exponent: float
    lower: float
    upper: float
    evidence: tuple[str, ...]
    slices: tuple[Slice, ...]

    @property
    def regime(self) -> str:
        """The verdict in words: variance-limited, resolution-limited, undetermined or mixed."""
        return f"{self.verdict}-limited" if self.verdict in REGIMES else self.verdict


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
    offsets are then taken out of the noise. Raises UserError when no slice of either axis has 3
    levels, and for values that are not positive and finite.
    """
    if x == x2:
        raise UserError(f"regimes: x and x2 must be different columns; both are {x}")
    if not 0 < level < 1:
        raise UserError(f"level must lie between 0 and 1, e.g. .95; got {level}")
    if not all(np.isfinite(e) and e > 0 for e in variance_exponent):
        raise UserError(f"regimes: exponents must be positive, e.g. 1 or .5; got "
                        f"{', '.join(f'{e:g}' for e in variance_exponent)}")  # fmt: skip
    X = np.stack([column(frame, x), column(frame, x2)])
    Y = column(frame, y)
    for name, values in ((x, X[0]), (x2, X[1]), (y, Y)):
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if len(bad):
            raise UserError(
                f"regimes: {name} must be finite and positive; row {bad[0] + 1} holds "
                f"{values[bad[0]]:g}: mend or leave out"
            )
    if seed is not None and seed not in list(frame.keys()):
        raise UserError(f"column {seed!r} is missing; it should name each run's seed")
    seeds = None if seed is None else np.asarray(frame[seed]).astype(str)
    out = {}
    for i, (name, expected) in enumerate(zip((x, x2), variance_exponent, strict=True)):
        slices = []
        for fixed in np.unique(X[1 - i]):
            rows = X[1 - i] == fixed
            if len(np.unique(X[i, rows])) >= LEVELS:
                blocks = None if seeds is None else seeds[rows]
                levels = _levels(X[i, rows], Y[rows], blocks)
                slices.append(_slice(fixed, levels, level, expected))
        out[name] = _axis(name, (x, x2)[1 - i], tuple(slices), expected, level)
    if not any(axis.slices for axis in out.values()):
        raise UserError(
            f"regimes: no value of {x} or {x2} was run at {LEVELS} or more values of the other; "
            "a power with a floor needs as many: add sizes or fractions"
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


def _slice(fixed: float, levels: _Levels, level: float, expected: float) -> Slice:
    u = np.log(levels.values / levels.values[-1])
    columns = np.stack([np.ones((len(EXPONENTS), len(u))), np.exp(-EXPONENTS[:, None] * u)], axis=1)
    top = float(levels.losses[-1])
    y, w = levels.losses / top, levels.weights()
    amplitude, sse = solve_amplitudes(columns, y, w / y**2, np.array([False, False]))
    best = int(np.argmin(sse))
    # Runs that repeat a level tell the noise: their degrees of freedom join those of the fit.
    repeats = float(np.sum(levels.within * w / levels.runs))
    df = len(u) - 3 + levels.df
    rise = (sse - sse[best]) * df / (sse[best] + repeats + 1e-24)
    ends = _interval(rise, df, level)
    floor, gain = (float(v) for v in amplitude[best])
    verdict, why = _verdict(*ends, floor, expected)
    if gain < 1e-9:
        verdict, why = "undetermined", "the loss does not fall: there is no exponent to judge"
    errors = levels.losses * (w**-0.5 if levels.df else np.nan)
    return Slice(
        float(fixed), levels.values, levels.losses, errors, float(EXPONENTS[best]), *ends,
        top * floor, top * gain, doubling_exponent(levels.values[-3:], levels.losses[-3:]),
        verdict, why, df, sse, rise,
    )  # fmt: skip


def _interval(rise: FloatArray, df: int, level: float) -> tuple[float, float]:
    if not df:
        return float("nan"), float("nan")
    inside = np.flatnonzero(rise <= rise.min() + f_distribution.ppf(level, 1, df))
    # A step outward: runs more precise than the grid called 22 % of true 1s resolution otherwise.
    low, high = max(inside[0] - 1, 0), min(inside[-1] + 1, len(EXPONENTS) - 1)
    return float(EXPONENTS[low]), float(EXPONENTS[high])


def doubling_exponent(values: FloatArray, losses: FloatArray) -> float:
    """α = log_r[(L(x) − L(rx)) / (L(rx) − L(r²x))], whatever the floor; NaN if unequally spaced."""
    ratio = values[1:] / values[:-1]
    first, second = losses[0] - losses[1], losses[1] - losses[2]
    if abs(np.log(ratio[0] / ratio[1])) > 1e-3 or first <= 0 or second <= 0:
        return float("nan")
    return float(np.log(first / second) / np.log(ratio[0]))


def _verdict(lower: float, upper: float, share: float, expected: float) -> tuple[str, str]:
    """The regime by an exponent's interval and the floor's share; or why there is none."""
    if np.isnan(lower):
        return "undetermined", "no run is left to tell the noise"
    # x^-1 is approached from above (random features: 1/(D - P)): a precise 1.1 may be variance.
    if upper < expected or lower > expected * NEAR:
        return "resolution", ""
    if lower > expected and upper >= expected * NEAR:
        return "undetermined", (
            "the interval lies above that of variance and is too wide to tell a power that has not "
            "settled yet: add larger levels or seeds, or leave out the smallest"
        )
    if lower <= expected / NEAR or upper >= expected * NEAR:
        return "undetermined", "the interval holds both regimes: add levels, a wider range or seeds"
    if share <= MOSTLY:
        return "undetermined", (
            f"the exponent is that of variance, but only {100 * share:.0f} % of the smallest loss "
            "is floor, and where variance limits most of it is"
        )
    return "variance", ""


def _axis(name: str, other: str, slices: tuple[Slice, ...], expected: float, level: float) -> Axis:
    evidence = [
        f"at {other} = {s.fixed:.4g}: {len(s.values)} levels of {name}, exponent {s.exponent:.3f} "
        f"({_between(s.lower, s.upper)}; variance-limited means {expected:g}), "
        + (f"without a floor {s.doubling:.3f}, " if np.isfinite(s.doubling) else "")
        + f"floor {100 * s.floor_share:.0f} % of the smallest loss: {s.verdict}"
        + (f", since {s.why}" if s.why else "")
        for s in slices
    ]
    if not slices:
        evidence.append(
            f"no value of {other} was run at {LEVELS} or more values of {name}: add some"
        )
    judged = [s for s in slices if s.df] or list(slices)
    shared = _shared(judged, level)
    if shared is not None:
        verdict, why = _verdict(*shared[1:], min(s.floor_share for s in judged), expected)
        if all(s.gain < 1e-9 * s.losses[-1] for s in judged):
            verdict, why = "undetermined", judged[0].why
        agree = "agree with" if judged[0].df else "of one run a level are held to share"
        evidence.append(
            f"{len(judged)} slice(s) {agree} one exponent, {shared[0]:.3f} "
            f"({_between(*shared[1:])}): {verdict}" + (f", since {why}" if why else "")
        )
    else:
        shared = (float("nan"),) * 3
        decided = {s.verdict for s in slices} - {"undetermined"}
        verdict = "mixed" if len(decided) > 1 else next(iter(decided), "undetermined")
        if slices and judged[0].df:
            said = {"mixed": "and so do their regimes", "undetermined": "and none is decided"}
            told = said.get(verdict, f"those that are decided say {verdict}")
            evidence.append(f"the slices' exponents differ by more than their noise, {told}")
        elif slices:
            evidence.append(
                f"{LEVELS} levels of one run each are met by some exponent exactly, whatever the "
                f"noise: {verdict}; add a level of {name}, a value of {other}, or seeds"
            )
    return Axis(name, other, expected, verdict, *shared, tuple(evidence), slices)


def _between(lower: float, upper: float) -> str:
    return "no interval" if np.isnan(lower) else f"{lower:.3f} … {upper:.3f}"


def _shared(slices: list[Slice], level: float) -> tuple[float, float, float] | None:
    """One exponent for all slices and its interval; None where they contradict it at 99 %.

    Slices that do not know their own noise are held to share it and the exponent: what keeps them
    apart is then the noise of all, and one such slice says nothing.
    """
    spare = len(slices) - 1
    df = sum(s.df for s in slices)
    if not df:
        if spare < 1:
            return None
        sse = np.sum([s.sse for s in slices], axis=0)
        rise = (sse - sse.min()) * spare / (sse.min() + 1e-24)
        return float(EXPONENTS[np.argmin(rise)]), *_interval(rise, spare, level)
    rise = np.sum([s.rise for s in slices], axis=0)
    if spare and rise.min() > spare * f_distribution.ppf(0.99, spare, df):
        return None
    return float(EXPONENTS[np.argmin(rise)]), *_interval(rise, df, level)
