"""Scaling-law forms as data: each entry of FORMS is an expression, its parameters, its needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from alphascale.errors import UserError
from alphascale.laws import curves
from alphascale.laws.form import Form, Param, Term

# Exponents of the literature lie between .03 (Kaplan) and 2 (small tabular ladders).
_STARTS = tuple(float(v) for v in np.geomspace(0.02, 3.0, 20))


def _exponent(name: str, high: float = 5.0, starts: tuple[float, ...] = _STARTS) -> Param:
    return Param(name, 0.0, high, starts)


def _floor(name: str = "E", high: float = np.inf) -> Param:
    return Param(name, 0.0, high, scales_with_y=True)


def _kaplan_scale(
    amplitude: str, exponent: str, power: str | None = None
) -> Callable[[Mapping[str, float]], float]:
    """N_c of (N_c/N)^α, from A·N^−α, or from A·N^(−α/power) in a sum raised to `power`."""

    def scale(p: Mapping[str, float]) -> float:
        with np.errstate(all="ignore"):
            return float(np.exp(np.log(p[amplitude]) * (p[power] if power else 1) / p[exponent]))

    return scale


def _power(
    name: str, expression: str, source: str, a: str = "A", b: str = "alpha", floor: str = "", **more
) -> Form:
    """a·x^−b, with a floor if that is named."""
    params, terms = (Param(a), _exponent(b)), (Term(a, {"x": b}),)
    if not floor:
        return Form(name, expression, source, params, terms, **more)
    return Form(name, expression, source, (_floor(floor), *params), (Term(floor), *terms), levels=4)


def _kaplan_power(name: str, variable: str, equation: str) -> Form:
    return _power(
        name,
        f"({variable}_c/{variable})^alpha",
        f"Kaplan et al. 2020, eq. {equation}; parameters A = {variable}_c^alpha",
        derived={f"{variable}_c": _kaplan_scale("A", "alpha")},
    )


def _broken(breaks: int) -> Form:
    """Power laws joined smoothly at `breaks` places."""
    params = [_floor(), Param("A"), Param("c0", -1.0, 5.0, (0.0, 0.1, 0.3, 0.8))]
    for i in range(1, breaks + 1):
        params += [
            Param(f"c{i}", -5.0, 5.0, (-0.6, -0.2, 0.2, 0.6, 1.2)),
            Param(f"d{i}", 0.0, np.inf, (0.2, 0.4, 0.6, 0.8), position=True),
            Param(f"f{i}", 0.03, 5.0, (0.1, 0.5, 1.5)),
        ]
    product = "".join(f"·(1 + (x/d{i})^(1/f{i}))^(-c{i}·f{i})" for i in range(1, breaks + 1))
    least = 3 + 3 * breaks
    return Form(
        "broken" if breaks == 1 else f"broken_{breaks}",
        "E + A·x^-c0" + product,
        "Caballero et al. 2022",
        tuple(params),
        levels=least,
        why_levels=f"a broken law with {breaks} break(s) needs at least {least} distinct values of "
        "its predictor",
        curve=curves.broken_curve,
        unscale=curves.broken_unscale,
    )


_COARSE = tuple(float(v) for v in np.geomspace(0.04, 1.5, 9))
_FLOOR_A_B = (_floor(), Param("A"), Param("B"))
_OF_TOKENS = {"roles": ("x", "x2"), "allocates": True, "levels": 4, "loss": "huber_log:1e-3"}
_TWO_POWERS = (Term("A", {"x": "alpha"}), Term("B", {"x2": "beta"}))

_TABLE = (
    _power("power", "A·x^-alpha", "Hestness et al. 2017"),
    _power("power_floor", "E + A·x^-alpha", "Henighan et al. 2020", floor="E"),
    Form(
        "accuracy",
        "a - b·x^-alpha",
        "the accuracy law of model-ladder studies; a is the accuracy of an infinite model",
        (_floor("a", 1.0), Param("b"), _exponent("alpha")),
        (Term("a"), Term("b", {"x": "alpha"}, sign=-1.0)),
        levels=4,
        loss="squared",
        increasing=True,
    ),
    _power("perplexity", "a·x^-b", "perplexity law; b typically .1 to .2", "a", "b"),
    _power(
        "perplexity_floor",
        "E + a·x^-b",
        "perplexity law with a floor (the perplexity of the text itself, at least 1)",
        "a",
        "b",
        floor="E",
    ),
    _kaplan_power("kaplan_n", "N", "1.1"),
    _kaplan_power("kaplan_d", "D", "1.2"),
    _kaplan_power("kaplan_c", "C", "1.3"),
    Form(
        "kaplan_ns",
        "(N_c/N)^alpha + (S_c/S_min)^beta",
        "Kaplan et al. 2020, eq. 1.6; parameters A = N_c^alpha, B = S_c^beta",
        (Param("A"), Param("B"), _exponent("alpha"), _exponent("beta")),
        _TWO_POWERS,
        roles=("x", "x2"),
        derived={"N_c": _kaplan_scale("A", "alpha"), "S_c": _kaplan_scale("B", "beta")},
    ),
    Form(
        "chinchilla",
        "E + A·N^-alpha + B·D^-beta",
        "Hoffmann et al. 2022, eq. 2; Huber loss 1e-3 on log L, summed",
        (*_FLOOR_A_B, _exponent("alpha"), _exponent("beta")),
        (Term("E"), *_TWO_POWERS),
        **_OF_TOKENS,
    ),
    Form(
        "chinchilla_cross",
        "E + A·N^-alpha + B·D^-beta + F·N^-g·D^-h",
        "Hoffmann et al. 2022, eq. 2, with a cross term",
        (
            *_FLOOR_A_B,
            Param("F"),
            _exponent("alpha", starts=_COARSE),
            _exponent("beta", starts=_COARSE),
            _exponent("g", starts=(0.1, 0.4)),
            _exponent("h", starts=(0.1, 0.4)),
        ),
        (Term("E"), *_TWO_POWERS, Term("F", {"x": "g", "x2": "h"})),
        **_OF_TOKENS,
    ),
    Form(
        "kaplan_nd",
        "(A·N^-(alpha_N/alpha_D) + B/D)^alpha_D",
        "Kaplan et al. 2020, eq. 1.5; parameters A = N_c^(alpha_N/alpha_D), B = D_c",
        (Param("A"), Param("B"), _exponent("alpha_N"), Param("alpha_D", 1e-3, 5.0, _STARTS)),
        roles=("x", "x2"),
        allocates=True,
        curve=curves.kaplan_nd_curve,
        features=curves.kaplan_nd_features,
        target=curves.kaplan_nd_target,
        unscale=curves.kaplan_nd_unscale,
        derived={"N_c": _kaplan_scale("A", "alpha_N", "alpha_D"), "D_c": lambda p: p["B"]},
    ),
    Form(
        "data_constrained",
        "E + A·N'^-alpha + B·D'^-beta, D' = U(1 + R_D(1 - exp(-(D/U - 1)/R_D))), N' alike with R_N",
        "Muennighoff et al. 2023; x N parameters, x2 D tokens, x3 U unique tokens",
        (
            *_FLOOR_A_B,
            Param("alpha", 0.01, 5.0, _COARSE),
            Param("beta", 0.01, 5.0, _COARSE),
            Param("R_D", 0.05, 1e4, (3.0, 15.0)),
            Param("R_N", 0.05, 1e4, (1.0, 8.0)),
        ),
        **(_OF_TOKENS | {"roles": ("x", "x2", "x3")}),
        same_unit={"x3": "x2"},
        curve=curves.data_constrained_curve,
        features=curves.data_constrained_features,
        unscale=curves.data_constrained_unscale,
    ),
    _power("m1", "beta·x^-c", "Alabdulmohsin et al. 2022, M1", "beta", "c"),
    _power(
        "m2", "err_inf + beta·x^-c", "Alabdulmohsin et al. 2022, M2", "beta", "c", floor="err_inf"
    ),
    Form(
        "m3",
        "beta·(1/x + gamma)^c",
        "Alabdulmohsin et al. 2022, M3",
        (
            Param("beta"),
            Param(
                "gamma", starts=(0.0, *(float(g) for g in np.geomspace(1e-6, 10.0, 15))), per_x=True
            ),
            _exponent("c"),
        ),
        levels=4,
        curve=curves.m3_curve,
        unscale=curves.m3_unscale,
    ),
    Form(
        "m4",
        "(y - err_inf)/(err_0 - y)^alpha = beta·x^-c",
        "Alabdulmohsin et al. 2022, M4; here the error of the log-prediction itself is minimised",
        (
            _floor("err_inf"),
            _floor("err_0"),
            Param("beta"),
            Param("c", 0.0, 5.0),
            Param("alpha", 1e-3, 10.0),
        ),
        levels=5,
        why_levels="a law with two limits needs at least 5 distinct values of its predictor",
        curve=curves.m4_curve,
        seeds=curves.m4_seeds,
        unscale=curves.m4_unscale,
    ),
    _broken(1),
    _broken(2),
    _broken(3),
    Form(
        "isoflop",
        "E + k·(log x - log N_opt)^2",
        "Hoffmann et al. 2022, approach 2: runs of one FLOP budget; biased even without noise",
        (
            _floor(),
            Param("k"),
            Param("N_opt", starts=tuple(float(v) for v in np.linspace(0, 1, 21)), position=True),
        ),
        levels=4,
        loss="squared",
        why_levels="an isoFLOP parabola needs at least 4 distinct sizes: it passes through any 3",
        curve=curves.isoflop_curve,
        unscale=curves.isoflop_unscale,
    ),
)

FORMS: dict[str, Form] = {form.name: form for form in _TABLE}


def get_form(name: str) -> Form:
    """The form called `name`; UserError naming the known ones otherwise."""
    if name not in FORMS:
        raise UserError(f"law {name!r} is not known; choose one of {', '.join(FORMS)} or auto")
    return FORMS[name]
