"""How a job comes to its learning rate: the law's, with its check, or a sweep that is halved."""

from __future__ import annotations

import math

import pytest
from alphascale.auditing.job_warnings import job_warnings
from alphascale.records.rates import RateLaw
from alphascale.records.specs import TrainSpec
from alphascale.records.training import Curves, read_record
from alphascale.records.typed import digest_of, parse, write
from alphascale.training import job
from alphascale.training.choice import check_wins, choose_rate, stopper
from alphascale.training.loop import Member
from test_training import TABLE, data, spec_of

SIZE = {"width": 16, "depth": 2, "dropout": 0.0}


def law(rate: float, noise: float | None = 0.05) -> RateLaw:
    return RateLaw("made", [], 100.0, math.log(rate), 0.1, 0.0, 0.1, 1e-9, 1e9, noise)


def run(found: RateLaw | None = None, checked: bool = False, folder=None, **training):
    spec = parse(TrainSpec, spec_of(size=SIZE, seeds=(0, 1, 2), **training), "spec")
    return job.run(spec, data(TABLE), TABLE, lambda line: None, folder, law=found, checked=checked)[
        0
    ]


def by_law(rate: float, checked: bool = False, **training):
    options = {"rates": "law", "learning_rates": [], "epochs": 6} | training
    return run(law(rate), checked, **options)


def runs(record) -> list[tuple[float, int, str]]:
    return [(each.learning_rate, each.seed, each.status) for each in record.sweep]


def test_a_training_by_the_law_takes_its_rate_and_says_so(tmp_path):
    record = by_law(1e-2)
    assert record.spec.training.learning_rates == [0.01] and record.learning_rate == 0.01
    assert runs(record) == [(0.01, seed, "ok") for seed in (0, 1, 2)]
    swept = run(learning_rates=[1e-2], epochs=6)
    assert [s.test for s in record.seeds] == [s.test for s in swept.seeds]
    # Its slice names no rate: by that it is known again.
    asked = parse(TrainSpec, spec_of(
        size=SIZE, seeds=(0, 1, 2), rates="law", learning_rates=[], epochs=6
    ), "spec")  # fmt: skip
    write(tmp_path / "r.json", record)
    assert read_record(tmp_path / "r.json", digest_of(asked), "") == record


def test_a_check_that_does_no_better_changes_nothing():
    record, plain = by_law(1e-2, checked=True), by_law(1e-2)
    assert [each[:2] for each in runs(record)[3:]] == [(0.003162, 0)]
    assert record.learning_rate == 0.01 and job_warnings(record) == []
    assert [s.test.error for s in record.seeds] == [s.test.error for s in plain.seeds]
    spent = sum(each.epochs_run for each in record.sweep)
    assert record.flops.job == record.flops.per_run // 6 * spent > plain.flops.job


def test_where_a_check_does_better_all_seeds_follow_and_it_is_said():
    record = by_law(3.0, checked=True, optimizer="sgd", clip=None)
    (lower,) = {rate for rate, *_ in runs(record)} - {3.162}
    assert lower == 1.0
    assert [each[:2] for each in runs(record)] == [
        *((3.162, seed) for seed in (0, 1, 2)), *((1.0, seed) for seed in (0, 1, 2))
    ]  # fmt: skip
    assert record.learning_rate == 1.0 and [s.seed for s in record.seeds] == [0, 1, 2]
    assert "law_rate_beaten" in [w.code for w in job_warnings(record)]
    assert record.spec.training.learning_rates == [3.162]  # what the law said


def member(seed: int, rate: float, losses: list[float]) -> Member:
    return Member(seed, rate, "ok", len(losses), 1, Curves([], [], losses, []))


def test_a_check_must_beat_the_scatter_of_seeds():
    own = [member(s, 1e-2, [1.0 + 0.02 * s]) for s in range(3)]
    for loss, wins in ((0.98, False), (0.85, True)):
        assert check_wins([*own, member(0, 3e-3, [loss])], 1e-2, law(1e-2)) is wins
    assert not check_wins([*own, member(0, 3e-3, [0.85])], 1e-2, law(1e-2, noise=0.3))
    own[1].status = "diverged"
    assert check_wins([*own, member(0, 3e-3, [2.0])], 1e-2, law(1e-2))
    assert not check_wins(own, 1e-2, law(1e-2))


def test_halving_stops_a_hopeless_rate_and_counts_what_it_took():
    rates = [1e-6, 1e-2]
    full = run(learning_rates=rates, epochs=9)
    record = run(learning_rates=rates, epochs=9, sweep="halving")
    assert record.learning_rate == full.learning_rate == 1e-2
    gone = [each for each in record.sweep if each.learning_rate == 1e-6]
    assert {(each.status, each.epochs_run) for each in gone} == {("stopped", 3)}
    assert all("after epoch 3" in each.why for each in gone)
    assert {each.status for each in full.sweep} == {"ok"}
    assert record.flops.job == record.flops.per_run // 9 * (3 * 3 + 3 * 9)
    # The others go on as they were, but for rounding.
    for mine, theirs in zip(record.seeds, full.seeds, strict=True):
        curve, other = mine.curves.validation_loss, theirs.curves.validation_loss
        assert curve == pytest.approx(other, rel=0.02) and curve[:3] == pytest.approx(other[:3])


def test_a_rate_is_judged_beside_those_that_were_trained_before_it():
    """Members of one seed at a time: the second seed's bad rate is known from the first's."""
    good = [2.0, 1.0, 0.5, 0.4, 0.3, 0.2]
    bad = [3.0, 2.9, 2.8, 2.7, 2.6, 2.5]
    close = [2.0, 1.05, 0.6, 0.3, 0.2, 0.1]
    finished = [member(0, 1e-2, good), member(0, 1e-1, bad)]
    alone = [member(1, 1e-1, bad[:2])]
    stopper(finished, 6, lambda line: None)(alone, 2)
    assert alone[0].status == "stopped"
    chunk = [member(1, 1e-1, bad[:2]), member(1, 3e-2, close[:2])]
    said: list[str] = []
    stop = stopper(finished, 6, said.append)
    stop(chunk, 1)
    assert [m.status for m in chunk] == ["ok", "ok"]
    stop(chunk, 2)
    assert [m.status for m in chunk] == ["stopped", "ok"] and len(said) == 1
    chunk[0].status = "stopped"
    assert choose_rate([*finished, member(1, 1e-2, good), *chunk[:1]]) == 1e-2


def test_a_stopped_rate_and_a_rate_of_some_seeds_are_not_chosen():
    members = [member(s, 1e-2, [1.0]) for s in (0, 1)]
    members += [member(s, 1e-3, [0.5]) for s in (0, 1)]
    assert choose_rate(members) == 1e-3
    members[2].status = "stopped"
    assert choose_rate(members) == 1e-2
    members[2:] = [member(0, 1e-3, [0.5])]
    assert choose_rate(members) == 1e-2
