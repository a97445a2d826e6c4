"""The calculator: numbers of the literature to their digits, budgets, inverses, refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from alphascale.calculator import commands
from alphascale.calculator.allocation import allocate, can_allocate, cheapest
from alphascale.calculator.calculator import Calculator, run_of
from alphascale.calculator.historical import HISTORICAL, Model, compare, read_models
from alphascale.calculator.improvement import improvement
from alphascale.calculator.known_laws import get_law, law_names
from alphascale.calculator.strategies import (
    critical_batch,
    loss_after,
    min_steps,
    size_loss,
    step_loss,
    steps_report,
    stop_steps,
    strategies,
    strategy,
)
from alphascale.errors import UserError
from alphascale.grids.allocation import optimum_for_flops, optimum_for_target
from alphascale.laws import fit, load
from alphascale.literature.published import PF_DAY
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

GOPHER = 5.76e23  # FLOP
ALLOCATING = [name for name in law_names() if can_allocate(get_law(name))]
WITH_LOSS = [name for name in ALLOCATING if get_law(name).variables == ("params", "tokens")]
budgets = st.floats(16, 27).map(lambda power: 10**power)


# --- numbers of the literature --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "joint", "separate"),
    [
        ("GPT-2", 2.2856, 2.3451),
        ("GPT-3", 1.6610, 1.7323),
        ("Gopher", 1.6303, 1.7077),
        ("Chinchilla", 1.6930, 1.7399),
    ],
)
def test_losses_of_historical_models(model: str, joint: float, separate: float) -> None:
    (m,) = (m for m in HISTORICAL if m.name == model)
    for law, expected in (("kaplan-nd", joint), ("kaplan_nd_separate", separate)):
        assert round(Calculator(law).loss(params=m.params, tokens=m.tokens), 4) == expected


def test_closed_form_optimum_at_one_pf_day() -> None:
    law = get_law("kaplan-closed-form")
    assert round(law.constants["alpha"], 5) == 0.05245
    assert f"{law.constants['C_c']:.3e}" == "1.533e+08"
    found = allocate(law, 2 * PF_DAY)  # C = 2·C_min
    assert found.min_flops == PF_DAY
    assert f"{found.params:.2e}" == "6.04e+08"
    assert f"{found.min_steps:.2e}" == "1.32e+04"
    assert round(found.loss, 4) == 2.6876


def test_closed_form_is_the_minimum_of_the_law_it_comes_from() -> None:
    """Brute force over N of L(N, S_min) on C_min = 6·N·B_crit(L)·S_min, by none of its formulas."""

    def loss(log_n: float) -> float:
        n, low, high = math.exp(log_n), size_loss(math.exp(log_n)), 50.0
        for _ in range(100):
            middle = (low + high) / 2
            steps = PF_DAY / (6 * n * critical_batch(middle))
            low, high = (middle, high) if low_side(n, steps) > middle else (low, middle)
        return middle

    def low_side(n: float, steps: float) -> float:
        return (6.5e13 / n) ** 0.077 + (2.1e3 / steps) ** 0.76

    found = minimize_scalar(loss, bounds=(math.log(1e7), math.log(1e11)), method="bounded")
    best = allocate("kaplan-closed-form", 2 * PF_DAY)
    assert found.fun == pytest.approx(best.loss, rel=1e-9)
    assert math.exp(found.x) == pytest.approx(best.params, rel=1e-3)


@pytest.mark.parametrize(
    ("law", "ratio"), [("chinchilla-unrounded", 58.9), ("chinchilla-rounded", 92.6)]
)
def test_rounding_moves_tokens_per_parameter(law: str, ratio: float) -> None:
    assert round(allocate(law, GOPHER).tokens_per_param, 1) == ratio


def test_table_6_at_one_pf_day_of_c_min_and_its_exponents() -> None:
    one, ten = allocate("kaplan-table6", 2 * PF_DAY), allocate("kaplan-table6", 20 * PF_DAY)
    assert (one.params, one.batch) == (pytest.approx(1.3e9), pytest.approx(2e6))
    assert ten.params / one.params == pytest.approx(10**0.73)
    assert ten.batch / one.batch == pytest.approx(10**0.24)
    # The paper's D = 2e10 is its own rounding of what the budget leaves.
    assert one.tokens == pytest.approx(2e10, rel=0.11)
    ratio = one.params / allocate("kaplan-closed-form", 2 * PF_DAY).params
    assert ratio == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    ("law", "params", "flops"),
    [
        # Hoffmann et al. 2022, Table 3 (approach 1) and Table A3 (2 and 3): rows it is not tied to.
        ("chinchilla-1", 1e9, 1.21e20),
        ("chinchilla-1", 1e12, 1.27e26),
        ("chinchilla-2", 1e10, 1.32e22),
        ("chinchilla-2", 1e12, 1.59e26),
        ("chinchilla-3", 1e9, 1.62e20),
        ("chinchilla-3", 1e12, 5.65e26),
    ],
)
def test_the_approaches_pass_the_other_rows_of_their_tables(law, params, flops) -> None:
    # The exponents are printed to two digits; over six decades of C that is some per cent in N.
    assert allocate(law, flops).params == pytest.approx(params, rel=0.12)


def test_exponents_of_the_approaches() -> None:
    for law, a in (("chinchilla-1", 0.50), ("chinchilla-2", 0.49), ("chinchilla-3", 0.46)):
        grown = allocate(law, 1e24).params / allocate(law, 1e23).params
        assert math.log10(grown) == pytest.approx(a)


def test_critical_batch_and_laws_of_one_variable() -> None:
    assert critical_batch(1.0) == pytest.approx(2e8)
    assert critical_batch(2.5) == pytest.approx(2e8 / 2.5 ** (1 / 0.21))
    assert Calculator("kaplan-n").loss(params=8.8e13) == pytest.approx(1)
    assert Calculator("kaplan-d").loss(tokens=5.4e13 / 2) == pytest.approx(2**0.095)
    assert Calculator("kaplan-c").loss(min_flops=3.1e8 * PF_DAY / 4) == pytest.approx(4**0.05)


# --- budgets, optima, monotonicity ----------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(budgets, st.sampled_from(ALLOCATING))
def test_every_allocation_spends_its_budget(flops: float, law: str) -> None:
    found = allocate(law, flops)
    assert 6 * found.params * found.tokens == pytest.approx(flops, rel=1e-14)
    if found.batch is not None:
        assert found.batch * found.steps == pytest.approx(found.tokens, rel=1e-14)
        assert 6 * found.params * found.batch * found.min_steps == pytest.approx(flops / 2)
        assert found.min_flops == flops / 2
    if law == "kaplan-closed-form":
        assert found.batch == pytest.approx(critical_batch(found.loss))
        assert size_loss(found.params) + step_loss(found.min_steps) == pytest.approx(found.loss)


@settings(max_examples=25, deadline=None)
@given(budgets, st.sampled_from(WITH_LOSS), st.floats(0.3, 3).filter(lambda k: abs(k - 1) > 0.02))
def test_no_other_split_of_the_budget_is_better(flops: float, law: str, factor: float) -> None:
    best = allocate(law, flops)
    other = Calculator(law).loss(params=best.params * factor, flops=flops)
    assert best.loss < other


@settings(max_examples=25, deadline=None)
@given(st.floats(6, 12), st.floats(8, 13), st.sampled_from(WITH_LOSS), st.floats(1.1, 10))
def test_more_of_either_never_hurts(log_n: float, log_d: float, law: str, k: float) -> None:
    loss, n, d = Calculator(law).loss, 10**log_n, 10**log_d
    assert loss(params=n * k, tokens=d) < loss(params=n, tokens=d)
    assert loss(params=n, tokens=d * k) < loss(params=n, tokens=d)
    assert allocate(law, 6 * n * d * k).loss < allocate(law, 6 * n * d).loss
    assert loss(params=n, tokens=d) > get_law(law).floor


@settings(max_examples=25, deadline=None)
@given(st.floats(6, 12), st.floats(8, 13), st.sampled_from(WITH_LOSS))
def test_any_two_of_n_d_c_and_back(log_n: float, log_d: float, law: str) -> None:
    n, d = 10**log_n, 10**log_d
    c, calculator = 6 * n * d, Calculator(law)
    loss = calculator.loss(params=n, tokens=d)
    assert calculator.loss(params=n, flops=c) == pytest.approx(loss, rel=1e-12)
    assert calculator.loss(tokens=d, flops=c) == pytest.approx(loss, rel=1e-12)
    near = {"rel": 1e-6}
    assert calculator.solve("params", loss, tokens=d) == pytest.approx(n, **near)
    assert calculator.solve("tokens", loss, params=n) == pytest.approx(d, **near)
    assert calculator.solve("flops", loss, params=n) == pytest.approx(c, **near)
    least = cheapest(law, loss)
    assert least.loss == pytest.approx(loss, rel=1e-10) and least.flops <= c * (1 + 1e-6)


def test_unique_tokens_beyond_reach_make_the_data_constrained_law_a_plain_one() -> None:
    law = get_law("data-constrained")
    c = law.constants
    found = allocate(law, GOPHER, unique=1e20)
    growth = (c["alpha"] * c["A"] / (c["beta"] * c["B"])) ** (1 / (c["alpha"] + c["beta"]))
    share = c["beta"] / (c["alpha"] + c["beta"])
    assert found.params == pytest.approx(growth * (GOPHER / 6) ** share, rel=1e-3)
    scarce = allocate(law, GOPHER, unique=1e11)
    assert scarce.loss > found.loss and scarce.spent == pytest.approx(GOPHER)


# --- batches and steps ----------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.floats(20, 25), st.floats(8, 12), st.one_of(st.none(), st.floats(4, 7)))
def test_every_strategy_spends_the_one_budget(log_c: float, log_n: float, log_b) -> None:
    flops, batch = 10**log_c, None if log_b is None else 10**log_b
    try:
        plan = strategy("any", flops, 10**log_n, batch)
    except UserError as fault:
        assert "less than one" in str(fault)
        return
    assert plan.spent == pytest.approx(flops, rel=1e-14)
    assert plan.critical_batch == pytest.approx(critical_batch(plan.loss))
    # Eqs. 5.4, 5.5 and 1.6 hold together at the end of the run.
    assert plan.min_steps * (1 + plan.critical_batch / plan.batch) == pytest.approx(plan.steps)
    assert plan.min_flops * (1 + plan.batch / plan.critical_batch) == pytest.approx(flops)
    assert size_loss(plan.params) + step_loss(plan.min_steps) == pytest.approx(plan.loss)
    if batch is None:
        assert plan.min_flops == pytest.approx(flops / 2)


def test_default_strategies_order_as_the_paper_says() -> None:
    plans = {plan.name: plan for plan in strategies(GOPHER)}
    assert len(plans) == 5
    optimal = plans.pop("compute-optimal size")
    assert optimal.loss < plans["small model, long"].loss
    assert optimal.loss < plans["large model, short"].loss
    small = plans["optimal size, small batch, many steps"]
    large = plans["optimal size, large batch, few steps"]
    assert small.loss < optimal.loss < large.loss and small.steps > optimal.steps > large.steps


def test_steps_and_samples_lie_on_the_hyperbola() -> None:
    """Eq. 5.1: (S/S_min − 1)(E/E_min − 1) = 1 at any batch; and the run ends at the loss asked."""
    for batch in (1e5, 2.5e6, 3e7):
        found = steps_report(2.5, params=1.5e9, batch=batch)
        s, e = found["steps"] / found["min_steps"], found["tokens_processed"] / found["min_tokens"]
        assert (s - 1) * (e - 1) == pytest.approx(1)
        assert loss_after(1.5e9, batch, found["steps"]) == pytest.approx(2.5)
        back = steps_report(2.5, batch=batch, steps=found["steps"], flops=found["flops"])
        assert back["min_steps"] == pytest.approx(found["min_steps"])
        assert back["min_flops"] == pytest.approx(found["min_flops"])
    assert min_steps(1.5e9, 2.5) == pytest.approx(
        2.1e3 / (2.5 - (6.5e13 / 1.5e9) ** 0.077) ** (1 / 0.76)
    )


def test_early_stopping_comes_later_with_more_data() -> None:
    gap = Calculator("kaplan-nd").loss(params=1e9, tokens=1e9) - (6.4e13 / 1e9) ** 0.076
    assert stop_steps(1e9, 1e9) == pytest.approx(2.1e3 / gap ** (1 / 0.76))
    assert stop_steps(1e9, 1e10) > stop_steps(1e9, 1e9)


def test_laws_of_c_min_and_s_min_take_a_true_run() -> None:
    law = Calculator("kaplan-closed-form")
    best = law.allocate(GOPHER)
    assert law.loss(flops=GOPHER) == pytest.approx(best.loss)
    ns = Calculator("kaplan-ns")
    by_steps = ns.loss(params=best.params, batch=best.batch, steps=best.steps)
    assert by_steps == pytest.approx(best.loss)
    assert ns.loss(params=best.params, batch=best.batch, flops=GOPHER) == pytest.approx(best.loss)
    # At a batch far below the critical one, C is C_min.
    tiny = Calculator("kaplan-c").evaluate(flops=GOPHER, batch=1.0)
    assert tiny.at["min_flops"] == pytest.approx(GOPHER, rel=1e-6)
    some = Calculator("kaplan-c").evaluate(flops=GOPHER, batch=1e7)
    worth = some.at["min_flops"] * (1 + 1e7 / critical_batch(some.value))
    assert worth == pytest.approx(GOPHER)


# --- improvement and comparison -------------------------------------------------------------------


def test_factors_reach_the_wanted_loss() -> None:
    calculator = Calculator("chinchilla")
    factors = calculator.factors(params=7e10, tokens=1.4e12, loss=1.9)
    n, d, c = (factors[name]["value"] for name in ("params", "tokens", "flops"))
    assert calculator.loss(params=n, tokens=1.4e12) == pytest.approx(1.9)
    assert calculator.loss(params=7e10, tokens=d) == pytest.approx(1.9)
    assert calculator.allocate(c).loss == pytest.approx(1.9)
    assert factors["params"]["factor"] == pytest.approx(n / 7e10)
    # Both at once is never dearer than one alone.
    assert c <= min(6 * n * 1.4e12, 6 * 7e10 * d)


def test_a_factor_that_does_not_exist_says_why() -> None:
    factors = Calculator("chinchilla").factors(params=1e9, tokens=1e12, loss=2.0)
    assert "tokens" in factors and "cannot reach" in factors["tokens"]["refused"]
    assert factors["params"]["factor"] > 1 and factors["flops"]["factor"] > 1


def test_a_power_law_gains_a_share_by_a_power() -> None:
    calculator = Calculator("kaplan-n")
    factors = calculator.factors(params=1e9, loss=0.9 * calculator.loss(params=1e9))
    assert factors["params"]["factor"] == pytest.approx(0.9 ** (-1 / 0.076))
    found = improvement("kaplan-n", {"params": 1e9}, {"params": 1e10})
    assert found["share"] == pytest.approx(1 - 10**-0.076)
    assert found["factors"] == {"params": pytest.approx(10)}


def test_comparison_says_how_far_off() -> None:
    found = {(c.name, c.law): c for c in compare(HISTORICAL)}
    gpt3 = found["GPT-3", "chinchilla-epoch"]
    best = allocate("chinchilla-epoch", 6 * 1.75e11 * 3e11)
    assert gpt3.params_ratio == pytest.approx(1.75e11 / best.params) and gpt3.params_ratio > 3
    assert gpt3.params_ratio * gpt3.tokens_ratio == pytest.approx(1)
    assert allocate("chinchilla-epoch", gpt3.flops_needed).loss == pytest.approx(gpt3.loss)
    # Chinchilla was built to be optimal, and by the corrected constants is.
    assert 0 <= found["Chinchilla", "chinchilla-epoch"].wasted < 0.001
    assert found["GPT-3", "kaplan-table6"].loss is None


def test_comparison_reads_a_csv_with_missing_optional_cells(tmp_path: Path, capsys) -> None:
    path = tmp_path / "models.csv"
    path.write_text("name, params,tokens,flops,loss\nmine,1e9,2e10,,2.5\nother,2e9,4e10,1e21,\n")
    mine, other = read_models(path)
    assert (mine.budget, mine.loss) == (6 * 1e9 * 2e10, 2.5)
    assert (other.budget, other.loss) == (1e21, None)
    assert commands.main(["compare", str(path), "--law", "chinchilla", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["mine", "other"]
    assert rows[0]["best_params"] == pytest.approx(allocate("chinchilla", mine.budget).params)


# --- a saved fit ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A fit to noise-free points of the published law, saved."""
    n, d = (a.ravel() for a in np.meshgrid(np.geomspace(1e7, 1e10, 5), np.geomspace(1e9, 1e11, 5)))
    loss = get_law("chinchilla-epoch").values(params=n, tokens=d)
    points = {"params": n, "tokens": d, "loss": loss}
    path = tmp_path_factory.mktemp("fit") / "fit.json"
    law = fit(points, x="params", x2="tokens", y="loss", law="chinchilla", resamples=0)
    law.save(path)
    return path


