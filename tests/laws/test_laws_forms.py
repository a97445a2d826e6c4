"""Forms: derivatives, recovery, agreement with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale.errors import UserError
from alphascale.laws.fitting import fit_form
from alphascale.laws.form import evaluate, predict, unscale
from alphascale.laws.forms import FORMS, get_form
from scipy.optimize import curve_fit, least_squares

TRUE = {
    "power": (3, 0.4),
    "power_floor": (0.05, 3, 0.35),
    "accuracy": (0.95, 3, 0.35),
    "perplexity": (300, 0.15),
    "perplexity_floor": (10, 300, 0.15),
    "kaplan_n": (11, 0.076),
    "kaplan_d": (20, 0.095),
    "kaplan_c": (3, 0.05),
    "kaplan_ns": (11, 300, 0.077, 0.76),
    "chinchilla": (1.7, 400, 2000, 0.34, 0.36),
    "chinchilla_cross": (1.7, 400, 2000, 3e4, 0.34, 0.36, 0.3, 0.2),
    "kaplan_nd": (1.6e10, 1.8e13, 0.076, 0.103),
    "data_constrained": (1.8, 500, 1500, 0.35, 0.35, 15, 5),
    "m1": (3, 0.4),
    "m2": (0.05, 3, 0.35),
    "m3": (3, 1e-8, 0.3),
    "m4": (0.02, 1, 50, 0.4, 0.7),
    "broken": (0.02, 2, 0.1, 0.4, 1e6, 0.5),
    "broken_2": (0.02, 2, 0.1, 0.4, 1e5, 0.5, -0.3, 1e8, 0.3),
    "broken_3": (0.02, 2, 0.1, 0.4, 1e5, 0.5, -0.3, 1e7, 0.3, 0.3, 1e9, 0.3),
    "isoflop": (2.4, 0.05, 1e7),
}


def points(name: str, n: int = 40) -> np.ndarray:
    """Predictors (roles, n) that show every part of the form."""
    rng = np.random.default_rng(3)
    low, high = {"kaplan_c": (-6, 2), "isoflop": (6, 8.3)}.get(name, (4, 9))
    roles = len(FORMS[name].roles)
    x = 10 ** rng.uniform(low if roles == 1 else 7, high, (roles, n))
    if roles > 1:
        x[1] = 10 ** rng.uniform(*((2, 6) if name == "kaplan_ns" else (8, 11)), n)
    if roles > 2:
        x[2] = x[1] / 10 ** rng.uniform(0, 2, n)
    return x


def internal(name: str, values) -> np.ndarray:
    """Parameters (1, p) as the curve takes them: positions as logarithms."""
    pairs = zip(FORMS[name].params, values, strict=True)
    return np.array([[np.log(v) if p.position else v for p, v in pairs]], float)


def values_at(name: str, x: np.ndarray) -> np.ndarray:
    return predict(FORMS[name], np.log(x), internal(name, TRUE[name]))[0]


def test_every_form_is_tested_here() -> None:
    assert set(TRUE) == set(FORMS)


@pytest.mark.parametrize("name", FORMS)
def test_derivatives_are_those_of_the_curve(name: str) -> None:
    logs, P = np.log(points(name)), internal(name, TRUE[name])
    _, J = evaluate(FORMS[name], logs, P)
    for i in range(P.shape[1]):
        up, down = P.copy(), P.copy()
        step = 1e-5 * abs(P[0, i])
        up[0, i] += step
        down[0, i] -= step
        numeric = (predict(FORMS[name], logs, up) - predict(FORMS[name], logs, down)) / (2 * step)
        np.testing.assert_allclose(
            J[0, i], numeric[0], rtol=1e-5, atol=1e-6 * np.abs(J[0, i]).max()
        )


@pytest.mark.parametrize("name", [n for n in FORMS if n not in ("broken_2", "broken_3")])
def test_noiseless_points_give_back_the_parameters(name: str) -> None:
    x = points(name)
    fit = fit_form(name, x, values_at(name, x))
    np.testing.assert_allclose(list(fit.params.values()), TRUE[name], rtol=2e-4)
    assert fit.starts_agree >= 4
    assert not fit.bounds_hit


@pytest.mark.parametrize("name", ["broken_2", "broken_3"])
def test_laws_with_several_breaks_reach_the_curve(name: str) -> None:
    x = points(name)
    y = values_at(name, x)
    np.testing.assert_allclose(fit_form(name, x, y).fitted(), y, rtol=1e-4)


@pytest.mark.parametrize("name", [n for n in FORMS if n not in ("broken_2", "broken_3", "m4")])
def test_scipy_started_at_the_truth_finds_nothing_better(name: str) -> None:
    """An independent optimiser with numerical derivatives, on noisy points, from the best start
    there is.
    """
    form, x = FORMS[name], points(name, 60)
    y = values_at(name, x) * np.exp(0.01 * np.random.default_rng(5).standard_normal(60))
    start = internal(name, TRUE[name])[0]
    scale = np.abs(start)

    def residual(p):
        return np.log(np.maximum(predict(form, np.log(x), (p * scale)[None])[0], 1e-300)) - np.log(
            y
        )

    low = [p.low if np.isfinite(p.low) and not p.position else -np.inf for p in form.params] / scale
    high = [p.high if not p.position else np.inf for p in form.params] / scale
    other = least_squares(residual, start / scale, bounds=(low, high), xtol=1e-14, ftol=1e-14)
    fit = fit_form(name, x, y, loss="squared_log")
    assert fit.objective <= other.cost * (1 + 1e-7)


def test_m4_is_its_own_equation() -> None:
    x = points("m4")
    err_inf, err_0, beta, c, alpha = TRUE["m4"]
    y = values_at("m4", x)
    np.testing.assert_allclose((y - err_inf) / (err_0 - y) ** alpha, beta * x[0] ** -c, rtol=1e-9)


def test_linear_squared_loss_agrees_with_curve_fit() -> None:
    x = np.geomspace(1e4, 1e7, 9)
    y = 0.93 - 2.5 * x**-0.3 + 0.002 * np.random.default_rng(0).standard_normal(9)
    fit = fit_form("accuracy", x, y)
    found, _ = curve_fit(
        lambda n, a, b, alpha: a - b * n**-alpha, x, y, p0=(0.9, 2, 0.3), maxfev=20000
    )
    np.testing.assert_allclose(list(fit.params.values()), found, rtol=1e-4)
    assert fit.objective == pytest.approx(
        0.5 * np.sum((y - found[0] + found[1] * x ** -found[2]) ** 2), rel=1e-6
    )


def test_unscale_undoes_scaling() -> None:
    for name, form in FORMS.items():
        x = points(name)
        scales = np.exp(np.log(x).mean(axis=1))
        if form.same_unit:
            scales[2] = scales[1]
        P = internal(name, TRUE[name])
        for i, p in enumerate(form.params):
            if p.position:
                P[0, i] -= np.log(scales[0])
        for name_, value in (
            ("A", 1.3),
            ("B", 0.7),
            ("F", 0.2),
            ("beta", 1.1),
            ("a", 2.0),
            ("b", 0.4),
        ):
            if name_ in form.names and not form.params[form.names.index(name_)].starts:
                P[0, form.names.index(name_)] = value
        scaled = 0.3 * predict(form, np.log(x / scales[:, None]), P)[0]
        back = unscale(form, P, scales, 0.3)
        natural = internal(name, back[0])
        np.testing.assert_allclose(predict(form, np.log(x), natural)[0], scaled, rtol=1e-8)


def test_an_unknown_form_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="power_floor"):
        get_form("powr")
