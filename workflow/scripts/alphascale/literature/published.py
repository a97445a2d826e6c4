"""Constants as published, unrounded where the source gives them so, each with its source.

Rounding is not harmless: at 5.76e23 FLOP the rounded constants of Hoffmann et al. ask for 92.6
tokens per parameter, the unrounded for 58.9.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.form import predict
from alphascale.laws.forms import get_form

PF_DAY = 8.64e19  # FLOP


@dataclass(frozen=True)
class Published:
    """One published law. form: entry of FORMS the constants belong to, or '' for an allocation
    rule. counts: what its N counts (non-embedding or total). units: of its predictors. constants
    by the paper's names.
    """

    name: str
    form: str
    constants: Mapping[str, float]
    counts: str
    units: str
    source: str


_KAPLAN = "Kaplan et al. 2020, arXiv:2001.08361"
_HOFFMANN = "Hoffmann et al. 2022, arXiv:2203.15556"
_TOKENS = "x = N parameters, x2 = D tokens, loss in nats"


def _chinchilla(E: float, A: float, B: float, alpha: float, beta: float) -> dict[str, float]:
    return {"E": E, "A": A, "B": B, "alpha": alpha, "beta": beta}


_TABLE = (
    Published(
        "kaplan_n",
        "kaplan_n",
        {"alpha": 0.076, "N_c": 8.8e13},
        "non-embedding",
        "x = N parameters, loss in nats",
        f"{_KAPLAN}, eq. 1.1",
    ),
    Published(
        "kaplan_d",
        "kaplan_d",
        {"alpha": 0.095, "D_c": 5.4e13},
        "non-embedding",
        "x = D tokens, loss in nats",
        f"{_KAPLAN}, eq. 1.2",
    ),
    Published(
        "kaplan_c",
        "kaplan_c",
        {"alpha": 0.050, "C_c": 3.1e8},
        "non-embedding",
        "x = C_min in PF-days, loss in nats",
        f"{_KAPLAN}, eq. 1.3",
    ),
    Published(
        "kaplan_bcrit",
        "",
        {"B_star": 2e8, "alpha_B": 0.21},
        "non-embedding",
        "B_crit(L) = B_star / L^(1/alpha_B), tokens",
        f"{_KAPLAN}, eq. 1.4",
    ),
    Published(
        "kaplan_nd",
        "kaplan_nd",
        {"alpha_N": 0.076, "alpha_D": 0.103, "N_c": 6.4e13, "D_c": 1.8e13},
        "non-embedding",
        _TOKENS,
        f"{_KAPLAN}, eq. 1.5 with the joint fit of Table 2",
    ),
    Published(
        "kaplan_nd_separate",
        "kaplan_nd",
        {"alpha_N": 0.076, "alpha_D": 0.095, "N_c": 8.8e13, "D_c": 5.4e13},
        "non-embedding",
        _TOKENS,
        f"{_KAPLAN}, eq. 1.5 with the constants of eqs. 1.1 and 1.2",
    ),
    Published(
        "kaplan_ns",
        "kaplan_ns",
        {"alpha": 0.077, "beta": 0.76, "N_c": 6.5e13, "S_c": 2.1e3},
        "non-embedding",
        "x = N parameters, x2 = S_min steps, loss in nats",
        f"{_KAPLAN}, eq. 1.6 with Table 3",
    ),
    Published(
        "kaplan_table6",
        "",
        {
            "N": 1.3e9,
            "N_exponent": 0.73,
            "B": 2.0e6,
            "B_exponent": 0.24,
            "S": 5.4e3,
            "S_exponent": 0.03,
            "D": 2e10,
            "D_exponent": 0.27,
        },
        "non-embedding",
        "allocation by C_min in PF-days; N parameters, B tokens, S steps, D tokens",
        f"{_KAPLAN}, Table 6 (empirical; twice the N of the closed form of Table 3)",
    ),
    Published(
        "chinchilla_rounded",
        "chinchilla",
        _chinchilla(1.69, 406.4, 410.7, 0.34, 0.28),
        "total",
        _TOKENS,
        f"{_HOFFMANN}, eq. 10, as printed",
    ),
    Published(
        "chinchilla",
        "chinchilla",
        _chinchilla(1.69337368, 406.401, 410.7224, 0.33917084, 0.2849083),
        "total",
        _TOKENS,
        f"{_HOFFMANN}, from the TeX source of the paper",
    ),
    Published(
        "chinchilla_epoch",
        "chinchilla",
        _chinchilla(1.8172, 482.01, 2085.43, 0.3478, 0.3658),
        "total",
        _TOKENS,
        "Besiroglu et al. 2024, arXiv:2404.10102 (free Huber scale: in effect least "
        "absolute deviation)",
    ),
    Published(
        "chinchilla_huber",
        "chinchilla",
        _chinchilla(1.8172181, 477.825868, 2143.41736, 0.3473105, 0.36717243),
        "total",
        _TOKENS,
        "Huber 1e-3 on log L of the 240 points of Besiroglu et al., objective .0010182740178",
    ),
    Published(
        "data_constrained",
        "data_constrained",
        {
            "E": math.exp(0.6254804),
            "A": math.exp(6.255414),
            "B": math.exp(7.3049974),
            "alpha": 0.3526596,
            "beta": 0.3526596,
            "R_D": 15.387756,
            "R_N": 5.309743,
        },
        "total",
        "x = N parameters, x2 = D tokens seen, x3 = U unique tokens, loss in nats",
        "Muennighoff et al. 2023, arXiv:2305.16264, appendix A (fitted as logarithms)",
    ),
    Published(
        "chinchilla_approach1",
        "",
        {"a": 0.50, "b": 0.50, "C_0": 5.76e23, "N_0": 67e9},
        "total",
        "N = N_0·(C/C_0)^a, D = C/6N; C in FLOP",
        f"{_HOFFMANN}, approach 1 (training-curve envelope), Tables 2 and 3",
    ),
    Published(
        "chinchilla_approach2",
        "",
        {"a": 0.49, "b": 0.51, "C_0": 6.88e23, "N_0": 67e9},
        "total",
        "N = N_0·(C/C_0)^a, D = C/6N; C in FLOP",
        f"{_HOFFMANN}, approach 2 (isoFLOP profiles), Tables 2 and A3",
    ),
    Published(
        "chinchilla_approach3",
        "",
        {"a": 0.46, "b": 0.54, "C_0": 1.71e24, "N_0": 67e9},
        "total",
        "N = N_0·(C/C_0)^a, D = C/6N; C in FLOP",
        f"{_HOFFMANN}, approach 3 (parametric fit), Tables 2 and A3",
    ),
)


def form_vector(entry: Published) -> np.ndarray:
    """A published law's parameters (p,) in the order of its form: N_c becomes A = N_c^alpha."""
    c = dict(entry.constants)
    if entry.form in ("kaplan_n", "kaplan_d", "kaplan_c"):
        c["A"] = c[f"{entry.form[-1].upper()}_c"] ** c["alpha"]
    elif entry.form == "kaplan_ns":
        c |= {"A": c["N_c"] ** c["alpha"], "B": c["S_c"] ** c["beta"]}
    elif entry.form == "kaplan_nd":
        c |= {"A": c["N_c"] ** (c["alpha_N"] / c["alpha_D"]), "B": c["D_c"]}
    return np.array([c[name] for name in get_form(entry.form).names])


def published_curve(name: str, *predictors) -> np.ndarray:
    """Response (n,) of the published law `name` at its predictors, each (n,), in its own units."""
    if name not in PUBLISHED or not PUBLISHED[name].form:
        known = ", ".join(n for n, p in PUBLISHED.items() if p.form)
        raise UserError(f"{name!r} is no published curve; choose one of {known}")
    entry = PUBLISHED[name]
    form = get_form(entry.form)
    x = np.stack(np.broadcast_arrays(*[np.atleast_1d(np.asarray(p, float)) for p in predictors]))
    if len(x) != len(form.roles):
        raise UserError(f"{name} takes {len(form.roles)} predictors: {entry.units}")
    return predict(form, np.log(x), form_vector(entry)[None])[0]


PUBLISHED: dict[str, Published] = {entry.name: entry for entry in _TABLE}
