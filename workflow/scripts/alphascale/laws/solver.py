"""Two batched solvers: amplitudes by non-negative least squares, all parameters by BFGS in a box.

A batch is a set of problems over the same points: starts of one fit, or resamples of a bootstrap.
numpy's cost per call is then shared by hundreds of problems, which is what makes 1,000 refits cost
less than a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

FloatArray = np.ndarray


def solve_amplitudes(
    columns: FloatArray, y: FloatArray, w: FloatArray, free: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Least squares Σ w (y − Σ a_k φ_k)², a_k ≥ 0 except where `free`; exact, by every support.

    columns (B, k, n), y and w (n,) or (B, n), free (k,) booleans. Returns a (B, k) and the sums of
    squares (B,). With k ≤ 4 there are at most 15 supports, each one batched k × k solve.
    """
    B, k, _ = columns.shape
    weighted = columns * np.broadcast_to(w, (B, columns.shape[2]))[:, None, :]
    gram = weighted @ columns.transpose(0, 2, 1)
    right = np.einsum("bkn,bn->bk", weighted, np.broadcast_to(y, (B, columns.shape[2])))
    total = np.broadcast_to(np.sum(np.broadcast_to(w, y.shape) * y * y, axis=-1), (B,))
    size = np.sqrt(np.maximum(np.einsum("bkk->bk", gram), 1e-300))
    gram = gram / (size[:, :, None] * size[:, None, :])
    right = right / size
    best = np.zeros((B, k))
    best_sse = total.copy()
    fixed = [i for i in range(k) if not free[i]]
    always = [i for i in range(k) if free[i]]
    for chosen in chain.from_iterable(combinations(fixed, r) for r in range(len(fixed) + 1)):
        support = sorted([*always, *chosen])
        if not support:
            continue
        sub = gram[np.ix_(range(B), support, support)] + 1e-13 * np.eye(len(support))
        a = np.linalg.solve(sub, right[:, support, None])[:, :, 0]
        sse = total - np.einsum("bk,bk->b", a, right[:, support])
        feasible = np.all((a >= 0) | np.array([free[i] for i in support]), axis=1)
        better = feasible & (sse < best_sse)
        rows = np.flatnonzero(better)
        best[rows] = 0.0
        best[np.ix_(rows, support)] = a[rows]
        best_sse[rows] = sse[rows]
    return best / size, np.maximum(best_sse, 0.0)


@dataclass(frozen=True)
class Minimum:
    """Where each problem of a batch ended. P (B, p), f (B,), stationarity (B,): largest component
    of the scaled projected gradient, over the objective.
    """

    P: FloatArray
    f: FloatArray
    stationarity: FloatArray


