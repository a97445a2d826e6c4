"""Training models of other libraries: with the guarantees that the built-in families have."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from alphascale.auditing.job_warnings import job_warnings
from alphascale.config import Training
from alphascale.data.token_windows import build_windows
from alphascale.families import family as family_of
from alphascale.networks.build import build, initialise
from alphascale.records.data import DataSpec, Meta, Origin
from alphascale.records.specs import TrainSpec
from alphascale.records.training import TrainingRecord
from alphascale.records.typed import as_json, parse
from alphascale.training import checkpoints, job, loop
from alphascale.training.classification import Classification
from alphascale.training.device import deterministic
from alphascale.training.loop import Member, Setup
from alphascale.training.masked import LEFT, Masked
from foreign_made import GREY, MASKED, NEXT, TEXT, bert, checkpoint, data, vit

GPT2 = {"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2}
MOBILE = {"name": "mobilenet_v3_small", "width": 0.1, "resize": 32}
CASES = {
    "text": ("hf", bert(16, 1), TEXT),
    "next": ("hf", GPT2, NEXT),
    "masked": ("hf", bert(16, 1), MASKED),
    "image": ("hf", vit(), GREY),
    "torchvision": ("torchvision", MOBILE, GREY),
    "timm": ("timm", {"name": "test_vit", "drop_rate": 0.1}, GREY),
}
TUNED = ("whole", "head", "lora")


def spec_of(name: str, size: dict, seeds=(0, 1), **training):
    training = {"epochs": 2, "batch_size": 16, "learning_rates": [3e-3]} | training
    return parse(TrainSpec, {
        "domain": "made", "scale": "s", "fraction": "1.0", "family": name,
        "size": family_of(name).complete(size), "seeds": list(seeds),
        "training": Training(**training).model_dump(), "device": "cpu",
        "data": {"source": "csv", "seed": 0, "test": 0.2, "validation": 0.1},
    }, "spec")  # fmt: skip


def run(spec, meta, folder=None, say=lambda line: None, tensors=None, **more):
    return as_json(job.run(spec, tensors or data(meta), meta, say, folder, **more)[0])


def lasting(record):
    """The record without what differs between two equal runs."""
    measured = ("time", "energy", "peak_memory_bytes")
    return {k: v for k, v in record.items() if k not in measured}


def tuned(tmp_path, tune: str) -> dict:
    size = {"pretrained": checkpoint(tmp_path / "tiny", layers=1), "tune": tune}
    return size | ({"rank": 2} if tune == "lora" else {})


class Killed(BaseException):
    pass


def killed(monkeypatch, spec, meta, folder, at: int) -> None:
    """Train until a checkpoint is written for the time `at`, and die."""
    save, saved = checkpoints.Checkpoints.save, []

    def dying(self, state, now=False):
        if save(self, state, now):
            saved.append(True)
        if len(saved) == at:
            raise Killed
        return bool(saved)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "EVERY", 0.0)
        patch.setattr(checkpoints.Checkpoints, "save", dying)
        with pytest.raises(Killed):
            run(spec, meta, folder)


@pytest.mark.parametrize("case", CASES)
def test_same_seed_same_course_whoever_trains_beside(case):
    name, size, meta = CASES[case]
    first, second = (run(spec_of(name, size), meta) for _ in range(2))
    assert lasting(first) == lasting(second)
    alone = run(spec_of(name, size, seeds=(1,), learning_rates=[3e-3]), meta)
    assert alone["seeds"][0]["curves"] == first["seeds"][1]["curves"]
    assert first["seeds"][0]["curves"] != first["seeds"][1]["curves"]


@pytest.mark.parametrize("case", CASES)
def test_resumed_it_ends_as_if_never_killed(case, monkeypatch, tmp_path):
    """In the middle of an epoch, with dropout."""
    name, size, meta = CASES[case]
    spec = spec_of(name, size)
    whole = run(spec, meta)
    killed(monkeypatch, spec, meta, tmp_path, at=7)
    assert lasting(run(spec, meta, tmp_path)) == lasting(whole)


@pytest.mark.parametrize("tune", TUNED)
def test_fine_tuned_it_learns_resumes_and_repeats(tune, monkeypatch, tmp_path):
    spec = spec_of("hf", tuned(tmp_path, tune), epochs=6, learning_rates=[1e-2])
    whole = run(spec, TEXT)
    for entry in whole["seeds"]:
        assert entry["curves"]["train_loss"][-1] < entry["curves"]["train_loss"][0]
    killed(monkeypatch, spec, TEXT, tmp_path / "kept", at=9)
    assert lasting(run(spec, TEXT, tmp_path / "kept")) == lasting(whole)


@pytest.mark.parametrize("tune", TUNED)
def test_what_is_frozen_is_untouched_and_what_is_not_moves(tune, tmp_path):
    size = tuned(tmp_path, tune)
    setup = Setup("hf", size, Training(epochs=1, batch_size=16, learning_rates=[1e-2]),
                  torch.device("cpu"), False)  # fmt: skip
    task = Classification(data(TEXT), TEXT, "1.0", setup.device)
    chunk = loop.Chunk(setup, task, [Member(0, 1e-2), Member(1, 1e-2)])
    before = chunk.model.member(0).state_dict()
    frozen = {k: v.clone() for k, v in chunk.model._template[0].state_dict().items()}
    chunk.run(lambda chunk: None, lambda: None)
    after = chunk.model.member(0).state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    head = {n for n in before if "classifier" in n or "pooler" in n}
    expected = {
        "whole": {n for n, _ in chunk.model.member(0).named_parameters()},
        "head": head,
        "lora": head | {n for n in before if "lora_" in n},
    }[tune]
    # Of the vocabulary and positions only what occurs has a gradient, but one table is one
    # parameter; the token types that no text has, too.
    assert moved == expected
    for name in chunk.model._template[0].shared:
        assert torch.equal(chunk.model._template[0].state_dict()[name], frozen[name])


def cramped(monkeypatch, kind, most: int) -> None:
    losses = kind.losses

    def refusing(self, logits, y):
        if torch.is_grad_enabled() and logits.shape[1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        return losses(self, logits, y)

    monkeypatch.setattr(kind, "losses", refusing)


@pytest.mark.parametrize("case", ["text", "image", "masked", "next"])
def test_where_memory_ends_classifiers_too_are_computed_in_pieces(case, monkeypatch):
    name, size, meta = CASES[case]
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    if case == "next":
        still = {"embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0}
    spec = spec_of(name, size | still)
    whole = run(spec, meta)
    cramped(monkeypatch, Masked if case == "masked" else job.NextToken if case == "next"
            else Classification, 5)  # fmt: skip
    lines = []
    pieced = run(spec, meta, say=lines.append)
    assert pieced["pieces"] == 4 and sum("out of memory" in line for line in lines) == 4
    assert not any("batch norm" in line for line in lines)
    for one, other in zip(whole["seeds"], pieced["seeds"], strict=True):
        assert other["test"]["loss"] == pytest.approx(one["test"]["loss"], rel=1e-4)


def test_with_batch_norm_the_line_says_what_pieces_change(monkeypatch):
    name, size, meta = CASES["torchvision"]
    cramped(monkeypatch, Classification, 5)
    lines = []
    record = run(spec_of(name, size, seeds=(0,)), meta, say=lines.append)
    assert record["pieces"] == 4
    assert any("batch norm then sees a piece, not the batch" in line for line in lines)
    assert job_warnings(parse(TrainingRecord, record, "record"))[-1].code == "micro_batch"
    # A piece of one sample alone has no deviation to be normalised by.
    cramped(monkeypatch, Classification, 1)
    with pytest.raises(torch.OutOfMemoryError):
        run(spec_of(name, size, seeds=(0,)), meta)


def test_fifteen_in_a_hundred_tokens_are_masked_as_in_bert():
    """Chosen as many in each window, never the first; 80, 10 and 10 % of them hidden, replaced and
    left; by seed and epoch in training, once for the other splits."""
    meta = Meta("tokens", 40, (41,), 40, 0, None, None, task="masked", mask=2)
    tensors = data(meta, rows=600)
    task = Masked(tensors, meta, "1.0", torch.device("cpu"))
    ((x, y),) = task.batches([0, 1], 1, 600)
    told = y != LEFT
    assert (told.sum(2) == 6).all() and not told[..., 0].any()
    shares = told[0].float().mean(0)[1:]
    assert shares.min() > 0.1 and shares.max() < 0.21
    hidden, same = (x == 2)[told].float().mean(), (x == y)[told].float().mean()
    assert abs(hidden - 0.8) < 0.02 and abs(same - 0.1 - 0.1 / 40) < 0.02
    assert not torch.equal(x[0], x[1])
    ((again, _),) = task.batches([1], 1, 600)
    ((later, _),) = task.batches([1], 2, 600)
    assert torch.equal(again[0], x[1]) and not torch.equal(later[0], x[1])
    other = Masked(data(meta, rows=600), meta, "0.5", torch.device("cpu"))
    for split in ("validation", "test"):
        assert torch.equal(task.x[split], other.x[split])
        (ex, ey) = next(task.evaluation(split))
        restored = torch.where(ey == LEFT, ex, ey)
        assert torch.equal(restored[0], tensors[f"{split}_y"][: len(restored[0])])


def test_a_masked_loss_is_the_mean_over_masked_tokens():
    logits = torch.zeros(1, 2, 10, 40)
    y = torch.full((1, 2, 10), LEFT)
    y[0, 0, 3], y[0, 1, 5] = 7, 9
    logits[0, 0, 3, 7] = 3.0
    task = SimpleNamespace(chosen=1)
    loss, right = Masked.losses(task, logits, y)

    def nats(z: float) -> float:
        return -(torch.tensor([z, *[0.0] * 39]).log_softmax(0)[0]).item()

    assert loss.item() == pytest.approx((nats(3.0) + nats(0.0)) / 2)
    assert right.item() == 1


def test_windows_for_masked_tokens_open_with_one_of_their_own():
    spec = DataSpec("corpus", 0, 0.2, 0.2, length=8, vocabulary=300, task="masked")
    text = "the quick brown fox jumps over the lazy dog\n" * 40
    corpus = SimpleNamespace(
        documents=[text] * 6, own_split=None, notes=[], source=Origin("c", "", "", {})
    )
    tensors, prepared = build_windows(corpus, spec, lambda line: None)
    plain, _ = build_windows(corpus, DataSpec("corpus", 0, 0.2, 0.2, length=7, vocabulary=303),
                             lambda line: None)  # fmt: skip
    assert prepared.task == "masked" and prepared.shape == (8,)
    assert (prepared.pad, prepared.mask) == (0, 2)
    for split in ("train", "validation", "test"):
        x, y = tensors[f"{split}_x"], tensors[f"{split}_y"]
        assert (x == y).all() and (x[:, 0] == 1).all() and not (x[:, 1:] < 3).any()
        assert len(x) == len(plain[f"{split}_x"])


@pytest.mark.parametrize("case", ["masked", "next", "text", "image", "lora", "mlp"])
def test_weights_that_are_kept_are_those_that_were_tested(case, tmp_path):
    """Taken up again as a checkpoint they give the loss that the record has of the test split."""
    name, size, meta = CASES.get(case, ("hf", None, TEXT))
    if case == "lora":
        size = tuned(tmp_path, "lora")
    if case == "mlp":
        name, size, meta = "mlp", {"width": 4, "depth": 1, "dropout": 0.2}, GREY
    spec = spec_of(name, size, epochs=3, keep=True, learning_rates=[1e-3, 1e-2])
    models = tmp_path / "models"
    record = run(spec, meta, tmp_path / "state", models=models)
    assert sorted(p.name for p in models.iterdir()) == ["0", "1"]
    assert not (tmp_path / "state" / "kept").exists()
    for entry in record["seeds"]:
        folder = models / str(entry["seed"])
        if case == "mlp":
            from safetensors.torch import load_file

            model = build(name, size, meta)
            model.load_state_dict({k: v[None] for k, v in load_file(
                folder / "model.safetensors").items()})  # fmt: skip
        else:
            again = {"pretrained": str(folder)}
            model = build("hf", again, meta)
            initialise(model, [0])
            if meta.kind != "tokens":  # whose head is drawn anew
                from transformers import AutoModel
                from transformers import AutoModelForImageClassification as Images
                from transformers import AutoModelForSequenceClassification as Texts

                assert AutoModel.from_pretrained(folder) is not None
                kind = Images if meta.kind == "image" else Texts
                model._template[0].model = kind.from_pretrained(folder)
                for key, attribute in model.stacks.items():
                    getattr(model, attribute).data[0] = model._template[0].state_dict()[key]
        task = job.Masked if case == "masked" else job.NextToken if case == "next" else (
            Classification)  # fmt: skip
        task = task(data(meta), meta, "1.0", torch.device("cpu"))
        total = 0.0
        with torch.no_grad():
            for x, y in task.evaluation("test"):
                total += task.losses(model.eval()(x), y)[0].item() * y.shape[1]
        assert total / 30 == pytest.approx(entry["test"]["loss"], rel=1e-4)


def test_weights_are_kept_through_a_kill(monkeypatch, tmp_path):
    name, size, meta = CASES["text"]
    spec = spec_of(name, size, keep=True)
    run(spec, meta, tmp_path / "whole", models=tmp_path / "one")
    save, saved = checkpoints.Checkpoints.save, []

    def dying(self, state, now=False):
        saved.append(save(self, state, now))
        if len(saved) == 15:  # the first member is done
            raise Killed
        return saved[-1]

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "EVERY", 0.0)
        patch.setattr(checkpoints.Checkpoints, "save", dying)
        with pytest.raises(Killed):
            run(spec, meta, tmp_path / "state", models=tmp_path / "two")
    assert len(list((tmp_path / "state" / "kept").iterdir())) == 1
    run(spec, meta, tmp_path / "state", models=tmp_path / "two")
    for seed in "01":
        one, two = (tmp_path / which / seed / "model.safetensors" for which in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


class Put(torch.nn.Linear):
    """A layer with an operation of which torch has no repeatable kernel anywhere."""

    def forward(self, x):
        y = super().forward(x)
        return torch.zeros_like(y).put_(torch.arange(y.numel()), y)


def put_net(meta, hidden):
    return torch.nn.Sequential(
        torch.nn.Linear(meta.shape[0], hidden), torch.nn.Dropout(0.5), Put(hidden, meta.classes)
    )


def test_an_operation_without_a_repeatable_kernel_passes_and_is_said(monkeypatch):
    """As on a GPU, where repeatable kernels are asked for; the failed pass leaves no trace."""
    meta = Meta("tabular", 3, (4,), *[None] * 4)
    spec = spec_of(f"{__name__}:put_net", {"hidden": 6})
    source = torch.Generator().manual_seed(0)
    tensors = {}
    for split in ("train", "validation", "test"):
        tensors[f"{split}_x"] = torch.randn(40, 4, generator=source)
        tensors[f"{split}_y"] = torch.randint(0, 3, (40,), generator=source)
    whole = run(spec, meta, tensors=tensors)
    lines: list[str] = []
    # On a CPU nothing is asked; the same block as a GPU's is entered in its place.
    monkeypatch.setattr(job, "deterministic", lambda device: deterministic(torch.device("cuda")))
    again = run(spec, meta, say=lines.append, tensors=tensors)
    assert not torch.are_deterministic_algorithms_enabled()
    assert lasting(again) == lasting(whole)
    said = [line for line in lines if "repeatable" in line or "deterministic" in line]
    assert said == [
        "put_ does not have a deterministic implementation on this GPU: two runs of this job may "
        "differ by rounding"
    ]
