"""Resampling a fit: clusters are configurations, seeds lie inside them.

pairs       30 configurations or more: they are drawn with replacement, with all their runs; the
            refits share one batch. The noise of a new run is drawn from the residuals, widened by
            sqrt(n / (n − parameters)).
smooth      fewer, one predictor, squared loss. A pairs bootstrap of 9 configurations covers 74 %
            for a nominal 95 % (facts of a published simulation): too few to resample. Instead
            every resample draws its own noise level from the chi-square posterior of the residuals
            (which turns normal quantiles into Student's), its own smooth deviation from the form
            (`alphascale.laws.deviation`) and its own offsets of the configurations, and is
            refitted to the observations less these.
parametric  fewer, several predictors or a Huber loss: as smooth, without the deviation.

A resample whose refit fails is kept as a row of NaN and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.deviation import Deviation, basis, make_edges, variances
from alphascale.laws.fitting import FormFit, refine
from alphascale.laws.form import evaluate, predict
from alphascale.laws.problem import Problem

FloatArray = np.ndarray
PAIRS_FROM = 30
LAMBDA = np.geomspace(1.02, 1e4, 120)  # ratios of variances considered beside 1
SPIKE = 0.5
CHUNK = 250  # resamples refitted together: their arrays stay in the cache


@dataclass(frozen=True)
class Resamples:
    """theta (R, p) scaled parameters, NaN where failed; noise (R,) standard deviation of a single
    run's residual (of log y, or of y in scaled units); method: how they were drawn; residuals: the
    pool a new run's noise is drawn from (pairs), or None (normal).
    """

    theta: FloatArray
    noise: FloatArray
    method: str
    residuals: FloatArray | None = None
    deviation: Deviation | None = None

    @property
    def failed(self) -> int:
        """How many could not be fitted."""
        return int(np.sum(~np.isfinite(self.theta).all(axis=1)))


@dataclass(frozen=True)
class Noise:
    """Variation around a fit. within: variance of runs inside a configuration, and its degrees of
    freedom (0 with one run each). between: variance of a configuration's mean around the curve,
    and its degrees of freedom; runs: mean number of runs in a configuration.
    """

    within: float
    within_df: int
    between: float
    between_df: int
    runs: float


def residuals(fit: FormFit) -> FloatArray:
    """Observed minus fitted (n,): of log y under a log loss, else in scaled y."""
    p = fit.problem
    return -p.residuals(predict(p.form, p.logs, fit.theta[None])[0])


def free_parameters(fit: FormFit) -> int:
    """How many parameters the fit had left to move."""
    return len(fit.free)


def noise(fit: FormFit, clusters: FloatArray) -> Noise:
    """Analysis of variance of the residuals by cluster; clusters (n,) are codes 0 … C−1."""
    r = residuals(fit)
    C = int(clusters.max()) + 1
    runs = np.bincount(clusters, minlength=C)
    mean = np.bincount(clusters, r, minlength=C) / runs
    within_df = len(r) - C
    within = float(np.sum((r - mean[clusters]) ** 2) / within_df) if within_df else 0.0
    between_df = max(C - free_parameters(fit), 1)
    m = len(r) / C
    between = float(np.sum(runs * mean**2) / m / between_df)
    return Noise(within, within_df, between, between_df, m)


def draw_noise(
    estimate: Noise, resamples: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Variances (R,) of a configuration's own offset and of a run inside it, from their posterior.

    Let the mean of a configuration vary λ ≥ 1 times as much as its runs alone would make it. With
    half the prior on λ = 1 (no offsets: all residuals speak of one noise) and half on ½λ^(−3/2),
    and 1/σ² for the noise, λ has a posterior in closed form and σ² given λ is a scaled inverse
    chi-square.
    """
    b_df, w_df = estimate.between_df, estimate.within_df
    ss_b, ss_w = estimate.between * estimate.runs * b_df, estimate.within * w_df
    if not w_df:
        variance = ss_b / rng.chisquare(b_df, resamples)
        return np.zeros(resamples), variance
    factor = np.concatenate([[1.0], LAMBDA])
    # LAMBDA is even in log λ, so the slab's mass per point is λ · ½λ^(−3/2), normalised.
    slab = LAMBDA**-0.5
    log_prior = np.log(np.concatenate([[SPIKE], (1 - SPIKE) * slab / slab.sum()]))
    spread = np.log(ss_w + ss_b / factor + 1e-300)
    log_post = log_prior - 0.5 * b_df * np.log(factor) - 0.5 * (b_df + w_df) * spread
    weight = np.exp(log_post - log_post.max())
    drawn = rng.choice(factor, size=resamples, p=weight / weight.sum())
    within = (ss_w + ss_b / drawn) / rng.chisquare(b_df + w_df, resamples)
    return (drawn - 1) * within / estimate.runs, within


