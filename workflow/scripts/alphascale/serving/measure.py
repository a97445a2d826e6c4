"""Latency, throughput, memory and energy of answering requests, measured on the device.

A request is one sample of the test split; `batch` of them are answered at once, one batch after
another: taken from the host's memory to the device, prepared as for training (images are
normalised), computed without gradients in the precision of the trainings, and the answers taken
back. Of a language model a request is one pass over a window: generation token by token is not
measured.

Weights are fresh: how long they take does not depend on their values. The model is one member in
the form that it trains in, neither compiled nor quantised; what a server adds is not counted.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count as counting
from statistics import median
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..networks.build import build, initialise
from ..networks.count import count_flops
from ..records.serving import Answering, ServedSize, ServingRecord
from ..records.specs import ServingSpec, Size
from ..records.typed import Refused
from ..training.classification import EVALUATION_BATCH, Classification
from ..training.device import choose_device, describe, free_memory, gpu_uuid, use_bfloat16
from ..training.energy import STAT, Meter, busy_seconds, rated
from ..training.job import TASK_OF
from ..training.loop import out_of_memory
from .memory import ON_CPU, ON_GPU, memory
from .sizes import Sized, sizes

if TYPE_CHECKING:
    from ..records.data import Meta

# Batches that are answered before the clock runs: by then torch has chosen kernels and grown its
# pools, and a clock that idled has gone up.
WARM_S, WARM_CALLS = 0.3, 3
# Sizes take turns in windows so long, with at least so many batches unless these take longer than
# LONGEST_S: other processes come and go within seconds, and would slow some sizes alone. One after
# another, on a machine half busy with others, a network of 10 k parameters took longer than one of
# 94 k. Of a window the median and the 95th percentile are taken, of the windows the median.
TURNS, WINDOW_S, CALLS, LONGEST_S = 5, 0.4, 40, 4.0
ENERGY_S = 2.0  # of the window in which a counter of energy is read, where there is one
MANY_S = 1.0  # of the throughput's window
# Bytes of weights of the models that take turns, unless one alone has more.
TOGETHER = 1_000_000_000
# Share of the free memory that weights may take: an allocation beyond it may end the process.
ROOM = 0.5
# Linux tells what befell a single thread.
THREAD = getattr(resource, "RUSAGE_THREAD", None)


@dataclass(frozen=True)
class Window:
    """Seconds of each batch of a window; undisturbed: of those in which the system did not take the
    core away."""

    seconds: list[float]
    undisturbed: list[float]

    @property
    def timed(self) -> list[float]:
        """What a latency is read off, ascending: what was not disturbed, unless that is less than
        half, as of batches that last longer than the turns that a system gives."""
        enough = 2 * len(self.undisturbed) >= len(self.seconds)
        return sorted(self.undisturbed if enough else self.seconds)


@dataclass
class Server:
    """A model that answers requests, and how long it took to."""

    model: nn.Module
    task: Classification  # how samples are prepared
    requests: Tensor  # samples in the host's memory, [n, …]
    batch: int  # of them that are answered at once
    device: torch.device
    bfloat16: bool
    windows: list[Window] = field(default_factory=list)  # those that were timed
    cpu_s: float = 0.0  # of the process in them

    def answer(self, at: int, batch: int) -> Tensor:
        """Answers to `batch` samples from `at` on, the first ones again where the split ends."""
        rows = self.requests[at : at + batch]
        if len(rows) < batch:
            rows = self.requests[torch.arange(at, at + batch) % len(self.requests)]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            x = self.task.prepare(rows.to(self.device).unsqueeze(0))
            return self.model(x).cpu()  # on a GPU, waits until it is there

    def run(self, batch: int, window: float, calls: int) -> Window:
        """Answer batches for so long, and at least so many."""
        seconds: list[float] = []
        undisturbed: list[float] = []
        began, switched = time.perf_counter(), interruptions()
        for turn in counting():
            before = time.perf_counter()
            self.answer((turn * batch) % len(self.requests), batch)
            now, since = time.perf_counter(), switched
            switched = interruptions()
            seconds.append(now - before)
            if switched == since:
                undisturbed.append(now - before)
            past = now - began
            if past >= LONGEST_S or (past >= window and len(seconds) >= calls):
                break
        return Window(seconds, undisturbed)

    def turn(self) -> None:
        """A window that is timed."""
        cpu = time.process_time()
        self.windows.append(self.run(self.batch, WINDOW_S, CALLS))
        self.cpu_s += time.process_time() - cpu


def measure(
    spec: ServingSpec, tensors: dict[str, Tensor], meta: Meta, code: str,
    say: Callable[[str], None],
) -> ServingRecord:  # fmt: skip
    """Measure all sizes.

    tensors: the six of the domain's data file. A size that does not fit into memory is refused, and
    says so; a larger one is then not tried. Raises UserError for a device or model that cannot be.
    """
    device = choose_device(spec.device)
    bfloat16 = use_bfloat16(spec.precision, device)
    rows = {f"{split}_{part}": tensors[f"test_{part}"][: max(EVALUATION_BATCH, spec.batch)]
            for split in ("train", "validation", "test") for part in "xy"}  # fmt: skip
    task = TASK_OF[meta.task](rows, meta, "1.0", device)
    requests = task.x["test"].cpu()

    def serve(size: Size, params: int) -> Server | Refused:
        """A size that answers; refused where it does not fit."""
        room = free_memory(device)
        if room is not None and 4 * params > ROOM * room:
            return Refused(
                f"its weights, {4 * params / 1e9:.3g} GB, are more than half of the "
                f"{room / 1e9:.3g} GB of memory that are free"
            )
        model = build(spec.family, size, meta, 1, device.type)
        initialise(model, [0])
        return Server(model.eval(), task, requests, spec.batch, device, bfloat16)

    began, own, everyone = time.monotonic(), time.process_time(), busy_seconds(STAT)
    answers: dict[str, Answering | Refused] = {}
    asked = sizes(spec, meta)
    with torch.inference_mode():
        for group in _groups(asked):
            answers |= _group(group, serve, answers)
    for name, _, params in asked:
        found, title = answers[name], f"{name}, {params['total']:,} parameters"
        if isinstance(found, Refused):
            say(f"{title}: {found.refused}")
            continue
        say(
            f"{title}: a batch of {spec.batch} takes {1e3 * found.seconds:.3g} ms, "
            f"{1e3 * found.seconds_95:.3g} ms at the 95th percentile, "
            f"{found.memory_bytes / 1e6:.3g} MB"
        )
    window = (time.monotonic() - began) * (os.cpu_count() or 1)
    others = busy_seconds(STAT) - everyone - (time.process_time() - own)
    return ServingRecord(
        spec=spec,
        code=code,
        sizes=[
            ServedSize(
                name, size, params, count_flops(spec.family, size, meta)["forward"], answers[name]
            )
            for name, size, params in asked
        ],
        memory_how=ON_GPU if device.type == "cuda" else ON_CPU,
        device=describe(device, bfloat16),
        others=min(1.0, max(0.0, others / window)) if everyone else None,
    )


def _groups(asked: list[Sized]) -> list[list[Sized]]:
    """Sizes that take turns, smallest first: as many as are TOGETHER, at least one."""
    groups: list[list[Sized]] = []
    held = TOGETHER
    for each in asked:
        weights = 4 * each[2]["total"]
        if held + weights > TOGETHER:
            groups.append([])
            held = 0
        groups[-1].append(each)
        held += weights
    return groups


def _group(
    group: list[Sized],
    serve: Callable[[Size, int], Server | Refused],
    before: dict[str, Answering | Refused],
) -> dict[str, Answering | Refused]:
    """What some sizes take that take turns; before: what smaller ones took."""
    full = next((name for name, each in before.items() if isinstance(each, Refused)), None)
    found: dict[str, Answering | Refused] = {}
    servers: dict[str, tuple[Server, tuple[int, int]]] = {}
    for name, size, params in group:
        if full is not None:
            found[name] = Refused(f"not tried: {full}, which is smaller, does not fit into memory")
            continue
        try:
            server = serve(size, params["total"])
            if isinstance(server, Server):
                servers[name] = server, memory(server)
                server.run(server.batch, WARM_S, WARM_CALLS)
        except (RuntimeError, MemoryError) as fault:
            if not out_of_memory(fault):
                raise
            server = Refused("it does not fit into memory")
            servers.pop(name, None)
        if isinstance(server, Refused):
            found[name], full = server, name
    for _ in range(TURNS):
        for server, _ in servers.values():
            server.turn()
    return found | {name: answering(*each) for name, each in servers.items()}


def answering(server: Server, bytes_: tuple[int, int]) -> Answering:
    """What a server took for its batches, what energy, and for many requests at once.

    bytes_: of the weights, and the most at once.
    """
    calls = sum(len(each.seconds) for each in server.windows)
    ordered = [each.timed for each in server.windows]
    middle = median(each[len(each) // 2] for each in ordered)
    joules, how = energy_of(server, calls)
    many = max(server.batch, min(server.task.evaluation_batch(), _affordable(server, middle)))
    together = server.run(many, MANY_S, 1).seconds
    return Answering(
        calls=calls,
        seconds=middle,
        seconds_95=median(each[min(len(each) - 1, int(0.95 * len(each)))] for each in ordered),
        many=many,
        per_second=many * len(together) / sum(together),
        weights_bytes=bytes_[0],
        memory_bytes=bytes_[1],
        joules=joules,
        energy_how=how,
        interrupted=1 - sum(map(len, ordered)) / calls,
    )


def energy_of(server: Server, calls: int) -> tuple[float, str]:
    """Joules of a batch, and how they were got; calls: batches of the windows that were timed."""
    gpu = gpu_uuid(server.device)
    with Meter(gpu) as meter:
        metered = len(server.run(server.batch, ENERGY_S, CALLS).seconds) if meter.counts else 0
    energy = meter.result()
    if metered and energy.joules is not None:
        return energy.joules / metered, energy.how
    taken = sum(sum(each.seconds) for each in server.windows)
    watts, of = rated(gpu, min(float(torch.get_num_threads()), server.cpu_s / taken))
    why = energy.how.removeprefix("not measured: ")
    return watts * taken / calls, f"estimated: {of} ({why})"


def _affordable(server: Server, seconds: float) -> int:
    """Samples at once that surely take no longer than MANY_S, where a batch takes so many seconds:
    a power of two."""
    return 2 ** max(0, int(MANY_S / seconds * server.batch).bit_length() - 1)


def interruptions() -> int:
    """How often the system has taken the core from this thread for another one; 0 where it does not
    say. On a busy machine the 95th percentile was its time slice of 4 ms, of networks of 0.3 ms."""
    return 0 if THREAD is None else resource.getrusage(THREAD).ru_nivcsw
