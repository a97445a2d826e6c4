"""Families compared: known laws give the known answer, identical ones none, and what cannot be
told says why."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alphascale import laws
from alphascale.auditing.chance import NONE
from alphascale.deciding.families import (
    MOST,
    common_error,
    compare,
    exponents,
    odds,
    ratio,
    slopes_at,
)
from alphascale.deciding.families_text import table_rows, text
from alphascale.plots.families import draw
from alphascale.plots.style import save
from alphascale.records.compare import CompareRecord, FamilyLaw, MeasuredCell, Pair
from alphascale.records.specs import Target
from alphascale.records.typed import Refused, read, write
from families_made import EPOCHS, POOL, PRICES, SIZES, compared, known, ladder, spec_of

TARGET = Target("accuracy", 0.95)


def words_of(path: Path) -> str:
    return " ".join(re.sub("<[^>]+>", " ", path.read_text()).split())


def flat(n: float) -> float:
    return 0.01 + 1.5 * n**-0.4


def steep(n: float) -> float:
    return 0.01 + 8.0 * n**-0.6


def cost(error: float, floor: float, factor: float, alpha: float, dear: float = 1.0) -> float:
    """FLOPs of one training of the size at which floor + factor · N^−alpha is `error`."""
    return 6 * dear * (factor / (error - floor)) ** (1 / alpha) * POOL * EPOCHS


def on_target(found: CompareRecord):
    (comparison,) = found.comparisons
    return comparison


@pytest.fixture(scope="module", params=["auto", "power_floor"])
def crossing(request) -> dict:
    """A flat law and a steep one, by one law of the engine. They cost the same at an error of
    0.0425: above it the flat one does with less."""
    frames = {"letter": ladder(flat, draw=1), "deep": ladder(steep, draw=2)}
    return {name: known(frame, request.param) for name, frame in frames.items()}


def judged(found: dict, target: Target, **changes) -> CompareRecord:
    return compare(spec_of(list(found), target, **changes), found)


@pytest.mark.parametrize(("target", "cheaper"), [(0.93, "letter"), (0.965, "deep")])
def test_the_family_that_costs_less_is_named_on_either_side_of_the_crossing(
    crossing: dict, target: float, cheaper: str
) -> None:
    record = judged(crossing, Target("accuracy", target))
    found = on_target(record)
    assert found.odds["flops"].least[cheaper] > 0.97
    # It takes as long for its FLOPs as the other: energy and money say the same.
    assert found.odds["kwh"].least[cheaper] > 0.9 and found.odds["money"] == found.odds["kwh"]
    for name, (floor, factor, alpha) in {
        "letter": (0.01, 1.5, 0.4), "deep": (0.01, 8.0, 0.6)
    }.items():  # fmt: skip
        law = found.domains[name].law
        truth = cost(1 - target, floor, factor, alpha)
        assert law.flops == pytest.approx(truth, rel=0.08)
        assert law.interval[0] * 0.97 < truth < law.interval[1] * 1.03
    other = next(name for name in found.names if name != cheaper)
    assert f"{cheaper} (family_{cheaper}) reaches the target at less cost than {other}" in (
        " ".join(text([record]).split())
    )


def test_local_exponents_are_those_of_the_laws_at_the_error_named(crossing: dict) -> None:
    pair = on_target(judged(crossing, TARGET)).pairs["deep"]
    assert pair.of_target and pair.error == pytest.approx(0.05)
    # α·(1 − floor / error): 0.48 and 0.32.
    assert pair.exponents.values["deep"] == pytest.approx(0.48, abs=0.05)
    assert pair.exponents.values["letter"] == pytest.approx(0.32, abs=0.05)
    low, high = pair.exponents.interval
    assert low < 0.16 < high and pair.exponents.differ
    truth = cost(0.05, 0.01, 8.0, 0.6) / cost(0.05, 0.01, 1.5, 0.4)
    assert pair.ratio.interval[0] < truth < pair.ratio.interval[1]
    assert pair.ratio.value == pytest.approx(truth, rel=0.08)


def test_families_that_are_the_same_cost_the_same_at_even_chance() -> None:
    one = known(ladder(flat, draw=3), "auto")
    record = judged({"one": one, "other": one}, TARGET)
    found = on_target(record)
    flops = found.odds["flops"]
    assert flops.least["one"] == flops.least["other"] == pytest.approx(0.5, abs=0.005)
    # Every draw meets itself once.
    assert sum(flops.least.values()) + flops.tied == pytest.approx(1) and flops.neither == 0
    pair = found.pairs["other"]
    assert pair.ratio.value == pytest.approx(1) and not pair.exponents.differ
    said = " ".join(text([record]).split())
    assert "which of them costs least cannot be told yet" in said
    assert "the exponents are not told apart, which does not make them equal" in said


def test_the_ratios_interval_covers_as_often_as_it_says() -> None:
    """At level .95, 4 or fewer of 40 may lie outside (more happens 1 time in 20 of honest
    intervals), and no interval is a wide guess. The exponents' the same."""
    truth = cost(0.05, 0.0, 1.5, 0.4, dear=1.3) / cost(0.05, 0.0, 4.0, 0.5)
    outside = {"ratio": 0, "exponent": 0}
    for i in range(40):
        costs, slopes = [], []
        for k, (factor, alpha, dear) in enumerate([(1.5, 0.4, 1.3), (4.0, 0.5, 1.0)]):
            frame = ladder(lambda n, a=factor, b=alpha: a * n**-b, draw=2 * i + k, noise=0.04)
            columns = {c: frame[c].to_numpy() for c in ("params", "test_error", "scale")}
            law = laws.fit(
                columns, x="params", y="test_error", law="power", cluster="scale", resamples=200,
                withhold=False,
            )  # fmt: skip
            costs.append([dear * law.solve(0.05), dear * law.solve_samples(0.05)])
            slopes.append(slopes_at(law, law.solve(0.05)))
        low, high = ratio(*zip(*costs, strict=True), 0.95).interval
        outside["ratio"] += not low < truth < high
        assert high / low < 2.5
        low, high = exponents(("other", "one"), tuple(slopes), 0.95).interval
        outside["exponent"] += not low < -0.1 < high
    assert max(outside.values()) <= 4, outside


