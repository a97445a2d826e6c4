"""Metrics measured from test outputs: against what can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from alphascale.auditing.chance import ALPHA, chance_of, weighted_luck
from alphascale.auditing.gather import gather
from alphascale.auditing.measure import measure, reached
from alphascale.deciding.run_warnings import guessing
from alphascale.errors import UserError
from alphascale.metrics import TABLE, by_fitted, metrics_of
from alphascale.records.data import write_prepared
from alphascale.records.files import sha256_file, write_sealed
from alphascale.records.observations import read_frame, write_table
from alphascale.records.outputs import outputs_path, write_outputs
from alphascale.records.specs import AggregateSpec, ExpectedRecord, Target
from alphascale.records.typed import as_json, digest_of
from records_made import prepared_made, seed_run, training_record
from safetensors.numpy import save_file

RNG = np.random.default_rng(0)


def logits_of(shares: np.ndarray) -> np.ndarray:
    return np.log(np.clip(shares, 1e-12, None))


def test_f1_and_recall_of_a_confusion_counted_by_hand() -> None:
    """Truth 6 a, 3 b, 1 c; named a a a a b b | b b a | a."""
    y = np.array([0] * 6 + [1] * 3 + [2])
    named = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
    found = measure(np.eye(3)[named] * 9.0, y, prepared_made([6, 3, 1]))
    f1 = [2 * 4 / (6 + 6), 2 * 2 / (4 + 3), 0.0]  # 2 · right / (there + named)
    assert found["balanced_accuracy"] == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)
    assert found["macro_f1"] == pytest.approx(np.mean(f1))
    assert found["weighted_f1"] == pytest.approx(np.dot(f1, [0.6, 0.3, 0.1]))
    assert found["top5"] is None  # of three classes the five most probable are all


def test_areas_are_those_of_counted_pairs_and_precisions() -> None:
    """AUROC is the share of (positive, negative) pairs in the right order, ties counting half."""
    y = RNG.integers(0, 2, 60)
    score = np.round(RNG.normal(size=60) + y, 1)
    outputs = np.stack([np.zeros(60), score], axis=1)
    found = measure(outputs, y, prepared_made(np.bincount(y).tolist()))
    above = score[y == 1][:, None] - score[y == 0][None]
    assert found["auroc"] == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())
    hits = [
        (y[score >= s].mean(), np.sum((score == s) & (y == 1)) / y.sum()) for s in np.unique(score)
    ]
    assert found["average_precision"] == pytest.approx(sum(p * gain for p, gain in hits))


def test_of_many_classes_areas_are_means_and_five_guesses_count() -> None:
    classes, n = 12, 600
    y = RNG.permutation(np.arange(n) % classes)
    outputs = RNG.normal(size=(n, classes)) + 1.5 * np.eye(classes)[y]
    found = measure(outputs, y, prepared_made([n // classes] * classes))
    shares = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    each = []
    for c in range(classes):
        gap = shares[y == c, c][:, None] - shares[y != c, c][None]
        each.append((gap > 0).mean())
    assert found["auroc"] == pytest.approx(np.mean(each))
    top = np.argsort(-outputs, axis=1)[:, :5]
    assert found["top5"] == pytest.approx((top == y[:, None]).any(1).mean())


def test_probabilities_that_hold_are_calibrated_and_bragging_is_not() -> None:
    sure = RNG.uniform(0.5, 1.0, 200_000)
    right = RNG.random(len(sure)) < sure
    y = np.where(right, 1, 0)
    outputs = logits_of(np.stack([1 - sure, sure], axis=1))
    meta = prepared_made(np.bincount(y).tolist())
    assert measure(outputs, y, meta)["calibration_error"] < 0.005
    brag = measure(outputs * 40, y, meta)["calibration_error"]
    assert brag == pytest.approx(1 - right.mean(), abs=0.01)  # always sure, as often wrong


def test_numbers_are_told_in_the_labels_unit() -> None:
    y = np.array([10.0, 20.0, 30.0, 40.0])
    meta = prepared_made([], task="numbers", classes=1, centre=25.0, spread=10.0)
    outputs = (np.array([[12.0], [18.0], [33.0], [37.0]]) - 25) / 10
    found = measure(outputs, y, meta)
    assert found["rmse"] == pytest.approx(np.sqrt((4 + 4 + 9 + 9) / 4))
    assert found["mae"] == pytest.approx(2.5)
    assert found["r2"] == pytest.approx(1 - 26 / 500)


def test_labels_are_judged_one_by_one() -> None:
    y = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], np.uint8)
    outputs = np.array([[2.0, -1.0], [1.0, 1.0], [1.0, 3.0], [-1.0, -2.0]])
    meta = prepared_made([2, 2], task="labels")
    found = measure(outputs, y, meta)
    assert found["macro_f1"] == pytest.approx((2 * 2 / (3 + 2) + 1) / 2)
    assert found["auroc"] == pytest.approx((3.5 / 4 + 1) / 2)


def test_what_a_split_does_not_define_is_no_number() -> None:
    """A class without a test sample has no AUROC; equal labels have no R²."""
    found = measure(RNG.normal(size=(9, 3)), np.array([0, 1] * 4 + [0]), prepared_made([5, 4, 0]))
    assert found["auroc"] is None and found["average_precision"] is None
    assert found["macro_f1"] is not None
    meta = prepared_made([], task="numbers", classes=1, centre=0.0, spread=1.0)
    assert measure(np.ones((3, 1)), np.full(3, 5.0), meta)["r2"] is None


def test_every_metric_of_the_table_is_measured_or_recorded_for_its_tasks() -> None:
    y = RNG.integers(0, 10, 200)
    found = measure(RNG.normal(size=(200, 10)), y, prepared_made(np.bincount(y).tolist()))
    recorded = {"accuracy", "error", "loss"}
    assert set(found) | recorded == set(metrics_of("classes"))
    several = RNG.integers(0, 2, (200, 4))
    meta = prepared_made(several.sum(0).tolist(), task="labels")
    found = measure(RNG.normal(size=(200, 4)), several, meta)
    assert set(found) | recorded == set(metrics_of("labels"))
    numbers = prepared_made([], task="numbers", classes=1, centre=0.0, spread=1.0)
    found = measure(RNG.normal(size=(200, 1)), y.astype(float), numbers)
    assert set(found) == set(metrics_of("numbers"))


def test_what_is_fitted_falls_and_comes_back() -> None:
    for name, metric in TABLE.items():
        assert metric.falling(metric.falling(0.3)) == pytest.approx(0.3)
        assert by_fitted(metric.fitted).fitted == metric.fitted
        assert (metric.falling(0.9) < metric.falling(0.5)) is metric.rises, name
    fitted = {TABLE[name].fitted for name in metrics_of("classes")}
    assert len(fitted) == len(metrics_of("classes")) - 1  # accuracy and error are one


def gathered(folder: Path, outputs: dict[int, np.ndarray], y: np.ndarray, **training):
    """Observations of one record with these test outputs of its seeds."""
    folder.mkdir(exist_ok=True)
    save_file({"test_y": y}, folder / "d.safetensors")
    counts = np.bincount(y).tolist()
    meta = prepared_made(counts, sha256=sha256_file(folder / "d.safetensors"))
    write_prepared(folder / "d.json", meta)
    seeds = [
        seed_run(seed, float(np.mean(values.argmax(1) != y))) for seed, values in outputs.items()
    ]
    made = training_record("s", seeds, data_sha256=meta.sha256)
    if training:
        spec = made.spec.__class__(**vars(made.spec) | {
            "training": made.spec.training.model_copy(update=training)
        })  # fmt: skip
        made = training_record("s", seeds, data_sha256=meta.sha256, spec=spec)
    path = folder / "s.json"
    kept = write_outputs(path, outputs)
    made = made.__class__(**vars(made) | {"outputs_sha256": kept})
    write_sealed(path, as_json(made))
    wanted = AggregateSpec("code", [ExpectedRecord("s", "1.0", digest_of(made.spec))], [])
    said: list[str] = []
    return gather("d", wanted, [str(path)], str(folder / "d.json"), said.append), said, path


def test_observations_hold_what_the_outputs_show(tmp_path: Path) -> None:
    y = np.array([0, 1, 1, 0, 1, 0] * 20)
    outputs = {s: (RNG.normal(size=(120, 2)) + 2 * np.eye(2)[y]).astype(np.float32) for s in (0, 1)}
    rows, _, _ = gathered(tmp_path, outputs, y)
    for row in rows:
        found = measure(outputs[row.seed], y, prepared_made([60, 60]))
        assert row.test_auroc == found["auroc"] and row.test_macro_f1 == found["macro_f1"]
        assert row.test_rmse is None
    write_table(tmp_path / "d.csv", [as_json(row) for row in rows])
    frame = read_frame(tmp_path / "d.csv")
    np.testing.assert_allclose(frame["test_auroc_error"], 1 - frame["test_auroc"])
    assert frame["test_r2_error"].isna().all()


@pytest.mark.parametrize("damage", ["gone", "other", "edited"])
def test_outputs_that_are_not_the_records_own_set_it_aside(tmp_path: Path, damage: str) -> None:
    """Otherwise a metric would be that of another training, without a word."""
    y = np.array([0, 1] * 30)
    outputs = {0: (RNG.normal(size=(60, 2)) + np.eye(2)[y]).astype(np.float32)}
    _, _, path = gathered(tmp_path, outputs, y)
    file, record = outputs_path(path), path.read_bytes()
    if damage == "gone":
        file.unlink()
    elif damage == "other":
        write_outputs(path, {0: outputs[0] + 1})
    else:
        content = bytearray(file.read_bytes())
        content[-3] ^= 1
        file.write_bytes(content)
    path.write_bytes(record)
    spec = digest_of(training_record("s", []).spec)
    wanted = AggregateSpec("code", [ExpectedRecord("s", "1.0", spec)], [])
    with pytest.raises(UserError, match="outputs"):
        gather("d", wanted, [str(path)], str(tmp_path / "d.json"), lambda line: None)
    assert not path.exists() and path.with_name("s.json.refused").exists()


def test_runs_with_class_weights_are_held_against_one_class_not_the_commonest(tmp_path) -> None:
    """Of 90 to 10, a weighted run that finds 8 of 10 rare ones is right less often than the
    commonest class, and has learnt a lot."""
    y = np.array([0] * 900 + [1] * 100)
    named = y.copy()
    named[:200], named[-20:] = 1, 0  # 78 % right, recalls 7/9 and 8/10
    outputs = {s: (9.0 * np.eye(2)[named]).astype(np.float32) for s in (0, 1)}
    rows, _, _ = gathered(tmp_path / "w", outputs, y, class_weights="balanced")
    assert [row.status for row in rows] == ["ok", "ok"] and not any(row.warnings for row in rows)
    rows, said, _ = gathered(tmp_path / "n", outputs, y)
    assert "no_run_beats_the_commonest_class" in rows[0].warnings and "commonest" in said[0]
    blind = {s: (9.0 * np.eye(2)[np.arange(1000) % 2]).astype(np.float32) for s in (0, 1)}
    rows, said, _ = gathered(tmp_path / "b", blind, y, class_weights="balanced")
    assert "no_run_beats" in rows[0].warnings and "balanced accuracy" in said[0]


def test_a_class_that_the_test_split_lacks_spoils_no_mean() -> None:
    """Perfect answers are 1 in every metric, and naming one class is ½ of two that are there."""
    y = np.array([0, 1] * 20)
    meta = prepared_made([20, 20, 0])
    found = measure(np.eye(3)[y] * 9.0, y, meta)
    assert found["macro_f1"] == found["weighted_f1"] == found["balanced_accuracy"] == 1.0
    assert guessing(Target("balanced_accuracy", 0.5), meta)
    assert not guessing(Target("balanced_accuracy", 0.51), meta)
    blind = measure(np.eye(3)[np.zeros(40, int)], y, meta)
    assert weighted_luck(blind, meta) == pytest.approx(0.5)


def test_answers_that_are_too_sure_for_a_double_are_still_ranked() -> None:
    """Beyond 37 a sigmoid is 1: by its value nothing would be told apart."""
    y = np.array([0, 1] * 10)
    sure = np.where(y == 1, 45.0, 40.0)
    found = measure(np.stack([np.zeros(20), sure], axis=1), y, prepared_made([10, 10]))
    assert found["auroc"] == 1.0
    labels = prepared_made([10, 10], task="labels", sizes={"test": 20})
    assert measure(np.stack([sure, -sure], axis=1), np.stack([y, 1 - y], 1), labels)["auroc"] == 1.0


def test_weighted_runs_of_several_labels_are_told_by_their_ranks(tmp_path: Path) -> None:
    """Weights push the loss above the entropy of rare labels; AUROC does not mind."""
    y = (np.random.default_rng(0).random((400, 3)) < 0.05).astype(np.uint8)
    meta = prepared_made(y.sum(0).tolist(), task="labels", sizes={"test": 400})
    noise = np.random.default_rng(1).normal(size=y.shape)
    assert weighted_luck(measure(noise + 2.5 * y + 1, y, meta), meta) < 1e-3
    assert weighted_luck(measure(noise, y, meta), meta) > ALPHA


def test_numbers_and_labels_are_judged_by_their_loss() -> None:
    """A run at the constant answer's loss knows nothing, one below it does."""
    y = np.array([1.0, 2.0, 3.0, 6.0])
    meta = prepared_made(
        [], task="numbers", classes=1, centre=2.0, spread=2.0, sizes={"test": 4},
        constant_rmse=float(np.sqrt(np.mean((y - 2.0) ** 2))),
    )  # fmt: skip
    chance = chance_of(meta)
    assert chance.entropy == pytest.approx((1 + 0 + 1 + 16) / 4 / 4)
    run = seed_run(0, chance.entropy / 2)  # its test loss is twice its error
    assert chance.dead(run) and chance.luck(run) > ALPHA
    assert not chance.dead(seed_run(0, 0.4 * chance.entropy))
    labels = prepared_made([50, 10], task="labels", sizes={"test": 100})
    h = [-(p * np.log(p) + (1 - p) * np.log(1 - p)) for p in (0.5, 0.1)]
    assert chance_of(labels).entropy == pytest.approx(np.mean(h))


