"""The law of learning rates: recovery of a known one, its grid and bounds, and faults."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from alphascale.errors import UserError
from alphascale.fitting.rates import SLOPE, SLOPE_SD, rate_law, rates_text
from alphascale.records.rates import PER_DECADE, RateLaw, check_rate
from alphascale.records.specs import RatesSpec
from alphascale.records.training import SweepRun
from alphascale.records.typed import as_json, parse
from records_made import seed_run, train_spec, training_record

RATES = [3e-3, 1e-2, 3e-2]
FINE = [1e-3 * 10 ** (i / 4) for i in range(9)]


def swept(params: int, best: float, rates=RATES, noise=0.0, curvature=0.08, seeds=3, seed=0):
    """A record whose log validation loss is a parabola about the best rate."""
    rng = np.random.default_rng(seed)
    sweep = [
        SweepRun(rate, s, math.exp(curvature * math.log(rate / best) ** 2 + noise * rng.normal()),
                 "ok", 3)
        for s in range(seeds) for rate in rates
    ]  # fmt: skip
    record = training_record(f"n{params}", [seed_run(s, 0.1) for s in range(seeds)], params)
    return replace(record, spec=train_spec(f"n{params}"), sweep=sweep)


def given(losses, rates=RATES, params=500):
    """A record of two seeds with these losses at each rate; None diverged."""
    whole = swept(params, 1e-2, rates, seeds=2)
    loss = dict(zip(rates, losses, strict=True))
    sweep = [
        replace(r, validation_loss=loss[r.learning_rate],
                status="diverged" if loss[r.learning_rate] is None else "ok")
        for r in whole.sweep
    ]  # fmt: skip
    return replace(whole, sweep=sweep)


def of_two(losses, rates=RATES) -> RateLaw:
    """The law of two sizes with the same losses."""
    return law(given(losses, rates), given(losses, rates, 5_000), rates=rates)


def law(*records, rates=RATES) -> RateLaw:
    return rate_law(RatesSpec("d", rates, "code", []), list(records))


def steps(found: RateLaw, params: int, wanted: float) -> float:
    """Steps of the grid between the law's rate and another."""
    return abs(PER_DECADE * math.log10(found.rate(params) / wanted))


@pytest.mark.parametrize("slope", [-0.2, -0.4, -0.6])
def test_a_known_law_is_recovered_within_a_step(slope):
    """Two decades of size apart and swept finely, the sizes tell the slope, not the prior."""
    best = {n: 1e-2 * (n / 1e4) ** slope for n in (10**3, 10**5)}
    records = [swept(n, rate, FINE, 0.002) for n, rate in best.items()]
    found = law(*records, rates=FINE)
    assert found.slope == pytest.approx(slope, abs=0.06)
    assert all(steps(found, n, rate) <= 1 for n, rate in best.items())
    assert [each.rate for each in found.optima] == pytest.approx(list(best.values()), rel=0.15)
    assert parse(RateLaw, as_json(found), "law") == found


def test_sizes_close_together_leave_the_slope_to_the_prior():
    found = law(swept(500, 1e-2, noise=0.05), swept(900, 9e-3, noise=0.05, seed=1))
    assert found.slope == pytest.approx(SLOPE, abs=0.5 * SLOPE_SD)
    assert found.slope_sd > 0.8 * SLOPE_SD
    assert found.rate(10**5) < found.rate(10**3)


def test_rates_lie_on_a_grid_that_small_changes_do_not_move():
    first = law(swept(500, 1e-2), swept(900, 9e-3))
    again = law(swept(500, 1e-2, noise=1e-3), swept(900, 9e-3, noise=1e-3))
    assert again.log_rate != first.log_rate
    sizes = [700, 2_000, 6_000, 20_000]
    assert [first.rate(n) for n in sizes] == [again.rate(n) for n in sizes]
    for n in sizes:
        step = PER_DECADE * math.log10(first.rate(n))
        assert step == pytest.approx(round(step), abs=1e-2)
        assert first.rate(n) == float(f"{first.rate(n):.4g}")
        assert first.check(n) == pytest.approx(first.rate(n) / math.sqrt(10), rel=1e-3)