def minimise(
    objective: Callable[[FloatArray, FloatArray, bool], tuple],
    P: FloatArray,
    low: FloatArray,
    high: FloatArray,
    *,
    max_iterations: int = 200,
    tolerance: float = 1e-9,
) -> Minimum:
    """Projected BFGS on a batch, started from Gauss–Newton curvature.

    objective(P, rows, curvature) -> f (b,), g (b, p), H (b, p, p) or None: value, gradient and,
    when asked, a positive semi-definite model of the Hessian for the problems `rows` at P.
    Coordinates at a bound whose gradient points outward are held; the rest step by the BFGS
    matrix, with backtracking along the projected path. A problem stops when its scaled projected
    gradient is below `tolerance` of its objective, or when neither BFGS nor a fresh Gauss–Newton
    step lowers it.
    """
    B = len(P)
    P = np.clip(P, low, high)
    final_P, final_f, final_s = P.copy(), np.full(B, np.inf), np.full(B, np.inf)
    rows = np.arange(B)
    f, g, H = objective(P, rows, True)
    fresh = np.ones(B, bool)
    quiet = np.zeros(B, int)
    alive = np.isfinite(f)
    rows, P, f, g, H, fresh, quiet = (v[alive] for v in (rows, P, f, g, H, fresh, quiet))
    for iteration in range(max_iterations + 1):
        held = ((low >= P) & (g > 0)) | ((high <= P) & (g < 0))
        s = _stationarity(P, f, np.where(held, 0.0, g))
        final_P[rows], final_f[rows], final_s[rows] = P, f, s
        going = (s > tolerance) & (quiet < 3)
        if iteration == max_iterations or not going.any():
            break
        if not going.all():
            rows, P, f, g, H, fresh, quiet, held = (
                v[going] for v in (rows, P, f, g, H, fresh, quiet, held)
            )
        step = _direction(H, g, held)
        t = np.ones(len(rows))
        new_P, new_f, new_g = P.copy(), f.copy(), g.copy()
        todo = np.arange(len(rows))
        for _ in range(30):
            trial = np.clip(P[todo] + t[todo, None] * step[todo], low, high)
            ft, gt, _ = objective(trial, rows[todo], False)
            gain = np.einsum("bp,bp->b", trial - P[todo], g[todo])
            good = np.isfinite(ft) & (ft <= f[todo] + 1e-4 * np.minimum(gain, 0)) & (ft < f[todo])
            done = todo[good]
            new_P[done], new_f[done], new_g[done] = trial[good], ft[good], gt[good]
            # Beyond this a step changes the objective by less than it can be computed.
            todo = todo[~good & (np.abs(gain) > 1e-16 * np.abs(f[todo]))]
            if not len(todo):
                break
            t[todo] *= np.where(t[todo] > 0.1, 0.4, 0.1)
        moved = new_f < f
        small = (f - new_f) <= 1e-13 * np.abs(new_f)
        quiet = np.where(moved & ~small, 0, quiet + 1)
        quiet[~moved & fresh] = 3
        H = _bfgs(H, new_P - P, new_g - g)
        P, f, g = new_P, new_f, new_g
        # A stuck problem gets Gauss-Newton curvature again, once.
        again = np.flatnonzero(~moved & ~fresh)
        fresh = np.zeros(len(rows), bool)
        if len(again):
            H[again] = objective(P[again], rows[again], True)[2]
            fresh[again] = True
    return Minimum(final_P, final_f, final_s)


def _stationarity(P: FloatArray, f: FloatArray, g: FloatArray) -> FloatArray:
    scaled = np.abs(g) * np.maximum(np.abs(P), 1e-2)
    return scaled.max(axis=1) / np.maximum(f, 1e-300)


def _direction(H: FloatArray, g: FloatArray, held: FloatArray) -> FloatArray:
    """−H⁻¹g over the coordinates not held, with a ridge small beside H's own diagonal; no step
    where H is rounding (a scaled model of curvature has no entry above 1)."""
    p = g.shape[1]
    A = np.where(held[:, :, None] | held[:, None, :], 0.0, H)
    diagonal = np.einsum("bpp->bp", A).copy()
    floor = np.maximum(1e-12 * diagonal.max(axis=1, keepdims=True), 1e-300)
    scale = np.sqrt(np.where(held, 1.0, np.maximum(diagonal, floor)))
    A = A / (scale[:, :, None] * scale[:, None, :])
    A[:, range(p), range(p)] = np.where(held, 1.0, np.einsum("bpp->bp", A) + 1e-10)
    right = -np.where(held, 0.0, g) / scale
    sane = (np.abs(A) < 2.0).all(axis=(1, 2))
    A = np.where(sane[:, None, None], A, np.eye(p))
    step = np.linalg.solve(A, np.where(sane[:, None], right, 0.0)[:, :, None])[:, :, 0]
    return step / scale


def _bfgs(H: FloatArray, s: FloatArray, y: FloatArray) -> FloatArray:
    """Powell's damped update of the Hessian model, skipped where the step is zero."""
    Hs = np.einsum("bpq,bq->bp", H, s)
    sHs = np.einsum("bp,bp->b", s, Hs)
    sy = np.einsum("bp,bp->b", s, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        theta = np.where(sy >= 0.1 * sHs, 1.0, 0.9 * sHs / (sHs - sy))
        r = theta[:, None] * y + (1 - theta)[:, None] * Hs
        sr = np.einsum("bp,bp->b", s, r)
        new = (
            H
            - Hs[:, :, None] * Hs[:, None, :] / sHs[:, None, None]
            + r[:, :, None] * r[:, None, :] / sr[:, None, None]
        )
    ok = (sHs > 0) & (sr > 0) & np.isfinite(new).all(axis=(1, 2))
    return np.where(ok[:, None, None], new, H)
