"""What rounds pick and when they end, on ladders whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from alphascale import laws
from alphascale.rounds.policy import pick, places, stalled, width

SIZES = 1000.0 * 2.0 ** (np.arange(24) / 2)
ASKED = math.log(1.5)


def error(n):
    return 0.02 + 0.4 * (np.asarray(n, float) / 1000.0) ** -0.5


def observe(sizes, counts, rng, noise=0.01):
    n = np.repeat(sizes, counts)
    return np.stack([n, error(n) * np.exp(noise * rng.standard_normal(len(n)))])


def fit(runs):
    data = {"params": runs[0], "error": runs[1], "scale": runs[0].astype(str)}
    return laws.fit(data, x="params", y="error", cluster="scale", withhold=False)


def next_runs(runs, target, left, most=8):
    """The law of runs, the width of N* by it, and the counts that a round picks for a cost left."""
    law = fit(runs)
    spent = runs[0].sum()
    free = SIZES[runs[0].max() * 8 >= SIZES]
    wide = width(law.solve_interval(target, 0.95))
    found = pick(
        law, {"params": places(law.solve_samples(target), 8 * runs[0].max())}, {"params": free},
        (runs[1], runs[0].astype(str)),
        lambda growth: np.maximum(free / left, free / (growth * spent)), most, wide, ASKED,
    )  # fmt: skip
    return law, wide, free, found.counts


@pytest.mark.parametrize(("beyond", "seed"), [(0.6, 0), (3.0, 1), (12.0, 2)])
def test_rounds_find_n_star_inside_and_beyond_the_first_ladder(beyond: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = beyond * 8000.0
    runs, rounds = observe(SIZES[:7:2], [2, 2, 2, 2], rng), 1
    while True:
        law, wide, free, counts = next_runs(runs, float(error(truth)), 1e12)
        if wide <= ASKED:
            break
        assert counts.any()
        assert counts @ free <= 8 * runs[0].sum()
        runs = np.hstack([runs, observe(free, counts, rng)])
        rounds += 1
        assert rounds < 9
    assert law.solve(float(error(truth))) == pytest.approx(truth, rel=0.2)
    lower, upper = law.solve_interval(float(error(truth)), 0.95)
    assert lower <= truth <= upper


def test_what_is_left_of_a_budget_is_kept_and_nothing_is_picked_where_nothing_fits() -> None:
    rng = np.random.default_rng(3)
    runs = observe(SIZES[:7:2], [2, 2, 2, 2], rng)
    for left in (1e5, 2e4, 5e3, 1e3):
        _, _, free, counts = next_runs(runs, float(error(60_000)), left)
        assert counts @ free <= left * (1 + 1e-9)
    *_, counts = next_runs(runs, float(error(60_000)), 500.0)
    assert not counts.any()


def test_a_round_that_needs_little_takes_little() -> None:
    """Where N* is all but known, a quarter of what was spent is enough, and no more is taken."""
    rng = np.random.default_rng(4)
    runs = observe(SIZES[:12], [3] * 12, rng, noise=0.03)
    target = float(error(20_000))
    law = fit(runs)
    lower, upper = law.solve_interval(target, 0.95)
    free = SIZES[:14]
    found = pick(
        law, {"params": places(law.solve_samples(target), 1e6)}, {"params": free},
        (runs[1], runs[0].astype(str)), lambda growth: free / (growth * runs[0].sum()), 8,
        width((lower, upper)), width((lower, upper)) / 0.85,
    )  # fmt: skip
    assert found.counts @ free <= 0.25 * runs[0].sum() * (1 + 1e-9)


def test_width_of_open_intervals_is_without_end() -> None:
    assert width((10.0, 15.0)) == pytest.approx(math.log(1.5))
    assert math.isinf(width((10.0, math.inf)))
    assert places(np.array([1.0, 2.0, np.inf, np.nan, 9.0]), 5.0).max() == 5.0


def test_rounds_stall_where_twice_the_cost_tells_no_more() -> None:
    wide = math.log(2.0)
    assert stalled([(1.0, wide)], 2.0, 0.95 * wide) == wide
    assert stalled([(1.0, wide)], 1.9, wide) is None, "not yet twice the cost"
    assert stalled([(1.0, wide)], 8.0, 0.85 * wide) is None, "narrower"
    assert stalled([(1.0, math.inf)], 8.0, math.inf) is None, "a far target: the ladder grows"
    assert stalled([(1.0, wide)], 8.0, math.inf) == wide
    # The narrowest of those that were cheap counts, and none that was not.
    assert stalled([(1.0, 2 * wide), (2.0, wide), (4.0, wide / 4)], 4.0, 0.95 * wide) == wide