def test_a_saved_fit_allocates_like_the_law_it_recovers(saved: Path) -> None:
    found, truth = allocate(saved, 1e21), allocate("chinchilla-epoch", 1e21)
    assert found.params == pytest.approx(truth.params, rel=1e-3)
    assert found.loss == pytest.approx(truth.loss, rel=1e-6)
    assert found.spent == pytest.approx(1e21, rel=1e-14)


def test_a_saved_fit_says_that_it_extrapolates(saved: Path) -> None:
    assert not Calculator(saved).evaluate(params=1e9, tokens=1e10).notes
    far = Calculator(saved).evaluate(params=1e12, tokens=1e10).notes
    assert far == ("extrapolates: params is 100 × the largest fitted (1e+10)",)


def test_a_published_law_says_so_too() -> None:
    notes = Calculator("kaplan-nd").evaluate(params=1.5e11, tokens=3e12).notes
    assert "extrapolates: params is 100 × the largest fitted (1.5e+09)" in notes
    assert not Calculator("chinchilla").evaluate(params=1e9, tokens=2e10).notes
    assert any("extrapolates" in note for note in allocate("chinchilla-1", 1e26).notes)


@pytest.mark.parametrize("law", ["chinchilla", "kaplan-nd"])
def test_the_numerical_optimum_is_the_closed_one(law: str, monkeypatch) -> None:
    closed = allocate(law, 1e21)
    monkeypatch.setattr("alphascale.calculator.allocation._CLOSED", {})
    numerical = allocate(law, 1e21)
    assert (closed.how, numerical.how[:9]) == ("closed form", "numerical")
    assert numerical.params == pytest.approx(closed.params, rel=1e-4)
    assert numerical.loss == pytest.approx(closed.loss, rel=1e-12)


