"""What a fit minimises: squared or Huber residuals, of the response or of its logarithm, summed.

A loss is written as a word: `squared`, `squared_log`, `huber`, `huber_log`, the last two with an
optional `:delta`. The sum and not the mean is minimised: with a mean, a quasi-Newton method's
absolute tolerances stop it early and it reports success (facts of the Chinchilla replication).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphascale.errors import UserError

KINDS = ("squared", "squared_log", "huber", "huber_log")


@dataclass(frozen=True)
class Loss:
    """log: residual of the logarithm. delta: Huber's corner in scaled y, inf if squared."""

    log: bool
    delta: float

    def rho(self, r: np.ndarray) -> np.ndarray:
        """½r² within delta, delta·(|r| − ½delta) beyond."""
        if not np.isfinite(self.delta):
            return 0.5 * r * r
        a = np.abs(r)
        inner = np.minimum(a, self.delta)
        return inner * (a - 0.5 * inner)

    def psi(self, r: np.ndarray) -> np.ndarray:
        """Derivative of rho."""
        return r if not np.isfinite(self.delta) else np.clip(r, -self.delta, self.delta)

    def weight(self, r: np.ndarray) -> np.ndarray:
        """psi(r)/r: the weights of iteratively reweighted least squares."""
        if not np.isfinite(self.delta):
            return np.ones_like(r)
        return self.delta / np.maximum(np.abs(r), self.delta)


def parse_loss(text: str, y_scale: float = 1.0) -> Loss:
    """The loss called `text`; a linear Huber's delta in units of y (1e-3 of its median size)."""
    kind, _, corner = text.partition(":")
    if kind not in KINDS:
        raise UserError(
            f"loss {text!r} is not known; choose one of {', '.join(KINDS)}, e.g. huber_log:1e-3"
        )
    log = kind.endswith("_log")
    if kind.startswith("squared"):
        if corner:
            raise UserError(f"loss {text!r}: a squared loss takes no delta")
        return Loss(log, np.inf)
    try:
        delta = float(corner) if corner else 1e-3
    except ValueError:
        raise UserError(f"loss {text!r}: delta must be a number") from None
    if not (np.isfinite(delta) and delta > 0):
        raise UserError(f"loss {text!r}: delta must be positive and finite")
    return Loss(log, delta if log or not corner else delta / y_scale)