def test_no_rate_lies_beyond_the_bounds():
    low = law(swept(500, 1e-5), swept(900, 1e-5))
    high = law(swept(500, 9.0), swept(900, 9.0))
    for found, inside in ((low, 10**9), (high, 1)):
        assert min(RATES) / 2 <= found.rate(inside) <= max(RATES) * 2
    assert steps(low, 10**9, min(RATES) / 2) < 1 and steps(high, 1, max(RATES) * 2) < 1


def test_two_rates_that_tie_have_the_best_between_them():
    tied = [swept(n, 3e-3, [1e-3, 9e-3]) for n in (500, 900)]
    found = law(*tied, rates=[1e-3, 9e-3])
    assert all(each.rate == pytest.approx(3e-3, rel=0.05) for each in found.optima)
    worse = law(*(swept(n, 1e-3, [1e-3, 9e-3]) for n in (500, 900)), rates=[1e-3, 9e-3])
    assert worse.rate(700) < found.rate(700)


def test_the_best_lies_below_a_rate_at_which_a_seed_diverged():
    """The losses fall all the way up: without the seed that is gone, the best lay far above."""
    whole = swept(500, 3e-1)
    gone = [
        replace(r, validation_loss=None, status="diverged")
        if r.learning_rate == 3e-2 and r.seed == 1
        else r
        for r in whole.sweep
    ]
    found, before = law(replace(whole, sweep=gone), swept(900, 1e-2)), law(whole, swept(900, 1e-2))
    assert found.optima[0].rate < 3e-2 < before.optima[0].rate
    assert found.optima[0].rates[2].log_loss is None
    dead = [replace(r, validation_loss=None, status="diverged") for r in whole.sweep]
    with pytest.raises(UserError, match="n500: a seed diverged at every learning rate"):
        law(replace(whole, sweep=dead), swept(900, 3e-2))


@pytest.mark.parametrize(
    "losses", [(0.35, 0.30, 2.3), (0.5, 0.3, 2.3), (1.0, 0.5, 5.0), (0.5, 0.4, 50.0)]
)
def test_a_rate_that_failed_without_diverging_bounds_the_best_and_no_more(losses):
    """As a point of the parabola the last put the best at a third of the middle one, to 0 %."""
    found = of_two(losses)
    for each in found.optima:
        assert 0.7 * 1e-2 < each.rate < 3e-2 and 1.25 < each.factor < 3
    assert of_two((*losses[:2], None)).optima[0].rate == pytest.approx(found.optima[0].rate, 0.05)
    # The rise of the same list that a parabola may have is a point of it still.
    mild = of_two((0.35, 0.30, 0.40)).optima[0]
    assert mild.rate < found.optima[0].rate and mild.factor < 1.7


def test_a_rate_that_hardly_learns_puts_the_best_above_the_middle():
    for losses in ((0.6, 0.008), (0.6, 0.006), (2.3, 1e-30), (2.3, 0.0)):
        found = of_two(losses, [3e-3, 1e-2])
        for each in found.optima:
            assert math.sqrt(3e-3 * 1e-2) < each.rate < 2e-2 and each.factor > 2


@pytest.mark.parametrize("ratio", [20, 75, 100, 1e4, 1e30])
def test_losses_however_far_apart_leave_a_number(ratio):
    for losses in ((1.0, ratio), (ratio, 1.0), (0.0, ratio), (1 / ratio, 1.0)):
        found = law(given(losses, [1e-3, 1e-2]), given((0.4, 0.42), [1e-3, 1e-2], 5_000),
                    rates=[1e-3, 1e-2])  # fmt: skip
        assert parse(RateLaw, as_json(found), "law") == found  # no record holds a NaN
        assert all(5e-4 < each.rate < 2e-2 and each.factor > 1.1 for each in found.optima)


