"""One training job: all members (seeds × learning rates) of a (domain, scale, fraction)."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import __version__
from ..auditing.curves import judge, summarise
from ..networks.count import COUNTED_BY, count_flops, count_params
from ..records.files import SCHEMA
from ..running.signals import Stopped
from .checkpoints import STATE, Checkpoints
from .choice import choose_rate, edge_warning
from .classification import Classification
from .device import (
    choose_device,
    describe,
    deterministic,
    gpu_uuid,
    members_together,
    peak_memory,
    use_bfloat16,
)
from .energy import Meter
from .loop import Chunk, Member, Plan
from .next_token import NextToken

if TYPE_CHECKING:
    from ..records.data import Meta

# Seconds between two lines of progress.
SAY_EVERY = 2.0


def run(
    spec: dict[str, Any],
    tensors: dict[str, Tensor],
    meta: Meta,
    progress: Callable[[str], None],
    checkpoints: Path | None = None,
    *,
    sha256: str = "",
    asked: Callable[[], int | None] = lambda: None,
) -> dict[str, Any]:
    """Train all members of the job that `spec` describes and return its record.

    Args: spec, the job's slice of the configuration; tensors, the six of the domain's data file;
    progress, called with lines for a person; checkpoints, a folder that is this job's own; sha256,
    of the data, so that no checkpoint of other data is taken up; asked, called after every step: a
    signal's number when the job shall save its state and end, by raising Stopped.
    Same spec, data, machine and thread count: same record, but for what is measured: `time`,
    `energy` and `peak_memory_bytes`.
    Raises UserError for a size, device or model that cannot be.
    """
    started, cpu_started = time.monotonic(), time.process_time()
    training = spec["training"]
    device = choose_device(spec.get("device", "auto"))
    plan = Plan(
        family=spec["family"],
        size=spec["size"],
        training=training,
        device=device,
        bfloat16=use_bfloat16(training["precision"], device),
    )
    params = count_params(plan.family, plan.size, meta)
    flops = count_flops(plan.family, plan.size, meta)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    kind = NextToken if meta.kind == "tokens" else Classification
    task = kind(tensors, meta, spec["fraction"], device, training["augment"])
    name = f"{spec['domain']}/{spec['scale']}/{spec['fraction']}"
    facts = task.facts(spec)

    training_started = time.monotonic()
    meter = Meter(gpu_uuid(device), _seen_before(checkpoints))
    with meter, deterministic(device):
        members, pieces, before_s = _train_all(
            plan, task, spec, params["total"], name, progress, checkpoints, sha256, asked
        )
    train_s = before_s + time.monotonic() - training_started

    chosen = choose_rate(members)
    seeds = [
        _entry(m, flops["training"], task.samples) for m in members if m.learning_rate == chosen
    ]
    for entry in seeds:
        entry.update(task.member_facts(entry))
    ok = [entry for entry in seeds if entry["status"] == "ok"]
    longest = max(entry["epochs_run"] for entry in seeds)
    per_epoch = flops["training"] * task.samples
    return {
        "schema": SCHEMA,
        **{key: spec[key] for key in ("domain", "scale", "fraction", "family", "size")},
        **facts,
        "params": params,
        "samples": task.samples,
        "epochs": training["epochs"],
        "samples_seen": longest * task.samples,
        "steps": longest * task.steps(training["batch_size"]),
        "flops": {
            "forward_per_sample": flops["forward"],
            "training_per_sample": flops["training"],
            "per_run": per_epoch * training["epochs"],
            "job": per_epoch * sum(m.epochs_run for m in members),
            "counted_by": COUNTED_BY,
        },
        "learning_rate": chosen,
        "sweep": [
            {
                "learning_rate": m.learning_rate,
                "seed": m.seed,
                "validation_loss": m.best_loss if m.status == "ok" else None,
                "status": m.status,
            }
            for m in members
        ],
        "seeds": seeds,
        "time": {
            "train_s": train_s,
            "total_s": time.monotonic() - started,
            "cpu_s": time.process_time() - cpu_started,
        },
        "energy": meter.result(),
        "peak_memory_bytes": peak_memory(device),
        "device": describe(device, plan.bfloat16),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "alphascale": __version__,
        },
        "warnings": _warnings(members, chosen, training["learning_rates"])
        + _memory_warning(pieces, training["batch_size"]),
        "generalisation": summarise(
            [entry["warnings"] for entry in ok], [entry["best_epoch"] for entry in ok]
        ),
    }


def _train_all(
    plan: Plan,
    task: Classification,
    spec: dict[str, Any],
    params: int,
    name: str,
    progress: Callable[[str], None],
    folder: Path | None,
    sha256: str,
    asked: Callable[[], int | None],
) -> tuple[list[Member], int, float]:
    """Train the members chunk by chunk, going on from a checkpoint where there is one.

    Returns them, the most pieces that a batch had to be computed in, and the seconds that went into
    the checkpoint.
    """
    rates = plan.training["learning_rates"]
    members = [Member(seed, rate) for seed in spec["seeds"] for rate in rates]
    together = members_together(
        plan.family,
        plan.size,
        task.meta.shape,
        params,
        len(members),
        plan.device,
        task.meta.vocabulary,
    )
    identity = {
        "spec": spec,
        "data": sha256,
        "torch": torch.__version__,
        "device": describe(plan.device, plan.bfloat16),
    }
    store = Checkpoints(folder, identity, plan.device, progress)
    saved = store.load() or {"finished": [], "chunk": None, "pieces": 1, "seconds": 0.0}
    pieces, before_s, began = saved["pieces"], saved["seconds"], time.monotonic()
    finished = [Member(**member) for member in saved["finished"]]
    chunk_state = saved["chunk"]
    steps = task.steps(plan.training["batch_size"]) * plan.training["epochs"]
    say = _Progress(progress, name, len(members), steps * len(members))
    if finished or chunk_state:
        progress(f"{name}: going on from a checkpoint, {len(finished)} of {len(members)} runs done")

    def state(chunk: Chunk | None) -> dict[str, Any]:
        done = [asdict(member) for member in finished]
        now = None if chunk is None else chunk.state()
        seconds = before_s + time.monotonic() - began
        return {"finished": done, "chunk": now, "pieces": pieces, "seconds": seconds}

    def pause(chunk: Chunk) -> None:
        number = asked()
        written = store.save(partial(state, chunk), now=number is not None)
        if number is not None:
            raise Stopped(number, f"its state at {say.place()} is saved" if written else "")

    while len(finished) < len(members):
        chunk = Chunk(plan, task, members[len(finished) : len(finished) + together], progress)
        if chunk_state is not None:
            chunk.load(chunk_state)
            chunk_state = None
        say.start(chunk, len(finished))
        chunk.run(say.epoch, say.step, pause)
        finished += chunk.members
        pieces = max(pieces, chunk.pieces)
        store.save(partial(state, None))
    return finished, pieces, before_s


def _seen_before(folder: Path | None) -> str | None:
    """Why the energy of this window is not the whole training's, if it is not."""
    if folder is not None and (folder / STATE).exists():
        return "the job goes on from a checkpoint, and what came before was not seen"
    return None


