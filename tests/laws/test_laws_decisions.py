"""Withheld sizes, groups, allocation."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale.errors import UserError
from alphascale.grids.allocation import optimum_for_flops, optimum_for_target
from alphascale.laws import fit
from laws_made import NOISE, X, chinchilla


def test_the_largest_sizes_are_withheld_and_the_fit_does_not_see_them() -> None:
    y = (0.05 + 3 * X**-0.35) * np.exp(0.002 * NOISE)
    found = fit({"x": X, "y": y}, "x", "y", law="power_floor", resamples=0)
    spoilt = np.where(X.max() == X, 5 * y, y)
    other = fit({"x": X, "y": spoilt}, "x", "y", law="power_floor", resamples=0)
    assert found.withheld["levels"] == 1
    assert (
        found.withheld["law"] < 0.5 * found.withheld["log_log_line"] < found.withheld["carry_last"]
    )
    # Only the observations changed: every predictor misses by log 5 more.
    for name in ("law", "carry_last", "log_log_line"):
        assert other.withheld[name] == pytest.approx(
            np.log(5), abs=2 * found.withheld["carry_last"]
        )


def test_a_law_that_loses_to_naive_predictors_says_so() -> None:
    y = np.where(X < 1e6, 0.1 + 40 * X**-0.6, 0.13)
    found = fit({"x": X, "y": y}, "x", "y", law="power_floor", resamples=0)
    assert found.withheld["law"] > found.withheld["carry_last"]
    assert "did not beat carrying the last value" in found.warnings[0]


def test_too_few_levels_to_withhold_is_said() -> None:
    keep = X < 4e5
    found = fit(
        {"x": X[keep], "y": 0.1 + X[keep] ** -0.3}, "x", "y", law="power_floor", resamples=0
    )
    assert found.withheld.startswith("no size could be withheld")


def test_groups_are_fitted_apart_and_refusals_kept() -> None:
    frame = {
        "x": np.r_[X, X, 1e4, 1e5],
        "y": np.r_[0.05 + 3 * X**-0.35, 0.1 + 9 * X**-0.5, 0.3, 0.2],
        "task": ["a"] * 12 + ["b"] * 12 + ["c"] * 2,
    }
    found = fit(frame, "x", "y", law="power_floor", group="task", resamples=40)
    assert found.fits[("a",)].params["E"] == pytest.approx(0.05, rel=1e-4)
    assert found.fits[("b",)].params["alpha"] == pytest.approx(0.5, rel=1e-4)
    assert "at least 4 distinct values" in found.refused[("c",)]
    ahead = found.predict({"task": ["b", "a"], "x": [1e7, 1e7]})
    np.testing.assert_allclose(ahead.mean, [0.1 + 9 * 1e7**-0.5, 0.05 + 3 * 1e7**-0.35], rtol=1e-4)
    both = found.predict({"task": ["c", "a"], "x": [1e7, 1e7]})
    assert np.isnan(both.mean[0]) and both.mean[1] == ahead.mean[1]
    assert "group c: law power_floor" in found.without({"task": ["c", "a"], "x": [1e7, 1e7]})[0]
    with pytest.raises(UserError, match="no prediction for group c"):
        found.predict({"task": ["c"], "x": [1e7]})
    with pytest.raises(UserError, match="none of 1 groups"):
        two = {k: np.asarray(v)[-2:] for k, v in frame.items()}
        fit(two, "x", "y", law="power", group="task")
    with pytest.raises(UserError, match="group column 'model' is missing"):
        fit(frame, "x", "y", group="task,model")


def test_allocation_is_the_closed_form_and_keeps_its_budget() -> None:
    found = fit(chinchilla(), "N", "loss", x2="D", law="chinchilla", resamples=40)
    best = optimum_for_flops(found, 5.76e23)
    assert best.tokens[0] / best.params[0] == pytest.approx(58.9, abs=0.1)
    assert 6 * best.params[0] * best.tokens[0] == pytest.approx(5.76e23, rel=1e-9)
    back = optimum_for_target(found, best.loss[0])
    assert back.flops[0] == pytest.approx(5.76e23, rel=1e-4)
    assert optimum_for_target(found, 1.6).flops[0] == np.inf
    assert not best.warnings
    far = optimum_for_flops(found, 1e27)
    assert sum("outside the fitted range" in w for w in far.warnings) == 2


def test_allocation_intervals_come_from_the_resamples() -> None:
    found = fit(chinchilla(0.003), "N", "loss", x2="D", law="chinchilla", resamples=400)
    best = optimum_for_flops(found, 1e22)
    assert best.params[1] < best.params[0] < best.params[2]
    truth = optimum_for_flops(
        fit(chinchilla(), "N", "loss", x2="D", law="chinchilla", resamples=0), 1e22
    )
    assert best.params[1] < truth.params[0] < best.params[2]
    with pytest.raises(UserError, match="no N and D"):
        optimum_for_flops(fit({"x": X, "y": X**-0.3}, "x", "y", law="power", resamples=0), 1e20)
