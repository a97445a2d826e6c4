"""One training job: all members (seeds × learning rates) of a (domain, scale, fraction)."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .. import __version__
from ..data.batches import trunk_of
from ..networks.count import COUNTED_BY, count_flops, count_params
from ..records.rates import RateLaw
from ..records.specs import TrainSpec
from ..records.training import (
    Flops,
    Params,
    SeedRun,
    SweepRun,
    Times,
    TrainingRecord,
    Trunk,
    Versions,
)
from ..records.typed import as_json
from ..running.signals import Stopped
from .checkpoints import STATE, Checkpoints, State
from .choice import check_wins, choose_rate, lawful, stopper
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
from .keeping import Kept
from .loop import Chunk, Member, Setup, member_of
from .masked import Masked
from .multi_label import MultiLabel
from .next_token import NextToken
from .regression import Regression
from .trunk import Folders, Trunks

if TYPE_CHECKING:
    from ..records.data import Meta

TASK_OF = {
    "classes": Classification,
    "labels": MultiLabel,
    "numbers": Regression,
    "next": NextToken,
    "masked": Masked,
}
Outputs = dict[int, Tensor]  # seed → what its run gave for the test split, [n, K]
# Seconds between two lines of progress.
SAY_EVERY = 2.0


def run(
    spec: TrainSpec,
    tensors: dict[str, Tensor],
    meta: Meta,
    progress: Callable[[str], None],
    checkpoints: Path | None = None,
    *,
    sha256: str = "",
    code: str = "",
    models: Path | None = None,
    asked: Callable[[], int | None] = lambda: None,
    law: RateLaw | None = None,
    checked: bool = False,
    trunks: Folders | None = None,
) -> tuple[TrainingRecord, Outputs]:
    """Train all members of the job that `spec` describes; return its record and the test outputs
    of its good runs at the chosen learning rate.

    Args: spec, the job's slice of the configuration; tensors, the six of the domain's data file;
    progress, called with lines for a person; checkpoints, a folder that is this job's own; sha256,
    of the data, so that no checkpoint of other data is taken up; code, the training's digest;
    models, the folder for weights that the study keeps; asked, called after every step: a signal's
    number when the job shall save its state and end, by raising Stopped; law, of rates, where
    the spec says that the rate follows from it: the record's spec states it; checked, whether the
    first seed tries a neighbour too; trunks, of schedule `cooldown`: the folders of the trunk to go
    on from, and for that of this job.
    Same spec, data, machine and thread count: same record, but for what is measured (`time`,
    `energy` and `peak_memory_bytes`) and, where a trunk was taken, `trunk` and `flops.job`.
    Raises UserError for a size, device or model that cannot be.
    """
    started, cpu_started = time.monotonic(), time.process_time()
    params = Params(**count_params(spec.family, spec.size, meta))
    check, folders = None, trunks or Folders()
    if spec.training.rates != "law":
        law = None
    else:
        rate = law.rate(params.total)
        spec = replace(spec, training=spec.training.model_copy(update={"learning_rates": [rate]}))
        check = law.check(params.total) if checked else None
    training = spec.training
    device = choose_device(spec.device)
    bfloat16 = use_bfloat16(training.precision, device)
    setup = Setup(spec.family, spec.size, training, device, bfloat16)
    flops = count_flops(spec.family, spec.size, meta)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    task = TASK_OF[meta.task](
        tensors, meta, spec.fraction, device, training.augment, training.class_weights, spec.nested
    )
    language = task.language(spec.size)

    kept = None
    if training.keep and models is not None:
        kept = Kept(models, (checkpoints or models) / "kept")
    training_started = time.monotonic()
    meter = Meter(gpu_uuid(device), _seen_before(checkpoints))
    with meter, deterministic(device):
        members, outputs, pieces, before_s, went_on = _train_all(
            setup, task, spec, params.total, progress, checkpoints, sha256, asked, folders, kept,
            law, check,
        )  # fmt: skip
    train_s = before_s + time.monotonic() - training_started

    chosen = (
        choose_rate(members) if law is None else lawful(members, training.learning_rates[0], law)
    )
    if kept is not None:
        kept.choose(members, chosen)
    per_epoch = flops["training"] * task.samples
    trunk = None
    if went_on:
        like = spec.on(folders.fraction)
        one = trunk_of(task.pool, like.fraction, like.nested, training.batch_size)
        trunk = Trunk(like.fraction, *one, went_on)
    spared = trunk.samples * trunk.runs if trunk else 0
    seeds = [_seed_run(m, task, per_epoch) for m in members if m.learning_rate == chosen]
    longest = max(run.epochs_run for run in seeds)
    given = {
        member.seed: each
        for member, each in zip(members, outputs, strict=True)
        if member.learning_rate == chosen and each is not None
    }
    record = TrainingRecord(
        spec=spec,
        code=code,
        data_sha256=sha256,
        params=params,
        samples=task.samples,
        samples_seen=longest * task.samples,
        steps=longest * task.steps(training.batch_size),
        flops=Flops(
            forward_per_sample=flops["forward"],
            training_per_sample=flops["training"],
            per_run=per_epoch * training.epochs,
            job=per_epoch * sum(m.epochs_run for m in members) - flops["training"] * spared,
            counted_by=COUNTED_BY,
        ),
        learning_rate=chosen,
        sweep=[
            SweepRun(
                m.learning_rate,
                m.seed,
                None if m.status == "diverged" else m.best_loss,
                m.status,
                m.epochs_run,
                m.why,
            )
            for m in members
        ],
        seeds=seeds,
        pieces=pieces,
        time=Times(train_s, time.monotonic() - started, time.process_time() - cpu_started),
        energy=meter.record(torch.get_num_threads()),
        peak_memory_bytes=peak_memory(device),
        device=describe(device, bfloat16),
        versions=Versions(platform.python_version(), torch.__version__, __version__),
        language=language,
        trunk=trunk,
    )
    return record, given


def _train_all(
    setup: Setup,
    task: Classification,
    spec: TrainSpec,
    params: int,
    progress: Callable[[str], None],
    folder: Path | None,
    sha256: str,
    asked: Callable[[], int | None],
    folders: Folders,
    kept: Kept | None = None,
    law: RateLaw | None = None,
    check: float | None = None,
) -> tuple[list[Member], list[Tensor | None], int, float, int]:
    """Train the members chunk by chunk, going on from a checkpoint where there is one.

    Returns them, what each gave for the test split, the most pieces that a batch had to be computed
    in, the seconds that went into the checkpoint, and how many went on from a trunk. check: a rate
    that the first seed is trained at too; where it beats the law's, all other seeds are.
    """
    name = f"{spec.domain}/{spec.scale}/{spec.fraction}"
    rates = setup.training.learning_rates
    members = [Member(seed, rate) for seed in spec.seeds for rate in rates]
    # Those that a trunk has: a check trains all of it, in a chunk of its own.
    lawful = len(members)
    if check is not None:
        members.append(Member(spec.seeds[0], check))
    together = members_together(
        spec.family,
        spec.size,
        task.meta.shape,
        params,
        len(members),
        setup.device,
        task.meta.vocabulary,
    )
    identity = {
        "data": sha256,
        "torch": torch.__version__,
        "device": as_json(describe(setup.device, setup.bfloat16)),
    }
    trunks = Trunks(folders, spec, identity, setup.device, lambda line: progress(f"{name}: {line}"))
    identity = identity | {"spec": as_json(spec), "check": check, "trunk": folders.fraction}
    store = Checkpoints(folder, identity, setup.device, progress)
    saved = store.load() or {
        "finished": [], "outputs": [], "chunk": None, "pieces": 1, "seconds": 0.0, "went_on": 0
    }  # fmt: skip
    pieces, before_s, began = saved["pieces"], saved["seconds"], time.monotonic()
    went_on = saved["went_on"]
    finished = [member_of(member) for member in saved["finished"]]
    # A checkpoint is loaded to the device; these are for a file, as those that are still to come.
    outputs = [None if each is None else each.cpu() for each in saved["outputs"]]
    chunk_state = saved["chunk"]
    steps = task.steps(setup.training.batch_size) * setup.training.epochs
    say = _Progress(progress, name, len(members), steps * len(members))
    if finished or chunk_state:
        progress(f"{name}: going on from a checkpoint, {len(finished)} of {len(members)} runs done")

    def state(chunk: Chunk | None) -> State:
        done = [as_json(member) for member in finished]
        now = None if chunk is None else chunk.state()
        seconds = before_s + time.monotonic() - began
        return {
            "finished": done, "outputs": outputs, "chunk": now, "pieces": pieces,
            "seconds": seconds, "went_on": went_on,
        }  # fmt: skip

    def pause(chunk: Chunk) -> None:
        number = asked()
        written = store.save(partial(state, chunk), now=number is not None)
        if number is not None:
            raise Stopped(number, f"its state at {say.place()} is saved" if written else "")

    stops = setup.training.sweep == "halving" or check is not None
    first = len(members)
    while True:
        if check is not None and len(finished) == first and check_wins(finished, rates[0], law):
            progress(
                f"{name}: learning rate {check:g} is better than the law's, {rates[0]:g}, by more "
                "than the scatter of seeds: the other seeds are trained at it too"
            )
            members += [Member(seed, check) for seed in spec.seeds[1:]]
            say.grow(len(members))
        if len(finished) == len(members):
            break
        start = len(finished)
        some = members[start : start + together]
        if setup.training.schedule == "cooldown" and start < lawful:
            some = members[start : min(start + together, lawful)]
        chunk = Chunk(setup, task, some, progress)
        if start < lawful:
            chunk.cool = partial(trunks.leave, start=start)
        if stops:
            chunk.stop = stopper(finished, setup.training.epochs, progress)
        if chunk_state is not None:
            chunk.load(chunk_state)
            chunk_state = None
        elif start < lawful and trunks.take(chunk, start):
            went_on += len(some)
        say.start(chunk, len(finished))
        chunk.run(say.epoch, say.step, pause)
        if kept is not None:
            kept.add(chunk)
        finished += chunk.members
        outputs += chunk.outputs
        pieces = max(pieces, chunk.pieces)
        store.save(partial(state, None))
    return finished, outputs, pieces, before_s, went_on


def _seen_before(folder: Path | None) -> str | None:
    """Why the energy of this window is not the whole training's, if it is not."""
    if folder is not None and (folder / STATE).exists():
        return "the job goes on from a checkpoint, and what came before was not seen"
    return None


