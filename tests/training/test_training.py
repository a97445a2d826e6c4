"""The loop against a plain torch loop, and what a record promises of seeds, ends and resumption."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import math
import pathlib
import platform
import resource
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from alphascale.auditing.job_warnings import edge_warning, generalisation, job_warnings
from alphascale.config import Training
from alphascale.errors import UserError
from alphascale.networks.build import build, initialise
from alphascale.networks.draws import generator
from alphascale.records.data import Meta
from alphascale.records.specs import TrainSpec
from alphascale.records.training import Curves, TrainingRecord
from alphascale.records.typed import as_json, parse
from alphascale.training import checkpoints, device, job, loop
from alphascale.training.choice import choose_rate
from alphascale.training.classification import Classification, foremost
from alphascale.training.flat import Flat
from alphascale.training.loop import Member, Setup
from alphascale.training.optimise import Optimiser, schedule

TABLE = Meta("tabular", 3, (6,), None, None, None, None)
DIGITS = Meta("image", 3, (1, 8, 8), None, None, (8.0,), (4.0,))
TEXT = Meta("text", 3, (10,), 40, 0, None, None)
SIZES = {
    "mlp": {"width": 12, "depth": 2, "dropout": 0.2},
    "cnn": {"width": 1 / 32},
    "transformer": {"d_model": 8, "n_layers": 1},
}
METAS = {"mlp": TABLE, "cnn": DIGITS, "transformer": TEXT}


def data(meta: Meta, rows: int = 90, seed: int = 0) -> dict[str, torch.Tensor]:
    """Three classes that can be told apart, but not perfectly."""
    source = torch.Generator().manual_seed(seed)
    tensors = {}
    for split, n in (("train", rows), ("validation", 40), ("test", 50)):
        y = torch.randint(0, 3, (n,), generator=source)
        if meta.kind == "tabular":
            x = torch.randn(n, *meta.shape, generator=source)
            x[:, :3] += 1.5 * F.one_hot(y, 3)
        elif meta.kind == "image":
            x = torch.randint(0, 12, (n, *meta.shape), generator=source, dtype=torch.uint8)
            x[torch.arange(n), 0, 2 * y] += 5
        else:
            x = torch.randint(1, 37, (n, *meta.shape), generator=source, dtype=torch.int32)
            x[:, 0] = (37 + y).int()
            x[:, -2:] = 0
        tensors |= {f"{split}_x": x, f"{split}_y": y}
    return tensors


def spec_of(family: str = "mlp", size=None, seeds=(0, 1), fraction="1.0", **training):
    training = {"epochs": 3, "batch_size": 16, "learning_rates": [1e-3, 1e-2]} | training
    return {
        "domain": "made",
        "scale": "s",
        "fraction": fraction,
        "family": family,
        "size": size or SIZES[family],
        "seeds": list(seeds),
        "training": Training(**training).model_dump(),
        "device": "cpu",
        "data": {"source": "csv", "seed": 0, "test": 0.2, "validation": 0.1},
    }


def run(spec, tensors=None, folder=None, say=lambda line: None):
    meta = METAS.get(spec["family"], TABLE)
    tensors = tensors or data(meta)
    return as_json(job.run(parse(TrainSpec, spec, "spec"), tensors, meta, say, folder)[0])


def typed(record) -> TrainingRecord:
    return parse(TrainingRecord, record, "record")


def lasting(record):
    """The record without what differs between two equal runs."""
    measured = ("time", "energy", "peak_memory_bytes")
    return {k: v for k, v in record.items() if k not in measured}


@pytest.mark.parametrize("family", SIZES)
def test_same_spec_same_record(family):
    first, second = run(spec_of(family)), run(spec_of(family))
    assert lasting(first) == lasting(second)
    assert json.loads(json.dumps(first, allow_nan=False)) == first


@pytest.mark.parametrize("family", SIZES)
def test_a_seed_does_not_depend_on_its_company(family):
    """Alone or among others, at one learning rate or several: the same course, but for rounding."""
    company = run(spec_of(family, seeds=(7, 1, 4), learning_rates=[1e-2], epochs=2))
    alone = run(spec_of(family, seeds=(4,), learning_rates=[1e-2], epochs=2))
    for name, curve in alone["seeds"][0]["curves"].items():
        assert company["seeds"][2]["curves"][name] == pytest.approx(curve, rel=1e-3, abs=0.03)
    curves = [entry["curves"]["train_loss"] for entry in company["seeds"]]
    assert curves[2] == pytest.approx(alone["seeds"][0]["curves"]["train_loss"], rel=1e-4)
    assert curves[0] != curves[1]


@pytest.mark.parametrize("family", SIZES)
def test_every_family_learns(family):
    record = run(spec_of(family, epochs=12, learning_rates=[1e-2, 3e-2], batch_size=8))
    for entry in record["seeds"]:
        assert entry["curves"]["train_loss"][-1] < 0.9 * entry["curves"]["train_loss"][0]
        assert entry["test"]["accuracy"] > 0.5  # chance is a third


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_training_is_that_of_a_plain_torch_loop(kind):
    """Torch's own optimiser class, clipping and layers, one member, step by step."""
    size = {"width": 8, "depth": 2, "dropout": 0.0}
    tensors = data(TABLE, rows=48)
    training = Training(
        epochs=2, batch_size=16, optimizer=kind, weight_decay=0.1, clip=0.3, learning_rates=[0.05]
    )
    setup = Setup("mlp", size, training, torch.device("cpu"), False)
    task = Classification(tensors, TABLE, "1.0", setup.device)
    chunk = loop.Chunk(setup, task, [Member(3, 0.02), Member(3, 0.05)])
    chunk.run(lambda chunk: None, lambda: None)

    model = build("mlp", size, TABLE)
    initialise(model, [3])
    make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[kind]
    options = {"momentum": 0.9} if kind == "sgd" else {}
    optimiser = make(model.parameters(), lr=0.05, weight_decay=0.1, **options)
    losses, steps = [], 2 * 3
    for epoch in (1, 2):
        model.train()
        total = 0.0
        order = torch.randperm(48, generator=generator(3, "order", epoch))
        for batch, rows in enumerate(order.split(16)):
            optimiser.param_groups[0]["lr"] = 0.05 * schedule(
                "cosine", (epoch - 1) * 3 + batch, steps, 0.05
            )
            loss = F.cross_entropy(
                model(tensors["train_x"][rows][None])[0], tensors["train_y"][rows]
            )
            optimiser.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3)
            total += loss.item() / 3
            optimiser.step()
        losses.append(total)
        model.eval()
        with torch.no_grad():
            validation = F.cross_entropy(
                model(tensors["validation_x"][None])[0], tensors["validation_y"]
            )
        # Biases before batch norm have no gradient but rounding, which Adam blows up: they show in
        # evaluation, through running means, and nowhere in training.
        assert chunk.members[1].curves.validation_loss[epoch - 1] == pytest.approx(
            validation.item(), rel=1e-2
        )
    assert chunk.members[1].curves.train_loss == pytest.approx(losses, rel=1e-4)
    assert norm > 0.3  # clipping took part


