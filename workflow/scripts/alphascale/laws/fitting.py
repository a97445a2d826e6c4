"""Fit one form to points: variable projection for the starts, projected BFGS for the finish.

For every setting of the exponents on a grid the amplitudes are a small non-negative least-squares
problem, solved exactly; the best settings that lie apart start a BFGS over all parameters with
analytic gradients, on the loss that was asked for. (With a squared loss on the linear scale this
is variable projection proper. A Huber loss, or the logarithm, has no linear inner problem, so the
last search runs over all parameters.) An optimiser's own success flag is never used: a fit is
judged by its objective across starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.form import Form, design, evaluate, predict, unscale
from alphascale.laws.forms import get_form
from alphascale.laws.problem import Problem, make_problem
from alphascale.laws.solver import Minimum, minimise, solve_amplitudes

FloatArray = np.ndarray
STARTS = 8
ITERATIONS = 200  # of a search; nearly all end before 60
GRID_LIMIT = 600  # settings of the exponents tried; 20 × 20 for two exponents
RANDOM_STARTS = 2000  # the same where a grid would be larger
AGREE = 1e-6  # relative difference of objectives within which two starts agree


@dataclass(frozen=True)
class FormFit:
    """One form fitted.

    theta: parameters of the scaled problem (p,). params: the same in the user's units, by name.
    objective: the summed loss at the optimum, in the user's units (Σ ½r² when squared). starts,
    starts_agree: searches made, and how many ended within 1e-6 of the best objective. bounds_hit:
    names of parameters on a bound. condition: ratio of the extreme singular values of the weighted
    Jacobian with unit columns. warnings: sentences for a person.
    """

    problem: Problem
    theta: FloatArray
    params: dict[str, float]
    objective: float
    starts: int
    starts_agree: int
    bounds_hit: tuple[str, ...]
    condition: float
    warnings: tuple[str, ...]

    @property
    def free(self) -> tuple[int, ...]:
        """Positions of the parameters that the fit had left to move: neither held by the caller
        nor on a bound."""
        moved = self.problem.low < self.problem.high
        names = self.problem.form.names
        return tuple(i for i, n in enumerate(names) if moved[i] and n not in self.bounds_hit)

    def fitted(self) -> FloatArray:
        """Predictions at the fitted points (n,), in the user's units."""
        return self._curve(self.problem.logs)

    def curve(self, x: FloatArray) -> FloatArray:
        """Predictions (n,) at predictors (roles, n), in the user's units."""
        return self._curve(np.log(x) - np.log(self.problem.x_scales)[:, None])

    def _curve(self, logs: FloatArray) -> FloatArray:
        p = self.problem
        with np.errstate(all="ignore"):
            return p.y_scale * predict(p.form, logs, self.theta[None])[0]


def fit_form(
    form: Form | str,
    x: FloatArray,
    y: FloatArray,
    *,
    loss: str | None = None,
    weights: FloatArray | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    starts: int | None = None,
    start: Mapping[str, float] | None = None,
    max_iterations: int = ITERATIONS,
) -> FormFit:
    """Fit `form` to y (n,) at x (roles, n) or (n,) and report how well the search went.

    weights multiply each point's loss. bounds override the form's own, in the user's units; equal
    ones hold a parameter. start: values of parameters, in the user's units, from which further
    searches begin. max_iterations: of each search.
    Raises UserError for points that no fit should be made of: fewer distinct levels than the form's
    rule, values not finite, predictors not positive, a response not positive under a log loss.
    """
    form = get_form(form) if isinstance(form, str) else form
    x = np.atleast_2d(np.asarray(x, float))
    problem, warnings = make_problem(form, x, np.asarray(y, float), loss, weights, bounds)
    # Nearly every start of a law with up to 7 parameters finds the optimum; broken laws need more.
    with np.errstate(all="ignore"):  # far ends of the grid overflow, and lose
        seeds = seed_starts(problem, starts or max(STARTS, 4 * (len(form.params) - 6)))
        seeds = np.concatenate([seeds, _asked(problem, seeds, start or {})])
    end = refine(problem, seeds, max_iterations=max_iterations)
    if not np.isfinite(end.f).any():
        raise UserError(
            f"law {form.name}: no start gave a finite {loss or form.loss} loss; check the points"
        )
    best = int(np.argmin(end.f))
    theta = end.P[best]
    # An objective this small is rounding: every residual about 1e-13.
    floor = 1e-26 * float(np.sum(problem.weights))
    agree = int(np.sum(end.f <= end.f[best] * (1 + AGREE) + floor))
    hit = bounds_hit(problem, theta)
    condition = _condition(problem, theta)
    with np.errstate(all="ignore"):
        params = unscale(form, theta[None], problem.x_scales, problem.y_scale)[0]
    warnings += _judge(form, params, end, best, agree, hit, condition, floor)
    unit = 1.0 if problem.loss.log else problem.y_scale**2
    return FormFit(
        problem=problem,
        theta=theta,
        params=dict(zip(form.names, map(float, params), strict=True)),
        objective=float(end.f[best] * unit),
        starts=len(seeds),
        starts_agree=agree,
        bounds_hit=hit,
        condition=condition,
        warnings=tuple(warnings),
    )


