"""The summary: the decisions' own numbers, what matters first, units as people read them."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from alphascale.deciding.run_warnings import run_warnings
from alphascale.deciding.summary import metric_text, text, withheld_text
from alphascale.deciding.summary_table import table_rows
from alphascale.records.fit import Estimate
from alphascale.records.typed import Refused
from alphascale.units import count, money, percent, prefixed, probability, significant
from hypothesis import given
from hypothesis import strategies as st
from observations_made import diverge
from plot_records import frame, records, with_decision, with_star

PREFIX = {"n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


@pytest.fixture(scope="module")
def good():
    return records()


@pytest.fixture(scope="module")
def hard():
    """A target that the law never reaches."""
    return records(target=("accuracy", 0.985))


@pytest.fixture(scope="module")
def refused():
    """Three sizes: too few for a law with a floor."""
    table = frame()
    return records(table[table["scale"].isin(["w8", "w16", "w32"])])


def test_table_holds_the_decisions_own_numbers(good):
    decision = good.decision
    (row,) = table_rows([decision])
    assert row["n_star"] == decision.n_star
    assert (row["n_star_lower"], row["n_star_upper"]) == decision.star.interval
    assert row["withheld_mae_law"] == decision.withheld.errors.law
    assert row["build_co2_g"] == decision.architecture.price.co2_g
    # A step of it is 3.8 times the largest that was timed: its energy is not told.
    assert row["naive_kwh"] is None and decision.naive.price.beyond == pytest.approx(3.83, abs=0.01)
    assert row["naive_flops"] == decision.naive.price.flops
    assert row["study_flops"] == decision.study.flops
    assert row["saving_net_flops"] == decision.saving.net < row["saving_gross_flops"]


def test_every_kind_of_decision_fills_the_same_columns(good, hard, refused):
    lone = records(naive=False, withhold=0)
    rows = table_rows([each.decision for each in (good, hard, refused, lone)])
    assert len({tuple(row) for row in rows}) == 1
    # What could not be had is absent, never zero.
    assert rows[1]["n_star"] is rows[1]["saving_net_flops"] is rows[1]["build_params"] is None
    assert rows[2]["out_of_reach"] is rows[2]["withheld_mae_law"] is None
    assert rows[3]["naive_co2_g"] is rows[3]["saving_gross_energy"] is None


def test_text_leads_with_the_withheld_error_and_puts_net_before_gross(good):
    # Without what only some studies have: a law of N and D, warnings of the training.
    plain = with_decision(good, joint=Refused("one fraction"), run_warnings=[])
    page = text([plain.decision])
    errors = good.decision.withheld.errors
    order = [
        f"{100 * errors.law:.2f} points",
        f"{100 * errors.carry:.2f} points",
        f"{100 * errors.line:.2f} points",
        "95 % interval",
        f"net {percent(good.decision.saving.net)}",
        f"gross {percent(good.decision.saving.gross)}",
    ]
    flat = " ".join(page.split())
    places = [flat.index(words) for words in order]
    assert places == sorted(places)
    assert "the law beats them" in page
    assert page.count("estimated") == 2  # of what to build and of the study
    assert "not told: the jobs' times do not carry them (a step takes 3.8 × the FLOPs of" in flat
    assert max(map(len, page.splitlines())) <= 100
    assert len(page.splitlines()) <= 20


def test_a_prediction_is_told_as_the_target_is_and_its_lower_end_first(good):
    found = Estimate(0.06, 0.04, 0.09)
    assert metric_text("error", found) == "error 6.0 % (4.0 – 9.0 %)"
    assert metric_text("accuracy", found) == "accuracy 94.0 % (91.0 – 96.0 %)"
    assert metric_text("loss", found) == "loss 0.060 (0.040 – 0.090) nats"
    page = " ".join(text([good.decision]).split())
    chance = good.decision.architecture.chance
    assert f"one run reaches the target with {probability(chance)} (asked: 90 %)" in page


def test_one_withheld_size_and_several_are_told_apart(good):
    withheld = good.decision.withheld
    assert withheld_text(good.decision).startswith("the law missed the largest size, unseen,")
    two = replace(withheld, predictions=2 * withheld.predictions)
    told = withheld_text(with_decision(good, withheld=two).decision)
    assert told.startswith("the law missed the 2 largest sizes, unseen,")


def test_a_law_that_does_not_beat_naive_predictors_is_said_to(good):
    errors = good.decision.withheld.errors
    for better, named in (
        ({"carry": 0.0}, "DOES NOT BEAT REPEATING THE LAST SIZE"),
        ({"line": 0.0}, "DOES NOT BEAT A LOG-LOG LINE"),
        ({"carry": 0.0, "line": 0.0}, "DOES NOT BEAT REPEATING THE LAST SIZE NOR A LOG-LOG LINE"),
    ):
        worse = replace(good.decision.withheld, errors=replace(errors, **better))
        page = " ".join(text([with_decision(good, withheld=worse).decision]).split())
        assert page.count(named) == 1
        assert "the law beats them" not in page


def test_out_of_reach_and_refused_laws_name_no_size_and_no_saving(hard, refused):
    page = text([hard.decision])
    assert "never reaches the target" in page
    assert percent(hard.decision.star.out_of_reach) in page
    assert "build" not in page
    assert "the study's cost is spent" in page
    page = text([refused.decision])
    assert "at least 4 distinct values" in " ".join(page.split())
    assert "build" not in page


def test_measured_energy_is_not_called_estimated(good):
    study = replace(good.decision.study, measured=True)
    page = text([with_decision(good, study=study).decision])
    (line,) = [line for line in page.splitlines() if line.startswith("  the study")]
    assert "measured" in line
    assert "estimated" not in line


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (0.4, "pays off with the first training"),
        (1.0, "pays off with the first training"),
        (4.1, "pays off after 5 trainings"),
        (None, "never pays off"),
    ],
)
def test_pay_back_is_told_in_whole_trainings(good, runs, words):
    gains = replace(good.decision.saving, pays_after_runs=runs)
    page = " ".join(text([with_decision(good, saving=gains).decision]).split())
    assert words in page


def test_warnings_reach_the_page(good):
    table = diverge(good.frame, (good.frame["scale"] == "w16") & (good.frame["seed"] == 1))
    found = with_decision(
        with_star(good, confident=30.0 * good.decision.ladder.largest, failed_resamples=7),
        run_warnings=run_warnings(table),
        fit_warnings=["alpha lies on its bound"],
    )
    page = " ".join(text([found.decision]).split())
    assert "what to build is 30 × the largest size trained, far" in page
    assert "7 of 200 resamples could not be fitted" in page
    assert "alpha lies on its bound" in page
    assert "3 of 54 runs diverged: w16 (fraction 0.25)" in page
    assert "HIGH in 3 of 54 runs: w256 (fraction 0.25)" in page
    assert "learning rate edge: w8 (fraction 0.25), w8 (fraction 0.5)" in page


def test_a_healthy_ladder_has_no_warnings():
    table = frame().assign(level="LOW", warnings="")
    assert run_warnings(table) == []


def test_a_size_within_the_ladder_is_no_extrapolation(good):
    assert good.decision.n_star < good.decision.ladder.largest
    assert "× the largest" not in text([good.decision])


@given(st.floats(1e-8, 9e13))
def test_prefixed_numbers_read_back_to_three_digits(value):
    shown = prefixed(value, "Wh")
    number, letter = re.fullmatch(r"([\d.,]+) (\D?)Wh", shown).groups()
    assert "e" not in number
    assert 1 <= float(number) < 1000
    assert float(number) * PREFIX[letter] == pytest.approx(value, rel=0.0051)


@given(st.floats(1e-6, 1e9))
def test_significant_keeps_three_digits_without_powers_of_ten(value):
    assert float(significant(value).replace(",", "")) == pytest.approx(value, rel=0.0051)


def test_units_as_people_write_them():
    assert [count(v) for v in (464, 38_144, 999_600, 4_712_074, 7e9)] == [
        "464", "38.1 k", "1 M", "4.71 M", "7 B",
    ]  # fmt: skip
    assert count(None) == count(math.inf) == "∞"
    assert percent(-2.84) == "−284 %"
    assert money(0.004, "EUR") == "< 0.01 EUR"
    assert money(1234.5, "EUR") == "1,200 EUR"