def test_gradients_are_clipped_member_by_member():
    model = build("mlp", {"width": 4, "depth": 1}, TABLE, members=3)
    flat = Flat(model)
    flat.grads.copy_(torch.tensor([[0.1], [5.0], [math.nan]]).expand_as(flat.grads))
    before = flat.grads[0].clone()
    flat.clip(10.0)
    norms = flat.grads.norm(dim=1)
    assert torch.equal(flat.grads[0], before)
    assert norms[1].item() == pytest.approx(10.0, rel=1e-4)
    assert norms[2].isnan()


def test_layers_see_the_flat_rows():
    model = build("mlp", {"width": 4, "depth": 1}, TABLE, members=3)
    initialise(model, [0, 1, 2])
    flat = Flat(model)
    flat.values[1] = 7.0
    assert all((p[1] == 7.0).all() and (p[0] != 7.0).any() for p in model.parameters())
    flat.replace(flat.snapshot(torch.tensor([1])))
    assert all(p.shape[0] == 1 and (p == 7.0).all() for p in model.parameters())


def test_a_diverged_member_says_so_and_harms_nobody():
    rates = [1e-2, 1e30]
    record = run(spec_of(learning_rates=rates, optimizer="sgd", clip=None))
    healthy = run(spec_of(learning_rates=[1e-2], optimizer="sgd", clip=None))
    assert record["learning_rate"] == 1e-2
    assert [s["status"] for s in record["sweep"]] == ["ok", "diverged"] * 2
    assert [s["validation_loss"] is None for s in record["sweep"]] == [False, True] * 2
    for entry, expected in zip(record["seeds"], healthy["seeds"], strict=True):
        assert entry["test"]["loss"] == pytest.approx(expected["test"]["loss"], rel=1e-4)
    (warning,) = job_warnings(typed(record))
    assert warning.code == "diverged" and "2 of 4 runs" in warning.message
    # The dead are not trained on: one epoch each, against three.
    per_epoch = record["flops"]["per_run"] // 3
    assert record["flops"]["job"] == per_epoch * (3 + 1 + 3 + 1)