def test_a_fit_of_ones_own_is_answered_as_optimum_does(saved: Path) -> None:
    """A budget, a target, one that the smallest sizes meet, N at a D that the smallest meets."""
    fit = load(saved)
    best, mine = optimum_for_flops(fit, 1e21), allocate(saved, 1e21)
    assert (mine.params, mine.tokens, mine.loss) == (best.params[0], best.tokens[0], best.loss[0])
    calculator = Calculator(saved)
    assert calculator.solve("flops", 2.4) == optimum_for_target(fit, 2.4).flops[0]
    least_n, least_d = (low for low, _ in fit.x_range)
    high = float(fit.curve({"params": [least_n], "tokens": [least_d]})[0]) * 1.2
    for asked in ({"variable": "flops"}, {"variable": "params", "tokens": least_d * 3}):
        with pytest.raises(UserError, match="is met by the smallest params"):
            calculator.solve(loss=high, **asked)


def test_what_is_not_told_and_what_is_not_asked() -> None:
    with pytest.raises(UserError, match=r"takes 0\.194 parameters, less than one"):
        Calculator("kaplan-n").solve("params", 13.0)
    with pytest.raises(UserError, match="params is what is asked for"):
        Calculator("chinchilla").solve("params", 3.0, params=5e9, tokens=1e12)
    with pytest.raises(UserError, match="law chinchilla takes no min_steps"):
        Calculator("chinchilla").solve("params", 3.0, tokens=1e12, min_steps=5)
    (found,) = compare([Model("moe", 1.75e11, 3e11, flops=5e22)], ["chinchilla"])
    assert found.wasted is None and "0.159 × 6·N·D" in found.notes[-1]


