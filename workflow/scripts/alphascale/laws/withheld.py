"""The error that counts: fit without the largest sizes, predict them, compare with naive guesses.

In-sample fit is no evidence of prediction. The largest fifth of the levels of the first predictor
(at least one) is withheld, as long as the rest satisfies the form's rule; the law, the last value
carried forward, and a straight log-log line through the tail of the rest predict the withheld
runs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.fitting import fit_form
from alphascale.laws.form import Form

FloatArray = np.ndarray
SHARE = 0.2
NAIVE = {"carry_last": "carrying the last value", "log_log_line": "a log-log line through the tail"}


def split(form: Form, x: FloatArray) -> FloatArray | None:
    """Which points (n,) are withheld; None where the rest would break the form's rule."""
    levels = np.unique(x[0])
    most = len(levels) - form.levels
    count = min(max(1, round(SHARE * len(levels))), most)
    return x[0] >= levels[-count] if count >= 1 else None


def withheld_error(form: Form, x: FloatArray, y: FloatArray, **options) -> dict[str, float] | str:
    """Errors of the law and of the naive predictors on the largest sizes, or why there are none.

    x (roles, n), y (n,), options of `fit_form`. The errors are root mean squares of
    log(predicted/observed), or of the difference where the loss is on the linear scale; `levels`
    and `points` count what was withheld, `beyond` is the largest size over the largest kept.
    """
    out = split(form, x)
    if out is None:
        return (
            f"no size could be withheld: law {form.name} needs {form.levels} levels to fit and "
            f"there are {len(np.unique(x[0]))}"
        )
    weights = options.pop("weights", None)
    kept = None if weights is None else weights[~out]
    try:
        fitted = fit_form(form, x[:, ~out], y[~out], weights=kept, **options)
    except UserError as error:
        return f"no size could be withheld: {error}"
    log = fitted.problem.loss.log
    guesses = {
        "law": fitted.curve(x[:, out]),
        "carry_last": carry_last(x[:, ~out], y[~out], x[:, out]),
        "log_log_line": log_log_line(x[:, ~out], y[~out], x[:, out], log),
    }
    return {
        **{name: _rms(guess, y[out], log) for name, guess in guesses.items()},
        "levels": float(len(np.unique(x[0, out]))),
        "points": float(out.sum()),
        "beyond": float(x[0].max() / x[0, ~out].max()),
    }


def carry_last(x: FloatArray, y: FloatArray, points: FloatArray) -> FloatArray:
    """The mean response at the largest first predictor, of the runs nearest in the others."""
    last = x[0] == x[0].max()
    near, values = np.log(x[1:, last]), y[last]
    out = np.empty(points.shape[1])
    for i, p in enumerate(np.log(points[1:]).T):
        distance = np.abs(near - p[:, None]).sum(axis=0)
        out[i] = values[distance <= distance.min() + 1e-9].mean()
    return out


def log_log_line(x: FloatArray, y: FloatArray, points: FloatArray, log: bool = True) -> FloatArray:
    """Straight line in the logarithms through the tail: the largest 30 % of levels, at least 3.

    On the linear scale the response itself is a line in the logarithm of the predictors.
    """
    levels = np.unique(x[0])
    tail = x[0] >= levels[-max(min(3, len(levels)), round(0.3 * len(levels)))]
    A = np.vstack([np.ones(tail.sum()), np.log(x[:, tail])]).T
    values = np.log(y[tail]) if log else y[tail]
    center = A[:, 1:].mean(axis=0)
    A[:, 1:] -= center
    coefficient = np.linalg.lstsq(A, values, rcond=None)[0]
    B = np.vstack([np.ones(points.shape[1]), np.log(points) - center[:, None]]).T
    line = B @ coefficient
    return np.exp(line) if log else line


def verdict(withheld: Mapping[str, float] | str, law: str) -> str | None:
    """The warning due when a naive predictor beats the law on the withheld sizes, else None."""
    if isinstance(withheld, str):
        return None
    better = [name for name in NAIVE if withheld[name] < withheld["law"]]
    if not better:
        return None
    told = " and ".join(f"{NAIVE[name]} ({withheld[name]:.4g})" for name in better)
    return f"law {law} did not beat {told} on the withheld sizes (its error {withheld['law']:.4g})"


def _rms(guess: FloatArray, y: FloatArray, log: bool) -> float:
    with np.errstate(all="ignore"):
        r = np.log(guess) - np.log(y) if log else guess - y
        return float(np.sqrt(np.mean(r * r)))