@pytest.mark.parametrize(
    ("metric", "value", "met"),
    [
        ("balanced_accuracy", 0.09, True),
        ("balanced_accuracy", 0.3, False),
        ("auroc", 0.5, True),
        ("auroc", 0.6, False),
        ("top5", 0.7, True),
        ("top5", 0.8, False),
        ("loss", 2.0, True),
        ("loss", 1.0, False),
    ],
)
def test_a_target_that_no_sample_need_be_looked_at_for_is_said(metric, value, met) -> None:
    """Of 45 + 9 · 5 + 1 · 10 samples the five commonest of eleven classes are 75 %."""
    counts = [45, *[5] * 9, 10]
    assert bool(guessing(Target(metric, value), prepared_made(counts))) is met


def test_the_mean_of_the_labels_is_the_constant_answer_of_numbers() -> None:
    """On the test labels, which may lie farther apart than those of training."""
    meta = prepared_made([], task="numbers", classes=1, centre=0.0, spread=1.0, constant_rmse=4.0)
    assert guessing(Target("rmse", 4.1), meta) and not guessing(Target("rmse", 3.9), meta)
    assert not guessing(Target("r2", 0.01), meta)


def test_a_runs_metric_is_taken_as_it_is_fitted() -> None:
    run = seed_run(0, 0.25)
    assert reached(run, "error", {}) == 0.25 and reached(run, "loss", {}) == 0.5
    assert reached(run, "auroc_error", {"auroc": 0.9}) == pytest.approx(0.1)
    assert reached(run, "rmse", {"rmse": 7.0}) == 7.0