def seed_starts(problem: Problem, starts: int) -> FloatArray:
    """Starting vectors (S, p): the best settings on a grid of exponents, none next to another."""
    form = problem.form
    linear = 1.0 / np.maximum(problem.y**2, 1e-300) if problem.loss.log else np.ones_like(problem.y)
    w = problem.weights * linear
    if form.seeds is not None:
        P = form.seeds(problem.logs, problem.y, problem.low, problem.high)
        P = np.clip(P, problem.low, problem.high)
        index = np.arange(len(P))[:, None] * 2
    else:
        T, index = _grid(problem)
        columns = design(form, problem.logs, T)
        free = np.array([form.params[i].low < 0 for i in form.amplitudes])
        y = problem.y if form.target is None else form.target(problem.y, T)
        weight = w if form.target is None else problem.weights / np.maximum(y * y, 1e-300)
        a, _ = solve_amplitudes(columns, y, weight, free)
        P = np.empty((len(T), len(form.params)))
        P[:, form.exponents] = T
        P[:, form.amplitudes] = a
        P = np.clip(P, problem.low, problem.high)
    with np.errstate(all="ignore"):
        r = problem.residuals(predict(form, problem.logs, P))
        f = np.sum(problem.weights * problem.loss.rho(r), axis=1)
    f = np.where(np.isfinite(f), f, np.inf)
    order = np.argsort(f, kind="stable")
    chosen: list[int] = []
    for i in order:
        if len(chosen) == starts or not np.isfinite(f[i]):
            break
        if all(np.abs(index[i] - index[j]).max() > 1 for j in chosen):
            chosen.append(int(i))
    return P[chosen] if chosen else P[order[:1]]


def _asked(problem: Problem, seeds: FloatArray, start: Mapping[str, float]) -> FloatArray:
    """The three best starts (S, p) once more, with the values that were asked for."""
    P = seeds[:3].copy() if start else seeds[:0]
    for name, value in start.items():
        i = problem.form.index[name]
        param = problem.form.params[i]
        unit = 1 / problem.y_scale if param.scales_with_y else 1.0
        P[:, i] = value * (problem.x_scales[0] if param.per_x else unit)
    return np.clip(P, problem.low, problem.high)


def refine(
    problem: Problem,
    P: FloatArray,
    y: FloatArray | None = None,
    weights: FloatArray | None = None,
    whiten: FloatArray | None = None,
    *,
    max_iterations: int = ITERATIONS,
    tolerance: float = 1e-9,
) -> Minimum:
    """BFGS from P (B, p). y, weights (B, n) give each member of the batch its own points; whiten
    (B, n, n) multiplies its residuals, for correlated errors."""
    with np.errstate(all="ignore"):
        return minimise(
            _objective(problem, y, weights, whiten), np.asarray(P, float), problem.low,
            problem.high, max_iterations=max_iterations, tolerance=tolerance,
        )  # fmt: skip


def bounds_hit(problem: Problem, theta: FloatArray) -> tuple[str, ...]:
    """Names of the parameters that ended on a bound, those that were held apart."""
    with np.errstate(invalid="ignore"):
        at = (theta <= problem.low + 1e-9) | (theta >= problem.high * (1 - 1e-9))
    at &= problem.low < problem.high
    return tuple(n for n, hit in zip(problem.form.names, at, strict=True) if hit)