class _Progress:
    """Lines for a person, at most one every few seconds: epoch, loss, time left."""

    def __init__(self, say: Callable[[str], None], name: str, members: int, steps: int):
        self.say, self.name, self.members, self.steps = say, name, members, steps
        self.taken, self.begun = 0, None
        self.began = self.said = time.monotonic()
        self.loss = ""

    def start(self, chunk: Chunk, finished: int) -> None:
        """A chunk begins, perhaps not with its first epoch."""
        self.chunk, self.finished = chunk, finished
        self.taken = finished * (self.steps // self.members)
        skipped = len(chunk.members) * chunk.steps_taken
        self.taken += skipped
        self.begun = self.taken if self.begun is None else self.begun + skipped

    def grow(self, members: int) -> None:
        """There are more runs than was known."""
        self.steps, self.members = self.steps // self.members * members, members

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
            f"{self.chunk.epoch}/{self.chunk.setup.training.epochs}"
        )

    def epoch(self, chunk: Chunk) -> None:
        """An epoch is done: its best validation loss is shown from now on."""
        best = min(member.best_loss for member in chunk.members)
        self.loss = f", validation loss {best:.4f}"


def _seed_run(member: Member, task: Classification, per_epoch: int) -> SeedRun:
    """What the record says of one seed at the chosen learning rate; per_epoch: FLOPs."""
    good = member.status == "ok"
    return SeedRun(
        seed=member.seed,
        learning_rate=member.learning_rate,
        status=member.status,
        epochs_run=member.epochs_run,
        best_epoch=member.best_epoch if good else None,
        curves=member.curves,
        validation=member.validation,
        test=member.test,
        flops=per_epoch * member.epochs_run,
        perplexity=task.perplexity(member) if good else None,
        bits_per_byte=task.bits_per_byte(member) if good else None,
    )
