"""The forms that `law: auto` weighs: one function whose pinned versions they are.

With u, v the logarithms of the predictors over a reference point (the largest run given), c the
logarithm of the response there, and h a mean of powers,

    h = q·e^(−αu) + (1−q)·e^(−βv)
    t = h^k·(1+ρ) / (1+ρ·h^k)
    log y = c + γ·log(s + (1−s)·t)

so that every form passes through e^c at the reference, and its other parameters say how it leaves
from there: s is the share of that value which is floor, q the share of N in what can be gained.

    ρ = 0, k = 1, γ = 1     E + A·N^−α + B·D^−β            Hoffmann et al. 2022; of one, q = 1
    ρ = 0, k free, γ = 1    E + A·(N^−α + R·D^−β)^k        Skaling
    ρ = 0, k = 1, γ free    (E + A·N^−α + B·D^−β)^γ        power of a sum; of one, α = 1: M3
    s = 0, k = 1, β = 1     ((N_c/N)^(α/γ) + D_c/D)^γ      Kaplan et al. 2020, eq. 1.5
    k = 1, γ = 1, ρ free    E + (L0−E)·h/(1+h)             Bryant and Liu, arXiv:2605.09189
    γ large, s near 1       log y = a + b·e^(−θu)          a power law whose exponent fades
    s = 1                   the last value carried on

All parameters are positive or shares; they are searched as logarithms and logits, in the order of
NAMES, where their priors are normal (`alphascale.laws.priors`). Every form falls in N and in D,
stays positive and never falls below its floor.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

FloatArray = np.ndarray
NAMES = ("level", "alpha", "beta", "floor", "share", "inner", "outer", "bound")
LEVEL, ALPHA, BETA, FLOOR, SHARE, INNER, OUTER, BOUND = range(8)
NONE = -40.0  # a logit or logarithm of nothing: e^−40 is below a double's rounding
LIMIT = 60.0  # |exponent| beyond which powers are held: e^60 is no ratio that a run can have


def evaluate(
    logs: FloatArray, P: FloatArray, slopes: bool = True
) -> tuple[FloatArray, FloatArray | None]:
    """log y (B, n) of B parameter vectors P (B, 8), and its derivatives (B, 8, n) if `slopes`.

    logs: (r, n) or (B, r, n), logarithms of one or two predictors over the reference's.
    """
    logs = logs if logs.ndim == 3 else logs[None]
    level, a, b, floor, share, k, g, r = (P[:, i, None] for i in range(8))
    alpha, beta, inner, outer, rho = np.exp(a), np.exp(b), np.exp(k), np.exp(g), np.exp(r)
    down_n = -np.clip(alpha * logs[:, 0], -LIMIT, LIMIT)
    if logs.shape[1] == 1:
        log_h, part, down_d = down_n, 1.0, 0.0
    else:
        down_d = -np.clip(beta * logs[:, 1], -LIMIT, LIMIT)
        of_n = expit(share) * np.exp(down_n)
        h = of_n + expit(-share) * np.exp(down_d)
        log_h, part = np.log(h), of_n / h
    T = np.clip(inner * log_h, -LIMIT, LIMIT)
    power = np.exp(T)
    bent = 1.0 + rho * power
    t = power * ((1.0 + rho) / bent)
    s = expit(floor)
    total = s + (1 - s) * t
    L = np.log(total)
    Y = level + outer * L
    if not slopes:
        return Y, None
    J = np.empty((len(Y), 8, Y.shape[1]))
    omega = (outer * (1 - s)) * t / total
    from_T = omega / bent
    from_h = from_T * inner
    J[:, LEVEL] = 1.0
    J[:, ALPHA] = from_h * part * down_n
    J[:, BETA] = from_h * (1 - part) * down_d
    J[:, FLOOR] = (outer * s * (1 - s)) * (1 - t) / total
    J[:, SHARE] = from_h * (part - expit(share)) if logs.shape[1] == 2 else 0.0
    J[:, INNER] = from_T * T
    J[:, OUTER] = outer * L
    J[:, BOUND] = omega * (1 / bent - 1 / (1 + rho))
    return Y, J
