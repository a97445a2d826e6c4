"""Short laws on stretches of a learning curve: every candidate, stretch and origin in one batch.

A learning curve is y at one predictor x (samples, parameters, …). With u = log(x / x_last) each law
here is linear in two amplitudes once its one shape number θ is fixed (variable projection):

    decaying   log y = a + b·(1 − e^(−θu))/θ     the local exponent −dlogy/dlogx fades as x^−θ;
                                                 θ = 0 is the power law, a line in log-log
    floor      y = a + b·e^(−θu), a ≥ 0          power law with a floor (M2)
    m3         log y = a + b·log((e^(−u) + θ)/(1 + θ))     M3 of Alabdulmohsin et al. 2022

so a stretch is one row of a mask matrix and all sums over all stretches are one matrix product. The
general solver (`alphascale.laws.fitting`) fits one law at a time to any precision; here some
thousand small fits a curve have to cost milliseconds, so θ stays on its grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FloatArray = np.ndarray
OLDEST = -60.0  # u below this counts as this: e^60 times smaller than the largest x


@dataclass(frozen=True)
class Family:
    """One law: basis(u, θ) is the column that b multiplies; grid holds the θ that are tried.

    profile: keep only the best θ of each stretch (by squared error of the log); otherwise every θ
    is a candidate of its own. linear: a and b act on y, not on log y (squared relative error).
    """

    name: str
    expression: str
    grid: tuple[float, ...]
    basis: Callable[[FloatArray, FloatArray], FloatArray]
    profile: bool
    linear: bool = False


def _decaying(u: FloatArray, theta: FloatArray) -> FloatArray:
    safe = np.where(theta == 0, 1.0, theta)
    return np.where(theta == 0, u, -np.expm1(-safe * u) / safe)


def _power(u: FloatArray, theta: FloatArray) -> FloatArray:
    return np.exp(-theta * u)


def _m3(u: FloatArray, theta: FloatArray) -> FloatArray:
    # Zero at u = 0, and so precise where θ is large: log(e^(−u) + θ) lost seven digits there, and
    # another unit of x moved predictions by 3e-6.
    return np.log1p(np.expm1(-u) / (1 + theta))


_GAMMAS = tuple(float(v) for v in np.geomspace(1e-4, 1e3, 36))
_EXPONENTS = tuple(float(v) for v in np.geomspace(0.02, 4.0, 32))
FAMILIES = {
    f.name: f
    for f in (
        Family(
            "decaying",
            "log y = a + b·(1 - (x/x_last)^-θ)/θ",
            (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
            _decaying,
            profile=False,
        ),
        Family("floor", "y = a + b·(x/x_last)^-θ", _EXPONENTS, _power, profile=True, linear=True),
        Family("m3", "y = e^a·((x_last/x + θ)/(1 + θ))^b", _GAMMAS, _m3, profile=True),
    )
}


@dataclass(frozen=True)
class Curves:
    """Fitted candidates of one family: arrays (rows, K) with K = 1 for a profiled family.

    theta, a, b: the law. variance: residual variance of log y, sse/(points − 2).
    """

    family: Family
    theta: FloatArray
    a: FloatArray
    b: FloatArray
    variance: FloatArray

    def predict(self, u: FloatArray) -> FloatArray:
        """log y (rows, K, len(u)) at u."""
        return evaluate(self.family, self.theta, self.a, self.b, u)


def evaluate(family: Family, theta, a, b, u: FloatArray) -> FloatArray:
    """log y (…, len(u)) of laws with arrays theta, a, b (…)."""
    basis = family.basis(np.maximum(u, OLDEST), np.asarray(theta)[..., None])
    with np.errstate(all="ignore"):
        value = np.asarray(a)[..., None] + np.asarray(b)[..., None] * basis
        return np.log(np.maximum(value, 1e-300)) if family.linear else value


def fit_windows(family: Family, u: FloatArray, log_y: FloatArray, mask: FloatArray) -> Curves:
    """Fit `family` to every stretch: u, log_y (n,), mask (rows, n) of zeros and ones."""
    theta = np.asarray(family.grid)
    phi = family.basis(np.maximum(u, OLDEST), theta[:, None])  # (G, n)
    points = mask.sum(1)
    with np.errstate(all="ignore"):
        solve = _solve_linear if family.linear else _solve_log
        a, b, error = solve(phi, log_y, mask, points)
    error = np.where(np.isfinite(error) & np.isfinite(a) & np.isfinite(b), error, np.inf)
    theta = np.broadcast_to(theta, error.shape)
    if family.profile:
        best = _first_best(error)[:, None]
        theta, a, b, error = (np.take_along_axis(v, best, 1) for v in (theta, a, b, error))
    return Curves(family, theta, a, b, error / np.maximum(points - 2, 1)[:, None])


def _first_best(error: FloatArray) -> FloatArray:
    """Index of the first θ (rows,) whose error (rows, G) is the smallest but for rounding.

    Neighbouring θ can fit equally well to the last digit, and predict 3e-6 apart: the plain argmin
    would let the unit of x decide.
    """
    least = error.min(1, keepdims=True)
    return (error <= least * (1 + 1e-9) + 1e-14).argmax(1)


def _solve_log(phi, log_y, mask, points):
    """Least squares of log y on (1, φ)."""
    mean = mask @ phi.T / points[:, None]
    level = (mask @ log_y / points)[:, None]
    pp = mask @ (phi * phi).T - points[:, None] * mean**2
    py = mask @ (phi * log_y).T - points[:, None] * mean * level
    yy = (mask @ log_y**2)[:, None] - points[:, None] * level**2
    b = np.where(pp > 0, py / pp, 0.0)
    return level - b * mean, b, np.maximum(yy - b * py, 0.0)


def _solve_linear(phi, log_y, mask, points):
    """Least squares of the relative error of a + b·φ, a ≥ 0."""
    v = np.exp(-log_y)
    p = phi * v
    aa = (mask @ v**2)[:, None]
    ap = mask @ (p * v).T
    pp = mask @ (p * p).T
    a1 = (mask @ v)[:, None]
    p1 = mask @ p.T
    det = aa * pp - ap**2
    a = (a1 * pp - p1 * ap) / det
    a = np.where((a > 0) & (det > 1e-14 * aa * pp), a, 0.0)
    b = (p1 - a * ap) / pp
    return a, b, np.maximum(points[:, None] - a * a1 - b * p1, 0.0)
