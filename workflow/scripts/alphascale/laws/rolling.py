"""Rolling origins: candidates judged by what they predict beyond ever earlier ends of the curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphascale.laws.windows import FAMILIES, evaluate, fit_windows

FloatArray = np.ndarray
LEAST = 4  # distinct levels in any stretch: one more than the most parameters of a law here


@dataclass(frozen=True)
class Settings:
    """What `law: auto` fixes before it sees a curve. Docs: docs/curves.md says how it was found.

    windows: lengths of the stretches that laws are fitted to, as log(x_last / x_first); inf is the
    whole curve. fade, fade_spread: prior of the decaying law's θ (mean, standard deviation).
    window, window_spread: prior of log(length) (median length, standard deviation of the log) of
    the decaying law's stretches; long_window, long_spread: of the laws with a free shape.
    free_share: prior weight of those laws together. horizon: how far beyond an origin it is judged
    (a factor of x). origins: their number, half an octave apart. power: a candidate's weight is its
    prior × (mean squared rolling error)^(−power/2). memory: weight of an origin falls by e^−memory
    an octave. softening: that share of the median candidate's squared error is added to all.
    points: no stretch is shorter than this many levels, if there are as many, and
    the prior's lengths are at least that of so many levels.
    Intervals: noise, envelope: residuals of the fits understate the spread of a new run by this
    factor, and by the other where the points are a running best. between: share of the variance
    between candidates that counts. drift: prior of the error per unit of log x beyond the last
    level, as a share of the local exponent there; drift_weight: that prior counts as so many
    origins a factor of 1.5 ahead.
    """

    windows: tuple[float, ...] = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, float("inf"))
    fade: float = 0.35
    fade_spread: float = 0.2
    window: float = 0.85
    window_spread: float = 0.4
    long_window: float = 1.6
    long_spread: float = 0.6
    free_share: float = 0.3
    horizon: float = 2.15
    origins: int = 10
    power: float = 3.0
    memory: float = 0.5
    softening: float = 0.001
    points: int = 4
    noise: float = 1.5
    envelope: float = 4.0
    between: float = 0.5
    drift: float = 0.15
    drift_weight: float = 2.0


@dataclass(frozen=True)
class Ladder:
    """All candidates fitted at every end of the curve; end 0 is the last level.

    u: log(x / x_last) (n,). ends: number of levels seen at each end (E,). until: levels up to which
    each end is judged (E,). octaves: log2(x_last / x_end) (E,). names: (family, θ or nan, window)
    of each candidate (C,). starts: first level of each candidate's stretch (E, C). logs:
    predictions of log y at all levels (E, C, n). variance: of residuals (E, C). theta, a, b: the
    candidates fitted at end 0 (C,).
    """

    u: FloatArray
    log_y: FloatArray
    ends: FloatArray
    until: FloatArray
    octaves: FloatArray
    names: tuple[tuple[str, float, float], ...]
    starts: FloatArray
    logs: FloatArray
    variance: FloatArray
    theta: FloatArray
    a: FloatArray
    b: FloatArray

    def predict(self, u: FloatArray) -> FloatArray:
        """log y (C, len(u)) at u by the candidates fitted at end 0."""
        families = np.array([name[0] for name in self.names])
        logs = np.empty((len(families), len(u)))
        for name, family in FAMILIES.items():
            i = families == name
            logs[i] = evaluate(family, self.theta[i], self.a[i], self.b[i], u)
        return logs

    def exponent(self, weight: FloatArray) -> float:
        """Local slope |dlog y / dlog x| at the last level, averaged by weight (C,)."""
        low, high = self.predict(np.array([-0.01, 0.01]))[weight > 0].T
        return float(abs(weight[weight > 0] @ (high - low)) / 0.02)


def climb(u: FloatArray, log_y: FloatArray, settings: Settings) -> Ladder:
    """Fit every candidate at every end. u: ascending, last 0 (n,)."""
    n = len(u)
    ends, octaves = [n], [0.0]
    for j in range(1, settings.origins + 1):
        m = int(np.searchsorted(u, -0.5 * j * np.log(2) + 1e-9, "right"))
        if LEAST <= m < ends[-1]:
            ends.append(m)
            octaves.append(0.5 * j)
    ends = np.array(ends)
    last = u[ends - 1]
    until = np.searchsorted(u, last + np.log(settings.horizon) + 1e-9, "right")
    until = np.minimum(np.maximum(until, ends + 1), n)
    lengths = np.asarray(settings.windows)
    starts = np.searchsorted(u, last[:, None] - lengths - 1e-9, "left")
    starts = np.maximum(np.minimum(starts, ends[:, None] - settings.points), 0)
    index = np.arange(n)
    mask = (index >= starts[..., None]) & (index < ends[:, None, None])
    mask = mask.reshape(-1, n).astype(float)
    E, L = starts.shape
    names = []
    parts: dict[str, list[FloatArray]] = {k: [] for k in ("starts", "logs", "variance", "law")}
    for family in FAMILIES.values():
        fitted = fit_windows(family, u, log_y, mask)
        K = fitted.a.shape[1]
        thetas = family.grid if not family.profile else (float("nan"),)
        names += [(family.name, t, w) for w in settings.windows for t in thetas]
        parts["starts"].append(np.repeat(starts, K, axis=1))
        parts["logs"].append(fitted.predict(u).reshape(E, L * K, n))
        parts["variance"].append(fitted.variance.reshape(E, L * K))
        law = np.stack([fitted.theta, fitted.a, fitted.b])
        parts["law"].append(law.reshape(3, E, L * K)[:, 0])
    stacked = {key: np.concatenate(value, axis=1) for key, value in parts.items()}
    theta, a, b = stacked.pop("law")
    return Ladder(
        u, log_y, ends, until, np.array(octaves), tuple(names), **stacked, theta=theta, a=a, b=b
    )


def prior(ladder: Ladder, settings: Settings, end: int = 0) -> FloatArray:
    """Weights (C,) of candidates at `end`, before any of them is judged."""
    s, names = settings, ladder.names
    seen = ladder.u[: ladder.ends[end]]
    # Where levels are sparse, a stretch of the usual length would hold too few to average noise.
    enough = seen[-1] - seen[max(len(seen) - s.points, 0)]
    family = np.array([n[0] for n in names])
    theta = np.nan_to_num(np.array([n[1] for n in names]))
    log_window = np.log(np.minimum([n[2] for n in names], 8.0))
    fixed = family == "decaying"
    short = ((theta - s.fade) / s.fade_spread) ** 2
    short = short + ((log_window - np.log(max(s.window, enough))) / s.window_spread) ** 2
    long = ((log_window - np.log(max(s.long_window, enough))) / s.long_spread) ** 2
    p = np.where(fixed, np.exp(-short / 2), 0.0)
    q = np.where(fixed, 0.0, np.exp(-long / 2))
    return (1 - s.free_share) * p / p.sum() + s.free_share * q / q.sum()


def weigh(ladder: Ladder, settings: Settings, end: int = 0) -> FloatArray:
    """Weights (C,) of candidates at `end`, from origins before it and levels it has seen."""
    before = prior(ladder, settings, end)
    seen = ladder.ends[end]
    total = np.zeros(len(before))
    weight = 0.0
    for o in range(end + 1, len(ladder.ends)):
        lo, hi = ladder.ends[o], min(ladder.until[o], seen)
        square = np.mean((ladder.logs[o, :, lo:hi] - ladder.log_y[lo:hi]) ** 2, axis=1)
        share = np.exp(-settings.memory * (ladder.octaves[o] - ladder.octaves[end]))
        total += share * np.where(np.isfinite(square), square, np.inf)
        weight += share
    if weight == 0:
        return np.where(np.isfinite(ladder.logs[end]).all(1), before, 0.0) / before.sum()
    score = total / weight
    middle = np.median(score[np.isfinite(score)])
    w = before * (score + settings.softening * middle + 1e-24) ** (-settings.power / 2)
    w = np.where(np.isfinite(ladder.logs[end]).all(1) & np.isfinite(w), w, 0.0)
    return w / w.sum()
