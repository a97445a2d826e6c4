"""What `law: auto` returns: draws from one posterior, and all that is read off them.

The curve is the median of the draws. Inside the range of a single predictor the draws follow the
levels that were measured, joined monotonely; beyond it, and wherever there are several predictors,
they follow their forms.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from alphascale.errors import UserError
from alphascale.laws.counts import counted_variance
from alphascale.laws.ladder import effective
from alphascale.laws.result import Law, Prediction, interval_of, not_below, point_matrix
from alphascale.laws.shapes import FLOOR, LEVEL, OUTER, evaluate

FloatArray = np.ndarray
FORMAT = "alphascale-auto-fit/3"
FAR = 30.0  # solve looks up to e^30 times the largest x
SECANTS = 30
UNLIMITED = 1e6  # added to a logarithm: more than any run will have
FINE = 10  # points a gap between levels on which a draw is inverted inside the range
ARRAYS = ("P", "noise", "stretch", "repeats", "reference", "held", "knot_x", "knot_y", "knot_sd")


@dataclass(frozen=True)
class AutoLaw(Law):
    """Draws of a law of one or more predictors: a `Fit` in all that one asks of it.

    columns, y: of the table. params: weight of each form. P (R, 8): parameters of the draws
    (`alphascale.laws.shapes`); noise (R,): sd of log y of a new run; stretch (R, r): factors of
    distances beyond reference, (r,) or (R, r), the logarithms of the largest run (of N and D).
    repeats (R,): R of repeated data (`alphascale.laws.ladder.effective`), or nan. held (r,): the
    logarithm at which a predictor is held, nan for those that are columns
    (`alphascale.laws.pooling`). tested: samples that an error was counted on, 0 where it is no such
    share; counted: mean variance of its logarithm for that (`_spread`). knot_x, knot_y, knot_sd
    (k,): logarithms of the levels of a single predictor, their smoothed response and its sd (empty
    with several). x_range: of each column. ceiling: what y cannot exceed, or inf; least: what it
    cannot fall below. withheld: errors on the larger of the given runs, or the sentence why there
    are none. in_sample: counts. level: default of intervals.
    """

    columns: tuple[str, ...]
    y: str
    params: dict[str, float]
    x_range: tuple[tuple[float, float], ...]
    in_sample: dict[str, float]
    withheld: dict[str, float] | str
    warnings: tuple[str, ...]
    level: float
    ceiling: float
    least: float
    tested: int
    counted: float
    seed: int
    P: FloatArray = field(repr=False)
    noise: FloatArray = field(repr=False)
    stretch: FloatArray = field(repr=False)
    repeats: FloatArray = field(repr=False)
    reference: FloatArray = field(repr=False)
    held: FloatArray = field(repr=False)
    knot_x: FloatArray = field(repr=False)
    knot_y: FloatArray = field(repr=False)
    knot_sd: FloatArray = field(repr=False)

    law = "auto"
    expression = "forms weighted by what they predict"
    log_noise = True
    failed_resamples = 0
    has_interval = True

    @property
    def limits(self) -> tuple[float, float]:
        """What the response can be: above 0, and no more than the ceiling."""
        return self.least, self.ceiling

    def curve(self, points) -> FloatArray:
        """The median of the draws (n,) at `points`: a mapping of the columns, or (r, n), or (n,).

        Half of the draws lie below it, so N* = solve(τ) is where τ is reached with even chance.
        """
        middle = np.median(self._log_curves(self._logs(points)), axis=0)
        return np.clip(np.exp(middle), *self.limits)

    def curves(self, points) -> FloatArray:
        """Every draw's curve (R, n), without a run's noise."""
        return np.clip(np.exp(self._log_curves(self._logs(points))), *self.limits)

    def band(self, points, level: float | None = None) -> Prediction:
        """The curve with a band for the curve itself, without a run's noise."""
        drawn = self._log_curves(self._logs(points))
        found = np.median(drawn, axis=0), *interval_of(drawn, self._level(level))
        return Prediction(*(np.clip(np.exp(each), *self.limits) for each in found))

    def predict(self, points, level: float | None = None) -> Prediction:
        """The curve with an interval for one new run: quantiles of the draws' normals, mixed."""
        tail = 0.5 - self._level(level) / 2
        drawn = self._log_curves(self._logs(points))
        lower, upper = _mixed(drawn, self._spread(drawn), tail)
        ends = np.median(drawn, axis=0), lower, upper
        with np.errstate(over="ignore"):
            mean, lower, upper = (np.clip(np.exp(e), *self.limits) for e in ends)
        return Prediction(mean, np.minimum(lower, mean), np.maximum(upper, mean))

    def reach(self, points, target: float) -> FloatArray:
        """Probability (n,) that one new run at `points` is down to `target`."""
        wanted = math.log(self.check_target(target))
        drawn = self._log_curves(self._logs(points))
        return ndtr((wanted - drawn) / self._spread(drawn)).mean(axis=0)

    def solve(self, target: float, confidence: float = 0.5) -> float:
        """Smallest x of the points or beyond at which the curve is down to `target` (one
        predictor); inf if never.

        With a confidence other than ½: at which one new run is, with that probability.
        """
        if not 0 < confidence < 1:
            raise UserError(f"confidence must lie between 0 and 1, e.g. .9; got {confidence}")
        wanted, grid = math.log(self.check_target(target)), self._grid()
        if confidence == 0.5:

            def short(u):
                return np.median(self._log_curves(u[None]), axis=0) > wanted
        else:

            def short(u):
                return self.reach(np.exp(u), target) < confidence

        missed = short(grid)
        if missed[-1]:
            return math.inf
        first = int(np.flatnonzero(missed)[-1]) + 1 if missed.any() else 0
        low, high = grid[max(first - 1, 0)], grid[first]
        for _ in range(50):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if short(np.array([middle]))[0] else (low, middle)
        return float(not_below(np.exp(high), self.x_range[0][0]))

    def solve_samples(self, target: float) -> FloatArray:
        """The x (R,) at which each draw's curve is down to `target`: inf where it never is."""
        wanted, grid = math.log(self.check_target(target)), self._grid()
        missed = self._log_curves(grid[None]) > wanted
        out = np.full(len(self.P), np.inf)
        first = missed.shape[1] - np.argmax(missed[:, ::-1], axis=1)
        first = np.where(missed.any(axis=1), first, 0)
        found = np.flatnonzero(first < len(grid))
        low, high = grid[np.maximum(first[found] - 1, 0)], grid[first[found]]
        beyond = (low >= self._last - 1e-9) | (len(self.knot_x) == 0)
        values = self._log_curves(grid[None])[found]
        rows = np.arange(len(found))
        a, b = values[rows, np.maximum(first[found] - 1, 0)], values[rows, first[found]]
        with np.errstate(all="ignore"):
            share = np.where(a > b, (a - wanted) / (a - b), 1.0)
        inside = low + np.clip(share, 0, 1) * (high - low)
        for _ in range(45):
            middle = 0.5 * (low + high)
            value = self.at(self._filled(middle[:, None, None]), found)[:, 0]
            down = value <= wanted
            low, high = np.where(down, low, middle), np.where(down, middle, high)
        out[found] = not_below(np.exp(np.where(beyond, high, inside)), self.x_range[0][0])
        return out

    def floor(self, level: float | None = None) -> tuple[float, float, float]:
        """What is left with unlimited predictors (of those not held): median and interval."""
        if np.isnan(self.held).all():
            s = np.logaddexp(0, -self.P[:, FLOOR])  # −log of the share
            drawn = np.exp(self.P[:, LEVEL] - np.exp(self.P[:, OUTER]) * s)
        else:
            far = np.full((len(self.P), len(self.columns), 1), self._last + UNLIMITED)
            drawn = np.exp(self.at(self._filled(far))[:, 0])
        drawn = np.clip(drawn, *self.limits)
        return float(np.median(drawn)), *interval_of(drawn, self._level(level))

    def exponents(self, level: float | None = None) -> dict[str, tuple[float, float, float]]:
        """−d log y / d log x of each predictor at the largest run: median and interval."""
        out = {}
        step = 1e-4
        held = self.held[:2]
        base = np.where(np.isnan(held), self._reference, held)[:, :, None]
        here = self.at(base)
        for i, name in zip(np.flatnonzero(np.isnan(held)), self.columns, strict=False):
            further = base + step * (np.arange(len(held)) == i)[:, None]
            drawn = (here - self.at(further))[:, 0] / step
            out[name] = (float(np.median(drawn)), *interval_of(drawn, self._level(level)))
        return out

    def interval(self, name: str | None = None, level: float | None = None):
        """There is none: the weights of forms are no parameters of the task."""
        raise UserError(
            "law auto has no parameters to give an interval of; use predict, band, solve, "
            "exponents or floor"
        )

    def at(self, logs: FloatArray, rows: FloatArray | slice = slice(None)) -> FloatArray:
        """The draws `rows` at their own places: log y (R, n) at logs (R, r, n)."""
        if logs.shape[1] == 3:
            logs = effective(logs, self.repeats[rows])
        off = logs - self._reference[rows][:, :, None]
        off = np.where(off > 0, off * self.stretch[rows][:, :, None], off)
        return evaluate(off, self.P[rows], slopes=False)[0]

    def log_curves(self, points, rows: FloatArray | slice = slice(None)) -> FloatArray:
        """log y (R, n) of the draws `rows` at `points`, by their forms and without a bound."""
        logs = self._filled(self._logs(points)[None])
        count = len(self.noise[rows])
        return self.at(np.broadcast_to(logs, (count, *logs.shape[1:])), rows)

    def to_json(self) -> dict:
        data: dict = {"format": FORMAT}
        for key in self.__dataclass_fields__:
            value = getattr(self, key)
            data[key] = _listed(value) if key in ARRAYS else value
        data["ceiling"] = self.ceiling if math.isfinite(self.ceiling) else None
        return json.loads(json.dumps(data))

    @classmethod
    def from_json(cls, data: Mapping) -> AutoLaw:
        if data.get("format") != FORMAT:
            raise UserError(
                f"not a fit of this version: format {data.get('format')!r}, expected {FORMAT!r}"
            )
        kept = {k: data[k] for k in cls.__dataclass_fields__}
        for key in ARRAYS:
            kept[key] = np.array(kept[key], float)
        kept["columns"], kept["warnings"] = tuple(kept["columns"]), tuple(kept["warnings"])
        kept["x_range"] = tuple(tuple(v) for v in kept["x_range"])
        kept["ceiling"] = math.inf if kept["ceiling"] is None else kept["ceiling"]
        return cls(**kept)

    def _spread(self, drawn: FloatArray) -> FloatArray:
        """sd (R, n) of log y of a new run where the draws' curves are at `drawn` (R, n).

        Of n samples tested, the logarithm of an error e has the variance b(e) = (1 − e)/(e·n). What
        of the ladder's scatter is of this kind (all of it, where it is less: runs share the test
        set, and its luck) grows as errors get rarer, the rest does not.
        """
        noise = self.noise[:, None]
        if not self.tested:
            return noise
        more = counted_variance(np.exp(drawn), self.tested) - self.counted
        variance = noise**2 + np.minimum(1.0, noise**2 / self.counted) * more
        return np.sqrt(np.maximum(variance, 0.25 * noise**2))

    def _logs(self, points) -> FloatArray:
        return np.log(point_matrix(points, self.columns))

    def _filled(self, logs: FloatArray) -> FloatArray:
        """Logarithms of all predictors (B, r, n) from those of the columns (B, c, n)."""
        if not np.isfinite(self.held).any():
            return logs
        out = np.empty((len(logs), len(self.held), logs.shape[2]))
        out[:] = self.held[:, None]
        out[:, np.isnan(self.held)] = logs
        return out

    @cached_property
    def _reference(self) -> FloatArray:
        return np.broadcast_to(self.reference, self.stretch.shape)

    @cached_property
    def _last(self) -> float:
        """The logarithm of a single predictor beyond which the draws follow their forms."""
        if len(self.knot_x):
            return float(self.knot_x[-1])
        return float(np.log(self.x_range[0][1]))

    def _log_curves(self, logs: FloatArray) -> FloatArray:
        """log y (R, n) at logs (c, n) of the columns."""
        logs = logs[None]
        filled = self._filled(logs)
        out = self.at(np.broadcast_to(filled, (len(self.P), *filled.shape[1:])))
        if len(self.knot_x) < 2:
            return out
        inside = logs[0, 0] < self._last
        if inside.any():
            first = self.knot_x[0]
            at = logs[0, 0, inside]
            known = self._knots(np.maximum(at, first)).T
            # Below the smallest level its line to the next is carried on.
            two = self._knots(self.knot_x[:2])
            start = (two[1] - two[0]) / (self.knot_x[1] - first)
            out[:, inside] = known + start[:, None] * np.minimum(at - first, 0.0)
        return out

    def levels_drawn(self) -> FloatArray:
        """log y (R, k) of every draw at the levels that were measured: smoothed means, their noise
        drawn, made to fall."""
        rng = np.random.default_rng([self.seed, 1])
        k = self.knot_y + self.knot_sd * rng.standard_normal((len(self.P), len(self.knot_x)))
        end = self._filled(self.knot_x[-1:][None, None])
        k[:, -1] = self.at(np.broadcast_to(end, (len(self.P), *end.shape[1:])))[:, 0]
        if self.knot_y[-1] < self.knot_y[0]:
            k = np.maximum(k, k[:, -1:])
            fallen = np.minimum.accumulate(k, axis=1)
            rising = np.maximum.accumulate(k[:, ::-1], axis=1)[:, ::-1]
            k = 0.5 * (fallen + rising)
        return k

    @cached_property
    def _knots(self):
        """Every draw through its own levels, monotone between them."""
        from scipy.interpolate import PchipInterpolator  # a third of the import's time

        return PchipInterpolator(self.knot_x, self.levels_drawn().T, axis=0)

    def _grid(self) -> FloatArray:
        """Logarithms of x on which crossings are looked for: levels, between them, far beyond."""
        if len(self.columns) != 1:
            raise UserError(
                f"the law has {len(self.columns)} predictors; solve needs one: use optimum"
            )
        last = self._last
        inside = [
            np.linspace(a, b, FINE, endpoint=False)
            for a, b in zip(self.knot_x[:-1], self.knot_x[1:], strict=True)
        ]
        if not inside:  # a joint law held at the other predictors has no levels of its own
            inside = [np.linspace(math.log(self.x_range[0][0]), last, 160, endpoint=False)]
        return np.concatenate([*inside, [last], last + np.geomspace(1e-3, FAR, 160)])


