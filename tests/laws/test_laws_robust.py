"""Invariants for any data, and a named refusal or warning for bad data."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from alphascale.errors import UserError
from alphascale.laws import fit
from alphascale.laws.fitting import fit_form
from hypothesis import given, settings
from hypothesis import strategies as st

FEW = settings(max_examples=25, deadline=None)


def ladder(E: float, A: float, alpha: float, n: int, noise: float, seed: int):
    """Sizes over three decades; A is the share above the floor at the smallest."""
    x = np.geomspace(1e4, 1e7, n)
    y = E + A * (x / x[0]) ** -alpha
    return x, y * np.exp(noise * np.random.default_rng(seed).standard_normal(n))


truths = st.tuples(
    st.floats(0.01, 0.5), st.floats(0.2, 2.0), st.floats(0.2, 1.0), st.integers(5, 14)
)


@FEW
@given(truths)
def test_recovers_what_made_the_points(truth) -> None:
    E, A, alpha, n = truth
    x, y = ladder(E, A, alpha, n, 0.0, 0)
    found = fit_form("power_floor", x, y)
    assert found.params["E"] == pytest.approx(E, rel=1e-3)
    assert found.params["alpha"] == pytest.approx(alpha, rel=1e-3)


@FEW
@given(truths, st.integers(-12, 12), st.integers(-12, 12))
def test_units_change_nothing_but_the_numbers(truth, p, q) -> None:
    x, y = ladder(*truth[:3], truth[3], 0.01, 7)
    one = fit_form("power_floor", x, y)
    two = fit_form("power_floor", x * 10.0**p, y * 10.0**q)
    np.testing.assert_allclose(two.fitted(), one.fitted() * 10.0**q, rtol=1e-6)
    assert two.params["alpha"] == pytest.approx(one.params["alpha"], rel=1e-4, abs=1e-6)


@FEW
@given(truths, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(truth, random) -> None:
    x, y = ladder(*truth[:3], truth[3], 0.01, 3)
    order = list(range(len(x)))
    random.shuffle(order)
    one, two = fit_form("power_floor", x, y), fit_form("power_floor", x[order], y[order])
    assert two.objective == pytest.approx(one.objective, rel=1e-9)
    np.testing.assert_allclose(two.fitted(), one.fitted()[order], rtol=1e-6)


@FEW
@given(truths, st.floats(0.0, 0.1), st.integers(0, 1000))
def test_fitted_power_laws_never_rise(truth, noise, seed) -> None:
    x, y = ladder(*truth[:3], truth[3], noise, seed)
    far = np.geomspace(1e3, 1e12, 50)
    for law in ("power", "power_floor", "m3"):
        found = fit({"x": x, "y": y}, "x", "y", law=law, resamples=0, withhold=False)
        assert np.all(np.diff(found.curve(far)) <= 1e-12)


@settings(max_examples=8, deadline=None)
@given(truths, st.floats(0.001, 0.05), st.integers(0, 1000))
def test_a_form_never_fits_worse_than_its_special_case(truth, noise, seed) -> None:
    x, y = ladder(*truth[:3], max(truth[3], 6), noise, seed)
    cost = {law: fit_form(law, x, y).objective for law in ("power", "power_floor", "m3", "broken")}
    assert cost["power_floor"] <= cost["power"] * (1 + 1e-9)
    assert cost["m3"] <= cost["power"] * (1 + 1e-9)
    assert cost["broken"] <= cost["power_floor"] * (1 + 1e-6)


@FEW
@given(truths, st.floats(0.001, 0.02), st.integers(0, 1000))
def test_the_size_solved_for_reaches_the_target(truth, noise, seed) -> None:
    x, y = ladder(*truth[:3], truth[3], noise, seed)
    found = fit({"x": x, "y": y}, "x", "y", law="power_floor", resamples=0, withhold=False)
    target = 1.02 * found.params["E"] + 1e-3
    if found.curve([x[0]])[0] > target:
        size = found.solve(target)
        assert found.curve([size])[0] == pytest.approx(target, rel=1e-6)
    assert found.solve(0.5 * found.params["E"] - 1e-9) == np.inf


GOOD_X, GOOD_Y = ladder(0.05, 0.4, 0.4, 8, 0.01, 0)


@pytest.mark.parametrize(
    ("change", "law", "message"),
    [
        (
            lambda x, y: (x, np.r_[y[:3], np.nan, y[4:]]),
            "power",
            "y is not a finite number in row 4",
        ),
        (
            lambda x, y: (np.r_[x[:2], np.inf, x[3:]], y),
            "power",
            "x is not a finite number in row 3",
        ),
        (lambda x, y: (x, -y), "power", "must be positive for a loss on the log scale; row 1"),
        (lambda x, y: (x, np.r_[0.0, y[1:]]), "power", "row 1 holds 0"),
        (lambda x, y: (x * 0, y), "power", "x must be positive; row 1"),
        (lambda x, y: (x * 0 + 1e5, y), "power", "at least 3 distinct values"),
        (lambda x, y: (x[:2], y[:2]), "power", "a power term needs at least 3 distinct values"),
        (lambda x, y: (x[:3], y[:3]), "power_floor", "a floor needs at least 4 distinct values"),
        (lambda x, y: (x[:5], y[:5]), "broken", "1 break.* needs at least 6 distinct values"),
        (lambda x, y: (x[:3], y[:3]), "isoflop", "at least 4 distinct sizes"),
        (lambda x, y: (x[:0], y[:0]), "power", "has no rows"),
    ],
)
def test_bad_points_are_refused_by_name(change, law, message) -> None:
    x, y = change(GOOD_X, GOOD_Y)
    with pytest.raises(UserError, match=message):
        fit({"x": x, "y": y}, "x", "y", law=law)


def test_bad_columns_and_settings_are_refused_by_name() -> None:
    frame = {"x": GOOD_X, "y": GOOD_Y, "word": ["a"] * 8}
    for arguments, message in [
        ({"x": "size"}, "column 'size' is missing; the columns are x, y, word"),
        ({"y": "word"}, "column 'word', row 1: 'a' is not a number"),
        ({"law": "cubic"}, "law 'cubic' is not known"),
        ({"x2": "x"}, "must be different columns"),
        ({"law": "auto", "weights": "y"}, "takes no loss, weights or bounds"),
        ({"law": "chinchilla"}, "takes 2 predictor"),
        ({"cluster": "runs"}, "column 'runs' is missing"),
        ({"loss": "absolute"}, "loss 'absolute' is not known"),
        ({"loss": "huber:-1"}, "delta must be positive"),
        ({"level": 95}, "level must lie between 0 and 1"),
        ({"bounds": {"E": (0, 1)}}, "has no parameter 'E'"),
        ({"bounds": {"alpha": (2, 1)}}, "2 is above 1"),
        ({"method": "jackknife"}, "method 'jackknife' is not known"),
    ]:
        with pytest.raises(UserError, match=message):
            fit(frame, **({"x": "x", "y": "y", "law": "power"} | arguments))


def test_a_constant_response_is_called_so() -> None:
    found = fit({"x": GOOD_X, "y": np.full(8, 0.3)}, "x", "y", law="power_floor", resamples=50)
    assert any("constant" in w for w in found.warnings)
    np.testing.assert_allclose(found.curve(GOOD_X), 0.3, rtol=1e-6)


def test_a_rising_response_hits_the_bound_and_says_so() -> None:
    frame = {"x": GOOD_X, "error": 0.01 * GOOD_X**0.2}  # by its name it should fall
    with pytest.raises(UserError, match="column 'error' rises with x"):
        fit(frame, "x", "error", law="power", resamples=50)
    frame["error"] *= np.tile([1.3, 0.7], 4)  # not beyond doubt
    found = fit(frame, "x", "error", law="power", resamples=50)
    assert found.bounds_hit == ("alpha",)
    assert any("alpha ended on a bound" in w for w in found.warnings)


def test_collinear_predictors_are_named() -> None:
    n = np.geomspace(1e6, 1e9, 10)
    y = 1.7 + 400 * n**-0.34 + 2000 * (20 * n) ** -0.36
    found = fit({"N": n, "D": 20 * n, "y": y}, "N", "y", x2="D", law="chinchilla", resamples=0)
    assert any("cannot be told apart" in w for w in found.warnings)


@pytest.mark.parametrize("power", [-290, -100, 100, 290])
def test_extreme_magnitudes_neither_break_nor_pass_silently(power: int) -> None:
    x, y = GOOD_X * 10.0**power, GOOD_Y * 10.0 ** (power / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit({"x": x, "y": y}, "x", "y", law="power_floor", resamples=50)
    np.testing.assert_allclose(found.curve(x), y, rtol=0.1)
    if not np.all(np.isfinite(list(found.params.values()))):
        assert any("beyond the range of a double" in w for w in found.warnings)


def test_duplicated_rows_are_one_configuration() -> None:
    frame = {"x": np.repeat(GOOD_X, 3), "y": np.repeat(GOOD_Y, 3)}
    found = fit(frame, "x", "y", law="power_floor", resamples=100)
    once = fit({"x": GOOD_X, "y": GOOD_Y}, "x", "y", law="power_floor", resamples=100)
    assert found.in_sample["clusters"] == 8
    assert found.params["alpha"] == pytest.approx(once.params["alpha"], rel=1e-6)
    # Copies say nothing new about the curve: its band must not shrink as if they did.
    wide = [np.log(f.band([4e7]).upper / f.band([4e7]).lower)[0] for f in (found, once)]
    assert wide[0] > 0.6 * wide[1]