class _Progress:
    """Lines for a person, at most one every few seconds: epoch, loss, time left."""

    def __init__(self, say: Callable[[str], None], name: str, members: int, steps: int):
        self.say, self.name, self.members, self.steps = say, name, members, steps
        self.taken = self.begun = 0
        self.began = self.said = time.monotonic()
        self.loss = ""

    def start(self, chunk: Chunk, finished: int) -> None:
        """A chunk begins, perhaps not with its first epoch."""
        self.chunk, self.finished = chunk, finished
        self.taken = finished * (self.steps // self.members)
        self.taken += len(chunk.members) * chunk.steps_taken
        if not self.begun:
            self.begun = self.taken

    def step(self) -> None:
        """One step of the chunk is done."""
        self.taken += len(self.chunk.members)
        now = time.monotonic()
        if now - self.said >= SAY_EVERY:
            self.said = now
            left = (now - self.began) / (self.taken - self.begun) * (self.steps - self.taken)
            self.say(f"{self.name}: {self.place()}{self.loss}, about {left:.0f} s left")

    def place(self) -> str:
        """Which runs are being trained, and in which epoch they are."""
        upto = self.finished + len(self.chunk.members)
        return (
            f"runs {self.finished + 1}–{upto} of {self.members}, epoch "
            f"{self.chunk.epoch}/{self.chunk.plan.training['epochs']}"
        )

    def epoch(self, chunk: Chunk) -> None:
        """An epoch is done: its best validation loss is shown from now on."""
        best = min(member.best_loss for member in chunk.members)
        self.loss = f", validation loss {best:.4f}"


def _entry(member: Member, flops: int, samples: int) -> dict[str, Any]:
    """The record's entry of one seed at the chosen learning rate."""
    entry = asdict(member)
    entry["flops"] = flops * samples * member.epochs_run
    entry["warnings"] = None
    if member.status == "ok":
        entry["warnings"] = judge(member.curves, member.best_epoch)
    else:
        entry.update(best_epoch=None, validation=None, test=None)
    return entry


def _warnings(members: list[Member], chosen: float, rates: list[float]) -> list[dict[str, str]]:
    found = []
    diverged = [m for m in members if m.status == "diverged"]
    if diverged:
        which = ", ".join(f"seed {m.seed} at {m.learning_rate:g}" for m in diverged)
        found.append(
            {
                "code": "diverged",
                "message": f"{len(diverged)} of {len(members)} runs diverged (loss not finite): "
                f"{which}",
            }
        )
    if all(m.status == "diverged" for m in members):
        return found
    edge = edge_warning(chosen, rates)
    return [*found, edge] if edge else found


def _memory_warning(pieces: int, batch_size: int) -> list[dict[str, str]]:
    if pieces == 1:
        return []
    message = (
        f"batches of {batch_size} did not fit into memory and were computed in {pieces} pieces of "
        f"at most {-(-batch_size // pieces)}, their gradients added up: same batch, more time"
    )
    return [{"code": "micro_batch", "message": message}]
