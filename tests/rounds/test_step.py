"""The next round of a study: when domains end, what is trained, and that budgets are kept."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas
import pytest
from alphascale import slices
from alphascale.config import read_study
from alphascale.deciding.decision import decide
from alphascale.errors import UserError
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.networks.count import count_flops, count_params
from alphascale.records.data import Meta
from alphascale.records.rounds import Limits, Reached, RoundRecord
from alphascale.records.typed import as_json, parse
from alphascale.rounds.afford import check_budget
from alphascale.rounds.amounts import UNTOLD, pricing, total
from alphascale.rounds.spec import round_spec
from alphascale.rounds.step import Known, next_round
from alphascale.rounds.text import text
from observations_made import observed

META = Meta(kind="tabular", classes=3, shape=(8,), vocabulary=None, pad=None, mean=None, std=None)
LADDER = {f"w{w}": {"width": w} for w in (4, 6, 9, 13, 20, 30, 45, 70)}
POOL, EPOCHS, RATES = 1000, 3, 2


def study(target: float, **asked):
    task = {
        "data": {"source": "letter"}, "family": "mlp", "ladder": LADDER, "naive": {"width": 600},
        "fractions": [0.5, 1.0], "seeds": [0, 1, 2], "withhold": 1,
        "training": {
            "epochs": EPOCHS, "batch_size": 50, "learning_rates": [1e-3, 1e-2], "rates": "sweep",
        },
        "target": {"error": target},
    }  # fmt: skip
    return read_study({"domains": {"d": task}, "study": asked, "bootstrap": {"resamples": 200}})


def ran(ladder, seeds=(0, 1), noise=0.02, fractions=("0.5", "1.0"), draw=0) -> pandas.DataFrame:
    sizes = {s: count_params("mlp", each, META)["total"] for s, each in ladder.items()}
    flops = {s: count_flops("mlp", each, META)["training"] for s, each in ladder.items()}
    made = observed(
        sizes, lambda n, d: 0.02 + 3 * n**-0.5 + 2 * d**-0.5, noise=noise, pool=POOL,
        epochs=EPOCHS, fractions=fractions, seeds=seeds, rates=RATES, draw=draw,
    )  # fmt: skip
    made["step_flops"] = made["scale"].map(flops)
    made["flops"] = made["step_flops"] * made["samples_seen"] * 1.0
    made["job_flops"] = made["flops"] * made["job_members"]
    made["job_seconds"] = made["job_members"] * (1e-5 * made["samples_seen"]) + (
        made["job_flops"] / 1e10
    )
    return made.assign(watts=10.0, watts_how="said")


def first_of(whole):
    """The study as its first round trains it, and the spec of the next."""
    from alphascale.rounds import log

    grown, rounds, _ = log.take_up(whole)
    return grown, round_spec(whole, grown, rounds)


def known(grown, frame: pandas.DataFrame) -> Known:
    fits = fit_domain("d", slices.fit_slice(grown, "d"), frame)
    draws = bootstrap_domain("d", slices.bootstrap_slice(grown, "d"), frame, fits)
    decision = decide(slices.decision_slice(grown, "d"), frame, fits, draws, META)
    return Known(frame, decision, draws, META)


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def step(target: float, frame=None, spec_changes=None, **asked) -> RoundRecord:
    whole = study(target, **asked)
    grown, spec = first_of(whole)
    spec = replace(spec, **(spec_changes or {}))
    frame = ran(grown.domains["d"].ladder) if frame is None else frame
    record = next_round(spec, [known(grown, frame)])
    again = parse(RoundRecord, json.loads(json.dumps(as_json(record), allow_nan=False)), "")
    assert again == record
    assert text(record, spec)
    return record


def test_runs_are_new_sizes_and_seeds_that_the_budget_buys() -> None:
    (found,) = step(0.11).domains
    assert found.state == "goes_on" and found.runs
    assert found.next.flops == pytest.approx(sum(run.flops for run in found.runs))
    limit = 0.25 * found.naive.flops
    assert found.spent.flops + found.next.flops <= limit * (1 + 1e-9)
    for run in found.runs:
        counted = count_params("mlp", run.size, META)["total"]
        per_sample = count_flops("mlp", run.size, META)["training"]
        assert run.params == counted
        assert run.flops == pytest.approx(
            per_sample * run.samples * EPOCHS * RATES * len(run.seeds)
        )
        if run.size in LADDER.values() and run.size["width"] < 20:
            assert not set(run.seeds) & {0, 1}, "a seed is trained once"


def test_a_narrow_interval_ends_the_rounds_and_a_wide_one_does_not() -> None:
    ladder = {f"w{w}": {"width": w} for w in (4, 6, 9, 13, 20, 30, 45, 70)}
    frame = ran(ladder, seeds=range(6), noise=0.003)
    (found,) = step(0.2, frame).domains
    assert found.state == "sure" and not found.runs and "1.5 was asked" in found.why
    lower, upper = found.interval
    assert upper / lower <= 1.5 and lower <= found.n_star <= upper
    (more,) = step(0.2, frame, until={"interval": upper / lower * 0.99}).domains
    assert more.state != "sure"


def test_a_target_below_the_floor_is_given_up_after_the_second_round_not_the_first() -> None:
    ladder = {scale: LADDER[scale] for scale in ("w4", "w6", "w9", "w13")}
    frame = ran(ladder, seeds=range(20), noise=0.001)
    whole = study(0.01)
    _, spec = first_of(whole)
    (first,) = step(0.01, frame, budget={"naive": 10.0}).domains
    assert first.state == "goes_on" and first.out_of_reach > 0.99
    largest = max(run.params for run in first.runs)
    assert largest > frame["params"].max(), "a larger size is asked before it is given up"
    for share, state in ((first.out_of_reach, "out_of_reach"), (0.8, "goes_on")):
        known = Reached(first.target, first.spent.flops / 1.5, first.interval, share)
        domains = [replace(spec.domains[0], number=2, before=[known])]
        (found,) = step(0.01, frame, {"domains": domains}, budget={"naive": 10.0}).domains
        assert found.state == state and bool(found.runs) == (state == "goes_on")


@pytest.mark.parametrize("unit", ["flops", "hours", "kwh", "co2_g", "money"])
def test_a_budget_in_any_unit_is_kept(unit: str) -> None:
    """Of what is left: by FLOPs, which are counted, all of it; of an estimate its upper end."""
    at = ("flops", "hours", "kwh", "co2_g", "money").index(unit)
    free = step(0.11, budget={"naive": 10.0}).domains[0]
    spent = free.spent.amounts[at] / (3600 if unit == "hours" else 1)
    seen = []
    for factor in (1.02, 1.1, 2.0):
        (found,) = step(0.11, budget={unit: spent * factor}).domains
        if found.runs:
            taken = found.spent.amounts[at] + found.at_most.amounts[at]
            assert taken <= spent * factor * (3600 if unit == "hours" else 1) * (1 + 1e-9)
        else:
            assert found.state == "budget" and "budget" in found.why
        seen.append(len(found.runs))
    assert seen[0] == 0 or seen[-1] > 0
    (none,) = step(0.11, budget={unit: spent * 0.5}).domains
    assert none.state == "budget" and f"study.budget.{unit}" in none.why


def test_a_budget_counts_on_the_worst_of_what_lies_far_beyond_the_jobs() -> None:
    """Twenty times the largest step timed: no factor is told, and the upper end is wider than that
    of a domain whose jobs tell nothing."""
    frame = ran(LADDER)
    priced = pricing(frame, slices.prices(study(0.11)), EPOCHS, 50)
    flops = 20 * priced.rate.largest_step * EPOCHS * POOL / 50
    found, upper = priced.of(3 * flops, POOL, 3)
    assert upper.flops == found.flops
    assert upper.seconds / found.seconds == pytest.approx(20**0.784)
    found, upper = priced.of(3 * flops / 20, POOL, 3)
    assert 1 <= upper.seconds / found.seconds < 1.05
    found, upper = priced.of(3 * flops / 4, POOL, 3)  # five times: its factor is more than 3
    assert upper.seconds / found.seconds == UNTOLD


def test_domains_share_what_is_left_and_one_that_is_sure_leaves_its_part() -> None:
    whole = study(0.11, budget={"naive": 10.0})
    grown, spec = first_of(whole)
    one = known(grown, ran(grown.domains["d"].ladder))
    free = next_round(spec, [one]).domains[0]
    limit = 2 * free.spent.flops + 1.5 * free.next.flops
    limits = Limits(limit, None, None, None, None, None)
    two = replace(spec, limits=limits, domains=[spec.domains[0], spec.domains[0]])
    both = next_round(two, [one, one])
    taken = total(each.spent for each in both.domains) + total(
        each.next for each in both.domains if each.next
    )
    assert taken.flops <= limit * (1 + 1e-9) and all(each.runs for each in both.domains)


def test_where_nothing_was_learnt_the_next_size_is_trained() -> None:
    ladder = {scale: LADDER[scale] for scale in ("w4", "w6", "w9", "w13")}
    frame = ran(ladder)
    frame["status"] = "chance"
    frame["test_error"] = 0.66
    frame["warnings"] = "no_better_than_chance"
    (found,) = step(0.11, frame, budget={"naive": 10.0}).domains
    assert [run.scale for run in found.runs] == ["w20"] and "no law yet" in found.why


def test_a_first_round_that_the_budget_does_not_buy_is_refused_by_its_key() -> None:
    cells = {"d": [(s, f, 2 * RATES) for s in ("w4", "w6", "w9", "w13") for f in ("0.5", "1.0")]}
    meta = type("Prepared", (), {})()
    meta.__dict__ |= {name: getattr(META, name) for name in META.__dataclass_fields__}
    meta.sizes = {"train": POOL}

    def check(**budget):
        _, spec = first_of(study(0.11, budget=budget))
        return check_budget(spec, cells, {"d": meta}, False)

    whole = check(naive=10.0)
    counted = sum(
        count_flops("mlp", LADDER[s], META)["training"] * POOL * float(f) * EPOCHS * n
        for s, f, n in cells["d"]
    )
    assert whole.flops == pytest.approx(counted, rel=1e-3)
    assert check(flops=whole.flops * 1.01) == whole
    for unit, most in zip(("flops", "hours", "kwh", "co2_g", "money"), whole.amounts, strict=True):
        most = most / 3600 if unit == "hours" else most
        with pytest.raises(UserError, match=f"study.budget.{unit}: it is") as fault:
            check(**{unit: most / 20})
        assert "first round alone takes" in str(fault.value) and "\n" not in str(fault.value)
    with pytest.raises(UserError, match=r"study\.budget\.naive"):
        check(naive=1e-6)


def test_a_domain_ends_where_an_earlier_round_knew_as_much_for_half() -> None:
    whole = study(0.11)
    _, spec = first_of(whole)
    now = step(0.11).domains[0]
    assert now.state == "goes_on"
    lower, upper = 100.0, 200.0

    def after(flops: float, target: float = now.target):
        before = [Reached(target, flops, (lower, upper), 0.0)]
        return step(0.11, None, {"domains": [replace(spec.domains[0], before=before)]}).domains[0]

    found = after(now.spent.flops / 2)
    assert found.state == "stalled" and not found.runs
    assert "was 2 times at half the cost" in found.why and "1.5 asked" in found.why
    assert after(now.spent.flops / 1.5) == now
    assert after(now.spent.flops / 2, target=0.2) == now, "of another target nothing follows"


def test_a_domain_that_can_train_nothing_more_leaves_its_part_to_the_others() -> None:
    whole = study(0.11, budget={"naive": 10.0})
    grown, spec = first_of(whole)
    one, own = known(grown, ran(grown.domains["d"].ladder)), spec.domains[0]
    free = next_round(spec, [one]).domains[0]
    idle = replace(own, plan=replace(own.plan, domain="e", seeds_at_most=0))
    left = 1.5 * min(run.flops / len(run.seeds) for run in free.runs)

    def planned(*domains, left=left):
        limits = Limits(len(domains) * free.spent.flops + left, *[None] * 5)
        asked = replace(spec, limits=limits, domains=list(domains))
        return next_round(asked, [one] * len(domains)).domains

    alone, (beside, other) = planned(own), planned(own, idle)
    assert not other.runs and beside.runs == alone[0].runs and beside.runs
    # What buys nothing in halves buys a run of one.
    cheapest = count_flops("mlp", LADDER["w4"], META)["training"] * POOL / 2 * EPOCHS * RATES
    one_of, other = planned(own, own, left=1.2 * cheapest)
    assert one_of.runs and not other.runs and one_of.next.flops <= 1.2 * cheapest


def test_where_no_larger_size_can_bring_a_law_the_rounds_end() -> None:
    """The target is less than one error in the test samples, whatever is trained."""
    frame = ran({scale: LADDER[scale] for scale in ("w4", "w6", "w9", "w13")})
    frame["test_samples"] = 80
    (found,) = step(0.005, frame, budget={"naive": 10.0}).domains
    assert found.state == "exhausted" and not found.runs and "no law yet" in found.why


def test_a_climb_that_the_budget_ends_says_so() -> None:
    frame = ran({scale: LADDER[scale] for scale in ("w4", "w6", "w9", "w13")})
    frame["status"] = "chance"
    frame["test_error"] = 0.66
    frame["warnings"] = "no_better_than_chance"
    spent = step(0.11, frame, budget={"naive": 10.0}).domains[0].spent.flops
    (found,) = step(0.11, frame, budget={"flops": 1.05 * spent}).domains
    assert found.state == "budget" and "no larger size" not in found.why
