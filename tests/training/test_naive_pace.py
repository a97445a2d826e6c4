"""The pace of a naive model: what is timed, what it is priced by, and why it may not be."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from alphascale import slices
from alphascale.config import Training, read_study
from alphascale.deciding import costs
from alphascale.networks.count import count_flops
from alphascale.records.data import Meta
from alphascale.records.pace import Pace, PaceRecord
from alphascale.records.specs import PaceSpec, Prices
from alphascale.records.typed import Refused, read, write
from alphascale.training import pace

TABLE = Meta("tabular", 3, (6,), None, None, None, None)
ROWS = 100
TRAINING = Training(epochs=1000, batch_size=32, learning_rates=[1e-4])
SPEC = PaceSpec("d", "mlp", {"width": 64, "depth": 2, "dropout": 0.0}, "1.0", TRAINING, "cpu")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MOST_S": 0.02, "BLOCK_S": 0.005, "EVALUATION_S": 0.005}.items():
        monkeypatch.setattr(pace, name, value)


def timed(spec: PaceSpec = SPEC) -> PaceRecord:
    x, y = torch.randn(ROWS, 6), torch.randint(0, 3, (ROWS,))
    tensors = {
        f"{split}_{part}": {"x": x, "y": y}[part]
        for split in ("train", "validation", "test") for part in "xy"
    }  # fmt: skip
    return pace.measure(spec, tensors, TABLE, "code", print)


def test_some_steps_are_timed_and_their_record_comes_back(tmp_path) -> None:
    record = timed()
    found = record.pace
    assert found.steps >= pace.LEAST and found.seconds > 0 and found.scatter >= 0
    assert found.evaluation_s > 0
    # Four batches of 25, none of 32 and one of 4.
    assert found.flops == count_flops("mlp", SPEC.naive, TABLE)["training"] * ROWS / 4
    write(tmp_path / "pace.json", record)
    assert read(tmp_path / "pace.json", PaceRecord) == record


def test_evaluation_between_epochs_is_no_part_of_a_step() -> None:
    clock = pace.Clock(torch.device("cpu"))
    clock.step()
    clock.step()
    began = clock.last
    clock.stepped -= 100.0  # as if the validation split had taken so long since
    clock.epoch(None)
    assert clock.last - began == pytest.approx(100.0, abs=1.0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"naive": {"width": 3_000_000, "depth": 2, "dropout": 0.0}}, "more than a quarter of the"),
        ({"family": "no_such_module:net", "naive": {"width": 8}}, "it cannot be built: "),
    ],
)
def test_what_cannot_be_timed_says_why(change: dict, why: str) -> None:
    found = timed(replace(SPEC, **change)).pace
    assert isinstance(found, Refused) and why in found.refused


def test_a_step_that_takes_too_long_and_one_that_does_not_fit_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(pace, "LONGEST_S", 0.0)
    assert "a step takes longer than 0 s" in timed().pace.refused

    def full(*args) -> None:
        raise MemoryError

    monkeypatch.setattr(pace, "Chunk", full)
    assert timed().pace.refused == "it does not fit into memory"


def test_a_run_costs_its_steps_and_its_evaluations() -> None:
    prices = Prices(100.0, None, 400.0, "said", 1.2, 0.5, None, "EUR")
    found = Pace(1e9, 0.5, 7, 0.01, 2.0)
    cost = costs.timed_price(1e12, 100, 3, found, prices, costs.Power(100.0, "100 W"))
    assert cost.seconds == 100 * 0.5 + 5 * 2.0
    assert cost.kwh == pytest.approx(100 * 60 / 3.6e6 * 1.2)
    assert cost.factor == costs.LEAST_TIMED and cost.beyond == 1.0 and cost.timed == 7
    assert "timed over 7 steps" in cost.how
    noisy = costs.timed_price(1e12, 100, 3, replace(found, scatter=0.3), prices, costs.Power(1, ""))
    assert noisy.factor == pytest.approx(math.exp(1.96 * 0.3))
    wild = costs.timed_price(1e12, 100, 3, replace(found, scatter=0.9), prices, costs.Power(1, ""))
    assert wild.factor is None
    assert costs.independent(1.5, 1.2) == pytest.approx(
        math.exp(math.sqrt(math.log(1.5) ** 2 + math.log(1.2) ** 2))
    )
    assert costs.independent(None, 1.2) is costs.independent(2.9, 1.9) is None


def test_only_what_makes_a_step_longer_times_it_anew() -> None:
    def of(training: dict, **more) -> PaceSpec | None:
        task = {
            "data": {"source": "letter"}, "family": "mlp",
            "ladder": {f"w{w}": {"width": w} for w in (4, 8, 16, 32)},
            "naive": {"width": 64}, "target": {"accuracy": 0.9},
            "training": {"epochs": 3, "batch_size": 50, "learning_rates": [1e-3]} | training,
        }  # fmt: skip
        task |= more.pop("task", {})
        return slices.pace_slice(read_study({"domains": {"d": task}, **more}), "d")

    first = of({})
    assert first == of({"epochs": 9, "learning_rates": [1e-2, 1e-3], "patience": 2})
    assert first == of({}, task={"seeds": [4, 5], "target": {"accuracy": 0.5}})
    assert first != of({"batch_size": 51}) and first != of({"precision": "bfloat16"})
    assert first != of({}, task={"naive": {"width": 65}})
    assert of({}, task={"naive": None}) is None
    assert of({}, costs={"flops_per_second": 1e9}) is None
