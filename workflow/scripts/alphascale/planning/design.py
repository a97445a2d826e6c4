"""Which further runs narrow an answer most per FLOP, and how narrow it will be after them.

The bootstrap's resamples are draws of what the curve may be, deviation from the form included. They
give the covariance of the curve at the sizes that could be trained with the curve at the places
where the answer may lie (where N* lies, in resamples across its distribution). Given that
covariance, what a run would tell is known before it is made: its value is the curve there, plus an
offset of its configuration, plus noise, and a Gaussian is conditioned on it in closed form. Nothing
is linearised in parameters, so any law that has resamples can be designed for.

The criterion is the mean over those places of the log standard deviation of the log curve, as in
pseudo-Bayesian design (Chaloner & Larntz 1989): it has no unit, and no single guess of N* decides.
Runs are picked greedily by gain per FLOP (a knapsack's greedy rule), beside greedily by gain alone
among those that still fit; the better of the two designs is kept.

How narrow: `forecast` plays the chosen runs out. It takes resamples as truths, makes up the runs'
results, refits with the study's own bootstrap and reports the interval that it gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from ..errors import UserError
from ..laws import Fit
from ..records.runs import run_variance

FloatArray = np.ndarray
# Below this gain, a run narrows the answer by less than 0.1 %: it is not worth a job.
LEAST_GAIN = 1e-3


@dataclass(frozen=True)
class Scatter:
    """Variances around the curve, of log y or y as the law's residuals are."""

    offset: float  # of a configuration, shared by its runs
    run: float  # of a run within its configuration


@dataclass(frozen=True)
class Design:
    """Runs that were chosen."""

    counts: FloatArray  # (c,) runs (seeds) of every candidate
    flops: float  # what they cost
    # standard deviation of the log curve, after over before, geometric mean over the places
    ratio: float


@dataclass(frozen=True)
class Outlook:
    """One interval of the answer."""

    point: float  # the law's own
    # lower, upper: ends of the interval, inf where it is open
    lower: float
    upper: float
    out_of_reach: float  # share of resamples that never reach the target

    @property
    def width(self) -> float:
        """Natural logarithm of upper over lower; inf for an interval that is open above."""
        if not (math.isfinite(self.upper) and self.lower > 0):
            return math.inf
        return math.log(self.upper / self.lower)


def curve_draws(fit: Fit, points: dict[str, FloatArray]) -> FloatArray:
    """Every resample's curve (resamples, n) on the scale of the law's residuals."""
    values = fit.curves(points)
    with np.errstate(all="ignore"):
        values = np.log(values) if fit.log_noise else values
    good = np.isfinite(values).all(axis=1)
    if good.sum() < 20:
        raise UserError(f"{good.sum()} of {len(values)} resamples have a curve: too few to plan by")
    return values[good]


def measured_scatter(fit: Fit, y: FloatArray, configurations: FloatArray) -> Scatter:
    """Of a run and of its configuration, from the runs' own scatter and the bootstrap's total.

    y (n,), configurations (n,) labels. Without repeated seeds the two cannot be told apart: all of
    it is then taken for noise of a run.
    """
    values = np.log(y) if fit.log_noise else np.asarray(y, float)
    unit = 1.0 if fit.log_noise else fit.y_scale
    total = float(np.nanmedian((fit.noise * unit) ** 2))
    run = run_variance(values, configurations)
    return Scatter(0.0, total) if run is None else Scatter(max(total - run, 0.0), run)


