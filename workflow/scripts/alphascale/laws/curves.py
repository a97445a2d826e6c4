"""Curves that are not a sum of powers, each with its derivatives.

Every `*_curve(logs (r, n), P (B, p))` gives predictions (B, n) and derivatives (B, p, n), in the
scaled coordinates of `alphascale.laws.form`; every `*_unscale` the parameters in the user's units;
`*_features` and `*_target` are for amplitudes that do not enter the response linearly.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

FloatArray = np.ndarray


def columns(P: FloatArray) -> list[FloatArray]:
    """Parameters as columns (B, 1), ready to meet points (n,)."""
    return [P[:, i, None] for i in range(P.shape[1])]


# --- M3: y = beta (1/x + gamma)^c ---------------------------------------------------------------


def m3_curve(logs: FloatArray, P: FloatArray) -> tuple[FloatArray, FloatArray]:
    beta, gamma, c = columns(P)
    base = np.exp(-logs[0]) + gamma
    value = base**c
    Y = beta * value
    J = np.stack([value, Y * c / base, Y * np.log(base)], axis=1)
    return Y, J


def m3_unscale(P: FloatArray, x_scales: FloatArray, y_scale: float) -> FloatArray:
    beta, gamma, c = P.T
    return np.stack([beta * y_scale * x_scales[0] ** c, gamma / x_scales[0], c], axis=1)


# --- M4: (y - E) / (e0 - y)^alpha = beta x^-c ---------------------------------------------------


def m4_curve(logs: FloatArray, P: FloatArray) -> tuple[FloatArray, FloatArray]:
    """y = E + (e0 − E)·σ(z), where h(z) = 0 is M4's logarithm: increasing in z with a slope
    between 1 and alpha, convex or concave throughout, so that Newton's method converges from
    anywhere.
    """
    E, e0, beta, c, alpha = columns(P)
    span = np.maximum(e0 - E, 1e-12)
    right = np.log(np.maximum(beta, 1e-300)) - c * logs[0] - (1 - alpha) * np.log(span)
    z = np.where(right < 0, right, right / np.maximum(alpha, 1e-3))
    for _ in range(60):
        h = log_expit(z) - alpha * log_expit(-z) - right
        step = h / (1 + (alpha - 1) * expit(z))
        z = z - step
        if np.nanmax(np.abs(step)) < 1e-13 * (1 + np.nanmax(np.abs(z))):
            break
    up, down = expit(z), expit(-z)
    slope = 1 + (alpha - 1) * up
    dy = span * up * down / slope  # dy/dz over dh/dz
    J = np.stack(
        [
            down + dy * (1 - alpha) / span,
            up - dy * (1 - alpha) / span,
            dy / np.maximum(beta, 1e-300),
            -dy * logs[0],
            dy * (np.log(span) + log_expit(-z)),
        ],
        axis=1,
    )
    return E + span * up, J


def m4_seeds(logs: FloatArray, y: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Starts (S, 5): limits and alpha on a grid inside the bounds, beta and c by the linear
    regression left."""
    out = []
    lx = logs[0] - logs[0].mean()
    for E in np.unique(np.clip(y.min() * np.array([0.0, 0.5, 0.8, 0.95]), low[0], high[0])):
        for e0 in np.unique(np.clip(y.max() * np.array([1.02, 1.2, 2.0, 10.0]), low[1], high[1])):
            for alpha in np.unique(np.clip((0.05, 0.3, 1.0, 2.0), low[4], high[4])):
                with np.errstate(all="ignore"):  # a limit that was held may lie among the points
                    left = np.log(y - E) - alpha * np.log(e0 - y)
                c = float(np.clip(max(-float(lx @ left) / float(lx @ lx), 1e-3), low[3], high[3]))
                out.append((E, e0, np.exp(left.mean() + c * logs[0].mean()), c, alpha))
    return np.array(out)


def m4_unscale(P: FloatArray, x_scales: FloatArray, y_scale: float) -> FloatArray:
    E, e0, beta, c, alpha = P.T
    beta = beta * y_scale ** (1 - alpha) * x_scales[0] ** c
    return np.stack([E * y_scale, e0 * y_scale, beta, c, alpha], axis=1)


# --- broken law: y = E + A x^-c0 prod_i (1 + (x/d_i)^(1/f_i))^(-c_i f_i) --------------------------