def test_probabilities_count_every_pair_of_draws_and_what_never_reaches() -> None:
    inf = np.inf
    found = odds({"a": np.array([1.0, 3.0, inf, inf]), "b": np.array([2.0, 2.0, inf, inf])})
    # a first in 4 of 16 by 1 and in 2 by 3; b in 2·1 beside 3 and in 4 beside the infinite.
    assert found.least == {"a": 6 / 16, "b": 6 / 16} and found.neither == 4 / 16
    assert found.tied == 0
    same = odds({"a": np.array([1.0, 1.0]), "b": np.array([1.0, 2.0]), "c": np.array([5.0, inf])})
    assert same.least == {"a": 0.5, "b": 0.0, "c": 0.0} and same.tied == 0.5
    none = odds({"a": np.full(3, inf), "b": np.full(5, inf)})
    assert none.neither == 1 and none.tied == 0 and set(none.least.values()) == {0.0}


def test_a_ratio_leaves_out_pairs_of_which_neither_gets_there() -> None:
    inf = np.inf
    found = ratio((2.0, 1.0), (np.array([2.0, inf]), np.array([1.0, inf])), 0.95)
    assert found.neither == 0.25 and found.value == 2.0
    assert found.interval == (0.0, None)  # it may cost nothing to the other's, or without end
    nobody = ratio((inf, inf), (np.array([inf]), np.array([inf])), 0.95)
    assert nobody.value is None and nobody.neither == 1 and nobody.interval == (None, None)
    many = np.exp(np.random.default_rng(0).standard_normal(20 * MOST))
    told = ratio((1.0, 1.0), (many, many), 0.95).interval
    assert told[1] == pytest.approx(np.exp(1.96 * np.sqrt(2)), rel=0.03)


def test_exponents_are_not_equal_for_being_close() -> None:
    rng = np.random.default_rng(1)
    near, far = (0.5 + 0.1 * rng.standard_normal(500) for _ in range(2))
    found = exponents(("a", "b"), ((0.5, near), (0.5, far)), 0.95)
    assert not found.differ and found.interval[0] < 0 < found.interval[1]
    assert exponents(("a", "b"), ((0.5, near), (1.5, far + 1)), 0.95).differ


@pytest.mark.parametrize("law", ["auto", "power_floor"])
def test_slopes_are_of_the_form_and_not_of_the_points_between_which_it_is_drawn(law: str) -> None:
    frame = ladder(flat, draw=4, noise=0.03)
    fit = laws.read(known(frame, law).bootstrap.fractions["1.0"].fit)
    # One size off by luck bends the line through the points there, and hardly the form.
    middle, drawn = slopes_at(fit, 2_000.0)
    assert middle == pytest.approx(0.4 * (1 - 0.01 / flat(2_000)), abs=0.06)
    assert np.quantile(drawn, 0.025) < middle < np.quantile(drawn, 0.975)


