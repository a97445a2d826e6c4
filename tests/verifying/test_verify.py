"""Promises and what became of them: inside, outside, diverged, nothing to build."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alphascale.records.data import write_prepared
from alphascale.records.decision import DecisionRecord, LadderRange, Price, PricedRun
from alphascale.records.files import write_sealed
from alphascale.records.fit import Estimate
from alphascale.records.specs import Target, VerifySpec
from alphascale.records.typed import as_json, digest_of, read, write
from alphascale.records.verification import Promise, VerificationRecord
from alphascale.verifying import verify
from records_made import decision_made, prepared_made, seed_run, train_spec, training_record

TRAIN = train_spec("")
TARGET = Target("accuracy", 0.9)
SPEC = VerifySpec(TRAIN, {"width": 99})


def priced(params: int, mean: float) -> PricedRun:
    price = Price(1.0, 1.0, 1.0, 1.0, 1.0)
    predicted = Estimate(mean, mean - 0.02, mean + 0.02)
    return PricedRun({"width": params}, {"total": params}, price, predicted)


def decision(**changes) -> DecisionRecord:
    return decision_made(
        **{"target": TARGET, "ladder": LadderRange(10, 50, 5), "architecture": priced(70, 0.10),
           "naive": priced(99, 0.05)} | changes
    )  # fmt: skip


def trained(folder, promise: Promise, errors: list, data: str = "sum") -> None:
    """The promise, and a record of its training with one run per error; None is a diverged one."""
    spec = promise.trained(TRAIN)
    path = folder / f"{digest_of(spec)}-code.json"
    write(path.with_suffix(".promise.json"), promise)
    seeds = [seed_run(seed, error) for seed, error in enumerate(errors)]
    record = training_record("", seeds, spec=spec, data_sha256=data)
    write_sealed(path, as_json(record))


def judged(folder, **changes) -> VerificationRecord:
    write_prepared(folder / "meta.json", prepared_made([5, 5]))
    report = verify.judge(decision(**changes), SPEC, folder, "code", folder / "meta.json")
    write(folder / "report.json", report)
    assert read(folder / "report.json", VerificationRecord) == report
    return report


@pytest.mark.parametrize(
    ("errors", "measured", "inside", "runs_inside", "reached"),
    [
        ([0.09, 0.10], 0.095, True, 2, True),
        ([0.06, 0.13], 0.095, True, 0, True),
        ([0.11, 0.17], 0.14, False, 1, False),
        ([None, 0.115], 0.115, True, 1, False),
        ([None, None], None, False, 0, False),
    ],
)
def test_the_mean_is_judged_by_the_interval_and_the_target(
    tmp_path, errors, measured, inside: bool, runs_inside: int, reached: bool
) -> None:
    recommended, _ = verify.promises(decision(), SPEC)
    trained(tmp_path, recommended, errors)
    report = judged(tmp_path)
    (run,) = report.runs
    assert run.measured == (measured and pytest.approx(measured))
    assert (run.inside, run.runs_inside, run.reached) == (inside, runs_inside, reached)
    page = verify.text([report])
    assert ("OUTSIDE" in page) == (measured is not None and not inside)
    assert ("diverged" in page) == (None in errors)


def test_the_naive_model_is_trained_only_when_asked() -> None:
    roles = [p.role for p in verify.promises(decision(), SPEC)]
    assert roles == ["recommended", "naive"]
    assert [p.params for p in verify.promises(decision(), replace(SPEC, naive=None))] == [70]


def test_a_later_fit_does_not_move_an_old_promise(tmp_path) -> None:
    recommended = verify.promises(decision(), SPEC)[0]
    trained(tmp_path, recommended, [0.2, 0.2])
    moved = replace(priced(70, 0.1), predicted=Estimate(0.2, 0.1, 0.3))
    (run,) = judged(tmp_path, architecture=moved).runs
    assert run.predicted == recommended.predicted and not run.inside


def test_records_on_other_data_are_no_test(tmp_path) -> None:
    trained(tmp_path, verify.promises(decision(), SPEC)[0], [0.1], data="other")
    assert judged(tmp_path).runs == []


def test_nothing_to_build_is_said_with_the_reason(tmp_path) -> None:
    report = judged(tmp_path, architecture=None)
    assert "out of" in report.nothing_to_build and report.runs == []
    assert "d: nothing to build: the target is out of" in verify.text([report])
    assert verify.promises(decision(architecture=None), replace(SPEC, naive=None)) == []