def _objective(problem: Problem, y=None, weights=None, whiten=None):
    form, loss = problem.form, problem.loss
    Ys = problem.y if y is None else y
    target = np.log(Ys) if loss.log else Ys
    W = problem.weights if weights is None else weights

    def objective(P, rows, curvature):
        t = target if target.ndim == 1 else target[rows]
        w = W if W.ndim == 1 else W[rows]
        Y, J = evaluate(form, problem.logs, P)
        if loss.log:
            valid = (Y > 0).all(axis=1)
            Y = np.where(Y > 0, Y, 1.0)
            r = np.log(Y) - t
        else:
            valid, r = np.ones(len(P), bool), Y - t
        if whiten is not None:
            r = (whiten[rows] @ r[:, :, None])[:, :, 0]
            J = (J / Y[:, None, :] if loss.log else J) @ whiten[rows].transpose(0, 2, 1)
            Y = 1.0
        f = np.sum(w * loss.rho(r), axis=1)
        f[~valid | ~np.isfinite(f)] = np.inf
        slope = w * loss.psi(r)
        if loss.log:
            slope = slope / Y
        g = (J @ slope[:, :, None])[:, :, 0]
        H = None
        if curvature:
            c = w * loss.weight(r)
            if loss.log:
                c = c / (Y * Y)
            H = (J * c[:, None, :]) @ J.transpose(0, 2, 1)
        return f, g, H

    return objective


def _grid(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """All combinations of the exponents' starts, thinned to GRID_LIMIT; and their grid indices."""
    form = problem.form
    axes = [np.array(form.params[i].starts) for i in form.exponents]
    if not axes:
        return np.zeros((1, 0)), np.zeros((1, 1))
    shape = [len(a) for a in axes]
    size = int(np.prod(shape))
    if size <= GRID_LIMIT:
        flat = np.arange(size)
    else:  # too many for a grid (laws with several breaks): a fixed random sample of it
        flat = np.random.default_rng(0).integers(0, size, RANDOM_STARTS)
    index = np.stack(np.unravel_index(flat, shape), axis=1)
    for k, i in enumerate(form.exponents):
        if form.params[i].position:
            axes[k] = problem.low[i] + axes[k] * (problem.high[i] - problem.low[i])
    T = np.stack([axes[k][index[:, k]] for k in range(len(axes))], axis=1)
    # Neighbours on a fine axis are the same start; on an axis of few values each is its own.
    index = index * np.where(np.array(shape) <= 5, 2, 1)
    keep = list(form.exponents)
    return np.clip(T, problem.low[keep], problem.high[keep]), index


def _condition(problem: Problem, theta: FloatArray) -> float:
    with np.errstate(all="ignore"):
        Y, J = evaluate(problem.form, problem.logs, theta[None])
    J = J[0] / (Y[0] if problem.loss.log else 1.0) * np.sqrt(problem.weights)
    J = J[problem.low < problem.high]
    size = np.linalg.norm(J, axis=1, keepdims=True)
    if not np.all(np.isfinite(J)) or np.any(size == 0):
        return float("inf")
    values = np.linalg.svd(J / size, compute_uv=False)
    return float(values[0] / values[-1]) if values[-1] > 0 else float("inf")


def _judge(form, params, end, best, agree, hit, condition, floor) -> list[str]:
    """The warnings due after a search."""
    out = []
    if agree < 2 and len(end.f) > 1:
        out.append(
            f"only 1 of {len(end.f)} starts reached the best objective; the optimum is uncertain"
        )
    if end.stationarity[best] > 1e-3 and end.f[best] > floor:
        out.append(
            "the search ended where the gradient is not zero "
            f"(scaled {end.stationarity[best]:.1e}); the optimum is uncertain"
        )
    if hit:
        out.append(f"{', '.join(hit)} ended on a bound; its interval is one-sided at best")
    if condition > 1e4:
        tell, told = "do not", ""
        if np.isfinite(condition):
            tell, told = "hardly", f" (condition {condition:.1e})"
        out.append(
            f"the points {tell} tell the parameters apart{told}; "
            "predictions inside the range are safer than parameters"
        )
    if not np.all(np.isfinite(params)):
        out.append("a parameter is beyond the range of a double in these units; change units")
    return [f"law {form.name}: {sentence}" for sentence in out]
