"""M1–M4 by the names of the code published with them: what an option holds is held, what it leaves
is the optimum, and a law can be asked without resamples."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale import laws
from alphascale.errors import UserError
from alphascale.laws.options import OPTIONS
from alphascale.laws.scoring import log_rmse, log_rmse_error
from scipy.optimize import brentq, least_squares

X = np.geomspace(1e3, 1e6, 30)


def m4_curve(x, err_inf, err_0, beta, c, alpha):
    """The published equation, solved for y point by point."""

    def y_of(at):
        right = beta * at**c
        inside = err_0 - err_inf
        return brentq(
            lambda y: (y - err_inf) - right * (err_0 - y) ** alpha,
            err_inf + 1e-12 * inside,
            err_0 - 1e-12 * inside,
            xtol=1e-14,
        )

    return np.array([y_of(at) for at in np.atleast_1d(x)])


TRUE = dict(err_inf=0.1, err_0=0.95, beta=40.0, c=-0.5, alpha=0.6)
Y = m4_curve(X, **TRUE)


def test_the_walk_through_in_one_call() -> None:
    law = laws.m4(dict(zip(X, Y, strict=True)), err_inf=None, err_0=0.999, update_err_0=True)
    for name, value in TRUE.items():
        assert getattr(law, name) == pytest.approx(value, rel=1e-3), name
        assert law.params[name] == getattr(law, name)
    beyond = np.array([2e6, 1e7])
    truth = m4_curve(beyond, **TRUE)
    assert law.predict_loss(2e6) == pytest.approx(truth[0], rel=1e-5)
    rmse, error = law.error(beyond, truth * np.exp([0.01, -0.03]))
    assert rmse == pytest.approx(np.sqrt((0.01**2 + 0.03**2) / 2), rel=1e-2)
    squares = np.array([0.01**2, 0.03**2])
    mean, spread = squares.mean(), squares.std() / np.sqrt(2)
    assert error == pytest.approx(np.sqrt(mean + spread) - np.sqrt(mean), rel=1e-2)
    x, curve = law.loss_curve(1e3, 1e7, 50)
    assert len(x) == len(curve) == 50 and np.all(np.diff(curve) < 0)
    assert law.err_limit() == law.err_inf


def test_the_standard_error_is_the_benchmarks_and_one_point_has_none() -> None:
    y, predicted = np.array([1.0, 2.0, 3.0]), np.array([1.1, 1.9, 3.3])
    squares = np.log(predicted / y) ** 2
    assert log_rmse(predicted, y) == pytest.approx(np.sqrt(squares.mean()))
    expected = np.sqrt(squares.mean() + squares.std() / 3**0.5) - np.sqrt(squares.mean())
    assert log_rmse_error(predicted, y) == pytest.approx(expected)
    assert np.isnan(log_rmse_error(predicted[:1], y[:1]))


@pytest.mark.parametrize(
    ("law", "options", "held"),
    [
        ("m1", {"c": -0.3, "update_c": False}, {"c": -0.3}),
        ("m2", {"err_inf": 0.05, "update_err_inf": False}, {"err_inf": 0.05}),
        ("m2", {"update_err_inf": False}, {"err_inf": 0.0}),
        ("m3", {"gamma": 1e-5, "update_gamma": False}, {"gamma": 1e-5}),
        ("m4", {"err_0": 1.0, "update_err_0": False}, {"err_0": 1.0}),
        ("m4", {"err_0": 1.2, "update_err_0": False, "update_alpha": False},
         {"err_0": 1.2, "alpha": 1.0}),
        ("m4", {"err_inf": 0.1, "update_err_inf": False, "c": -0.5, "update_c": False},
         {"err_inf": 0.1, "c": -0.5}),
    ],
)  # fmt: skip
def test_what_is_held_is_held_and_the_rest_is_the_optimum(law, options, held) -> None:
    y = Y * np.exp(0.01 * np.random.default_rng(0).standard_normal(len(X)))
    found = getattr(laws, law)(X, y, **options)
    for name, value in held.items():
        assert found.params[name] == pytest.approx(value, rel=1e-9), name
        assert not any(f"{name} ended on a bound" in warning for warning in found.warnings)
    curve = {
        "m1": lambda p: p["beta"] * X ** p["c"],
        "m2": lambda p: p["err_inf"] + p["beta"] * X ** p["c"],
        "m3": lambda p: p["beta"] * (1 / X + p["gamma"]) ** p["c"],
        "m4": lambda p: m4_curve(X, **p),
    }[law]
    free = [name for name in found.params if name not in held]
    start = np.array([found.params[name] for name in free])
    scale = np.where(start, start, 0.1)
    off = np.log(curve(found.params)) - np.log(y)
    # An optimiser of another kind, from two places near: none finds less.
    for k in (1.0, 1.03):

        def residual(p):
            try:
                return np.log(curve(held | dict(zip(free, p * scale, strict=True)))) - np.log(y)
            except ValueError:  # limits among the points
                return np.full(len(y), 1e3)

        other = least_squares(residual, start / scale * k, xtol=1e-12, ftol=1e-12)
        assert 0.5 * off @ off <= other.cost * (1 + 1e-5)


def test_a_bound_of_an_option_is_kept() -> None:
    y = Y * np.exp(0.01 * np.random.default_rng(1).standard_normal(len(X)))
    assert laws.m2(X, y, lo_bound=0.2 * y.min()).err_inf >= 0.2 * y.min()
    assert laws.m4(X, y, up_bound=1.0).err_0 <= 1.001
    few = laws.m4(X, y, max_iterations=1)
    assert few.fit.objective > laws.m4(X, y).fit.objective
    assert any("gradient is not zero" in warning for warning in few.warnings)


@pytest.mark.parametrize(
    ("law", "options", "message"),
    [
        ("m1", {"err_0": 1.0}, "no option 'err_0'"),
        ("m4", {"err_0": 0.5, "update_err_0": False}, "above the largest response"),
        ("m4", {"up_bound": 0.5}, "below the largest response"),
        ("m4", {"c": 0.5}, "c must lie between"),
        ("m4", {"err_inf": -1.0}, "must not be negative"),
        ("m4", {"update_err_0": 1}, "true or false"),
        ("m4", {"max_iterations": 0.5}, "whole number"),
        ("m2", {"err_inf": float("nan")}, "finite"),
        ("m4", {"eror": 1.0}, "no option 'eror'"),
    ],
)
def test_an_option_that_cannot_be_is_one_line(law, options, message) -> None:
    with pytest.raises(UserError, match=message):
        getattr(laws, law)(X, Y, **options)
    with pytest.raises(UserError, match=message):
        laws.fit({"x": X, "y": Y}, "x", "y", law=law, options=options, resamples=0)


def test_options_of_a_fit_with_intervals_hold_in_every_resample() -> None:
    y = Y * np.exp(0.01 * np.random.default_rng(2).standard_normal(len(X)))
    frame = {"x": X, "loss": y}
    options = {"err_0": 1.0, "update_err_0": False}
    fitted = laws.fit(frame, "x", "loss", law="m4", options=options, resamples=60)
    short = laws.m4(X, y, **options)
    assert fitted.params["err_0"] == pytest.approx(1.0)
    assert np.allclose(fitted.samples[:, list(fitted.params).index("err_0")], 1.0)
    assert fitted.bounds_hit == ()
    assert fitted.predict_loss(2e6) == pytest.approx(short.predict_loss(2e6), rel=1e-9)
    assert isinstance(fitted.withheld, dict)
    with pytest.raises(UserError, match="option of m1 to m4"):
        laws.fit(frame, "x", "loss", options={"err_0": 1.0})
    with pytest.raises(UserError, match="bounds and an option"):
        laws.fit(frame, "x", "loss", law="m4", options=options, bounds={"err_0": (0, 2)})


@pytest.mark.parametrize("law", ["power_floor", "m4", "broken", "auto"])
def test_a_fit_without_resamples_gives_its_curve(law) -> None:
    """By `predict`, `curve` and `predict_loss`, saved and read again, alone and in groups."""
    frame = {"x": np.tile(X, 2), "loss": np.tile(Y, 2), "task": np.repeat(["a", "b"], len(X))}
    fitted = laws.fit(frame, "x", "loss", law=law, resamples=0)
    mean, lower, upper = fitted.predict([2e6, 1e7])
    assert np.isfinite(mean).all()
    if law != "auto":
        assert np.isnan(lower).all() and np.isnan(upper).all()
    assert list(mean) == list(fitted.curve([2e6, 1e7])) == list(fitted.predict_loss([2e6, 1e7]))
    assert fitted.predict_loss(2e6) == mean[0]
    grouped = laws.fit(frame, "x", "loss", law=law, resamples=0, group="task")
    assert np.isfinite(grouped.predict({"x": [2e6, 2e6], "task": ["a", "b"]}).mean).all()


def test_every_law_of_the_walk_through_has_its_options() -> None:
    assert set(OPTIONS) == {"m1", "m2", "m3", "m4"}
    for law in OPTIONS:
        found = getattr(laws, law)(X, Y)
        assert found.law == law and set(found.params) == set(found.fit.params)
    with pytest.raises(UserError, match="give the losses too"):
        laws.m2(X)