def test_a_job_whose_members_all_diverge_is_a_record_without_numbers():
    record = run(spec_of(learning_rates=[1e30, 1e31], optimizer="sgd", clip=None))
    for entry in record["seeds"]:
        assert entry["status"] == "diverged"
        assert entry["test"] is entry["validation"] is entry["best_epoch"] is None
        assert not any(entry["curves"]["validation_loss"])
    assert generalisation(typed(record)).level is None
    assert [w.code for w in job_warnings(typed(record))] == ["diverged"]
    json.dumps(record, allow_nan=False)


def test_the_best_epochs_weights_are_tested():
    """Overfitting on noise: the run cut at its best epoch ends with the same test numbers."""
    tensors = data(TABLE, rows=30)
    tensors["train_y"] = tensors["train_y"][
        torch.randperm(30, generator=torch.Generator().manual_seed(1))
    ]
    # Warm-up is a share of all steps: without it the first epochs of both runs are the same.
    options = {
        "size": {"width": 64, "depth": 2, "dropout": 0.0}, "seeds": (0,), "learning_rates": [1e-2],
        "schedule": "constant", "batch_size": 10, "warmup": 0.0,
    }  # fmt: skip
    (whole,) = run(spec_of(epochs=15, **options), tensors)["seeds"]
    best, losses = whole["best_epoch"], whole["curves"]["validation_loss"]
    assert 1 < best < 15 and losses[best - 1] == min(losses)
    assert losses[-1] > 1.05 * min(losses)
    (cut,) = run(spec_of(epochs=best, **options), tensors)["seeds"]
    assert cut["best_epoch"] == cut["epochs_run"] == best
    assert whole["test"] == pytest.approx(cut["test"])
    (longer,) = run(spec_of(epochs=best + 1, **options), tensors)["seeds"]
    assert longer["test"] == pytest.approx(cut["test"])
    assert whole["validation"]["loss"] == pytest.approx(min(losses))
    assert whole["test"]["error"] == pytest.approx(1 - whole["test"]["accuracy"])
    assert whole["test"]["loss"] != pytest.approx(whole["validation"]["loss"], rel=0.01)


def test_patience_stops_members_and_their_flops():
    tensors = data(TABLE, rows=30)
    tensors["train_y"] = tensors["train_y"].flip(0)
    size = {"width": 32, "depth": 2, "dropout": 0.0}
    options = {"epochs": 25, "batch_size": 10, "schedule": "constant"}
    options["learning_rates"] = [1e-4, 3e-2]
    patient = run(spec_of(size=size, patience=2, **options), tensors)
    whole = run(spec_of(size=size, **options), tensors)
    per_epoch = patient["flops"]["training_per_sample"] * 30
    for entry in patient["seeds"]:
        epochs = entry["epochs_run"]
        assert epochs == min(25, entry["best_epoch"] + 2)
        assert entry["flops"] == per_epoch * epochs
        assert {len(curve) for curve in entry["curves"].values()} == {epochs}
    assert patient["flops"]["job"] < whole["flops"]["job"] == per_epoch * 25 * 4
    assert patient["flops"]["per_run"] == whole["flops"]["per_run"]
    # Until it is stopped, a member's course is what it would have been.
    assert patient["learning_rate"] == whole["learning_rate"]
    for mine, theirs in zip(patient["seeds"], whole["seeds"], strict=True):
        mine, theirs = (each["curves"]["validation_loss"] for each in (mine, theirs))
        assert len(mine) < len(theirs) == 25
        assert mine == pytest.approx(theirs[: len(mine)], rel=1e-3)


