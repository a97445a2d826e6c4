"""Language models in training: the loss, what the record adds, memory that ends, a real SIGKILL."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from alphascale.auditing.job_warnings import job_warnings
from alphascale.config import Data, Training
from alphascale.data.make import prepare
from alphascale.errors import UserError
from alphascale.records.data import Meta
from alphascale.records.files import read_sealed
from alphascale.records.specs import TrainSpec
from alphascale.records.training import TrainingRecord
from alphascale.records.typed import as_json, parse
from alphascale.slices import data_spec
from alphascale.training import checkpoints, job, loop
from alphascale.training.next_token import NextToken
from running import job_of

META = Meta("tokens", 12, (8,), 12, None, None, None, (3.0, 2.5, 2.0), "next")
SIZES = {
    "transformer_lm": {"d_model": 16, "n_layers": 1},
    "resnet_bk": {"d_model": 16, "n_layers": 1},
}


def windows(rows: int = 60, seed: int = 0) -> dict[str, torch.Tensor]:
    """A language where the next token is one more than this one, or now and then any token."""
    source = torch.Generator().manual_seed(seed)
    tensors = {}
    for split, n in (("train", rows), ("validation", 20), ("test", 24)):
        jumps = torch.randint(12, (n, 9), generator=source)
        rare = torch.rand(n, 9, generator=source) < 0.15
        stream = jumps.clone()
        for t in range(1, 9):
            stream[:, t] = torch.where(rare[:, t], jumps[:, t], (stream[:, t - 1] + 1) % 12)
        tensors[f"{split}_x"] = stream[:, :-1].int()
        tensors[f"{split}_y"] = stream[:, 1:].clone()
    return tensors


def spec_of(family: str, seeds=(0, 1), **training) -> dict:
    return {
        "domain": "made", "scale": "s", "fraction": "1.0", "family": family,
        "size": SIZES[family], "seeds": list(seeds), "device": "cpu",
        "data": {"source": "corpus", "seed": 0, "test": 0.2, "validation": 0.1},
        "training": Training(**{"epochs": 3, "batch_size": 16} | training).model_dump(),
    }  # fmt: skip


def run(spec: dict, tensors=None, say=lambda line: None, folder=None) -> dict:
    tensors = windows() if tensors is None else tensors
    return as_json(job.run(parse(TrainSpec, spec, "spec"), tensors, META, say, folder)[0])


def lasting(record: dict) -> str:
    kept = {k: v for k, v in record.items() if k not in ("time", "energy", "peak_memory_bytes")}
    return json.dumps(kept, sort_keys=True)


def test_the_loss_is_the_mean_over_tokens_in_nats_and_y_follows_x():
    tensors = windows()
    task = NextToken(tensors, META, "1.0", torch.device("cpu"))
    for split in ("train", "validation"):  # as made: what follows is what stands one place on
        assert torch.equal(task.x[split][:, 1:].long(), task.y[split][:, :-1])
    logits = torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    y = task.y["test"][None, :3]
    losses, right = task.losses(logits, y)
    logs = logits.log_softmax(-1)
    for member in range(2):
        by_hand = [-logs[member, b, t, y[0, b, t]] for b in range(3) for t in range(8)]
        assert losses[member].item() == pytest.approx(sum(by_hand).item() / 24, rel=1e-6)
        hits = (logits[member].argmax(-1) == y[0]).sum().item()
        assert right[member].item() == pytest.approx(hits / 8)


@pytest.mark.parametrize("family", SIZES)
def test_the_record_says_perplexity_and_bits_per_byte(family):
    record = run(spec_of(family, epochs=12, learning_rates=[3e-2]))
    language = record["language"]
    assert language["d_model"] == 16 and language["n_layers"] == 1
    assert language["tokens"] == 60 * 8 and record["samples"] == 60
    assert record["flops"]["per_run"] == record["flops"]["training_per_sample"] * 60 * 12
    for entry in record["seeds"]:
        perplexity, curve = entry["perplexity"], entry["curves"]["validation_loss"]
        assert perplexity["validation_epochs"] == [math.exp(loss) for loss in curve]
        assert perplexity["validation_final"] == math.exp(curve[-1])
        assert perplexity["validation_best"] == math.exp(min(curve))
        assert perplexity["test"] == pytest.approx(math.exp(entry["test"]["loss"]))
        # 2 bytes a token in the test split.
        bits = entry["test"]["loss"] / math.log(2) / 2.0
        assert entry["bits_per_byte"]["test"] == pytest.approx(bits)
        # The language is easy: far below token counts, which know only that all are as frequent.
        assert 11 < language["unigram_perplexity"]["test"] < 14
        assert perplexity["test"] < 5


def test_unigram_loss_by_hand():
    tensors = windows()
    task = NextToken(tensors, META, "0.5", torch.device("cpu"))
    seen = tensors["train_y"][:30].flatten().tolist()
    share = {token: (seen.count(token) + 1) / (len(seen) + 12) for token in range(12)}
    y = tensors["test_y"].flatten().tolist()
    expected = -sum(math.log(share[token]) for token in y) / len(y)
    assert task.unigram_loss("test") == pytest.approx(expected)


@pytest.mark.parametrize("family", SIZES)
def test_where_memory_ends_batches_are_computed_in_pieces(family, monkeypatch):
    """No more than 5 samples fit: batches of 15 need 4 pieces. Same course but for rounding."""
    tensors = windows()
    spec = spec_of(family, learning_rates=[1e-2])
    spec["size"] = spec["size"] | {"dropout": 0.0}  # masks are drawn by piece
    whole = run(spec, tensors)
    losses = NextToken.losses
    refused = []

    def cramped(self, logits, y):
        if torch.is_grad_enabled() and logits.shape[1] > 5:
            refused.append(logits.shape[1])
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        return losses(self, logits, y)

    monkeypatch.setattr(NextToken, "losses", cramped)
    lines = []
    pieced = run(spec, tensors, lines.append)
    assert refused == [15, 8]
    (warning,) = job_warnings(parse(TrainingRecord, pieced, "record"))
    assert warning.code == "micro_batch" and "in 4 pieces of at most 4" in warning.message
    assert sum("out of memory" in line for line in lines) == 2
    # ResNet-BK's load balance is that of each piece, and a token near a tie may change its expert.
    slack = 1e-5 if family == "transformer_lm" else 2e-2
    for one, other in zip(whole["seeds"], pieced["seeds"], strict=True):
        assert other["test"]["loss"] == pytest.approx(one["test"]["loss"], rel=slack)


class Killed(BaseException):
    pass


def test_pieces_draw_the_same_masks_whether_found_by_failing_given_or_resumed(
    monkeypatch, tmp_path
):
    """With dropout: a failed batch leaves no trace, and a resumed job goes on in as many pieces."""
    spec, tensors = spec_of("transformer_lm", seeds=[0]), windows()
    init = loop.Chunk.__init__
    save = checkpoints.Checkpoints.save

    def in_four(self, *args):
        init(self, *args)
        self.pieces = 4

    with monkeypatch.context() as patch:
        patch.setattr(loop.Chunk, "__init__", in_four)
        given = run(spec, tensors)
    losses = NextToken.losses

    def cramped(self, logits, y):
        if torch.is_grad_enabled() and logits.shape[1] > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return losses(self, logits, y)

    def dying(self, state, now=False):
        save(self, state, now)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(NextToken, "losses", cramped)
        assert lasting(run(spec, tensors)) == lasting(given)
        patch.setattr(checkpoints, "EVERY", 0.0)
        patch.setattr(checkpoints.Checkpoints, "save", dying)
        with pytest.raises(Killed):
            run(spec, tensors, folder=tmp_path)
    # Memory is free again, and the record still that of the job as it began.
    assert lasting(run(spec, tensors, folder=tmp_path)) == lasting(given)


def test_a_fault_that_is_not_memory_and_a_sample_that_never_fits_end_the_job(monkeypatch):
    def faulty(self, logits, y):
        raise RuntimeError(message)

    monkeypatch.setattr(NextToken, "losses", faulty)
    message = "shapes do not match"
    with pytest.raises(RuntimeError, match="shapes"):
        run(spec_of("transformer_lm"))
    message = "CUDA out of memory"
    with pytest.raises(RuntimeError, match="out of memory"):
        run(spec_of("transformer_lm"))


OWN = """
from torch import nn