def choose(
    goals: FloatArray, candidates: FloatArray, costs: FloatArray, scatter: Scatter, budget: float,
    most: int,
) -> Design:  # fmt: skip
    """Runs for at most `budget` FLOPs. goals (R, k), candidates (R, c): draws of the curve at the
    places asked and at the candidates, row for row; costs (c,): FLOPs of one run; most: runs of
    one candidate. Counts are all zero where nothing fits or nothing helps."""
    covariance = robust_covariance(np.concatenate([goals, candidates], axis=1))
    k = goals.shape[1]
    known = np.diag(covariance)[:k] > 1e-300
    keep = np.concatenate([np.flatnonzero(known), np.arange(k, len(covariance))])
    covariance, k = covariance[np.ix_(keep, keep)], int(known.sum())
    covariance[np.arange(k, len(keep)), np.arange(k, len(keep))] += scatter.offset
    options = [
        _greedy(covariance, k, costs, scatter.run, budget, most, each) for each in (1.0, 0.0)
    ]
    return min(options, key=lambda design: design.ratio)


def robust_covariance(draws: FloatArray) -> FloatArray:
    """Covariance (n, n) of draws (R, n) by ranks: the correlation of their normal scores, with the
    half-width of the central 68 % for a standard deviation.

    A few resamples of a poor fit go anywhere; moments would plan for these alone (on the default
    vision study 1 % of the resamples hold most of the variance at 4 × the largest size).
    """
    ranks = draws.argsort(axis=0).argsort(axis=0)
    scores = ndtri((ranks + 0.5) / len(draws))
    low, high = np.quantile(draws, [ndtr(-1.0), ndtr(1.0)], axis=0)
    spread = (high - low) / 2
    return scores.T @ scores / np.mean(scores[:, 0] ** 2) / len(draws) * np.outer(spread, spread)


def _greedy(covariance, k, costs, run, budget, most, power) -> Design:
    """Greedy by gain / cost^power, each run a conditioning of the Gaussian (rank one)."""
    S, left = covariance.copy(), float(budget)
    counts = np.zeros(len(costs), int)
    before = np.diag(covariance)[:k]
    while k:
        spread = np.maximum(np.diag(S)[k:] + run, 1e-300)
        share = S[:k, k:] ** 2 / (np.maximum(np.diag(S)[:k, None], 1e-300) * spread)
        gain = -0.5 * np.log1p(-np.clip(share, 0, 1 - 1e-12)).mean(axis=0)
        fits = (costs <= left) & (counts < most) & (gain > LEAST_GAIN)
        if not fits.any():
            break
        best = int(np.argmax(np.where(fits, gain / costs**power, -np.inf)))
        column = S[:, k + best]
        S = S - np.outer(column, column) / spread[best]
        counts[best] += 1
        left -= costs[best]
    after = np.maximum(np.diag(S)[:k], 1e-300)
    ratio = float(np.exp(0.5 * np.mean(np.log(after / before)))) if k else 1.0
    return Design(counts, float(counts @ costs), min(ratio, 1.0))


def forecast(
    fit: Fit,
    columns: dict[str, FloatArray],
    cluster: str,
    points: dict[str, FloatArray],
    counts: FloatArray,
    scatter: Scatter,
    refit: Callable[[dict[str, FloatArray]], Fit],
    measure: Callable[[Fit], Outlook],
    futures: int,
    seed: int,
) -> list[Outlook]:
    """What `measure` would say after `counts` (c,) runs at `points`, once for each future.

    columns: the observations that `fit` was made of; cluster: its column of configurations. A
    future takes one resample for the truth. One that cannot be fitted is left out.
    """
    rng = np.random.default_rng(seed)
    draws = curve_draws(fit, points)
    at = np.repeat(np.arange(len(counts)), counts)
    names = np.array([f"planned {i}" for i in range(len(counts))])
    found = []
    for row in rng.choice(len(draws), futures, replace=len(draws) < futures):
        offset = math.sqrt(scatter.offset) * rng.standard_normal(len(counts))
        value = (draws[row] + offset)[at] + math.sqrt(scatter.run) * rng.standard_normal(len(at))
        new = {name: values[at] for name, values in points.items()}
        new |= {fit.y: np.exp(value) if fit.log_noise else value, cluster: names[at]}
        try:
            after = refit({k: np.concatenate([v, new[k]]) for k, v in columns.items()})
            found.append(measure(after))
        except UserError:
            continue
    return found