@pytest.mark.parametrize("own", [False, True])
def test_dropout_draws_other_masks_in_every_epoch(own, tmp_path, monkeypatch):
    """At a learning rate of 0, all samples the same, epochs differ in their masks alone."""
    (tmp_path / "own_dropping_model.py").write_text(OWN.replace("nn.BatchNorm1d(hidden), ", ""))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(loop, "schedule", lambda *_: 0.0)
    spec = spec_of("transformer", seeds=(0,), epochs=4, learning_rates=[1e-2], weight_decay=0.0)
    if own:
        spec |= {"family": "own_dropping_model:make", "size": {"hidden": 12}}
    tensors = data(TABLE if own else TEXT)
    for name in ("train_x", "train_y"):
        tensors[name][:] = tensors[name][:1]
    losses = run(spec, tensors)["seeds"][0]["curves"]["train_loss"]
    assert min(abs(a - b) for a, b in itertools.combinations(losses, 2)) > 1e-5
    spec["size"] = spec["size"] | ({"rate": 0.0} if own else {"dropout": 0.0})
    still = run(spec, tensors)["seeds"][0]["curves"]["train_loss"]
    assert still == pytest.approx(4 * still[:1], abs=2e-6)


def test_fractions_are_prefixes():
    tensors = data(TABLE, rows=60)
    spoiled = {name: t.clone() for name, t in tensors.items()}
    spoiled["train_x"][30:] = math.nan
    half = run(spec_of(fraction="0.5"), tensors)
    assert half["samples"] == 30
    assert half["steps"] == 3 * 2
    assert lasting(half) == lasting(run(spec_of(fraction="0.5"), spoiled))


def test_every_sample_is_seen_once_an_epoch_and_no_batch_is_tiny():
    tensors = data(TABLE, rows=65)
    task = Classification(tensors, TABLE, "1.0", torch.device("cpu"))
    batches = list(task.batches([0, 5], 1, 16))
    assert len(batches) == task.steps(16) == 5
    assert {x.shape[1] for x, _ in batches} == {13}
    seen = torch.cat([x for x, _ in batches], dim=1)
    for rows in seen:
        assert torch.equal(rows.sort(0).values, tensors["train_x"].sort(0).values)
    assert not torch.equal(seen[0], seen[1])
    again = torch.cat([x for x, _ in task.batches([5], 1, 16)], dim=1)
    assert torch.equal(again[0], seen[1])
    later = torch.cat([x for x, _ in task.batches([5], 2, 16)], dim=1)
    assert not torch.equal(later[0], seen[1])


def test_images_are_normalised_and_augmented_by_the_seed():
    tensors = data(DIGITS, rows=40)
    cpu = torch.device("cpu")
    plain = Classification(tensors, DIGITS, "1.0", cpu)
    x, _ = next(plain.evaluation("test"))
    torch.testing.assert_close(x[0], (tensors["test_x"].float() - 8) / 4)

    task = Classification(tensors, DIGITS, "1.0", cpu, augment=True)
    (x, _), *_ = list(task.batches([3, 3, 4], 1, 40))
    assert torch.equal(x[0], x[1])
    order = torch.randperm(40, generator=generator(3, "order", 1))
    # Each is one of the flips and shifts of its own image, and most of them occur.
    seen = set()
    for image, row in zip(x[0], order, strict=True):
        padded = F.pad(tensors["train_x"][row], (1, 1, 1, 1))
        found = _matches(padded, image * 4 + 8)
        assert found
        seen.update(found)
    assert len(seen) > 12


def _matches(padded, image):
    found = []
    for down in range(3):
        for across in range(3):
            view = padded[:, down : down + 8, across : across + 8].float()
            found += [
                (flip, down, across)
                for flip in (0, 1)
                if torch.equal(view.flip(2) if flip else view, image)
            ]
    return found


