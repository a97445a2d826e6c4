"""Promises and what became of them: inside, outside, diverged, nothing to build."""

from __future__ import annotations

import pytest
from alphascale.records.files import SCHEMA, digest, write_json, write_sealed
from alphascale.verifying import verify

SPEC = {
    "train": {"domain": "d", "family": "own:model", "seeds": [3, 4]},
    "naive": {"width": 99},
    "metric": "error",
}


def decision(**changes) -> dict:
    def run(params: int, mean: float) -> dict:
        predicted = {"mean": mean, "lower": mean - 0.02, "upper": mean + 0.02}
        return {"size": {"width": params}, "params": {"total": params}, "predicted": predicted}

    return {
        "domain": "d", "fraction": "1.0", "level": 0.95, "law": "power_floor",
        "target": {"metric": "accuracy", "value": 0.9}, "ladder": {"largest": 50},
        "architecture": run(70, 0.10), "naive": run(99, 0.05),
    } | changes  # fmt: skip


def trained(folder, promise: dict, errors: list, data: str = "sum") -> None:
    """The promise, and a record of its training with one run per error; None is a diverged one."""
    spec = SPEC["train"] | {key: promise[key] for key in ("scale", "fraction", "size")}
    path = folder / f"{digest(spec)}-code.json"
    write_json(path.with_suffix(".promise.json"), promise)
    seeds = [
        {"status": "diverged", "test": None}
        if e is None
        else {"status": "ok", "test": {"error": e}}
        for e in errors
    ]
    record = {
        "schema": SCHEMA, "spec": spec, "code": "code", "data_sha256": data, "seeds": seeds,
        "flops": {"job": 1e9}, "time": {"train_s": 2.0}, "energy": {"joules": None, "how": ""},
    }  # fmt: skip
    write_sealed(path, record)


def judged(folder, **changes) -> dict:
    return verify.judge(decision(**changes), SPEC, folder, "code", "sum")


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
    (run,) = report["runs"]
    assert run["measured"] == (measured and pytest.approx(measured))
    assert (run["inside"], run["runs_inside"], run["reached"]) == (inside, runs_inside, reached)
    page = verify.text([report])
    assert ("OUTSIDE" in page) == (measured is not None and not inside)
    assert ("diverged" in page) == (None in errors)


def test_the_naive_model_is_trained_only_when_asked() -> None:
    roles = [p["role"] for p in verify.promises(decision(), SPEC)]
    assert roles == ["recommended", "naive"]
    assert [p["params"] for p in verify.promises(decision(), SPEC | {"naive": None})] == [70]


def test_a_later_fit_does_not_move_an_old_promise(tmp_path) -> None:
    recommended = verify.promises(decision(), SPEC)[0]
    trained(tmp_path, recommended, [0.2, 0.2])
    moved = decision()["architecture"] | {"predicted": {"mean": 0.2, "lower": 0.1, "upper": 0.3}}
    (run,) = judged(tmp_path, architecture=moved)["runs"]
    assert run["predicted"] == recommended["predicted"] and not run["inside"]


def test_records_on_other_data_are_no_test(tmp_path) -> None:
    trained(tmp_path, verify.promises(decision(), SPEC)[0], [0.1], data="other")
    assert judged(tmp_path)["runs"] == []


def test_nothing_to_build_is_said_with_the_reason(tmp_path) -> None:
    report = judged(tmp_path, architecture=None)
    assert "out of" in report["nothing_to_build"] and report["runs"] == []
    assert "d: nothing to build: the target is out of" in verify.text([report])
    assert verify.promises(decision(architecture=None), SPEC | {"naive": None}) == []
