"""A fitted law: parameters, intervals, predictions, the size that reaches a target; as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.crossing import Curve, solve_curve
from alphascale.laws.deviation import Deviation
from alphascale.laws.form import unscale
from alphascale.laws.forms import get_form
from alphascale.records.files import SEAL, replacing, seal

FloatArray = np.ndarray
FORMAT = "alphascale-fit/2"
FAR = 1e4  # a confident x is looked for up to so many times the even chance's
NOISE_DRAWS = 8  # of a new run per resample: they smooth the tails of a prediction interval
ARRAYS = ("theta", "theta_samples", "noise", "x_scales", "residuals")


class Prediction(NamedTuple):
    """mean: the fitted curve (n,). lower, upper: the interval (n,), NaN where a law has none. Units
    of the response."""

    mean: FloatArray
    lower: FloatArray
    upper: FloatArray


class Law:
    """What every law says in the same words, from its `solve`, `solve_samples` and `to_json`.

    limits: what the response can be, low and high. No answer lies below the smallest x of the
    points: what that reaches is answered by it.
    """

    def check_target(self, target: float) -> float:
        """`target` if the response can be that; UserError with its limits otherwise."""
        low, high = self.limits
        if math.isfinite(target) and low < target < high:
            if target * self.tested < 1 and self.tested:
                raise UserError(
                    f"target {target:g}: less than one error in the {self.tested} samples that "
                    f"{self.y} was counted on cannot be told from none; test on more"
                )
            return target
        if high == math.inf:
            raise UserError(
                f"target {target:g}: {self.y} is always above {low:g}; ask for a finite value there"
            )
        way = f"; for {target:g} % write {target / 100:g}" if high == 1 < target < 100 else ""
        raise UserError(
            f"target {target:g}: {self.y} lies between {low:g} and {high:g}; ask for a value "
            f"there{way}"
        )

    def predict_loss(self, points) -> float | FloatArray:
        """The curve alone, of a fit without resamples too: a number for a number, else (n,), as
        `curve`."""
        one = isinstance(points, (int, float, np.number))
        found = self.curve([points] if one else points)
        return float(found[0]) if one else found

    def solve_interval(self, target: float, level: float | None = None) -> tuple[float, float]:
        """Interval of the x that reaches `target`; up to inf where it may be out of reach."""
        samples = self.solve_samples(target)
        low, high = interval_of(samples[~np.isnan(samples)], self._level(level))
        point = self.solve(target)
        return min(low, point), max(high, point)

    def out_of_reach(self, target: float) -> float:
        """Share of the draws, or of the fitted resamples, that never come down to `target`."""
        samples = self.solve_samples(target)
        return float(np.isinf(samples[~np.isnan(samples)]).mean())

    def save(self, path: str | Path) -> None:
        """Write the fit as JSON; `load` gives it back with the same predictions, bit for bit."""
        save_sealed(path, self.to_json())

    def _level(self, level: float | None) -> float:
        level = self.level if level is None else level
        if not 0 < level < 1:
            raise UserError(f"level must lie between 0 and 1, e.g. .95; got {level}")
        return level


@dataclass(frozen=True)
class Fit(Law):
    """One law fitted to one set of points.

    law, expression: the form. columns: of its predictors, in order; y: of the response. params:
    fitted values by name, in the user's units; derived: further constants (N_c, …). objective to
    condition: see `alphascale.laws.fitting.FormFit`. warnings: sentences. in_sample: r2, mae (units
    of y), aic (n·log(mean squared residual) + 2·parameters, residuals on the scale that was
    fitted), n and clusters: a description of the fit, no evidence of prediction. method: how
    resamples were drawn (`alphascale.laws.bootstrap`); failed_resamples: rows of NaN. level:
    default of intervals. x_range: smallest and largest value of each predictor fitted. limits: of
    the response (`alphascale.columns`). tested: samples that an error was counted on, 0 where it is
    no such share. samples: (resamples, parameters) in the user's units, NaN
    rows where a refit failed.
    """

    law: str
    columns: tuple[str, ...]
    y: str
    params: dict[str, float]
    derived: dict[str, float]
    objective: float
    loss: str
    starts: int
    starts_agree: int
    bounds_hit: tuple[str, ...]
    condition: float
    warnings: tuple[str, ...]
    in_sample: dict[str, float]
    method: str
    failed_resamples: int
    level: float
    x_range: tuple[tuple[float, float], ...]
    log_noise: bool
    theta: FloatArray = field(repr=False)
    theta_samples: FloatArray = field(repr=False)
    noise: FloatArray = field(repr=False)
    residuals: FloatArray | None = field(repr=False)
    deviation: Deviation | None = field(repr=False)
    x_scales: FloatArray = field(repr=False)
    y_scale: float = field(repr=False)
    seed: int = 0
    withheld: dict[str, float] | str = "not asked for"
    limits: tuple[float, float] = (-math.inf, math.inf)
    tested: int = 0

    @property
    def has_interval(self) -> bool:
        """Whether a resample could be fitted: without one there is a curve, and no interval."""
        return bool(np.isfinite(self.theta_samples).all(axis=1).any())

    @property
    def expression(self) -> str:
        return get_form(self.law).expression

    @property
    def samples(self) -> FloatArray:
        with np.errstate(all="ignore"):
            return unscale(get_form(self.law), self.theta_samples, self.x_scales, self.y_scale)

    def interval(self, name: str | None = None, level: float | None = None):
        """Equal-tailed interval (lower, upper) of parameter `name`, or a dict of all of them."""
        level, rows, out = self._level(level), self.samples[self._good()], {}
        for i, (n, value) in enumerate(self.params.items()):
            low, high = interval_of(rows[:, i], level)
            out[n] = (min(low, value), max(high, value))
        if name is not None and name not in out:
            raise UserError(f"law {self.law} has no parameter {name!r}; it has {', '.join(out)}")
        return out if name is None else out[name]

    def curve(self, points) -> FloatArray:
        """The fitted curve (n,) at `points`: a mapping of the columns, or (n,), or (roles, n)."""
        return self._at(points, self.theta[None], None)[0]

    def band(self, points, level: float | None = None) -> Prediction:
        """The curve with a confidence band: where the curve itself lies, without a run's noise."""
        level = self._level(level)
        return self._around(points, self._sampled, level)

    def curves(self, points) -> FloatArray:
        """Every fitted resample's curve at `points`, its deviation included (resamples, n)."""
        return self._sampled(points)

    def predict(self, points, level: float | None = None) -> Prediction:
        """The curve with an interval for one new run: the curve's uncertainty and its noise."""
        return self._around(points, self._runs, self._level(level))

    def reach(self, points, target: float) -> FloatArray:
        """Probability (n,) that a new run is down to `target`, of a form that rises, up to it."""
        runs = self._runs(points)
        return (runs >= target if get_form(self.law).increasing else runs <= target).mean(axis=0)

    def _runs(self, points) -> FloatArray:
        """New runs at `points`: every resample's curve with a run's noise (…, n)."""
        rng = np.random.default_rng(self.seed + 1)
        values = np.tile(self._sampled(points), (NOISE_DRAWS, 1))
        if self.residuals is not None:
            shift = rng.choice(self.residuals, size=values.shape)
        else:
            spread = np.tile(self.noise[self._good()], NOISE_DRAWS)[:, None]
            shift = rng.standard_normal(values.shape) * spread
        with np.errstate(over="ignore"):
            values = values * np.exp(shift) if self.log_noise else values + self.y_scale * shift
        return np.clip(values, *self.limits)

    def solve(self, target: float, confidence: float = 0.5) -> float:
        """Smallest x of the points or beyond at which the fitted curve reaches `target` (one
        predictor); inf if never.

        With a confidence other than ½: at which one new run does, with that probability.
        """
        if not 0 < confidence < 1:
            raise UserError(f"confidence must lie between 0 and 1, e.g. .9; got {confidence}")
        even = float(self._solve(target, self.theta[None], None)[0])
        if confidence == 0.5 or math.isinf(even):
            return even
        least = max(self.x_range[0][0] / even, 1 / FAR) if confidence < 0.5 else 1.0
        steps = even * np.geomspace(least, FAR, 200)
        sure = self.reach(steps, target) >= confidence
        return float(steps[sure.argmax()]) if sure.any() else math.inf

    def solve_samples(self, target: float) -> FloatArray:
        """The same for every resample (resamples,): inf where never, NaN where it failed."""
        out = np.full(len(self.theta_samples), np.nan)
        out[self._good()] = self._solve(target, *self._drawn())
        return out

    def to_json(self) -> dict:
        data = {"format": FORMAT, "expression": self.expression, **_plain(asdict(self))}
        if d := self.deviation:
            data["deviation"]["weights"] = [[float(f"{v:.9g}") for v in row] for row in d.weights]
        return data

    @classmethod
    def from_json(cls, data: Mapping) -> Fit:
        if str(data.get("format")).startswith("alphascale-auto-fit"):
            raise UserError(
                "a fit of law auto has no one form; name one for this (fit --law chinchilla …)"
            )
        if (given := data.get("format")) != FORMAT:
            raise UserError(f"not a fit of this version: format {given!r}, expected {FORMAT!r}")
        kept = {k: v for k, v in data.items() if k not in ("format", "expression")}
        for key in ARRAYS:
            if kept[key] is not None:
                kept[key] = np.array(kept[key], float)
        for key in ("columns", "bounds_hit", "warnings"):
            kept[key] = tuple(kept[key])
        if d := kept["deviation"]:
            weights = np.array(d["weights"], np.float32).astype(float)
            kept["deviation"] = Deviation(float(d["origin"]), np.array(d["edges"]), weights)
        kept["theta_samples"] = kept["theta_samples"].reshape(-1, len(kept["theta"]))
        kept["x_range"] = tuple(tuple(v) for v in kept["x_range"])
        kept["limits"] = tuple(map(float, kept["limits"]))
        for key in ("params", "derived", "in_sample", "withheld"):
            if isinstance(kept[key], dict):
                kept[key] = {k: float(v) for k, v in kept[key].items()}
        kept["condition"] = float(kept["condition"])
        return cls(**kept)

    @classmethod
    def load(cls, path: str | Path) -> Fit:
        return cls.from_json(read_saved(path))

    def _good(self) -> FloatArray:
        """Which resamples could be fitted (resamples,)."""
        good = np.isfinite(self.theta_samples).all(axis=1)
        if not good.any():
            raise UserError(f"law {self.law}: no resample was fitted, so there is no interval")
        return good

    def _drawn(self) -> tuple[FloatArray, Deviation | None]:
        """Parameters of the fitted resamples, and how each deviates from the form."""
        good = self._good()
        return self.theta_samples[good], self.deviation and self.deviation.take(good)

    def _sampled(self, points) -> FloatArray:
        """Every fitted resample's curve, with its deviation (resamples, n)."""
        return self._at(points, *self._drawn())

    def _around(self, points, values: Callable, level: float) -> Prediction:
        """The curve with the quantiles of `values` there, widened to contain the curve."""
        mean = self.curve(points)
        if not self.has_interval:
            return Prediction(mean, *np.full((2, *mean.shape), np.nan))
        lower, upper = interval_of(values(points), level)
        return Prediction(mean, np.minimum(lower, mean), np.maximum(upper, mean))

    def _at(self, points, theta: FloatArray, deviation: Deviation | None) -> FloatArray:
        logs = np.log(point_matrix(points, self.columns)) - np.log(self.x_scales)[:, None]
        values = Curve(get_form(self.law), self.log_noise, deviation).at(logs, theta)
        return np.clip(self.y_scale * values, *self.limits)

    def _solve(self, target: float, theta: FloatArray, deviation) -> FloatArray:
        form = get_form(self.law)
        if len(form.roles) != 1:
            raise UserError(
                f"law {self.law} has {len(form.roles)} predictors; solve needs one: use optimum"
            )
        target = self.check_target(target) / self.y_scale
        low, high = self.x_range[0]
        ends = np.log([low, high]) - np.log(self.x_scales[0])
        found = solve_curve(Curve(form, self.log_noise, deviation), theta, target, tuple(ends))
        return not_below(found * self.x_scales[0], low)


