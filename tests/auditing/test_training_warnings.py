"""Generalisation warnings on made curves: healthy ones raise none, each fault raises its own."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from alphascale.auditing.curves import Signal, Verdict, judge, summarise
from alphascale.auditing.gather import gather
from alphascale.records.data import write_prepared
from alphascale.records.files import write_sealed
from alphascale.records.specs import AggregateSpec, ExpectedRecord
from alphascale.records.training import Curves, Flops, Params, Scores, SeedRun
from alphascale.records.typed import as_json, digest_of
from records_made import prepared_made, training_record


def curves(train, validation, train_accuracy=0.9, validation_accuracy=0.88):
    epochs = len(validation)
    accuracies = [train_accuracy] * epochs, [validation_accuracy] * epochs
    return Curves(train, accuracies[0], validation, accuracies[1])


def verdict(made):
    best = made.validation_loss.index(min(made.validation_loss)) + 1
    found = judge(made, best)
    return found.level, [signal.signal for signal in found.signals]


HEALTHY = {
    "exponential": lambda t: 0.4 + 2.0 * math.exp(-t / 6),
    "power law": lambda t: 0.3 + 2.0 / t**0.5,
    "power law, steep": lambda t: 0.3 + 2.0 / t,
    "straight": lambda t: 3.0 - 0.1 * t,
    "noisy": lambda t: 0.4 + 2.0 * math.exp(-t / 6) + 0.004 * math.sin(7 * t),
}


@pytest.mark.parametrize("epochs", [3, 8, 20])
@pytest.mark.parametrize("shape", HEALTHY)
def test_healthy_convex_curves_are_low_without_a_signal(shape, epochs):
    loss = [HEALTHY[shape](t) for t in range(1, epochs + 1)]
    assert verdict(curves([value - 0.02 for value in loss], loss)) == ("LOW", [])


def test_a_converged_run_is_low():
    """Both losses at rest: nothing wrong, but the advice that fewer epochs would do."""
    loss = [0.4 + 2.0 * math.exp(-t / 1.5) for t in range(1, 21)]
    assert verdict(curves(loss, loss)) == ("LOW", ["flattening"])


@pytest.mark.parametrize(("gap", "expected"), [(0.07, "LOW"), (0.1, "MEDIUM"), (0.13, "HIGH")])
def test_gap(gap, expected):
    loss = [HEALTHY["exponential"](t) for t in range(1, 11)]
    level, signals = verdict(curves(loss, loss, 0.95, 0.95 - gap))
    assert level == expected
    assert signals == ([] if expected == "LOW" else ["gap"])


def test_the_gap_is_that_of_the_best_epoch():
    """Validation is best in the fifth of ten epochs; only before or after it is there a gap."""
    train = [2.0 - 0.01 * t for t in range(10)]
    validation = [2.0 - 0.0001 * min(t, 8 - t) for t in range(10)]
    made = Curves(train, [0.9] * 10, validation, [0.5] * 4 + [0.88] + [0.5] * 5)
    assert "gap" not in verdict(made)[1]
    made = Curves(train, [0.9] * 10, validation, [0.88] * 4 + [0.7] + [0.88] * 5)
    assert "gap" in verdict(made)[1]


def test_the_row_of_a_run_is_that_of_its_best_epoch(tmp_path):
    """Best in the second of three epochs; validation, test and sizes all differ."""
    run = SeedRun(
        4, 0.01, "ok", 3, 2, Curves([1.0, 0.5, 0.2], [0.6, 0.8, 0.95], [0.9, 0.7, 0.8], [0.6] * 3),
        Scores(0.7, 0.61, 0.39), Scores(0.75, 0.58, 0.42), 15,
    )  # fmt: skip
    record = replace(
        training_record("w8", [run]), params=Params(70, 50, 20, 45, 5),
        flops=Flops(1, 3, 5, 10**9, "hand"),
    )  # fmt: skip
    path, meta = tmp_path / "w8.json", tmp_path / "meta.json"
    write_sealed(path, as_json(record))
    write_prepared(meta, prepared_made([], sizes={"test": 100}))
    expected = AggregateSpec("code", [ExpectedRecord("w8", "1.0", digest_of(record.spec))], [])
    (row,) = gather("d", expected, [str(path)], str(meta), lambda line: None)
    assert (row.best_epoch, row.epochs_run, row.train_loss) == (2, 3, 0.5)
    assert (row.validation_loss, row.validation_accuracy) == (0.7, 0.61)
    assert (row.test_loss, row.test_accuracy, row.test_error) == (0.75, 0.58, 0.42)
    assert (row.params, row.non_embedding, row.embedding, row.head) == (70, 50, 20, 5)
    assert (row.samples, row.samples_seen) == (100, 300)
    assert (row.forward_flops, row.step_flops, row.flops, row.job_flops) == (1, 3, 15, 10**9)
    assert row.level == "HIGH"  # .8 against .6 at the best epoch


def test_plateau_while_training_goes_on():
    train = [2.0 - 0.1 * t for t in range(1, 16)]
    validation = [2.1 - 0.1 * t for t in range(1, 9)] + [1.3 + 0.0005 * (t % 2) for t in range(7)]
    level, signals = verdict(curves(train, validation))
    assert level == "MEDIUM"
    assert "plateau" in signals and "overfitting" not in signals


def test_overfitting():
    train = [2.0 * math.exp(-t / 5) for t in range(1, 16)]
    validation = [0.5 + 0.01 * (t - 8) ** 2 for t in range(1, 16)]
    level, signals = verdict(curves(train, validation))
    assert level == "HIGH" and "overfitting" in signals
    # Found although the curve has come down again since, as an early rise is no less a rise.
    assert "overfitting" in verdict(curves([*train, 0.05], [*validation, 0.55]))[1]
    # A rise of less than 1 % is noise.
    flat = [0.5 + 0.0003 * t for t in range(15)]
    assert "overfitting" not in verdict(curves(train, flat))[1]
    # Train loss that rises too is not overfitting but instability.
    assert "overfitting" not in verdict(curves(validation, validation))[1]


def test_the_verdict_over_seeds_is_what_half_of_them_show():
    low = Verdict("LOW", [], 4)
    medium = Verdict("MEDIUM", [Signal("gap", "MEDIUM", "m")], 5)
    high = Verdict("HIGH", [Signal("gap", "HIGH", "h")], 9)
    assert summarise([low, replace(low, best_epoch=5), high]) == Verdict("LOW", [], 5)
    assert summarise([low, medium, high]) == Verdict("MEDIUM", medium.signals, 5)
    assert summarise([medium, high, high]).level == "HIGH"
    assert summarise([low, high]).level == "HIGH"
    assert summarise([high]).level == "HIGH"
    assert summarise([]).level is None