def _listed(values: FloatArray) -> list:
    if not np.isnan(values).any():
        return values.tolist()
    return [None if np.isnan(v) else float(v) for v in values]  # JSON knows no nan


def _mixed(centre: FloatArray, sd: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """Quantiles `tail` and 1 − tail (n,) of the equal mixture of normals around centre (R, n) with
    sd (R, n) or (R, 1): regula falsi on the cumulative distribution, Illinois variant, as probits.
    """
    out = []
    for share in (tail, 1 - tail):
        wanted = ndtri(share)
        ends = centre + sd * wanted
        low, high = ends.min(axis=0) - 1e-9, ends.max(axis=0) + 1e-9
        f_low, f_high = (_probit(at, centre, sd) - wanted for at in (low, high))
        side = np.zeros(len(low))
        for _ in range(SECANTS):
            at = (low * f_high - high * f_low) / (f_high - f_low)
            at = np.clip(np.where(np.isfinite(at), at, 0.5 * (low + high)), low, high)
            f = _probit(at, centre, sd) - wanted
            if np.max(np.abs(f)) < 1e-7:
                break
            up = f > 0
            f_low = np.where(up & (side > 0), 0.5 * f_low, np.where(up, f_low, f))
            f_high = np.where(~up & (side < 0), 0.5 * f_high, np.where(up, f, f_high))
            low, high = np.where(up, low, at), np.where(up, at, high)
            side = np.where(up, 1.0, -1.0)
        out.append(at)
    return out[0], out[1]


def _probit(at: FloatArray, centre: FloatArray, sd: FloatArray) -> FloatArray:
    return ndtri(ndtr((at - centre) / sd).mean(axis=0))