@pytest.mark.parametrize(
    "rates, losses",
    [
        ([1e-3, 1e-2, 1e-1], (0.5, 0.05, 0.5)),
        ([1e-3, 1e-2, 1e-1], (0.3, 0.1, 0.3)),
        ([1e-5, 1e-1], (0.5, 0.5)),
    ],
)
def test_rates_far_apart_do_not_tell_the_best_to_a_hair(rates, losses):
    """No seed scatters here; what a parabola leaves out is what the width is of."""
    assert all(each.factor > 1.1 for each in of_two(losses, rates).optima)


def test_a_diverged_rate_below_one_that_did_well_is_no_bound_above_it():
    found = of_two((None, 0.45), [1e-3, 1e-2])
    assert all(math.sqrt(1e-3 * 1e-2) < each.rate < 2e-2 for each in found.optima)
    between = of_two((0.45, None, 0.6)).optima[0]  # the best, 0.003, lies below
    assert between.rate < 1e-2


def test_on_the_edge_of_the_list_the_best_is_open_and_the_log_says_so():
    edge, inside = of_two((0.5, 0.4, 0.35)), of_two((0.4, 0.35, 0.37))
    assert edge.optima[0].factor > 1.5 > inside.optima[0].factor
    assert "0.03, did best; add 0.09 to training.learning_rates" in rates_text(edge)
    assert "the smallest rate, 0.003, did best; add 0.0009 to" in rates_text(
        of_two((0.3, 0.4, 0.6))
    )
    assert "edge" not in rates_text(inside)
    assert "edge" not in rates_text(of_two((0.5, 0.4, None)))
    apart = law(given((0.5, 0.4, 0.35)), given((0.35, 0.4, 0.5), params=5_000))
    assert "edge" not in rates_text(apart)


def test_a_curve_that_reached_zero_counts_by_the_least_loss():
    whole = given((0.5, 0.4, 0.6))
    seeds = [replace(s, curves=replace(s.curves, validation_loss=[0.8, 0.0, 0.0]))
             for s in whole.seeds]  # fmt: skip
    sweep = [replace(r, status="stopped", epochs_run=1) if r.learning_rate == 3e-2 else r
             for r in whole.sweep]  # fmt: skip
    found = law(replace(whole, seeds=seeds, sweep=sweep), given((0.5, 0.4, 0.6), params=5_000))
    assert found.optima[0].rates[2].log_loss == pytest.approx(math.log(0.6 * 1e-9 / 0.8))


def test_a_rate_that_was_stopped_counts_by_its_gap():
    """Behind by a factor of two when it was stopped: as far behind the chosen one's best."""
    whole = swept(500, 1e-2)
    early = whole.seeds[0].curves.validation_loss[0]  # its best, later, is 0.6
    cut = [replace(r, status="stopped", validation_loss=2 * early, epochs_run=1)
           if r.learning_rate == 3e-2 else r for r in whole.sweep]  # fmt: skip
    found = law(replace(whole, sweep=cut), swept(900, 1e-2))
    assert found.optima[0].rates[2].log_loss == pytest.approx(math.log(2 * 0.6))


def test_a_record_of_another_rate_is_refused_by_name():
    found = law(swept(500, 1e-2), swept(900, 9e-3))
    record = training_record("big", [seed_run(0, 0.1)], 2_002)
    training = record.spec.training.model_copy(
        update={"rates": "law", "learning_rates": [found.rate(record.params.total)]}
    )
    of_law = replace(record, spec=replace(record.spec, training=training))
    check_rate("train/d/big/1.0.json", of_law, found)
    check_rate("train/d/big/1.0.json", record, None)  # swept: no law concerns it
    moved = replace(found, log_rate=found.log_rate + 1)
    with pytest.raises(
        UserError, match=r"train/d/big/1.0.json: trained at .*, the learning rate of"
    ):
        check_rate("train/d/big/1.0.json", of_law, moved)
    with pytest.raises(UserError, match="there is none"):
        check_rate("train/d/big/1.0.json", of_law, None)