# --- the command line -----------------------------------------------------------------------------


def answer(capsys, *argv: str) -> dict:
    assert commands.main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_pf_days_and_flops_are_one_budget(capsys) -> None:
    a = answer(capsys, "allocate", "--law", "chinchilla-epoch", "--pf-days", "6666.666666666667")
    b = answer(capsys, "allocate", "--law", "chinchilla-epoch", "--flops", "5.76e23")
    assert a["params"] == pytest.approx(b["params"]) == pytest.approx(7.22e10, rel=1e-3)
    assert b["pf_days"] == pytest.approx(6666.67, rel=1e-6)


def test_suffixes_and_readable_output(capsys) -> None:
    argv = ["loss", "--law", "kaplan-nd", "--params", "175B", "--tokens", "300B"]
    assert commands.main(argv) == 0
    text = capsys.readouterr().out
    assert "1.6610" in text and "3.15e+23 FLOP = 3645.8 PF-days" in text
    assert "Kaplan et al. 2020" in text and "non-embedding" in text


@pytest.mark.parametrize(
    "argv",
    [
        "laws",
        "solve --law chinchilla --for flops --loss 2",
        "solve --law chinchilla --for params --loss 2 --tokens 1T",
        "allocate --flops 1e21",
        "allocate --law data-constrained --flops 1e21 --unique 1B",
        "compare",
        "improvement --law chinchilla --params 1B --tokens 20B --by-nats .1",
        "improvement --law kaplan-n --params 1B --to-params 2B",
        "critical-batch --loss 2.5",
        "steps --loss 2.5 --params 1.5B --batch 5e5 --tokens 20B",
        "strategies --pf-days 1",
        "strategies --flops 1e21 --params 1B 3B --batch 1M",
    ],
)
def test_every_command_prints_a_table_and_json(capsys, argv: str) -> None:
    assert commands.main(argv.split()) == 0
    assert len(capsys.readouterr().out.splitlines()) > 2
    assert commands.main([*argv.split(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("loss --law chinchillas --params 1e9", ["'chinchillas'", "kaplan-nd", "fit.json"]),
        ("loss --law kaplan-n --tokens 1e9", ["kaplan-n", "params"]),
        ("loss --law chinchilla --params 1e9", ["tokens", "any two of params, tokens and flops"]),
        ("loss --law kaplan-ns --params 1e9 --tokens 1e9", ["min_steps", "batch"]),
        ("loss --law kaplan-table6 --flops 1e20", ["kaplan-table6", "no loss"]),
        ("loss --law chinchilla --params 1e9 --tokens 1e9 --batch 5", ["no use for batch"]),
        ("loss --law chinchilla --params 1e9 --tokens 1e9 --flops 1e9", ["6e+18", "any two"]),
        ("loss --law data-constrained --params 1e9 --tokens 1e9", ["unique"]),
        ("loss --law chinchilla --params none --tokens 1e9", ["--params", "'none'", "70B"]),
        ("loss --law nowhere.json --params 1e9", ["nowhere.json"]),
        ("allocate --law chinchilla --flops -5", ["--flops", "above 0", "-5"]),
        ("allocate --law chinchilla --flops 0", ["above 0"]),
        ("allocate --law chinchilla --flops inf", ["finite"]),
        ("allocate --law chinchilla --flops -1e20", ["--flops", "above 0"]),
        ("allocate --law chinchilla --flops 1e20 --pf-days 1", ["not allowed with"]),
        ("allocate --law chinchilla", ["--flops", "--pf-days"]),
        ("allocate --law kaplan-n --flops 1e20", ["kaplan-n", "params alone"]),
        ("allocate --law kaplan-bcrit --flops 1e20", ["kaplan-bcrit", "batch"]),
        ("allocate --law data-constrained --flops 1e20", ["unique"]),
        ("solve --law chinchilla --for params --loss 1.6 --tokens 1e12", ["1.6", "1.6934"]),
        ("solve --law chinchilla --for params --loss 1.75 --tokens 1e9", ["N alone", "2.8"]),
        ("solve --law chinchilla --for params --loss 2", ["tokens"]),
        ("solve --law kaplan-n --for tokens --loss 2", ["kaplan-n", "no tokens"]),
        ("improvement --law chinchilla --params 1e9 --tokens 1e10 --target 1.5", ["1.5", "1.6934"]),
        ("improvement --law chinchilla --params 1e9 --tokens 1e10 --target 5", ["not below"]),
        ("improvement --law chinchilla --params 1e9 --tokens 1e10", ["exactly one"]),
        ("improvement --law kaplan-n --params 1e9 --by-percent 100", ["no loss at all"]),
        ("critical-batch --loss 0", ["--loss", "above 0"]),
        ("steps --loss 1.5 --params 1e9", ["out of reach", "2.347"]),
        ("steps --loss 2.5 --steps 1000", ["batch"]),
        ("steps --loss 2.5 --batch 1000", ["params, steps or flops"]),
        ("strategies --flops 1e9 --params 1e9", ["1e+09 parameters", "less than one"]),
        ("strategies --flops 100", ["100", "larger budget"]),
        ("loss --law chinchilla --params 0.5 --tokens 1e9", ["params", "at least 1"]),
        ("loss --law chinchilla --params 1e9 --flops 1e9", ["1e+09", "larger budget"]),
        ("compare nowhere.csv", ["nowhere.csv"]),
        ("compare --law kaplan-ns", ["kaplan-ns", "kaplan-nd"]),
        ("reckon", ["reckon", "allocate"]),
    ],
)
def test_a_bad_request_gets_one_clear_line(capsys, argv: str, words: list[str]) -> None:
    line = complaint(capsys, argv.split())
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name,params\nA,1e9\n", ["tokens", "missing"]),
        ("name,params,tokens\n", ["no rows"]),
        ("name,params,tokens\nA,1e9,many\n", ["line 2", "tokens", "'many'"]),
        ("name,params,tokens\nA,1e9,1e9\nB,-1,1e9\n", ["line 3", "params", "-1"]),
        ("name,params,tokens\nA,1e9\n", ["line 2", "tokens"]),
        ("name,params,tokens,flops\nA,1e9,1e9,lots\n", ["line 2", "flops"]),
        ("", ["missing"]),
    ],
)
def test_a_bad_csv_is_told_by_line_and_column(capsys, tmp_path, content, words) -> None:
    path = tmp_path / "models.csv"
    path.write_text(content)
    line = complaint(capsys, ["compare", str(path)])
    for word in [str(path), *words]:
        assert word in line