def test_schedules():
    cosine = [schedule("cosine", step, 100, 0.1) for step in range(100)]
    assert cosine[:2] == pytest.approx([0.1, 0.2])
    assert cosine[9] == cosine[10] == 1.0
    assert cosine[-1] == pytest.approx(0.1)
    assert cosine[10:] == sorted(cosine[10:], reverse=True)
    assert schedule("cosine", 5, 11, 0.0) == pytest.approx(0.55)  # half way between 1 and 0.1
    assert schedule("linear", 5, 11, 0.0) == pytest.approx(0.55)
    assert schedule("linear", 10, 11, 0.0) == pytest.approx(0.1)
    assert {schedule("constant", step, 9, 0.0) for step in range(9)} == {1.0}
    assert schedule("cosine", 0, 1, 0.5) == 1.0


def member(rate, seed, loss, status="ok"):
    losses = [loss + 1, loss] if loss is not None else []
    return Member(seed, rate, status, 2, 2, Curves(validation_loss=losses))


def test_the_rate_with_the_lowest_mean_loss_wins_and_diverged_members_lose():
    members = [
        member(1e-3, 0, 0.5),
        member(1e-3, 1, 0.5),
        member(1e-2, 0, 0.1),
        member(1e-2, 1, 0.6),
    ]
    assert choose_rate(members) == 1e-2
    # One lucky seed, or one unlucky one, is not what a rate gives.
    assert choose_rate([*members[:3], member(1e-2, 1, 1.5)]) == 1e-3
    members[3] = member(1e-2, 1, None, "diverged")
    assert choose_rate(members) == 1e-3
    # A member that diverged late has had good losses: they do not count.
    members[3] = member(1e-2, 1, 0.01, "diverged")
    assert choose_rate(members) == 1e-3
    assert (
        choose_rate([member(1e-1, 0, None, "diverged"), member(1e-2, 0, None, "diverged")]) == 1e-2
    )


def test_a_choice_on_the_edge_of_the_list_is_a_warning():
    rates = [1e-9, 1e-8, 1e-2]
    record = typed(run(spec_of(learning_rates=rates, epochs=4)))
    assert [w.code for w in job_warnings(record)] == ["learning_rate_edge"]
    assert "largest" in edge_warning(record).message
    assert "smallest" in edge_warning(replace(record, learning_rate=1e-9)).message
    assert edge_warning(replace(record, learning_rate=1e-8)) is None
    two = replace(record.spec, training=Training(learning_rates=rates[1:]))
    assert edge_warning(replace(record, spec=two)) is None


def test_progress_says_where_and_how_long(monkeypatch):
    monkeypatch.setattr(job, "SAY_EVERY", 0.0)
    lines = []
    run(spec_of(), say=lines.append)
    assert len(lines) == 3 * 6
    assert lines[0].startswith("made/s/1.0: runs 1–4 of 4, epoch 1/3")
    assert "validation loss" in lines[-1] and "about 0 s left" in lines[-1]


class Killed(BaseException):
    pass


def killed_after(spec, tensors, folder, epochs, monkeypatch):
    """Run until `epochs` epochs of any chunk are saved, then die."""
    done = []
    save = checkpoints.Checkpoints.save

    def dying(self, state, now=False):
        save(self, state, now)
        done.append(1)
        if len(done) == epochs:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "EVERY", 0.0)
        patch.setattr(checkpoints.Checkpoints, "save", dying)
        with pytest.raises(Killed):
            run(spec, tensors, folder)


@pytest.mark.parametrize("family", SIZES)
@pytest.mark.parametrize(("together", "epochs"), [(9, 2), (1, 4)])
def test_a_killed_job_ends_with_the_record_of_one_never_killed(
    family, together, epochs, tmp_path, monkeypatch
):
    monkeypatch.setattr(job, "members_together", lambda *_: together)
    spec = spec_of(family, epochs=5, patience=2, learning_rates=[1e-3, 3e-1], augment=True)
    tensors = data(METAS[family])
    unbroken = run(spec, tensors)
    killed_after(spec, tensors, tmp_path, epochs, monkeypatch)
    lines = []
    resumed = run(spec, tensors, tmp_path, lines.append)
    assert any("going on from a checkpoint" in line for line in lines)
    assert lasting(resumed) == lasting(unbroken)


