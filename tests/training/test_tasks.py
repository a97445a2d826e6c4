"""Numbers, several labels and class weights as tasks of the training loop."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from alphascale.auditing.measure import measure
from alphascale.config import Training
from alphascale.errors import UserError
from alphascale.records.data import DataSpec, Meta
from alphascale.records.specs import TrainSpec
from alphascale.running.signals import Stopped
from alphascale.training import job
from alphascale.training.classification import Classification
from alphascale.training.multi_label import MultiLabel
from alphascale.training.regression import Regression

CPU = torch.device("cpu")
NUMBERS = Meta("tabular", 1, (6,), None, None, None, None, None, "numbers", 1000.0, 20.0)
LABELS = Meta("tabular", 3, (6,), None, None, None, None, None, "labels")
RARE = Meta("tabular", 2, (6,), None, None, None, None)


def tensors_of(meta: Meta, rows: int = 240) -> dict[str, torch.Tensor]:
    """What can be learnt: each label depends on one column; of RARE one sample in twenty is 1."""
    source = torch.Generator().manual_seed(0)
    tensors = {}
    for split, n in (("train", rows), ("validation", 80), ("test", 100)):
        x = torch.randn(n, 6, generator=source)
        y = {
            "numbers": 1000.0 + 20.0 * (x[:, 0].double() + x[:, 1] ** 2 - 1),
            "labels": (x[:, :3] > 0.3).to(torch.uint8),
            "classes": (x[:, 0] + 0.3 * torch.randn(n, generator=source) > 1.6).long(),
        }[meta.task]
        tensors[f"{split}_x"], tensors[f"{split}_y"] = x, y
    return tensors


def spec_of(seeds=(0, 1), **training) -> TrainSpec:
    return TrainSpec(
        "made", "s", "1.0", "mlp", {"width": 12, "depth": 2, "dropout": 0.0}, list(seeds),
        Training(**{"epochs": 12, "batch_size": 16, "learning_rates": [1e-2]} | training), "cpu",
        DataSpec("csv", 0, 0.2, 0.1),
    )  # fmt: skip


def run(meta: Meta, spec: TrainSpec, folder=None, **options):
    return job.run(spec, tensors_of(meta), meta, lambda line: None, folder, **options)


@pytest.mark.parametrize("meta", [NUMBERS, LABELS, RARE])
def test_the_outputs_that_are_kept_are_those_the_record_speaks_of(meta: Meta) -> None:
    record, outputs = run(meta, spec_of(learning_rates=[3e-3, 1e-2]))
    y = tensors_of(meta)["test_y"]
    assert sorted(outputs) == [0, 1]
    for seed in record.seeds:
        given = outputs[seed.seed].double()
        if meta is NUMBERS:
            assert seed.test.accuracy is None and seed.test.error is None
            loss = (((y - meta.centre) / meta.spread - given[:, 0]) ** 2).mean()
            assert measure(given.numpy(), y.numpy(), meta)["rmse"] == pytest.approx(
                meta.spread * math.sqrt(seed.test.loss), rel=1e-5
            )
        elif meta is LABELS:
            loss = F.binary_cross_entropy_with_logits(given, y.double())
            right = ((given > 0) == y.bool()).all(1).double().mean()
            assert seed.test.accuracy == pytest.approx(float(right))
        else:
            loss = F.cross_entropy(given, y)
            assert seed.test.accuracy == pytest.approx(
                float((given.argmax(1) == y).double().mean())
            )
        assert seed.test.loss == pytest.approx(float(loss), rel=1e-5)


def test_numbers_are_learnt_and_their_curve_is_the_share_explained() -> None:
    record, outputs = run(NUMBERS, spec_of(epochs=40))
    for seed in record.seeds:
        curves = seed.curves
        explained = np.add(curves.validation_loss, curves.validation_accuracy)
        np.testing.assert_allclose(explained, 1.0, atol=1e-6)
        found = measure(outputs[seed.seed].numpy(), tensors_of(NUMBERS)["test_y"].numpy(), NUMBERS)
        assert found["r2"] > 0.8 and found["mae"] < 20


def test_where_the_labels_lie_and_how_far_apart_changes_no_training() -> None:
    """Labels in other units, far from zero: the same standardised labels, the same runs."""
    tensors = tensors_of(NUMBERS)
    first, _ = run(NUMBERS, spec_of())
    moved = {k: v * 1e-3 + 5e6 if k.endswith("_y") else v for k, v in tensors.items()}
    meta = replace(NUMBERS, centre=5e6 + 1.0, spread=0.02)
    second, _ = job.run(spec_of(), moved, meta, lambda line: None)
    for a, b in zip(first.seeds, second.seeds, strict=True):
        assert a.test.loss == pytest.approx(b.test.loss, rel=2e-2)


def test_every_label_counts_the_same_and_a_sample_is_right_where_all_are() -> None:
    task = MultiLabel(tensors_of(LABELS), LABELS, "1.0", CPU)
    logits = torch.tensor([[[4.0, -4.0, 4.0], [4.0, 4.0, 4.0]]])
    y = torch.tensor([[[1, 0, 1], [1, 0, 1]]], dtype=torch.uint8)
    losses, right = task.losses(logits, y)
    each = math.log1p(math.exp(-4.0))
    assert losses.item() == pytest.approx((5 * each + (4.0 + each)) / 6, rel=1e-5)
    assert right.tolist() == [1]


def test_balanced_weights_make_every_class_weigh_the_same() -> None:
    tensors = tensors_of(RARE)
    task = Classification(tensors, RARE, "1.0", CPU, weights="balanced")
    counts = torch.bincount(tensors["train_y"])
    np.testing.assert_allclose(task.weights * counts, [len(tensors["train_y"]) / 2] * 2, rtol=1e-6)
    logits, y = torch.randn(1, 240, 2), tensors["train_y"][None]
    losses, _ = task.losses(logits, y)
    weighed = task.objective(logits, y, losses)
    by_class = [F.cross_entropy(logits[0][y[0] == c], y[0][y[0] == c]) for c in (0, 1)]
    assert weighed.item() == pytest.approx(float(sum(by_class) / 2), rel=1e-5)
    plain = Classification(tensors, RARE, "1.0", CPU)
    assert plain.objective(logits, y, losses) is losses


def test_a_fraction_without_a_class_weighs_those_it_has() -> None:
    tensors = tensors_of(RARE)
    tensors["train_y"] = torch.zeros_like(tensors["train_y"])
    assert Classification(tensors, RARE, "1.0", CPU, weights="balanced").weights.tolist() == [1, 0]
    labels = tensors_of(LABELS)
    labels["train_y"][:, 1] = 0
    weights = MultiLabel(labels, LABELS, "1.0", CPU, weights="balanced").weights
    there = labels["train_y"][:, 0].sum()
    assert weights[0] == pytest.approx(float((240 - there) / there)) and weights[1] == 1


def test_weights_find_rare_samples_that_are_passed_over_without() -> None:
    recalls = {}
    y = tensors_of(RARE)["test_y"]
    for weights in ("none", "balanced"):
        _, outputs = run(RARE, spec_of(epochs=4, learning_rates=[3e-3], class_weights=weights))
        named = torch.stack(list(outputs.values())).argmax(2)
        recalls[weights] = float((named[:, y == 1] == 1).double().mean())
    assert recalls["balanced"] > recalls["none"] + 0.2


def test_numbers_have_no_classes_to_weigh() -> None:
    weighed, _ = run(NUMBERS, spec_of(class_weights="balanced"))
    plain, _ = run(NUMBERS, spec_of())
    assert [s.test for s in weighed.seeds] == [s.test for s in plain.seeds]


@pytest.mark.parametrize("meta", [NUMBERS, LABELS, RARE])
def test_outputs_of_runs_before_a_kill_are_kept(meta: Meta, tmp_path, monkeypatch) -> None:
    """One member at a time, ended after the second: the record and all outputs are the same."""
    monkeypatch.setattr(job, "members_together", lambda *args: 1)
    spec = spec_of(seeds=(0, 1, 2), epochs=3)
    whole, kept = run(meta, spec)
    steps = iter(range(10_000))
    with pytest.raises(Stopped):
        run(meta, spec, tmp_path, asked=lambda: 15 if next(steps) > 115 else None)
    record, outputs = run(meta, spec, tmp_path)
    assert [s.test for s in record.seeds] == [s.test for s in whole.seeds]
    assert next(steps) > 100
    for seed, values in kept.items():
        torch.testing.assert_close(outputs[seed], values, rtol=0, atol=0)


def test_a_diverged_run_leaves_no_outputs() -> None:
    spec = spec_of(learning_rates=[1e30], optimizer="sgd", clip=None)
    record, outputs = run(NUMBERS, spec)
    assert all(seed.status == "diverged" for seed in record.seeds) and not outputs


def test_regression_takes_any_kind_of_number() -> None:
    tensors = {k: v.float() if k.endswith("_y") else v for k, v in tensors_of(NUMBERS).items()}
    task = Regression(tensors, NUMBERS, "0.5", CPU)
    assert task.y["train"].dtype == torch.float32 and len(task.y["train"]) == 120


def test_a_test_sample_out_of_reach_is_a_run_that_diverged_not_a_fault() -> None:
    """Its square leaves float32: no number, and said."""
    tensors, said = tensors_of(NUMBERS), []
    tensors["test_x"][0] = 1e25
    record, outputs = job.run(spec_of(), tensors, NUMBERS, said.append)
    assert [seed.status for seed in record.seeds] == ["diverged"] * 2 and not outputs
    assert any("loss on test is not finite" in line for line in said)


@pytest.mark.parametrize(("samples", "batch"), [(19, 2), (33, 16), (2, 128), (1, 4), (7, 1)])
def test_no_batch_is_left_with_one_sample(samples: int, batch: int) -> None:
    """19 in batches of 2 are eight of two and one of three."""
    tensors = {k: v[:samples] if "train" in k else v for k, v in tensors_of(RARE).items()}
    task = Classification(tensors, RARE, "1.0", CPU)
    sizes = [y.shape[1] for _, y in task.batches([0], 1, batch)]
    assert sum(sizes) == samples and len(sizes) == task.steps(batch)
    assert min(sizes) >= 2 or batch == 1 or samples == 1
    assert max(sizes) <= batch + 1


def test_batch_norm_over_one_sample_is_refused_before_it_trains() -> None:
    with pytest.raises(UserError, match=r"training\.batch_size: 1 makes batches of one sample"):
        run(RARE, spec_of(batch_size=1))
