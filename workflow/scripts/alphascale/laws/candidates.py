"""Forms × discounts, fitted at every origin of a ladder, and draws of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from alphascale.laws.ladder import Levels, Origins, effective, origins
from alphascale.laws.posterior import Modes, draw, solve
from alphascale.laws.priors import Beliefs
from alphascale.laws.shapes import LEVEL, evaluate

FloatArray = np.ndarray
ROUGH = (6, 4)  # fewest levels, and fewest triples, that tell the noise by neighbours
DENSE = 3.0
STIFF = 2.0  # least discount of a form that is a level and no more
FIRST = (0.0, 0.5, 1.0)  # discounts of the first fit, whose residuals tell the noise


@dataclass(frozen=True)
class Candidates:
    """Forms × discounts, fitted at O origins, × how far a form may be wrong beyond the runs.

    names (K,): forms; prior (K,); modes: rows of those fitted at origin 0, row (K,): which of them
    each candidate is; stretch (K,): see `Beliefs`; repeats (K,): R of
    `alphascale.laws.ladder.effective`, or nan. predicted, score (O, K, n): log y at all levels
    by the modes, and the logarithm of the predictive density of what was measured there.
    """

    levels: Levels
    origins: Origins
    names: tuple[str, ...]
    prior: FloatArray
    modes: Modes
    row: FloatArray
    stretch: FloatArray
    repeats: FloatArray
    predicted: FloatArray
    score: FloatArray


def noise_prior(levels: Levels, beliefs: Beliefs) -> tuple[float, float]:
    """ν₀ and s₀ of a level's mean: the prior's, what the seeds say, what a first fit leaves."""
    nu, s0 = beliefs.noise
    total = nu * s0**2
    if levels.seed_df:
        more = min(levels.seed_df, beliefs.seeds)
        total, nu = total + more * levels.seed_variance * float(np.mean(1 / levels.runs)), nu + more
    more = min(len(levels.v) - 3, beliefs.residual)
    if more <= 0:
        return nu, float(np.sqrt(total / nu))
    forms = beliefs.one if len(levels.logs) == 1 else beliefs.two
    p = np.tile(FIRST, len(forms))
    mean = np.repeat([f.mean for f in forms], len(FIRST), axis=0)
    sd = np.repeat([f.sd for f in forms], len(FIRST), axis=0)
    mean[:, LEVEL] = levels.v[-1]
    C = levels.compute
    at = levels.logs - levels.logs.max(axis=1)[:, None]
    weights = np.exp(p[:, None] * np.minimum(C - C[-1], 0.0))
    first = solve(
        np.broadcast_to(at, (len(p), *at.shape)),
        levels.v,
        weights,
        mean,
        sd,
        (nu, float(np.sqrt(total / nu))),
    )
    left = first.variance * first.count / np.maximum(first.count - first.used, 1.0)
    left = min(float(np.quantile(left, 0.25)), by_neighbours(levels))
    return nu + more, float(np.sqrt((total + more * left) / (nu + more)))


def by_neighbours(levels: Levels) -> float:
    """Variance of a level's mean by what lies off the line through its neighbours, in the later
    half of a dense ladder of one predictor; inf where there is none."""
    if len(levels.logs) > 1 or len(levels.v) < ROUGH[0]:
        return np.inf
    half = max(min(len(levels.v) // 2, len(levels.v) - ROUGH[1]), 1)
    u, v = levels.logs[0, half - 1 :], levels.v[half - 1 :]
    share = (u[1:-1] - u[:-2]) / (u[2:] - u[:-2])
    off = v[1:-1] - (1 - share) * v[:-2] - share * v[2:]
    return float(np.mean(off**2 / (1 + share**2 + (1 - share) ** 2)))


def apart(levels: Levels) -> FloatArray:
    """How much a level (n,) counts: those of a dense curve are points of one training run, whose
    errors go together, and count as `DENSE` in an e-fold of x; times its weight."""
    if len(levels.logs) > 1:
        return levels.weight
    u = levels.logs[0]
    near = (np.abs(u - u[:, None]) <= 0.5).sum(axis=1)
    return np.minimum(1.0, DENSE / near) * levels.weight


def fit_candidates(levels: Levels, beliefs: Beliefs) -> Candidates:
    """All candidates for `levels`; with three predictors, at each of a few values of R."""
    whole = replace(levels, logs=levels.logs[:2])
    ends = origins(whole, beliefs.step, beliefs.horizon, beliefs.origins)
    if len(levels.logs) < 3:
        return _fit(levels, ends, beliefs, np.nan)
    parts = []
    for R in beliefs.repeats:
        logs = effective(levels.logs, np.array([R]))[0]
        parts.append(_fit(replace(levels, logs=logs), ends, beliefs, R))
    start = np.cumsum([0] + [len(part.modes.P) for part in parts[:-1]])
    modes = [np.concatenate(v) for v in zip(*(part.modes.fields() for part in parts), strict=True)]
    return Candidates(
        levels=whole,
        origins=ends,
        names=sum((part.names for part in parts), ()),
        prior=np.concatenate([part.prior for part in parts]),
        modes=Modes(*modes),
        row=np.concatenate([part.row + i for part, i in zip(parts, start, strict=True)]),
        stretch=np.concatenate([part.stretch for part in parts]),
        repeats=np.concatenate([part.repeats for part in parts]),
        predicted=np.concatenate([part.predicted for part in parts], axis=1),
        score=np.concatenate([part.score for part in parts], axis=1),
    )


def _fit(levels: Levels, ends: Origins, beliefs: Beliefs, repeats: float) -> Candidates:
    r = len(levels.logs)
    forms = beliefs.one if r == 1 else beliefs.two
    discounts = np.array(beliefs.discounts)
    K = len(forms) * len(discounts)
    mean = np.repeat([f.mean for f in forms], len(discounts), axis=0)
    sd = np.repeat([f.sd for f in forms], len(discounts), axis=0)
    p = np.tile(discounts, len(forms))
    prior = np.repeat([f.weight for f in forms], len(discounts)) * np.tile(
        beliefs.discount_weights, len(forms)
    )
    # Of a form that cannot fall the last value counts, not the mean of all: three sizes that fell
    # were predicted 53 % too high at 16 × the largest, and with this 39 %.
    stiff = np.repeat([(f.sd > 0).sum() == 1 for f in forms], len(discounts))
    prior = np.where(stiff & (p < STIFF), 0.0, prior)
    C = levels.compute
    logs, weights, means = [], [], []
    noise = noise_prior(levels, beliefs)
    bite = min((beliefs.misfit / noise[1]) ** 2, 1.0)
    balance = 2.0 / (1.0 + np.mean(levels.runs) / levels.runs) * apart(levels)
    for seen, reference in zip(ends.seen, ends.reference, strict=True):
        last = int(np.flatnonzero(seen)[-1])
        at = levels.logs - reference[:, None]
        logs.append(np.broadcast_to(at, (K, *at.shape)))
        older = np.expm1(np.minimum(-p[:, None] * np.minimum(C - C[last], 0.0), 600.0))
        weights.append(np.where(seen, balance / (1.0 + bite * older), 0.0))
        start = mean.copy()
        start[:, LEVEL] = levels.v[last]
        means.append(start)
    count = len(ends.seen)
    logs = np.concatenate(logs)
    modes = solve(
        logs, levels.v, np.concatenate(weights), np.concatenate(means), np.tile(sd, (count, 1)),
        noise,
    )  # fmt: skip
    predicted, J = evaluate(logs, modes.P)
    J = np.where(modes.free[:, :, None], J, 0.0)
    spread = np.einsum("bin,bin->bn", J, np.linalg.inv(modes.precision) @ J)
    spread += modes.variance[:, None]
    drop = predicted - evaluate(np.minimum(logs, 0.0), modes.P, slopes=False)[0]
    predicted, spread, drop = (v.reshape(count, K, -1) for v in (predicted, spread, drop))
    stretch, chance = (
        (beliefs.stretch, beliefs.stretch_weights)
        if r == 1
        else (beliefs.stretch_two, beliefs.stretch_two_weights)
    )
    S = len(stretch)
    score = [
        _student(levels.v - predicted, spread + (sd * drop) ** 2, beliefs.tail) for sd in stretch
    ]
    names = tuple(f.name for f in forms for _ in discounts)
    return Candidates(
        levels=levels,
        origins=ends,
        names=names * S,
        prior=np.outer(chance, prior / prior.sum()).ravel(),
        modes=modes.take(slice(0, K)),
        row=np.tile(np.arange(K), S),
        stretch=np.repeat(stretch, K),
        repeats=np.full(S * K, float(repeats)),
        predicted=np.tile(predicted, (1, S, 1)),
        score=np.concatenate(score, axis=1),
    )


def _student(off: FloatArray, variance: FloatArray, nu: float) -> FloatArray:
    """Log density at `off` of Student's t of ν degrees of freedom and this scale; no constant."""
    return -0.5 * (np.log(variance) + (nu + 1) * np.log1p(off**2 / variance / nu))