def test_steps_are_counted_within_an_epoch_and_between_epochs():
    """90 samples in batches of 16: six steps an epoch."""
    training = Training(epochs=3, batch_size=16, learning_rates=[1e-2])
    setup = Setup("mlp", SIZES["mlp"], training, torch.device("cpu"), False)
    task = Classification(data(TABLE), TABLE, "1.0", setup.device)
    chunk = loop.Chunk(setup, task, [Member(0, 1e-2)])
    after_step, after_epoch = [], []
    assert chunk.steps_taken == 0
    chunk.run(
        lambda chunk: after_epoch.append(chunk.steps_taken),
        lambda: after_step.append(chunk.steps_taken),
    )
    assert after_step == list(range(1, 19)) and after_epoch == [6, 12, 18]


class Harmful:
    """What a pickle does that nobody should load."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


def test_a_torn_or_foreign_checkpoint_is_set_aside(tmp_path, monkeypatch):
    spec, tensors = spec_of(), data(TABLE)
    expected = lasting(run(spec, tensors))
    killed_after(spec, tensors, tmp_path, 2, monkeypatch)
    state = tmp_path / "state.pt"
    saved = state.read_bytes()
    flipped = bytearray(saved)
    flipped[len(saved) // 2] ^= 1

    def sealed(content):
        return hashlib.sha256(content).digest() + content

    executed = tmp_path / "executed"
    harm = io.BytesIO()
    torch.save({"digest": "", "state": Harmful(executed)}, harm)
    for content, reason in (
        (saved[: len(saved) // 2], "digest differs"),
        (b"", "digest differs"),
        (bytes(flipped), "digest differs"),
        (sealed(b"no checkpoint"), "not readable"),
        (sealed(harm.getvalue()), "not readable"),
    ):
        state.write_bytes(content)
        lines = []
        assert lasting(run(spec, tensors, tmp_path, lines.append)) == expected
        assert any(reason in line and "set aside as state.aside.pt" in line for line in lines)
        assert (tmp_path / "state.aside.pt").read_bytes() == content
    assert not executed.exists()
    state.write_bytes(saved)
    other = spec_of(seeds=(8, 9))
    lines = []
    run(other, tensors, tmp_path, lines.append)
    assert any("made by another job" in line for line in lines)
    # Equal jobs on other data are other jobs.
    killed_after(spec, tensors, tmp_path, 2, monkeypatch)
    lines = []
    job.run(
        parse(TrainSpec, spec, "spec"), tensors, TABLE, lines.append, tmp_path,
        sha256="of other data",
    )  # fmt: skip
    assert any("on other data" in line for line in lines)


OWN = """
from torch import nn