def test_the_error_compared_is_one_that_both_ladders_span() -> None:
    def cells(*errors: float) -> list[MeasuredCell]:
        return [MeasuredCell("s", 1.0, 1.0, [each, each]) for each in errors]

    wide, narrow = cells(0.5, 0.1, 0.02), cells(0.3, 0.2, 0.05)
    assert common_error(0.1, (wide, narrow)) == (0.1, [])
    assert common_error(0.01, (wide, narrow)) == (0.05, [])  # the best that both reached
    assert common_error(0.45, (wide, narrow)) == (0.3, [])  # the nearest that both span
    assert common_error(None, (wide, narrow)) == (0.05, [])
    apart = cells(0.04, 0.01)
    assert common_error(0.02, (narrow, apart)) == (0.05, [1])  # its smallest is better already


def test_a_ladder_that_is_better_from_its_smallest_size_on_says_so() -> None:
    frames = {
        "weak": ladder(lambda n: 6.0 * n**-0.3, draw=5),
        "strong": ladder(lambda n: 0.5 * n**-0.3, draw=6),
    }
    record = compared(frames, TARGET)
    found = on_target(record)
    pair = found.pairs["strong"]
    assert pair.below == ["strong"] and not pair.of_target
    assert found.domains["strong"].law.at_smallest is False
    said = " ".join(text([record]).split())
    assert "at most, for strong, whose smallest size is better already" in said
    assert "the best that both ladders reached" in said
    # Met by the smallest size: no less was trained, and that is no victory of the other.
    easy = compared({**frames, "cheap": ladder(flat, draw=7)}, Target("accuracy", 0.86))
    assert on_target(easy).domains["strong"].law.at_smallest
    assert "strong (family_strong): at most" in " ".join(text([easy]).split())


def test_a_target_that_neither_reaches_counts_for_neither() -> None:
    frames = {
        "a": ladder(lambda n: 0.2 + 3 * n**-0.5, draw=8),
        "b": ladder(lambda n: 0.25 + 3 * n**-0.5, draw=9),
    }
    found = compared(frames, TARGET, law="power_floor")
    comparison = on_target(found)
    flops = comparison.odds["flops"]
    assert flops.neither > 0.85 and flops.tied == 0
    assert flops.neither + sum(flops.least.values()) == pytest.approx(1)
    assert comparison.domains["a"].law.flops is None and comparison.domains["a"].law.price is None
    said = " ".join(text([found]).split())
    assert "its law never reaches the target" in said
    assert isinstance(comparison.pairs["b"], Pair)  # at an error that both reached


def test_a_family_without_a_law_is_named_with_the_reason() -> None:
    two = ladder(flat, draw=10)
    frames = {
        "good": ladder(flat, draw=11),
        "few": two[two["scale"].isin(["n500", "n1000"])],
        "third": ladder(steep, draw=12),
    }
    record = compared(frames, TARGET, law="power_floor")
    found = on_target(record)
    refused = found.domains["few"].law
    assert isinstance(refused, Refused) and isinstance(found.pairs["few"], Refused)
    # The others are compared all the same.
    assert set(found.odds["flops"].least) == {"good", "third"}
    said = " ".join(text([record]).split())
    assert f"few (family_few): no law ({refused.refused})" in said
    assert "whether few scales as good does could not be tested: few has no law" in said
    alone = compared({name: frames[name] for name in ("good", "few")}, TARGET, law="power_floor")
    assert on_target(alone).odds == Refused(f"few has no law ({refused.refused})")
    assert f"not told: few has no law ({refused.refused})" in " ".join(text([alone]).split())
    assert table_rows([alone])[1]["refused"] == refused.refused


def test_runs_that_learnt_nothing_give_no_law_to_compare() -> None:
    dead = ladder(flat, draw=13).assign(warnings=NONE)
    found = compared({"a": ladder(flat, draw=14), "b": dead}, TARGET)
    assert on_target(found).domains["b"].law == Refused(
        "no run beats the commonest class: there is nothing to extrapolate"
    )


