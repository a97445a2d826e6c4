"""What of a fitted law is written down: its parameters and how sure they are, its band."""

from __future__ import annotations

import numpy as np

from .. import laws
from ..records.fit import Band, Estimate, FittedLaw


def described(fit: laws.Fit | laws.AutoLaw) -> FittedLaw:
    """What a record says of a law; the records of laws add to it."""
    if isinstance(fit, laws.AutoLaw):
        return FittedLaw(
            fit.law, fit.params, list(fit.warnings), None, None, None, None, None, fit.to_json()
        )
    return FittedLaw(
        law=fit.law,
        params=fit.params,
        warnings=list(fit.warnings),
        objective=fit.objective,
        starts_agree=fit.starts_agree,
        bounds_hit=list(fit.bounds_hit),
        # Infinite where the points do not tell the parameters apart, undefined where y is constant:
        # JSON has neither, and null is not mistaken for a number.
        condition=finite(fit.condition),
        in_sample={name: finite(value) for name, value in fit.in_sample.items()},
        saved=None,
    )


def band(fit: laws.Fit | laws.AutoLaw, sizes: np.ndarray, level: float) -> Band:
    """A law's curve at sizes (n,), its interval and that of a single run."""
    mean, lower, upper = fit.band({"params": sizes}, level=level)
    _, run_lower, run_upper = fit.predict({"params": sizes}, level=level)
    return Band(*(v.tolist() for v in (sizes, mean, lower, upper, run_lower, run_upper)))


def estimate(prediction: laws.Prediction) -> Estimate:
    """A prediction at one point."""
    return Estimate(*(float(value[0]) for value in prediction))


def finite(value: float) -> float | None:
    """A number, None for one without end or undefined."""
    return float(value) if np.isfinite(value) else None
