"""What `law: auto` returns: a weighted set of laws, its curve, interval and summary."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np
from scipy import stats
from scipy.interpolate import PchipInterpolator

from alphascale.errors import UserError
from alphascale.laws.result import Prediction
from alphascale.laws.windows import FAMILIES, evaluate

FloatArray = np.ndarray
FORMAT = "alphascale-auto-2"
FAR = 30.0  # solve looks up to e^30 times the largest x


@dataclass(frozen=True)
class Withheld:
    """Errors on levels beyond rolling origins, as root mean square of log(predicted / observed).

    origins: how many, within the last two octaves of x (at least the two latest there are).
    reach: the farthest level predicted, as a multiple of the last level seen.
    auto, last_value, loglog_line: mean over origins of auto (chosen before the origin, at each), of
    the last value carried on, and of a log-log line through the last 30 % of the levels.
    """

    origins: int
    reach: float
    auto: float
    last_value: float
    loglog_line: float

    @property
    def best_naive(self) -> float:
        return min(self.last_value, self.loglog_line)


@dataclass(frozen=True)
class AutoFit:
    """A curve and its extrapolation.

    x_first, x_last: range of the predictor. y_last: geometric mean of y at x_last; everything
    below predicts log(y / y_last) at u = log(x / x_last). levels, runs: distinct x, and points.
    knot_u, knot_y: the smoothed points (levels,), which are the curve inside their range; knot_sd:
    their standard deviations. family,
    theta, start, a, b, weight: the laws (C,) averaged beyond it; start is the first u of a law's
    stretch. noise: sd of log y of a new run. anchor: sd of the curve at the levels; drift: more of
    it per unit of u beyond them; between: share of the variance between laws that is added. dof:
    degrees of freedom of the intervals. running_best: the points never got worse although their
    scatter says some should have. withheld: None if there were too few levels. warnings: sentences
    for a person. level: default level of intervals.
    """

    x_first: float
    x_last: float
    y_last: float
    levels: int
    runs: int
    knot_u: FloatArray = field(repr=False)
    knot_y: FloatArray = field(repr=False)
    knot_sd: FloatArray = field(repr=False)
    family: tuple[str, ...] = field(repr=False)
    theta: FloatArray = field(repr=False)
    start: FloatArray = field(repr=False)
    a: FloatArray = field(repr=False)
    b: FloatArray = field(repr=False)
    weight: FloatArray = field(repr=False)
    noise: float
    anchor: float
    drift: float
    between: float
    dof: float
    running_best: bool
    withheld: Withheld | None
    warnings: tuple[str, ...]
    level: float = 0.95

    def curve(self, x) -> FloatArray:
        """Predicted y (n,) at x (n,): the median of a new run."""
        return np.exp(self._moments(self._u(x))[0]) * self.y_last

    def predict(self, x, level: float | None = None) -> Prediction:
        """The curve at x (n,) with an interval for one new run."""
        return self._interval(x, level, self.noise)

    def band(self, x, level: float | None = None) -> Prediction:
        """The curve at x (n,) with an interval for the curve itself, without a run's noise."""
        return self._interval(x, level, 0.0)

    def solve(self, target: float) -> float:
        """Smallest x ≥ x_first at which the curve is down to `target`; inf if never."""
        return float(self.solve_quantiles(target, [0.5])[0])

    def solve_interval(self, target: float, level: float | None = None) -> tuple[float, float]:
        """Where the lower and the upper end of `band` reach `target`; the upper end may be inf."""
        level = self._level(level)
        low, high = self.solve_quantiles(target, [0.5 - level / 2, 0.5 + level / 2])
        return float(low), float(high)

    def solve_quantiles(self, target: float, shares) -> FloatArray:
        """The x (n,) where the curve's quantiles `shares` (n,) are down to `target`; inf if never.

        A first step on a grid, then bisection; nothing beyond e^30 times x_last is looked at.
        """
        if not (math.isfinite(target) and target > 0):
            raise UserError(f"target must be a positive number, got {target}")
        wanted = math.log(target) - math.log(self.y_last)
        score = stats.t.ppf(np.asarray(shares, float), self.dof)
        first = self.knot_u[0]
        grid = np.concatenate([np.linspace(first, 0, 200), np.geomspace(1e-3, FAR, 800)])

        mean, variance = self._moments(grid)
        hits = mean + score[:, None] * np.sqrt(variance) <= wanted
        cell = hits.argmax(1)
        low, high = grid[np.maximum(cell - 1, 0)], grid[cell]
        for _ in range(55):
            middle = 0.5 * (low + high)
            mean, variance = self._moments(middle)
            down = mean + score * np.sqrt(variance) <= wanted
            low, high = np.where(down, low, middle), np.where(down, middle, high)
        with np.errstate(over="ignore"):
            x = np.exp(math.log(self.x_last) + high)
        return np.where(hits.any(1), x, np.inf)

    def weights(self) -> list[dict]:
        """Weight of each law and stretch, largest first: law, from_x (its first x), weight."""
        total: dict[tuple[str, float], float] = {}
        for name, theta, u, w in zip(self.family, self.theta, self.start, self.weight, strict=True):
            law = "power" if name == "decaying" and theta == 0 else name
            key = (law, self.x_last * math.exp(u))
            total[key] = total.get(key, 0.0) + float(w)
        rows = [{"law": k[0], "from_x": k[1], "weight": w} for k, w in total.items()]
        return sorted(rows, key=lambda r: -r["weight"])

    def law_weights(self) -> dict[str, float]:
        """Weight of each law over all stretches, largest first."""
        total: dict[str, float] = {}
        for row in self.weights():
            total[row["law"]] = total.get(row["law"], 0.0) + row["weight"]
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    def summary(self) -> str:
        """A few lines for a person; error on withheld levels comes first."""
        lines = []
        if self.withheld is None:
            lines.append(
                f"no error on withheld levels: {self.levels} levels leave none to withhold"
            )
        else:
            h = self.withheld
            lines += [
                f"error on withheld levels (rms of log, {h.origins} origins, up to "
                f"{h.reach:.3g} x the last level seen): auto {h.auto:.4g}, last value carried on "
                f"{h.last_value:.4g}, log-log line through the tail {h.loglog_line:.4g}",
            ]
        laws = ", ".join(
            f"{k} {100 * v:.0f} %" for k, v in self.law_weights().items() if v >= 0.005
        )
        lines.append(f"{self.runs} points at {self.levels} levels; laws by weight: {laws}")
        lines.append(f"noise of a new run {100 * self.noise:.3g} % (1 sd)")
        return "\n".join(lines + [f"warning: {w}" for w in self.warnings])

    def to_json(self) -> dict:
        data = {"format": FORMAT}
        for key, value in asdict(self).items():
            data[key] = value.tolist() if isinstance(value, np.ndarray) else value
        return data

    @classmethod
    def from_json(cls, data: Mapping) -> AutoFit:
        if data.get("format") != FORMAT:
            raise UserError(f"not a saved auto fit: format {data.get('format')!r}, not {FORMAT!r}")
        kept = {k: v for k, v in data.items() if k != "format"}
        for key in ("knot_u", "knot_y", "knot_sd", "theta", "start", "a", "b", "weight"):
            kept[key] = np.array(kept[key], float)
        kept["family"], kept["warnings"] = tuple(kept["family"]), tuple(kept["warnings"])
        if kept["withheld"] is not None:
            kept["withheld"] = Withheld(**kept["withheld"])
        return cls(**kept)

    def _moments(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean of log(y / y_last) and its variance without a run's noise (n,), at u (n,)."""
        first = self.knot_u[0]
        family = np.array(self.family)
        logs = np.empty((len(family), len(u)))
        for name in FAMILIES:
            rows = family == name
            law = (self.theta[rows], self.a[rows], self.b[rows])
            logs[rows] = evaluate(FAMILIES[name], *law, np.maximum(u, 0.0))
        mean = self.weight @ logs
        between = self.weight @ (logs - mean) ** 2
        # The laws are for what lies ahead; inside the range, and below it, the points speak.
        slope = (self.knot_y[1] - self.knot_y[0]) / (self.knot_u[1] - self.knot_u[0])
        at = np.clip(u, first, 0.0)
        inside = self._bent(at)
        # Between two points nobody has looked: half of what the bend adds to a straight line.
        doubt = (inside - np.interp(at, self.knot_u, self.knot_y)) / 2
        known = np.interp(at, self.knot_u, self.knot_sd) ** 2 + doubt**2
        mean = np.where(u < 0, inside + slope * np.minimum(u - first, 0.0), mean)
        beyond = np.maximum(u, 0.0) + np.maximum(first - u, 0.0)
        near = np.where(u < 0, known, self.anchor**2)
        return mean, self.between * between * (u >= 0) + (self.drift * beyond) ** 2 + near

    @cached_property
    def _bent(self) -> PchipInterpolator:
        """The curve through the points, monotone where they are."""
        return PchipInterpolator(self.knot_u, self.knot_y)

    def _interval(self, x, level: float | None, noise: float) -> Prediction:
        mean, variance = self._moments(self._u(x))
        score = stats.t.ppf(0.5 + self._level(level) / 2, self.dof)
        reach = score * np.sqrt(variance + noise**2)
        with np.errstate(over="ignore"):
            ends = [self.y_last * np.exp(mean + s * reach) for s in (0.0, -1.0, 1.0)]
        return Prediction(*ends)

    def _level(self, level: float | None) -> float:
        level = self.level if level is None else level
        if not 0 < level < 1:
            raise UserError(f"level must lie between 0 and 1, got {level}")
        return level

    def _u(self, x) -> FloatArray:
        x = np.atleast_1d(np.asarray(x, float))
        if not (np.isfinite(x).all() and (x > 0).all()):
            raise UserError("x to predict at must be positive, finite numbers")
        return np.log(x) - math.log(self.x_last)
