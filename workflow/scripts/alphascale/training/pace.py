"""How long a training step of a size takes: a few steps as the loop takes them, none kept.

A line fitted on a study's small jobs says little of a model that is 60 times as large
(`deciding.costs.SPREAD`); two steps of that model tell it to some per cent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..networks.count import count_flops, count_params
from ..records.pace import Pace, PaceRecord
from ..records.specs import PaceSpec
from ..records.typed import Refused
from .device import choose_device, describe, deterministic, free_memory, use_bfloat16
from .job import TASK_OF
from .loop import Chunk, Member, Setup, out_of_memory

if TYPE_CHECKING:
    from ..records.data import Meta

# Steps before the clock runs: torch chooses kernels and grows its pools.
WARM = 1
# Steps are timed in blocks so long, of one step at least: a step of some milliseconds takes as long
# as what else runs lets it, and a training takes their mean, not their median.
BLOCK_S, LEAST = 0.2, 2
MOST_S = 2.0  # after which no further step is taken
EVALUATION_S = 0.5  # of evaluation, at least a batch
LONGEST_S = 20.0  # a step that takes longer is one too many
# Weights, gradients, two moments of Adam and the best epoch's copy, four bytes each; and the share
# of the free memory that they may take, since activations come on top.
BYTES, ROOM = 20, 0.25


class Enough(Exception):
    """No further step is wanted."""


class Clock:
    """Seconds of the steps of a chunk, block by block."""

    def __init__(self, device: torch.device):
        self.device = device
        self.seconds: list[float] = []  # of a step, on average over a block
        self.taken = self.timed = self.since = 0  # steps: all, in blocks, in the block that is open
        self.began = self.last = self.stepped = time.perf_counter()

    def now(self) -> float:
        """The time once the device has done what it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def step(self) -> None:
        """A step is done. Raises Enough after the last that is wanted."""
        self.taken += 1
        if self.taken <= WARM:
            now = self.now()
            if now - self.last > LONGEST_S:
                raise Enough
            self.began = self.last = self.stepped = now
            return
        self.since += 1
        # The clock alone is asked within a block, so that the host may run ahead of a GPU.
        self.stepped = time.perf_counter()
        if self.stepped - self.last < BLOCK_S:
            return
        now = self.stepped = self.now()
        self.seconds.append((now - self.last) / self.since)
        self.timed += self.since
        self.last, self.since = now, 0
        if len(self.seconds) >= LEAST and now - self.began >= MOST_S:
            raise Enough

    def epoch(self, chunk: Chunk) -> None:
        """An epoch is done: its evaluation is no part of a step."""
        self.last += self.now() - self.stepped


def measure(
    spec: PaceSpec, tensors: dict[str, Tensor], meta: Meta, code: str, say: Callable[[str], None]
) -> PaceRecord:
    """Time the naive model's steps; refused, with the reason, where that cannot be.

    tensors: the six of the domain's data file. Raises UserError for a device that cannot be.
    """
    device = choose_device(spec.device)
    bfloat16 = use_bfloat16(spec.training.precision, device)
    found = _pace(spec, tensors, meta, device, bfloat16, say)
    if isinstance(found, Refused):
        say(f"the naive model was not timed: {found.refused}")
    else:
        say(f"a step of the naive model takes {found.seconds:.3g} s, by {found.steps} steps")
    return PaceRecord(spec, code, found, describe(device, bfloat16))


def _pace(
    spec: PaceSpec, tensors: dict[str, Tensor], meta: Meta, device: torch.device, bfloat16: bool,
    say: Callable[[str], None],
) -> Pace | Refused:  # fmt: skip
    try:
        params = count_params(spec.family, spec.naive, meta)["total"]
        per_sample = count_flops(spec.family, spec.naive, meta)["training"]
        room = free_memory(device)
        if room is not None and BYTES * params > ROOM * room:
            return Refused(
                f"its training would take some {BYTES * params / 1e9:.3g} GB, more than a quarter "
                f"of the {room / 1e9:.3g} GB of memory that are free"
            )
        return _timed(spec, tensors, meta, device, bfloat16, per_sample, say)
    except UserError as fault:
        return Refused(f"it cannot be built: {fault}")
    except (RuntimeError, MemoryError) as fault:
        if not out_of_memory(fault):
            raise
        return Refused("it does not fit into memory")


def _timed(
    spec: PaceSpec, tensors: dict[str, Tensor], meta: Meta, device: torch.device, bfloat16: bool,
    per_sample: int, say: Callable[[str], None],
) -> Pace | Refused:  # fmt: skip
    training = spec.training
    task = TASK_OF[meta.task](
        tensors, meta, spec.fraction, device, training.augment, training.class_weights
    )
    setup = Setup(spec.family, spec.naive, training, device, bfloat16)
    with deterministic(device):
        chunk = Chunk(setup, task, [Member(0, training.learning_rates[0])], say)
        clock = Clock(device)
        with suppress(Enough):
            chunk.run(clock.epoch, clock.step)
        if clock.taken == WARM:
            return Refused(f"a step takes longer than {LONGEST_S:g} s")
        if len(clock.seconds) < LEAST:
            return Refused(f"its training diverged after {clock.taken} steps")
        evaluation_s = _evaluation(chunk, clock)
    return Pace(
        flops=per_sample * task.samples / task.steps(training.batch_size),
        seconds=median(clock.seconds),
        steps=clock.timed,
        scatter=float(np.log(clock.seconds).std(ddof=1)),
        evaluation_s=evaluation_s,
    )


@torch.no_grad()
def _evaluation(chunk: Chunk, clock: Clock) -> float:
    """Seconds of a pass over the validation split, by as many of its batches as EVALUATION_S lets
    be computed."""
    task = chunk.task
    chunk.model.eval()
    rows, began = 0, clock.now()
    for x, y in task.evaluation("validation"):
        chunk.measured(x, y)
        rows += y.shape[1]
        if clock.now() - began >= EVALUATION_S:
            break
    return (clock.now() - began) * len(task.y["validation"]) / rows