def make(meta, hidden, rate=0.3):
    return nn.Sequential(
        nn.Linear(meta.shape[0], hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(rate),
        nn.Linear(hidden, meta.classes),
    )
"""


def test_an_own_model_trains_like_any_other(tmp_path, monkeypatch):
    (tmp_path / "own_trained_model.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    spec = spec_of("own_trained_model:make", {"hidden": 12}, epochs=12, learning_rates=[1e-2, 3e-2])
    tensors = data(TABLE)
    record = run(spec, tensors)
    assert lasting(record) == lasting(run(spec, tensors))
    assert record["params"]["total"] == 6 * 12 + 12 + 2 * 12 + 12 * 3 + 3
    assert all(entry["test"]["accuracy"] > 0.5 for entry in record["seeds"])
    killed_after(spec, tensors, tmp_path / "kept", 15, monkeypatch)
    assert lasting(run(spec, tensors, tmp_path / "kept")) == lasting(record)


def test_a_device_that_is_not_there_is_named():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(UserError, match="finds no GPU"):
        run(spec_of() | {"device": "cuda"})


@pytest.mark.parametrize(
    ("family", "size", "shape", "expected"),
    [
        ("mlp", {"width": 64}, (16,), 9),
        ("cnn", {"width": 1 / 16}, (1, 8, 8), 9),
        ("cnn", {"width": 1.0}, (3, 32, 32), 1),
        ("cnn", {"width": 1.0}, (3, 4, 32), 2),  # 64 channels of 128 pixels: 18,432 // 8,192
        ("cnn", {"width": 1.0}, (3, 32, 4), 2),
        ("transformer", {"d_model": 64, "n_layers": 1}, (64,), 1),
        ("own:make", {}, (16,), 1),
    ],
)
def test_members_together_on_a_cpu(family, size, shape, expected):
    cpu = torch.device("cpu")
    assert device.members_together(family, size, shape, 10_000, 9, cpu) == expected
    assert device.members_together(family, size, shape, 50_000_000, 9, cpu) == 1


@pytest.mark.parametrize(
    ("family", "size", "expected"),
    [
        ("mlp", {"width": 64}, 9),
        ("transformer", {"d_model": 64, "n_layers": 1}, 9),
        ("cnn", {"width": 1.0}, 9),
        ("own:make", {}, 1),
    ],
)
def test_members_together_on_a_gpu(family, size, expected):
    gpu = torch.device("cuda")  # named, not used
    assert device.members_together(family, size, (1, 8, 8), 10_000, 9, gpu) == expected
    assert device.members_together(family, size, (1, 8, 8), 10_000_000, 9, gpu) <= 4


def test_bfloat16_trains_to_nearly_the_same():
    spec = spec_of(epochs=8, learning_rates=[3e-2])
    full = run(spec)
    half = run(spec_of(epochs=8, learning_rates=[3e-2], precision="bfloat16"))
    assert (full["device"]["precision"], half["device"]["precision"]) == ("float32", "bfloat16")
    for ours, theirs in zip(half["seeds"], full["seeds"], strict=True):
        ours, theirs = ours["curves"]["train_loss"], theirs["curves"]["train_loss"]
        assert ours == pytest.approx(theirs, rel=0.05)
        assert ours != theirs


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_dropping_members_keeps_the_others_moments(kind):
    model = build("mlp", {"width": 4, "depth": 1}, TABLE, members=3)
    initialise(model, [0, 1, 2])
    flat = Flat(model)
    whole = Optimiser(flat, [0.1, 0.2, 0.1], kind, 0.0)
    source = torch.Generator().manual_seed(0)
    grads = [torch.randn(flat.values.shape, generator=source) for _ in range(4)]
    for grad in grads[:2]:
        flat.grads.copy_(grad)
        whole.step(1.0)
    rest = Flat(build("mlp", {"width": 4, "depth": 1}, TABLE, members=3))
    rest.replace(flat.snapshot())
    cut = Optimiser(rest, [0.1, 0.2, 0.1], kind, 0.0)
    cut.load(whole.state())
    rows = torch.tensor([1, 2])
    rest.replace(rest.snapshot(rows))
    cut.keep(rows, [0.2, 0.1])
    for grad in grads[2:]:
        flat.grads.copy_(grad)
        whole.step(1.0)
        rest.grads.copy_(grad[rows])
        cut.step(1.0)
    assert torch.equal(rest.values, flat.values[rows])


@pytest.mark.parametrize("classes", [3, 26])
@pytest.mark.parametrize("kind", ["apart", "half", "equal", "nan"])
def test_what_is_foremost_is_what_argmax_says(kind, classes):
    """Of equal logits the first, as they are in half precision or of a dead network."""
    source = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 50, classes, generator=source)
    y = torch.randint(0, classes, (4, 50), generator=source)
    if kind == "half":
        logits = logits.bfloat16().float()
    elif kind == "equal":
        logits[:, ::2] = 0.5
    elif kind == "nan":
        logits[1] = math.nan
    assert torch.equal(foremost(logits, y), logits.argmax(-1) == y)


def test_freed_memory_stays_with_the_process():
    """Tensors that are made and dropped again and again have their pages faulted in once."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("no glibc here")
    device.keep_memory()

    def faults():
        for _ in range(5):
            [torch.ones(1 << 16) for _ in range(100)]
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    before = faults()
    assert faults() - before < 500  # 2,533 in a process that gives its memory back
