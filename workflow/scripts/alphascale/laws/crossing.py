"""The size at which a curve reaches a target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphascale.laws.deviation import Deviation
from alphascale.laws.form import Form, predict

FloatArray = np.ndarray
FAR = 30.0  # crossings are looked for up to e^30 times the largest x
PLACES = 600
CHUNK = 200


@dataclass(frozen=True)
class Curve:
    """A form with, for each parameter vector, its deviation (a factor when `log`, else added)."""

    form: Form
    log: bool
    deviation: Deviation | None = None

    def at(self, logs: FloatArray, theta: FloatArray, rows: slice = slice(None)) -> FloatArray:
        """The curves theta (B, p), being `rows` of the batch, at scaled logs (roles, n), or each at
        its own (roles, B, n): (B, n).
        """
        with np.errstate(all="ignore"):
            Y = predict(self.form, logs, theta)
            if self.deviation is None:
                return Y
            shift = self.deviation.take(rows)(logs[0])
            return Y * np.exp(shift) if self.log else Y + shift


def solve_curve(
    curve: Curve, theta: FloatArray, target: float, between: tuple[float, float]
) -> FloatArray:
    """Smallest x (B,) in scaled units where each curve of theta (B, p) reaches the scaled target,
    inf where none: the first crossing on a grid of log x (a broken law may rise), then bisection.

    between: logarithms of the smallest and the largest x of the points. What the smallest reaches
    is answered by it: no law is followed below the points, where a steep one runs off to 1e-297.
    """
    sense = 1.0 if curve.form.increasing else -1.0
    grid = np.linspace(between[0], between[1] + FAR, PLACES)
    out = np.empty(len(theta))
    for start in range(0, len(theta), CHUNK):
        rows = slice(start, start + CHUNK)
        P = theta[rows]
        reached = sense * (curve.at(grid[None], P, rows) - target) >= 0
        first = np.argmax(reached, axis=1)
        low, high = grid[np.maximum(first - 1, 0)], grid[first]
        for _ in range(60):
            middle = 0.5 * (low + high)
            ok = sense * (curve.at(middle[None, :, None], P, rows)[:, 0] - target) >= 0
            low, high = np.where(ok, low, middle), np.where(ok, middle, high)
        out[rows] = np.where(reached.any(axis=1), np.exp(high), np.inf)
    return out
