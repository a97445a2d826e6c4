"""Runs as levels: one mean per configuration, sorted by compute, and the scatter of its seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphascale.errors import UserError

FloatArray = np.ndarray
NEAR = 0.35
ALIKE = 1.1  # runs of one configuration differ by less in what they count (tokens, FLOPs)


@dataclass(frozen=True)
class Levels:
    """logs (r, n) of the predictors and v (n,) mean log response of each level, by rising compute;
    runs (n,) at each. seed_variance: of log y among runs of one level, with seed_df degrees of
    freedom (0 where no level has two). weight (n,): how much a level counts, 1 where nothing is
    known against it.
    """

    logs: FloatArray
    v: FloatArray
    runs: FloatArray
    seed_variance: float
    seed_df: int
    weight: FloatArray

    @property
    def compute(self) -> FloatArray:
        """log of the product of the predictors (n,), of N·D where unique data are told too."""
        return self.logs[:2].sum(axis=0)


def gather(x: FloatArray, y: FloatArray, cluster: FloatArray | None = None) -> Levels:
    """Levels of runs y (m,) > 0 at x (r, m) > 0; runs with equal cluster, or equal x, are one.

    Raises UserError for values that are not positive and finite and for fewer than two levels.
    """
    for name, values in [*zip(("x", "x2", "x3"), x, strict=False), ("y", y)]:
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if len(bad):
            raise UserError(
                f"law auto: {name} must be positive, finite numbers; row {bad[0] + 1} is "
                f"{values[bad[0]]}"
            )
    order = np.lexsort((y, *x))  # a fit must not depend on the order of rows, to the last bit
    logs, v = np.log(x[:, order]), np.log(y[order])
    if cluster is None:
        key = np.unique(logs, axis=1, return_inverse=True)[1].ravel()
    else:
        names, key = np.unique(cluster[order], return_inverse=True)
        _check_clusters(names, key, x[:, order])
    runs = np.bincount(key)
    centre = np.stack([np.bincount(key, row) / runs for row in logs])
    joined = np.unique(centre.round(12), axis=1, return_inverse=True)[1].ravel()
    if joined.max() + 1 < len(runs):  # clusters at the same place are one level
        key = joined[key]
        runs = np.bincount(key)
        centre = np.stack([np.bincount(key, row) / runs for row in logs])
    if len(runs) < 2:
        raise UserError("law auto: all runs have the same size; at least two sizes are needed")
    mean = np.bincount(key, v) / runs
    df = int(np.sum(runs - 1))
    within = float(np.sum((v - mean[key]) ** 2)) / max(df, 1)
    rank = np.lexsort((*centre, centre[:2].sum(axis=0).round(9)))
    return Levels(centre[:, rank], mean[rank], runs[rank], within, df, np.ones(len(runs)))


def _check_clusters(names: FloatArray, key: FloatArray, x: FloatArray) -> None:
    """Refuse a cluster whose runs differ in a predictor: its mean would be a size nobody ran."""
    for row in x:
        low, high = np.full(len(names), np.inf), np.zeros(len(names))
        np.minimum.at(low, key, row)
        np.maximum.at(high, key, row)
        wide = np.flatnonzero(high > ALIKE * low)
        if len(wide):
            k = wide[0]
            raise UserError(
                f"law auto: cluster {str(names[k])!r} holds runs of different sizes ({low[k]:g} to "
                f"{high[k]:g}): it should name runs that differ by their seed alone"
            )


def effective(logs: FloatArray, repeats: FloatArray) -> FloatArray:
    """log N and log D' (B, 2, n) from log N, log D, log U, (3, n) or (B, 3, n): of D samples seen U
    are unique, and repeats count less and less, D' = U(1 + R(1 − e^(−(D/U − 1)/R))) with R (B,), as
    in Muennighoff et al. 2023.
    """
    n, d, u = np.moveaxis(np.broadcast_to(logs, (len(repeats), *logs.shape[-2:])), 1, 0)
    u = np.minimum(d, u)
    R = repeats[:, None]
    more = np.log1p(-R * np.expm1(-np.expm1(np.minimum(d - u, 300.0)) / R))
    return np.stack([n, u + more], axis=1)


def condense(levels: Levels, most: int) -> Levels:
    """Levels of one predictor, neighbours joined where they are more than `most`."""
    n = len(levels.v)
    if len(levels.logs) > 1 or n <= most:
        return levels
    u = levels.logs[0]
    cell = np.minimum((most * (u - u[0]) / (u[-1] - u[0])).astype(int), most - 1)
    cell[-1] = cell.max() + (cell[-1] == cell[-2])  # the last level stays what it is
    key = np.unique(cell, return_inverse=True)[1]
    count = np.bincount(key)
    logs = np.bincount(key, u) / count
    v = np.bincount(key, levels.v) / count
    runs = np.bincount(key, levels.runs)
    weight = np.bincount(key, levels.weight) / count
    return Levels(logs[None], v, runs, levels.seed_variance, levels.seed_df, weight)


def smooth(u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """v (n,) at u (n,), each by a line through those within ± NEAR, and the share (n,) of a level's
    variance that is left in it. Fewer than three within reach stay as they are: a line through the
    sizes of a sparse ladder cuts its bend, and missed N* inside it by more than its interval.
    """
    away = u - u[:, None]
    near = np.abs(away) <= NEAR + 1e-9
    near[near.sum(1) < 3] = False
    np.fill_diagonal(near, True)
    share = near / near.sum(1, keepdims=True)
    middle = (share * away).sum(1, keepdims=True)
    spread = (share * (away - middle) ** 2).sum(1, keepdims=True)
    slope = share * (away - middle) / np.where(spread > 0, spread, 1.0)
    weights = share - middle * slope
    return weights @ v, (weights**2).sum(1)


@dataclass(frozen=True)
class Origins:
    """Ends of the ladder. seen, ahead (O, n): levels known at each and judged from it, origin 0
    being the whole ladder. reference (O, r): its largest logarithms. octaves (O,): of compute by
    which it lies before the end, per predictor.
    """

    seen: FloatArray
    ahead: FloatArray
    reference: FloatArray
    octaves: FloatArray


def origins(levels: Levels, step: float, horizon: float, most: int) -> Origins:
    """Up to `most` origins, a factor `step` apart in each predictor, each with at least three
    levels a predictor before it and judged on what lies up to `horizon` ahead in each, or on the
    next two.
    """
    C, r = levels.compute, len(levels.logs)
    n = len(C)
    seen, ahead, octaves = [np.ones(n, bool)], [np.zeros(n, bool)], [0.0]
    last = n
    for j in range(1, 200):
        m = int(np.searchsorted(C, C[-1] - j * r * np.log(step) + 1e-9, "right"))
        if m < min(3 * r, n - 1) or len(seen) > most:
            break
        if m < last:
            last = m
            until = int(np.searchsorted(C, C[m - 1] + r * np.log(horizon) + 1e-9, "right"))
            until = min(max(until, m + 2), n)
            index = np.arange(n)
            seen.append(index < m)
            ahead.append((index >= m) & (index < until))
            octaves.append(float(C[-1] - C[m - 1]) / np.log(2) / r)
    seen, ahead = np.array(seen), np.array(ahead)
    reference = np.stack([levels.logs[:, s].max(axis=1) for s in seen])
    return Origins(seen, ahead, reference, np.array(octaves))
