"""The rounds that a study has begun: taken up, added to, begun anew where trainings changed."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
from alphascale import slices, sweeps
from alphascale.config import read_study
from alphascale.errors import UserError
from alphascale.records.plan import PlannedRun
from alphascale.records.rounds import Cost, DomainRound, Reached, RoundRecord
from alphascale.records.typed import digest_of
from alphascale.rounds import log
from alphascale.rounds.spec import round_spec

STUDY = {
    "run": "s",
    "study": {"start": 3, "seeds": 1},
    "domains": {
        "d": {
            "data": {"source": "letter"},
            "family": "mlp",
            # Not by size: the first round takes the smallest, wherever they stand.
            "ladder": {f"w{w}": {"width": w} for w in (64, 4, 16, 8, 32)},
            "naive": {"width": 512},
            "fractions": [0.5, 1.0],
            "seeds": [3, 5, 7],
            "target": {"accuracy": 0.9},
        }
    },
}
ZERO = Cost(0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study(**changes):
    config = copy.deepcopy(STUDY)
    config["domains"]["d"] |= changes.pop("d", {})
    return read_study(config | changes)


def answered(whole, spec, *runs: PlannedRun) -> RoundRecord:
    own = spec.domains[0]
    found = DomainRound(
        "d", own.number, own.made_of, "goes_on" if runs else "sure", "", 1.0, (1.0, 2.0), 0.0,
        0.1, ZERO, None, list(runs), ZERO, ZERO,
    )  # fmt: skip
    return RoundRecord(digest_of(spec), [found])


RUN = PlannedRun("p99", {"width": 12}, 99, "1.0", 100, [3, 20], 1e6)


def test_the_first_round_trains_the_smallest_sizes_with_the_first_seeds(here: Path) -> None:
    grown, rounds, said = log.take_up(study())
    assert sorted(grown.domains["d"].ladder) == ["w16", "w4", "w8"]
    assert grown.domains["d"].seeds == [3] and not said
    cells = [*slices.cells(grown, "d")]
    assert len(cells) == 6  # each size at each fraction: N and D can be told apart
    spec = round_spec(study(), grown, rounds)
    assert spec.domains[0].number == 1 and set(spec.domains[0].pool) == {
        f"w{w}" for w in (64, 4, 16, 8, 32)
    }
    assert grown.domains["d"].training.rates == "sweep", "there is one rate: nothing to sweep"
    assert spec.limits.naive == 0.25, "a study that names no budget has one all the same"


def test_rates_follow_a_law_unless_the_study_says_how(here: Path) -> None:
    rates = {"learning_rates": [1e-3, 1e-2, 1e-1]}
    grown, *_ = log.take_up(study(d={"training": rates}))
    assert grown.domains["d"].training.rates == "law"
    assert [sweeps.members(grown.domains["d"], s, "1.0") for s in ("w4", "w8", "w16")] == [3, 3, 2]
    grown, *_ = log.take_up(study(d={"training": rates | {"rates": "sweep"}}))
    assert grown.domains["d"].training.rates == "sweep"


def test_a_round_is_adopted_and_the_next_builds_on_it(here: Path) -> None:
    whole = study()
    grown, rounds, _ = log.take_up(whole)
    log.adopt(whole, rounds, answered(whole, round_spec(whole, grown, rounds), RUN))
    grown, rounds, _ = log.take_up(whole)
    assert grown.domains["d"].ladder["p99"] == {"width": 12}
    assert slices.train_slice(grown, "d", "p99", "1.0").seeds == [3, 20]
    assert ("p99", "0.5") not in [*slices.cells(grown, "d")]
    second = round_spec(whole, grown, rounds)
    assert second.domains[0].number == 2 and rounds.finished is None
    log.adopt(
        whole, rounds, answered(whole, second, replace(RUN, scale="p120", size={"width": 14}))
    )
    grown, rounds, _ = log.take_up(whole)
    assert {"p99", "p120"} <= set(grown.domains["d"].ladder)
    third = round_spec(whole, grown, rounds)
    assert third.domains[0].number == 3
    assert third.domains[0].before == [Reached(0.1, ZERO.flops, (1.0, 2.0), 0.0)] * 2
    log.finish(whole, rounds, answered(whole, third))
    grown, rounds, _ = log.take_up(whole)
    assert rounds.finished == digest_of(round_spec(whole, grown, rounds))
    # Another question reopens the rounds, with all that was trained.
    other = study(study={"start": 3, "seeds": 1, "until": {"interval": 1.2}})
    grown, rounds, said = log.take_up(other)
    assert rounds.finished != digest_of(round_spec(other, grown, rounds)) and not said
    assert "p120" in grown.domains["d"].ladder


def test_other_trainings_begin_their_rounds_anew(here: Path) -> None:
    whole = study()
    grown, rounds, _ = log.take_up(whole)
    log.adopt(whole, rounds, answered(whole, round_spec(whole, grown, rounds), RUN))
    for changes in ({"training": {"epochs": 3}}, {"data": {"source": "letter", "limit": 500}}):
        grown, rounds, (said,) = log.take_up(study(d=changes))
        assert "p99" not in grown.domains["d"].ladder and said.startswith("d: its data")
    # What changes no training keeps them.
    grown, _, said = log.take_up(study(d={"target": {"accuracy": 0.7}, "naive": {"width": 100}}))
    assert "p99" in grown.domains["d"].ladder and not said


def test_a_damaged_log_is_one_line(here: Path) -> None:
    whole = study()
    path = log.path_of(whole)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(UserError, match="begins with its first round") as fault:
        log.take_up(whole)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"study": {"start": 3}, "fit": {"law": "power_floor"}}, "study.start: the first round"),
        ({"study": {}, "plan": "apply"}, "plans for itself"),
        ({"study": {"until": {"interval": 1.0}}}, "study.until.interval"),
        ({"study": {"budget": {"hours": 0}}}, "study.budget.hours"),
        ({"study": {"budget": {"watts": 3}}}, "study.budget.watts"),
    ],
)
def test_bad_requests_name_the_key(changes: dict, words: str) -> None:
    with pytest.raises(UserError) as fault:
        study(**changes)
    assert words in str(fault.value) and "\n" not in str(fault.value)


def test_a_domain_that_is_left_out_for_once_keeps_its_rounds(here: Path) -> None:
    two = {"domains": STUDY["domains"] | {"e": STUDY["domains"]["d"]}}
    whole = study(**two)
    grown, rounds, _ = log.take_up(whole)
    spec = round_spec(whole, grown, rounds)
    record = answered(whole, spec, RUN)
    (own,) = record.domains
    other = spec.domains[1].made_of
    log.adopt(
        whole, rounds, replace(record, domains=[own, replace(own, domain="e", made_of=other)])
    )
    alone = study()
    grown, rounds, _ = log.take_up(alone)
    log.adopt(alone, rounds, answered(alone, round_spec(alone, grown, rounds), RUN))
    _, rounds, _ = log.take_up(whole)
    assert {name: len(each.runs) for name, each in rounds.domains.items()} == {"d": 2, "e": 1}


def test_more_seeds_than_rounds_begin_with_change_nothing(here: Path) -> None:
    whole = study()
    grown, rounds, _ = log.take_up(whole)
    log.adopt(whole, rounds, answered(whole, round_spec(whole, grown, rounds), RUN))
    more = study(d={"seeds": [*STUDY["domains"]["d"]["seeds"], 40, 41]})
    _, rounds, said = log.take_up(more)
    assert rounds.domains["d"].runs and not said


def test_a_run_of_a_scale_that_is_the_first_rounds_by_now_is_left_out_and_said(here: Path) -> None:
    whole = study()
    grown, rounds, _ = log.take_up(whole)
    named = replace(RUN, scale="w32", size=whole.domains["d"].ladder["w32"], fraction="0.5")
    log.adopt(whole, rounds, answered(whole, round_spec(whole, grown, rounds), named))
    grown, _, said = log.take_up(whole)
    assert grown.domains["d"].runs["w32"].fractions == ["0.5"] and not said
    grown, _, said = log.take_up(study(study={"start": 4, "seeds": 1}))
    assert "w32" in grown.domains["d"].ladder and "w32" not in grown.domains["d"].runs
    assert "w32 on 0.5 of the data, added by round 2" in said[0]
    ladder = copy.deepcopy(STUDY["domains"]["d"]["ladder"])
    ladder["w32"] = {"width": 33}
    grown, _, said = log.take_up(study(d={"ladder": ladder}))
    assert "w32" not in grown.domains["d"].ladder and "another size" in said[0]