def bootstrap(
    fit: FormFit, clusters: FloatArray, resamples: int = 1000, seed: int = 0, method: str = "auto"
) -> Resamples:
    """Refit `fit` to `resamples` resamples clustered by `clusters` (n,); reproducible by `seed`."""
    rng = np.random.default_rng(seed)
    _, clusters = np.unique(clusters, return_inverse=True)
    C = int(clusters.max()) + 1
    if not resamples:
        return Resamples(np.empty((0, len(fit.theta))), np.empty(0), "none")
    if method == "auto":
        one = len(fit.problem.form.roles) == 1 and np.isinf(fit.problem.loss.delta)
        method = "pairs" if C >= PAIRS_FROM else "smooth" if one else "parametric"
    if C < PAIRS_FROM and free_parameters(fit) >= C and len(clusters) == C:
        # The curve passes through every point: nothing is left that could tell the noise.
        nothing = np.full((resamples, len(fit.theta)), np.nan)
        return Resamples(nothing, np.full(resamples, np.nan), "no noise left")
    if method not in METHODS:
        raise UserError(f"method {method!r} is not known; choose auto, {', '.join(METHODS)}")
    return METHODS[method](fit, clusters, C, resamples, rng)


def _pairs(fit, clusters, C, resamples, rng) -> Resamples:
    parts = []
    for i in range(0, resamples, CHUNK):
        counts = rng.multinomial(C, np.full(C, 1 / C), size=min(CHUNK, resamples - i))
        weights = counts[:, clusters] * fit.problem.weights
        parts.append(_refit(fit.problem, fit.theta, weights=weights))
    theta = np.concatenate(parts)
    r = residuals(fit)
    pool = r * np.sqrt(len(r) / max(len(r) - len(fit.theta), 1))
    spread = np.full(resamples, float(np.std(pool)))
    return Resamples(theta, spread, "pairs", pool)


def _parametric(fit, clusters, C, resamples, rng) -> Resamples:
    problem = fit.problem
    offset, within = draw_noise(noise(fit, clusters), resamples, rng)
    center = predict(problem.form, problem.logs, fit.theta[None])[0]
    shift = np.sqrt(offset)[:, None] * rng.standard_normal((resamples, C))[:, clusters]
    shift += np.sqrt(within)[:, None] * rng.standard_normal((resamples, len(center)))
    shift = np.clip(shift, -50, 50)
    y = center * np.exp(shift) if problem.loss.log else center + shift
    theta = _refit(problem, fit.theta, y)
    return Resamples(theta, np.sqrt(offset + within), "parametric")


def _refit(problem: Problem, theta: FloatArray, y=None, weights=None, whiten=None) -> FloatArray:
    """Parameters (R, p) refitted from theta (p,), CHUNK resamples at a time; NaN where it failed.

    y, weights (R, n), whiten (R, n, n): as of `refine`.
    """
    given, parts = (y, weights, whiten), []
    total = len(y if y is not None else weights)
    for i in range(0, total, CHUNK):
        own = [None if v is None else v[i : i + CHUNK] for v in given]
        start = np.broadcast_to(theta, (min(CHUNK, total - i), len(theta)))
        # 1e-6 of the objective moves a parameter by 1e-3 of its standard error.
        end = refine(problem, start, *own, max_iterations=100, tolerance=1e-6)
        parts.append(np.where(np.isfinite(end.f)[:, None], end.P, np.nan))
    return np.concatenate(parts)


def _smooth(fit, clusters, C, resamples, rng) -> Resamples:
    """Randomised maximum likelihood: perturb the observed means by draws of everything that could
    have moved them (deviation, offset, noise), refit, and hand the deviation what the refit leaves
    (Matheron's rule). For a form linear in its parameters these are exact posterior draws.
    """
    problem = fit.problem
    w = problem.weights
    runs = np.bincount(clusters, w, minlength=C)
    scale = np.log if problem.loss.log else np.asarray
    values = scale(problem.y)
    mean = np.bincount(clusters, w * values, minlength=C) / runs
    within_ss = float(np.sum(w * (values - mean[clusters]) ** 2))
    t = np.bincount(clusters, w * problem.logs[0], minlength=C) / runs
    center, J = evaluate(problem.form, t[None], fit.theta[None])
    slopes = (J[0] / (center[0] if problem.loss.log else 1.0)).T
    free = list(fit.free)
    origin = float(t.min())
    edges = make_edges(float(np.ptp(t)))
    columns = basis(t - origin, edges)
    post = variances(mean - scale(center[0]), slopes[:, free], columns, runs, within_ss, len(w) - C)
    pick = rng.choice(len(post.weight), size=resamples, p=post.weight)
    sd = np.sqrt(post.sum_squares[pick] / rng.chisquare(post.df, resamples))
    weights = rng.standard_normal((resamples, columns.shape[1]))
    weights *= (np.sqrt(post.smooth[pick]) * sd)[:, None]
    spread = np.sqrt(post.offset[pick, None] + 1.0 / runs)
    other = weights @ columns.T + spread * sd[:, None] * rng.standard_normal((resamples, C))
    means = replace(problem, logs=t[None], y=np.ones(C), weights=np.ones(C))
    target = mean - other
    y = np.exp(target) if problem.loss.log else target
    theta = _refit(means, fit.theta, y, whiten=post.whiten[pick])
    with np.errstate(all="ignore"):
        left = target - scale(predict(problem.form, t[None], theta))
    pull = np.einsum("bij,bj->bi", post.inverse[pick], np.nan_to_num(left))
    weights = weights + post.smooth[pick][:, None] * (pull @ columns)
    # Nine digits: a saved fit stays small and still predicts the same, bit for bit.
    weights = weights.astype(np.float32).astype(float)
    noise = sd * np.sqrt(1.0 + post.offset[pick])
    return Resamples(theta, noise, "smooth", deviation=Deviation(origin, edges, weights))


METHODS = {"pairs": _pairs, "parametric": _parametric, "smooth": _smooth}