def make(meta, width):
    return nn.Sequential(nn.Embedding(meta.vocabulary, width), nn.Linear(width, meta.classes))

def pooled(meta, width):
    flat = meta.shape[0] * meta.classes
    return nn.Sequential(make(meta, width), nn.Flatten(), nn.Linear(flat, meta.classes))
"""


def test_an_own_language_model_trains_like_any_other(tmp_path, monkeypatch):
    (tmp_path / "own_language_model.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    spec = spec_of("transformer_lm", epochs=15, learning_rates=[3e-2])
    spec |= {"family": "own_language_model:make", "size": {"width": 16}}
    record = run(spec)
    assert record["params"]["embedding"] == 12 * 16 and record["language"]["d_model"] is None
    assert all(entry["perplexity"]["test"] < 5 for entry in record["seeds"])
    with pytest.raises(UserError, match="length, vocabulary"):
        run(spec | {"family": "own_language_model:pooled"})


# train.py, with a checkpoint after every epoch instead of every 20 seconds.
EAGER = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]); "
    "import alphascale.training.checkpoints as c; c.EVERY = 0.05; "
    "sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.mark.parametrize("family", SIZES)
def test_a_killed_train_program_ends_with_the_record_of_one_never_killed(root, tmp_path, family):
    (tmp_path / "text.txt").write_text("the sea is wide and the hill is high\n" * 400)
    section = Data(source="corpus", path=str(tmp_path / "text.txt"), length=16, vocabulary=270)
    data = data_spec(section, 0)
    prepare("made", data, tmp_path / "d.safetensors", tmp_path / "d.json", lambda line: None)
    spec = spec_of(family, seeds=[0], epochs=40, batch_size=8) | {"data": as_json(data)}

    def start(out: str, checkpoints: str) -> subprocess.Popen:
        scripts = root / "workflow" / "scripts"
        files = {"data": tmp_path / "d.safetensors", "meta": tmp_path / "d.json"}
        job = job_of(spec, files, {"record": tmp_path / out}, "0" * 64, domain="made")
        words = {
            "device": "cpu", "threads": 1, "jobs-per-gpu": 1,
            "checkpoints": tmp_path / checkpoints, "log": tmp_path / f"{out}.log",
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-c", EAGER, scripts, scripts / "train.py", job]
            + [f"--{name}={value}" for name, value in words.items()],
            stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    unbroken = start("unbroken.json", "one")
    killed = start("killed.json", "two")
    deadline = time.monotonic() + 120
    while not list((tmp_path / "two").glob("*/state.pt")) and time.monotonic() < deadline:
        assert killed.poll() is None, "ended before it could be killed"
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed.json").exists()
    assert start("killed.json", "two").wait() == 0
    assert "going on from a checkpoint" in (tmp_path / "killed.json.log").read_text()
    assert unbroken.wait() == 0
    records = [read_sealed(tmp_path / f"{n}.json") for n in ("unbroken", "killed")]
    assert lasting(records[0]) == lasting(records[1])
    assert len(records[0]["seeds"][0]["curves"]["train_loss"]) == 40
