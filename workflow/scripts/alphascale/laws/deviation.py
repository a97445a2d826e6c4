"""How far the true curve may deviate, smoothly, from the form that was fitted.

No form is exactly true, and a ladder of few sizes cannot tell forms apart; an interval that takes
the fitted form for granted misses most new runs once it is wrong (36 % covered for a nominal 95 %
at eight sizes with .2 % noise and a gentle break, `tests/benchmarks/coverage.py`). So, after
Kennedy and O'Hagan (2001), the residual of a configuration's mean is modelled as

smooth deviation delta(log x)  +  offset of the configuration  +  noise of its runs / number of
runs

with delta a twice integrated white noise (the prior of cubic smoothing splines): it may bend
anywhere, and its uncertainty grows beyond the largest size. It is held constant from REACH e-folds
beyond the ladder on. The variances of deviation and offset, relative to the noise, have discrete
priors that put SPIKE of their mass on zero; the posterior is the restricted likelihood of the
residuals, on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FloatArray = np.ndarray
CELLS_INSIDE, CELLS_BEYOND = 16, 8
REACH = 3.0  # e-folds: a factor of 20 beyond the largest size
SPIKE_DEVIATION = 0.7
SPIKE_OFFSET = 0.5


@dataclass(frozen=True)
class Deviation:
    """Deviations drawn with the resamples: δ_b(t) = Σ_j weights[b, j]·basis_j(t − origin)."""

    origin: float
    edges: FloatArray
    weights: FloatArray

    def __call__(self, t: FloatArray) -> FloatArray:
        """(B, n) at scaled log x (n,), or each resample at its own (B, n); to be added to the log
        of the curve (or to the curve).
        """
        columns = basis(t - self.origin, self.edges)
        if t.ndim == 1:
            return self.weights @ columns.T
        return np.einsum("bj,bnj->bn", self.weights, columns)

    def take(self, rows) -> Deviation:
        """The deviations of some resamples only."""
        return Deviation(self.origin, self.edges, self.weights[rows])


def make_edges(span: float) -> FloatArray:
    """Cells of the white noise: over the ladder, and REACH beyond it."""
    inside = np.linspace(0.0, span, CELLS_INSIDE + 1)
    return np.concatenate([inside, span + np.linspace(0.0, REACH, CELLS_BEYOND + 1)[1:]])


def basis(t: FloatArray, edges: FloatArray) -> FloatArray:
    """Unit white noise in each cell, integrated twice, at t (…,): (…, cells)."""
    a, b = edges[:-1], edges[1:]
    t = np.minimum(t, edges[-1])[..., None]
    rise = np.maximum(t - a, 0.0) ** 2 - np.maximum(t - b, 0.0) ** 2
    return 0.5 * rise / np.sqrt(b - a)


@dataclass(frozen=True)
class Variances:
    """Posterior over the variance structure. smooth, offset (G,): variances of the deviation's
    white noise and of the offsets, over that of a run; weight (G,); inverse and whitening (G, C, C)
    of the means' covariance, over that of a run; sum_squares (G,): restricted, within
    configurations included, with df degrees of freedom.
    """

    smooth: FloatArray
    offset: FloatArray
    weight: FloatArray
    inverse: FloatArray
    whiten: FloatArray
    sum_squares: FloatArray
    df: int


def variances(
    residual: FloatArray,
    jacobian: FloatArray,
    columns: FloatArray,
    runs: FloatArray,
    within_ss: float,
    within_df: int,
) -> Variances:
    """Posterior of the variances given residuals (C,) of the configurations' means around the fit.

    jacobian (C, p) of the fitted curve by its free parameters, columns (C, cells) of the basis,
    runs (C,) in each configuration. Restricted likelihood: the p directions that the form can
    absorb are left out.
    """
    C = len(residual)
    size = np.linalg.norm(jacobian, axis=0)
    U, strength, _ = np.linalg.svd(jacobian[:, size > 0] / size[size > 0], full_matrices=False)
    Q = U[:, strength > 1e-9 * strength.max(initial=0.0)]
    spare = C - Q.shape[1]
    K = columns @ columns.T
    absorbed = K - Q @ (Q.T @ K)
    m = float(np.mean(runs))
    # The smooth part is measured where it can be seen: beyond what the form itself can absorb.
    seen = float(np.trace(absorbed - (absorbed @ Q) @ Q.T)) / spare if spare else 0.0
    seen = seen if seen > 1e-12 * np.trace(K) else float(np.trace(K)) / C
    ratio_s = np.geomspace(0.05, 1e5, 28)
    ratio_o = np.geomspace(0.05, 1e4, 12)
    smooth, offset = np.meshgrid(
        np.concatenate([[0.0], ratio_s]) / (m * seen),
        np.concatenate([[0.0], ratio_o]) / m,
        indexing="ij",
    )
    prior = np.outer(_prior(ratio_s, SPIKE_DEVIATION), _prior(ratio_o, SPIKE_OFFSET)).ravel()
    smooth, offset = smooth.ravel(), offset.ravel()
    V = smooth[:, None, None] * K + offset[:, None, None] * np.eye(C) + np.diag(1.0 / runs)
    inverse = np.linalg.inv(V)
    M = Q.T @ inverse @ Q
    g = np.einsum("ik,bij,j->bk", Q, inverse, residual)
    total = np.einsum("i,bij,j->b", residual, inverse, residual)
    ss = total - np.einsum("bk,bk->b", g, np.linalg.solve(M, g[:, :, None])[:, :, 0])
    ss = within_ss + (np.maximum(ss, 1e-28) if spare else np.zeros(len(V)))
    df = spare + within_df
    log_post = np.log(prior) - 0.5 * (
        np.linalg.slogdet(V)[1] + np.linalg.slogdet(M)[1] + df * np.log(ss + 1e-300)
    )
    weight = np.exp(log_post - log_post.max())
    whiten = np.linalg.inv(np.linalg.cholesky(V))
    return Variances(smooth, offset, weight / weight.sum(), inverse, whiten, ss, df)


def _prior(ratio: FloatArray, spike: float) -> FloatArray:
    """SPIKE at zero; the rest log-Cauchy-like around a variance as large as the noise's own."""
    slab = np.sqrt(ratio) / (1 + ratio)
    return np.concatenate([[spike], (1 - spike) * slab / slab.sum()])
