"""Posterior modes of many forms at once, and draws around them.

The logarithm of a run is that of its form plus normal noise of unknown size; parameters have normal
priors in the coordinates of `alphascale.laws.shapes`. With the noise integrated out (its variance
has a scaled inverse chi-square prior, ν₀ and s₀²) the negative log posterior is

    F = ½(ν₀ + Σw) log(ν₀s₀² + Σ w r²) + ½ Σ ((φ − m)/d)²

where the weights w also discount small runs. Gauss–Newton with Levenberg's damping minimises it for
all rows of a batch together: rows are forms, discounts and origins over the same points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from alphascale.laws.shapes import FLOOR, LEVEL, evaluate

FloatArray = np.ndarray
ITERATIONS = 20
LEAST = 3.0  # degrees of freedom of the noise, at least
START = 0.0  # logit of the floor's share that searches start from, at most
HELD = 35_000  # values a batch computes on together
SMALL = 1e-4  # a step that gains less of F ends the search


@dataclass(frozen=True)
class Modes:
    """P (B, 8): the modes. variance (B,): posterior mean scale of the noise, of log y. precision
    (B, 8, 8): of the parameters around the mode, identity where one is pinned. objective (B,): F.
    count (B,): ν₀ + Σw. free (B, 8).
    """

    P: FloatArray
    variance: FloatArray
    precision: FloatArray
    objective: FloatArray
    count: FloatArray
    free: FloatArray
    used: FloatArray

    def fields(self) -> list[FloatArray]:
        return [getattr(self, k) for k in self.__dataclass_fields__]

    def take(self, rows) -> Modes:
        return Modes(*(value[rows] for value in self.fields()))


def solve(
    logs: FloatArray,
    v: FloatArray,
    W: FloatArray,
    mean: FloatArray,
    sd: FloatArray,
    noise: tuple[float, float],
) -> Modes:
    """Modes for B rows: logs (B, r, n), v (n,) log responses, W (B, n) weights, mean and sd (B, 8)
    of the priors (sd 0 pins, inf leaves free); noise: ν₀ and s₀. In parts of `HELD` values, each
    without the points that none of its rows counts: half the time of 500 points.
    """
    size = max(HELD // len(v), 1)
    parts = []
    for start in range(0, len(W), size):
        rows = slice(start, start + size)
        seen = W[rows].any(axis=0)
        part = logs[rows][:, :, seen], v[seen], W[rows][:, seen], mean[rows], sd[rows], noise
        parts.append(_solve(*part).fields())
    return Modes(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _solve(logs, v, W, mean, sd, noise) -> Modes:
    nu, s0 = noise
    free = sd > 0
    with np.errstate(divide="ignore"):
        tight = np.where(free, 1.0 / np.where(free, sd, 1.0) ** 2, 0.0)
    B = len(W)
    P = mean.copy()
    P[:, FLOOR] = np.where(free[:, FLOOR], np.minimum(P[:, FLOOR], START), P[:, FLOOR])
    count = nu + W.sum(axis=1)
    out_P, out_F, out_s = P.copy(), np.full(B, np.inf), np.ones(B)
    out_A = np.empty((B, 8, 8))
    rows, damp = np.arange(B), np.full(B, 1e-3)

    def value(P, rows, slopes):
        Y, J = evaluate(logs[rows], P, slopes)
        r = v - Y
        wr = W[rows] * r
        scale = nu * s0**2 + np.einsum("bn,bn->b", wr, r)
        off = (P - mean[rows]) * tight[rows]
        F = 0.5 * count[rows] * np.log(scale)
        F += 0.5 * np.einsum("bi,bi->b", off, P - mean[rows])
        return F, scale / count[rows], wr, J, off

    F, s2, wr, J, off = value(P, rows, True)
    for _ in range(ITERATIONS):
        wj = J * W[rows][:, None, :]
        A = wj @ J.transpose(0, 2, 1) / s2[:, None, None]
        g = (J @ wr[:, :, None])[:, :, 0] / s2[:, None] - off
        keep = free[rows]
        A = np.where(keep[:, :, None] & keep[:, None, :], A, 0.0)
        diagonal = np.einsum("bii->bi", A) + tight[rows]
        index = np.arange(8)
        A[:, index, index] = np.where(keep, diagonal + 1e-12, 1.0)
        out_A[rows], out_P[rows], out_F[rows], out_s[rows] = A, P, F, s2
        B_ = A.copy()
        B_[:, index, index] *= 1 + damp[:, None]
        step = np.linalg.solve(B_, np.where(keep, g, 0.0)[:, :, None])[:, :, 0]
        step = np.clip(step, -2.0, 2.0)
        trial = P + step
        F2, s22, wr2, J2, off2 = value(trial, rows, True)
        better = F2 < F
        gain = np.where(better, F - F2, 0.0)
        damp = np.clip(np.where(better, damp / 5, damp * 8), 1e-8, 1e8)
        pick = better[:, None]
        P, F, s2 = np.where(pick, trial, P), np.where(better, F2, F), np.where(better, s22, s2)
        wr, off = np.where(pick, wr2, wr), np.where(pick, off2, off)
        J2[~better] = J[~better]  # the largest array: not copied whole
        J = J2
        out_P[rows], out_F[rows], out_s[rows] = P, F, s2
        going = (gain > SMALL) | (~better & (damp < 1e5))
        if not going.any():
            break
        if not going.all():
            state = rows, P, F, s2, wr, off, J, damp
            rows, P, F, s2, wr, off, J, damp = (values[going] for values in state)
    spare = np.einsum("bii->bi", np.linalg.inv(out_A)) * tight
    used = np.sum(np.where(free, 1.0 - spare, 0.0), axis=1)
    return Modes(out_P, out_s, out_A, out_F, count, free, used)


def draw(modes: Modes, rows: FloatArray, normal: FloatArray, chi: FloatArray, again: float = 0.0):
    """Draws around the modes `rows` (R,): parameters (R, 8) and noise variances (R,).

    normal (R, 8) standard normal, chi (R,) uniform: the randomness. The noise is drawn from its
    inverse chi-square, the parameters from the normal around the mode.
    """
    dof = np.maximum(modes.count[rows] - modes.used[rows] - again, LEAST)
    left = np.maximum(modes.count[rows] - modes.used[rows], 1.0)
    scale = modes.variance[rows] * modes.count[rows] / left
    variance = scale * dof / chdtri(dof, chi)
    cov = np.linalg.inv(modes.precision)
    root = np.linalg.cholesky(cov)
    moved = np.einsum("bij,bj->bi", root[rows], normal)
    # The level has no prior: its spread is that of the noise drawn, not of the mode's.
    moved[:, LEVEL] *= np.sqrt(variance / modes.variance[rows])
    return modes.P[rows] + np.where(modes.free[rows], moved, 0.0), variance