def broken_curve(logs: FloatArray, P: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P = (E, A, c0, then c, log d, f of each break)."""
    E, A, c0, *rest = columns(P)
    lx = logs[0]
    log_value, breaks = -c0 * lx, []
    for c, log_d, f in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        u = (lx - log_d) / f
        soft = np.logaddexp(0.0, u)
        log_value = log_value - c * f * soft
        breaks.append((c, f, u, soft, expit(u)))
    value = np.exp(log_value)
    part = A * value
    rows = [np.ones_like(part), value, -part * lx]
    for c, f, u, soft, up in breaks:
        rows += [-part * f * soft, part * c * up, -part * c * (soft - u * up)]
    return E + part, np.stack(rows, axis=1)


def broken_unscale(P: FloatArray, x_scales: FloatArray, y_scale: float) -> FloatArray:
    out = P.copy()
    out[:, 0] *= y_scale
    out[:, 1] *= y_scale * x_scales[0] ** P[:, 2]
    for i in range(4, P.shape[1], 3):
        out[:, i] = x_scales[0] * np.exp(P[:, i])
    return out


# --- isoFLOP: y = E + k (log x - log N_opt)^2 -----------------------------------------------------


def isoflop_curve(logs: FloatArray, P: FloatArray) -> tuple[FloatArray, FloatArray]:
    E, k, m = columns(P)
    off = logs[0] - m
    return E + k * off**2, np.stack([np.ones_like(off), off**2, -2 * k * off], axis=1)


def isoflop_unscale(P: FloatArray, x_scales: FloatArray, y_scale: float) -> FloatArray:
    E, k, m = P.T
    return np.stack([E * y_scale, k * y_scale, x_scales[0] * np.exp(m)], axis=1)


# --- Kaplan L(N, D) = (A N^-(alpha_N/alpha_D) + B / D)^alpha_D ----------------------------------


def kaplan_nd_curve(logs: FloatArray, P: FloatArray) -> tuple[FloatArray, FloatArray]:
    A, B, a, d = columns(P)
    ratio = a / d
    n_part, d_part = np.exp(-ratio * logs[0]), np.exp(-logs[1])
    u = np.maximum(A * n_part + B * d_part, 1e-300)
    Y = u**d
    scale = d * Y / u
    slope_ratio = -scale * A * n_part * logs[0]
    J = np.stack(
        [scale * n_part, scale * d_part, slope_ratio / d, Y * np.log(u) - slope_ratio * ratio / d],
        axis=1,
    )
    return Y, J


def kaplan_nd_features(logs: FloatArray, T: FloatArray) -> FloatArray:
    a, d = columns(T)
    n_part = np.exp(-a / d * logs[0])
    return np.stack([n_part, np.broadcast_to(np.exp(-logs[1]), n_part.shape)], axis=1)


def kaplan_nd_target(y: FloatArray, T: FloatArray) -> FloatArray:
    """y^(1/alpha_D): what A and B enter linearly."""
    return y ** (1.0 / T[:, 1, None])


def kaplan_nd_unscale(P: FloatArray, x_scales: FloatArray, y_scale: float) -> FloatArray:
    A, B, a, d = P.T
    unit = y_scale ** (1 / d)
    return np.stack([A * unit * x_scales[0] ** (a / d), B * unit * x_scales[1], a, d], axis=1)


# --- data-constrained L(N, D, U) = E + A N'^-alpha + B D'^-beta ----------------------------------


def _effective(excess: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """q = 1 + R(1 − e^(−excess/R)), its derivative by R, and e^(−excess/R)."""
    rho = excess / r
    decay = np.exp(-rho)
    return 1 - r * np.expm1(-rho), -np.expm1(-rho) - rho * decay, decay


def data_constrained_curve(logs: FloatArray, P: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P = (E, A, B, alpha, beta, R_D, R_N). Of D tokens U are unique; repeats count with the
    weight of Muennighoff et al. 2023: D' = U(1 + R_D(1 − e^(−(D/U − 1)/R_D))). Parameters beyond
    those that U unique tokens call for (where alpha·A·N^−alpha = beta·B·U^−beta) lose value in the
    same way.
    """
    E, A, B, alpha, beta, r_d, r_n = columns(P)
    ln, ld, lu = logs
    lu = np.minimum(ld, lu)
    q_d, dq_d, _ = _effective(np.expm1(ld - lu), r_d)
    d_part = np.exp(-beta * lu) * q_d**-beta
    tiny = 1e-300
    log_best = (
        np.log(np.maximum(alpha * A, tiny)) - np.log(np.maximum(beta * B, tiny)) + beta * lu
    ) / np.maximum(alpha, 1e-9)
    over = ln > log_best
    base = np.where(over, log_best, ln)
    ratio = np.exp(np.minimum(ln - base, 300.0))
    q_n, dq_n, decay = _effective(ratio - 1, r_n)
    n_part = np.exp(-alpha * base) * q_n**-alpha
    Y = E + A * n_part + B * d_part
    log_n = base + np.log(q_n)
    # How log N' moves with log N_opt, where N exceeds it.
    pull = np.where(over, 1 - decay * ratio / q_n, 0.0)
    chain = -alpha * A * n_part * pull
    J = np.stack(
        [
            np.ones_like(Y),
            n_part + chain / np.maximum(alpha * A, tiny),
            d_part - chain / np.maximum(alpha * B, tiny),
            -A * n_part * log_n + chain * (1 / alpha - log_best) / alpha,
            -B * d_part * (lu + np.log(q_d)) + chain * (lu - 1 / beta) / alpha,
            -beta * B * d_part * dq_d / q_d,
            -alpha * A * n_part * np.where(over, dq_n, 0.0) / q_n,
        ],
        axis=1,
    )
    return Y, J


def data_constrained_features(logs: FloatArray, T: FloatArray) -> FloatArray:
    """Columns with every parameter counted in full: a start, refined by the exact curve."""
    alpha, beta, r_d, _ = columns(T)
    ln, ld, lu = logs
    lu = np.minimum(ld, lu)
    q = _effective(np.expm1(ld - lu), r_d)[0]
    n_part = np.exp(-alpha * ln)
    return np.stack([np.ones_like(n_part), n_part, np.exp(-beta * lu) * q**-beta], axis=1)


def data_constrained_unscale(P: FloatArray, x_scales: FloatArray, y_scale: float) -> FloatArray:
    out = P.copy()
    out[:, 0] *= y_scale
    out[:, 1] *= y_scale * x_scales[0] ** P[:, 3]
    out[:, 2] *= y_scale * x_scales[1] ** P[:, 4]
    return out