def test_other_targets_leave_the_common_error(crossing: dict) -> None:
    """As language domains of one corpus may have."""
    record = judged(crossing, TARGET, shared=False)
    found = on_target(record)
    assert found.odds == Refused("the domains have different targets")
    pair = found.pairs["deep"]
    best = {
        name: min(np.mean(cell.values) for cell in found.domains[name].measured)
        for name in found.names
    }
    assert pair.error == pytest.approx(max(best.values())) and not pair.of_target
    said = " ".join(text([record]).split())
    assert "not told: the domains have different targets" in said and "each costs" not in said
    assert "the best that both ladders reached" in said
    rows = table_rows([record])
    assert all(row["flops"] is None for row in rows) and rows[1]["cost_ratio"]


def test_money_follows_the_price_of_an_hour_and_not_only_the_flops() -> None:
    """A family whose FLOPs take ten times the time loses in money what it wins in FLOPs."""
    quick, slow = ladder(flat, draw=15, dear=1.5), ladder(flat, draw=16)
    slow["job_seconds"] *= 10
    frames = {"quick": quick, "slow": slow}
    found = on_target(compared(frames, TARGET, costs=replace(PRICES, price_per_hour=2.0)))
    assert found.odds["flops"].least["slow"] > 0.99
    assert found.odds["money"].least["quick"] > 0.99
    free = compared(frames, TARGET, costs=replace(PRICES, price_per_kwh=0.0))
    assert on_target(free).odds["money"].tied == pytest.approx(1)
    assert "in energy, by" in text([free]) and "money, by" not in text([free])


def test_times_that_show_no_trend_carry_no_money() -> None:
    noisy = ladder(flat, draw=17)
    noisy["job_seconds"] = np.random.default_rng(0).uniform(1, 400, len(noisy))
    record = compared({"a": ladder(flat, draw=18), "b": noisy}, TARGET)
    assert set(on_target(record).odds) == {"flops"}
    assert "the jobs' times do not carry them for all" in " ".join(text([record]).split())


def test_less_data_and_a_law_that_does_not_beat_a_line_are_warned_of() -> None:
    frames = {
        "all": ladder(flat, draw=19),
        "half": ladder(flat, draw=20).assign(samples=POOL // 2, fraction="0.5"),
    }
    record = compared(frames, TARGET)
    said = " ".join(text([record]).split())
    assert "not trained on as much data: all on 20,000 samples, half on 10,000" in said
    spoiled = frames["all"].copy()
    spoiled.loc[spoiled["scale"] == f"n{SIZES[-1]}", "test_error"] = 0.2
    bad = compared({"all": spoiled, "other": ladder(flat, draw=21)}, TARGET)
    assert on_target(bad).domains["all"].law.unbeaten
    assert "the law of all did not beat" in " ".join(text([bad]).split())


def test_the_record_is_read_back_as_written_and_drawn_from_alone(crossing: dict, tmp_path) -> None:
    record = judged(crossing, TARGET)
    write(tmp_path / "compare.json", record)
    again = read(tmp_path / "compare.json", CompareRecord)
    assert again == record and on_target(again).names == ["letter", "deep"]
    figure = draw(again)
    for kind in ("svg", "png"):
        save(figure, tmp_path / f"families.{kind}")
    assert (tmp_path / "families.png").stat().st_size > 20_000
    said = words_of(tmp_path / "families.svg")
    assert "letter (family_letter)" in said and "target accuracy 95 %" in said
    assert "reaches the target at less cost" in said
    (axes,) = figure.axes
    stars = [line for line in axes.lines if line.get_marker() == "*"]
    assert sorted(float(line.get_xdata()[0]) for line in stars) == pytest.approx(
        sorted(found.law.flops for found in on_target(record).domains.values())
    )
    # In grey: each family has a marker and a line style of its own.
    named = [line for line in axes.lines if "family" in str(line.get_label())]
    assert len({line.get_marker() for line in named}) == len(named) == 2
    assert len({line.get_linestyle() for line in named}) == 2


def test_what_no_law_was_fitted_to_is_drawn_all_the_same(tmp_path) -> None:
    few = ladder(flat, draw=22)
    frames = {"good": ladder(flat, draw=23), "few": few[few["scale"].isin(["n500", "n1000"])]}
    record = compared(frames, TARGET, law="power_floor")
    figure = draw(record)
    save(figure, tmp_path / "families.svg")
    assert "few has no law" in words_of(tmp_path / "families.svg")
    assert isinstance(on_target(record).domains["good"].law, FamilyLaw)