def not_below(x: FloatArray, smallest: float) -> FloatArray:
    """x, but the smallest itself where it is that to rounding."""
    return np.where(x <= smallest * (1 + 1e-9), smallest, x)


def save_sealed(path: str | Path, data: dict) -> None:
    """Write a fit with a digest of its content: `read_saved` tells any later edit."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(data | {SEAL: seal(data)}) + "\n")


def read_saved(path: str | Path) -> dict:
    """What a file of a saved fit holds; UserError naming it where it is not as it was saved."""
    try:
        data = json.loads(Path(path).read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read as a saved fit ({error})") from None
    if not isinstance(data, dict) or "format" not in data:
        raise UserError(f"{path}: is not a file saved by alphascale fit")
    if SEAL not in data:
        raise UserError(f"{path}: holds no {SEAL}: not saved by this version; fit it again")
    if data.pop(SEAL) != seal(data):
        raise UserError(f"{path}: was changed after it was saved; fit it again")
    return data


def point_matrix(points, columns: tuple[str, ...]) -> FloatArray:
    """Predictors (roles, n) from a mapping of columns, or from an array (n,) or (roles, n)."""
    if isinstance(points, Mapping) or hasattr(points, "columns"):
        rows = [column(points, name) for name in columns]
    else:
        rows = list(np.atleast_2d(np.asarray(points, float)))
    if len(rows) != len(columns):
        raise UserError(f"points need {len(columns)} predictor(s): {', '.join(columns)}")
    x = np.array([np.atleast_1d(r) for r in rows], float)
    if not np.all(np.isfinite(x)) or np.any(x <= 0):
        raise UserError(f"points of {', '.join(columns)} must be finite and positive")
    return x


def column(frame, name: str) -> FloatArray:
    """Column `name` of a mapping or DataFrame as floats; UserError naming column and row."""
    known = list(frame.keys())
    if name not in known:
        raise UserError(f"column {name!r} is missing; the columns are {', '.join(map(str, known))}")
    values = np.atleast_1d(np.asarray(frame[name]))
    try:
        return values.astype(float)
    except (TypeError, ValueError):
        for row, value in enumerate(values):
            try:
                float(value)
            except (TypeError, ValueError):
                raise UserError(
                    f"column {name!r}, row {row + 1}: {str(value)!r} is not a number"
                ) from None
        raise


def interval_of(values: FloatArray, level: float):
    """Equal-tailed ends over axis 0, NaN if empty: order statistics, so infinities stay such."""
    if not len(values):
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low, high = np.quantile(values, (tail, 1 - tail), axis=0, method="inverted_cdf")
    return (float(low), float(high)) if np.ndim(low) == 0 else (low, high)


def _plain(value):
    """JSON-safe: arrays to lists, numbers that JSON lacks to words."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