@pytest.mark.parametrize("content", ["[]", "{}", "not json", '{"format": "alphascale-fit/1"}'])
def test_a_file_that_is_no_fit_is_told_by_name(capsys, tmp_path, content: str) -> None:
    path = tmp_path / "fit.json"
    path.write_text(content)
    assert str(path) in complaint(capsys, ["allocate", "--law", str(path), "--flops", "1e20"])


def test_a_fit_whose_columns_say_nothing_is_refused(capsys, tmp_path) -> None:
    frame = {"width": [1.0, 2, 4], "loss": [4.0, 3, 2]}
    law = fit(frame, x="width", y="loss", law="power", resamples=0)
    law.save(tmp_path / "fit.json")
    line = complaint(capsys, ["loss", "--law", str(tmp_path / "fit.json"), "--params", "3"])
    assert "width" in line and "params" in line


def complaint(capsys, argv: list[str]) -> str:
    """The one line on stderr of a refused request."""
    try:
        status = commands.main(argv)
    except SystemExit as stopped:  # argparse's own way out
        status = stopped.code
    out, err = capsys.readouterr()
    assert status == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1 and err.endswith("\n")
    return err


def test_quantities_that_are_not_positive_are_refused_in_python() -> None:
    for bad in (0, -1, math.inf, math.nan, "x"):
        with pytest.raises(UserError, match="params"):
            run_of(params=bad, tokens=1e9)
        with pytest.raises(UserError, match="flops"):
            allocate("chinchilla", bad)
