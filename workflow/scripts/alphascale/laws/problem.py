"""Check the points of a fit and bring them to scale; refusals name the rule that was broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.form import Form
from alphascale.laws.losses import Loss, parse_loss

FloatArray = np.ndarray
COLLINEAR = 0.98  # |correlation| of log predictors beyond which exponents are not separable


@dataclass(frozen=True)
class Problem:
    """Points in scaled units. logs (r, n), y (n,), weights (n,), bounds low/high (p,)."""

    form: Form
    loss: Loss
    logs: FloatArray
    y: FloatArray
    weights: FloatArray
    low: FloatArray
    high: FloatArray
    x_scales: FloatArray
    y_scale: float

    def residuals(self, fitted: FloatArray) -> FloatArray:
        """Fitted (B, n) minus observed, on the scale that is fitted: of log y, or of y."""
        return np.log(fitted) - np.log(self.y) if self.loss.log else fitted - self.y


def make_problem(
    form: Form,
    x: FloatArray,
    y: FloatArray,
    loss: str | None,
    weights: FloatArray | None,
    bounds: Mapping[str, tuple[float, float]] | None,
) -> tuple[Problem, list[str]]:
    """Check the points and bring them to scale; the warnings say what is odd but can be fitted."""
    if x.shape != (len(form.roles), len(y)):
        raise UserError(
            f"law {form.name} takes {len(form.roles)} predictor(s) ({', '.join(form.roles)}) "
            f"of the length of the response; got shape {x.shape} for {len(y)} responses"
        )
    for name, values in [*zip(form.roles, x, strict=True), ("y", y)]:
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise UserError(
                f"{name} is not a finite number in row {bad[0] + 1} ({len(bad)} such rows): "
                "mend or leave out"
            )
    rules = [(role, values, "", "") for role, values in zip(form.roles, x, strict=True)]
    if parse_loss(loss or form.loss).log:
        rules.append(("y", y, " for a loss on the log scale", " (use loss='squared')"))
    for name, values, why, way in rules:
        if len(bad := np.flatnonzero(values <= 0)):
            row = f"row {bad[0] + 1} holds {values[bad[0]]:g}"
            raise UserError(f"{name} must be positive{why}; {row}{way}")
    check_levels(form, x)
    warnings = []
    y_scale = float(np.median(np.abs(y))) or float(np.max(np.abs(y))) or 1.0
    if np.ptp(y) <= 1e-12 * y_scale:
        warnings.append("the response is constant: it shows no scaling, and exponents mean nothing")
    logs = np.log(x)
    centre = logs.mean(axis=1)
    for role, other in form.same_unit.items():
        centre[form.roles.index(role)] = centre[form.roles.index(other)]
    logs = logs - centre[:, None]
    warnings += _collinear(form, logs)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, float)
    if w.shape != y.shape or not np.all(np.isfinite(w)) or np.any(w < 0) or not np.any(w > 0):
        raise UserError("weights must be finite, not negative, not all zero, one for each point")
    # Twice the weights say no more of the noise than the weights do.
    w = w / w[w > 0].mean()
    low, high = scaled_bounds(form, bounds, logs[0], float(np.exp(centre[0])), y_scale)
    loss_scaled = parse_loss(loss or form.loss, y_scale)
    scaled = Problem(form, loss_scaled, logs, y / y_scale, w, low, high, np.exp(centre), y_scale)
    return scaled, warnings


def check_levels(form: Form, x: FloatArray) -> None:
    """Refuse fewer predictor values than the form's rule, or configurations than parameters."""
    levels = [len(np.unique(row)) for row in x]
    for role, n in zip(form.roles, levels, strict=True):
        need = form.levels if n == max(levels) else min(form.levels, 3)
        if n < need:
            each = "each predictor of a law needs at least 3 distinct values"
            rule = form.rule if need == form.levels else each
            raise UserError(
                f"law {form.name}: {rule}; {role} has {n}. Add sizes, or use a simpler law"
            )
    cells = len(np.unique(x, axis=1).T)
    if cells < len(form.params):
        raise UserError(
            f"law {form.name} has {len(form.params)} parameters and the points hold {cells} "
            f"distinct configurations: at least as many are needed"
        )


def scaled_bounds(
    form: Form,
    bounds: Mapping[str, tuple[float, float]] | None,
    log_x: FloatArray,
    x_scale: float,
    y_scale: float,
) -> tuple[FloatArray, FloatArray]:
    """Bounds (p,) of the scaled problem; the form's own or the caller's, in the user's units."""
    bounds = dict(bounds or {})
    unknown = set(bounds) - set(form.names)
    if unknown:
        raise UserError(
            f"law {form.name} has no parameter {min(unknown)!r}; it has {', '.join(form.names)}"
        )
    low, high = [], []
    for p in form.params:
        a, b = bounds.get(p.name, (p.low, p.high))
        if not a <= b:
            raise UserError(f"bounds of {p.name}: {a:g} is above {b:g}")
        if p.position and p.name not in bounds:
            a, b = float(log_x.min()), float(log_x.max())
        elif p.position:
            a, b = np.log(a / x_scale), np.log(b / x_scale)
        elif p.scales_with_y:
            a, b = a / y_scale, b / y_scale
        elif p.per_x:
            a, b = a * x_scale, b * x_scale
        elif p.name in bounds and not p.starts and np.isinf(p.high) and (a, b) != (p.low, p.high):
            raise UserError(
                f"{p.name} is an amplitude: its size depends on the exponents, so it takes no "
                "bounds; bound the exponents or the floor"
            )
        low.append(a)
        high.append(b)
    return np.array(low), np.array(high)


def _collinear(form: Form, logs: FloatArray) -> list[str]:
    if len(form.roles) == 1:
        return []
    with np.errstate(all="ignore"):
        spread = np.corrcoef(logs)
    return [
        f"{form.roles[j]} and {form.roles[i]} move together (correlation of logarithms "
        f"{spread[i, j]:+.3f}): their exponents cannot be told apart"
        for i in range(len(spread))
        for j in range(i)
        if abs(spread[i, j]) > COLLINEAR and form.roles[i] not in form.same_unit
    ]