@dataclass(frozen=True)
class Draws:
    """P (R, 8): parameters. which (R,): their candidates. noise (R,): sd of log y of a new run.
    stretch (R, r): factors of the distances beyond the reference (r,), logarithms. repeats
    (R,): R of repeated data, or nan.
    """

    P: FloatArray
    which: FloatArray
    noise: FloatArray
    stretch: FloatArray
    repeats: FloatArray
    reference: FloatArray


def sample(found: Candidates, weight: FloatArray, beliefs: Beliefs, size: int, seed: int) -> Draws:
    rng = np.random.default_rng(seed)
    levels = found.levels
    r = len(levels.logs)
    edges = np.cumsum(weight)
    which = np.searchsorted(edges, (np.arange(size) + rng.random()) / size * edges[-1])
    which = np.minimum(which, len(weight) - 1)
    again = max(min(len(levels.v) - 3, beliefs.residual), 0.0)  # counted twice: see noise_prior
    P, variance = draw(
        found.modes, found.row[which], rng.standard_normal((size, 8)), rng.random(size), again
    )
    stretch = np.exp(found.stretch[which, None] * rng.standard_normal((size, r)))
    if levels.seed_df:
        seeds = levels.seed_variance
        between = np.maximum(variance - seeds * float(np.mean(1 / levels.runs)), 0.0)
        variance = seeds + between
    return Draws(
        P, which, np.sqrt(variance), stretch, found.repeats[which], found.origins.reference[0]
    )
