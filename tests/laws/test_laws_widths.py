"""Intervals are no wider than they say: bounded from above where the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alphascale.laws import fit
from alphascale.laws.candidates import fit_candidates
from alphascale.laws.ladder import Levels, condense, gather
from alphascale.laws.priors import SHIPPED
from alphascale.laws.selection import auto, weigh


def law(x):
    return 0.1 + 0.8 * (x / 1e4) ** -0.4


def ladder(seeds: int, noise: float = 0.02, seed: int = 0):
    rng = np.random.default_rng(seed)
    x = np.repeat(np.geomspace(1e4, 1e6, 10), seeds)
    return x, law(x) * np.exp(noise * rng.standard_normal(len(x)))


@pytest.mark.parametrize("name", ["auto", "power_floor"])
def test_inside_a_well_measured_ladder_the_interval_of_a_run_is_its_noise(name) -> None:
    """30 runs at each of ten sizes: the curve is known, so 95 % is ± 1.96 × the runs' 2 %."""
    x, y = ladder(seeds=30)
    columns = {"x": x, "y": y, "cell": x}
    found = fit(columns, "x", "y", law=name, cluster="cell", resamples=1000, withhold=False)
    inside = np.array([3e4, 1e5, 3e5])
    run = found.predict(inside, 0.95)
    half = np.log(run.upper / run.lower) / 2
    assert half == pytest.approx(1.96 * 0.02, rel=0.15)
    curve = found.band(inside, 0.95)
    # The mean of 300 runs, of which the neighbours of a size tell most: well below one run.
    assert np.all(np.log(curve.upper / curve.lower) / 2 < 0.4 * half)
    low, high = found.solve_interval(law(1e5))
    assert low < 1e5 < high and high / low < 1.15


def test_of_new_runs_as_many_lie_inside_as_is_said() -> None:
    """At twice the largest size, over 40 ladders and 50 runs of each: 80 % of them, and not all."""
    inside = []
    for seed in range(40):
        x, y = ladder(seeds=3, noise=0.01, seed=seed)
        band = auto(x, y).predict([2e6], 0.8)
        runs = law(2e6) * np.exp(0.01 * np.random.default_rng(1000 + seed).standard_normal(50))
        inside.append(np.mean((band.lower[0] <= runs) & (runs <= band.upper[0])))
    assert 0.7 <= np.mean(inside) <= 0.93


def test_the_latest_origin_weighs_most() -> None:
    """Of two candidates, as good at one origin each, the one that did well lately is preferred."""
    x, y = ladder(seeds=1)
    found = fit_candidates(gather(x[None], y), SHIPPED)
    origins = len(found.origins.seen)
    assert origins > 3

    def odds(origin: int) -> float:
        """By what the odds of the first candidate grow if it alone did well from this origin."""
        score = np.zeros_like(found.score)
        plain = weigh(replace(found, score=score), SHIPPED)
        score[origin, 0] = 3.0
        better = weigh(replace(found, score=score), SHIPPED)
        at = int(np.flatnonzero(plain > 0)[0])
        assert at == 0
        return (better[0] / (1 - better[0])) / (plain[0] / (1 - plain[0]))

    grown = [odds(origin) for origin in range(1, origins)]
    assert grown == sorted(grown, reverse=True) and len(set(grown)) == len(grown)
    assert grown[-1] > 1


def test_a_form_that_rises_is_reached_from_below() -> None:
    """Accuracy: the larger the model, the surer; error of the same runs: the same chances."""
    rng = np.random.default_rng(0)
    x = np.repeat(np.geomspace(1e4, 1e6, 8), 6)
    y = 0.95 - 3 * x**-0.35 + 0.004 * rng.standard_normal(len(x))
    columns = {"x": x, "y": y, "cell": x}
    found = fit(columns, "x", "y", law="accuracy", cluster="cell", resamples=600, withhold=False)
    chance = found.reach([1e4, 1e5, 1e6], 0.95 - 3 * 1e5**-0.35)
    assert chance[0] < 0.01 and chance[1] == pytest.approx(0.5, abs=0.12) and chance[2] > 0.99


def test_where_levels_are_joined_the_last_stays_what_it_is() -> None:
    u = np.concatenate([np.linspace(0, 9, 30), [9.6, 9.99, 10.0]])
    levels = Levels(u[None], 5 - 0.1 * u, np.full(len(u), 2.0), 0.01, 33, np.ones(len(u)))
    found = condense(levels, 10)
    assert len(found.v) == 11 and found.runs.sum() == 66
    assert (found.logs[0, -1], found.v[-1], found.runs[-1]) == (10.0, 4.0, 2.0)
    assert found.v == pytest.approx(5 - 0.1 * found.logs[0])
    # Where the last level is alone in its cell nothing is set apart.
    u = np.concatenate([np.linspace(0, 8.5, 30), [10.0]])
    alone = condense(Levels(u[None], -u, np.ones(len(u)), 0.01, 33, np.ones(len(u))), 10)
    assert len(alone.v) == 10 and alone.logs[0, -1] == 10.0
    assert condense(levels, 33) is levels
