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
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count as counting
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..networks.build import build, initialise
from ..networks.count import count_flops
from ..records.serving import Answering, ServedSize, ServingRecord
from ..records.specs import ServingSpec, Size
from ..records.typed import Refused
from ..training.classification import EVALUATION_BATCH, Classification
from ..training.device import choose_device, describe, gpu_uuid, use_bfloat16
from ..training.energy import STAT, Meter, busy_seconds, rated
from ..training.job import TASK_OF
from ..training.loop import out_of_memory
from .sizes import sizes

if TYPE_CHECKING:
    from ..records.data import Meta

# Batches that are answered before the clock runs: by then torch has chosen kernels and grown its
# pools, and a clock that idled has gone up.
WARM_S, WARM_CALLS = 0.3, 3
# The window that is timed: so long, with at least so many batches, unless these take longer than
# LONGEST_S. Of 100 the 95th percentile is the sixth largest.
WINDOW_S, CALLS, LONGEST_S = 2.0, 100, 10.0
MANY_S = 1.0  # of the throughput's window
# Share of the free memory that weights may take: an allocation beyond it may end the process.
ROOM = 0.5
MEMINFO = Path("/proc/meminfo")
ON_GPU = "the most that torch held on the GPU while a batch was answered"
ON_CPU = (
    "weights, samples and activations, as torch allocates them; without what kernels take "
    "for themselves, Python and torch"
)


@dataclass(frozen=True)
class Server:
    """A model that answers requests."""

    model: nn.Module
    task: Classification  # how samples are prepared
    requests: Tensor  # samples in the host's memory, [n, …]
    device: torch.device
    bfloat16: bool

    def answer(self, at: int, batch: int) -> Tensor:
        """Answers to `batch` samples from `at` on, the first ones again where the split ends."""
        rows = self.requests[at : at + batch]
        if len(rows) < batch:
            rows = self.requests[torch.arange(at, at + batch) % len(self.requests)]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            x = self.task.prepare(rows.to(self.device).unsqueeze(0))
            return self.model(x).cpu()  # on a GPU, waits until it is there


def measure(
    spec: ServingSpec, tensors: dict[str, Tensor], meta: Meta, code: str,
    say: Callable[[str], None],
) -> ServingRecord:  # fmt: skip
    """Measure all sizes, one after another.

    tensors: the six of the domain's data file. A size that does not fit into memory is refused, and
    says so; a larger one is then not tried. Raises UserError for a device or model that cannot be.
    """
    device = choose_device(spec.device)
    bfloat16 = use_bfloat16(spec.precision, device)
    rows = {f"{split}_{part}": tensors[f"test_{part}"][: max(EVALUATION_BATCH, spec.batch)]
            for split in ("train", "validation", "test") for part in "xy"}  # fmt: skip
    task = TASK_OF[meta.task](rows, meta, "1.0", device)
    requests = task.x["test"].cpu()
    began, own, everyone = time.monotonic(), time.process_time(), busy_seconds(STAT)
    found: list[ServedSize] = []
    full = None
    for name, size, params in sizes(spec, meta):
        flops = count_flops(spec.family, size, meta)["forward"]
        answering: Answering | Refused
        if full is not None:
            answering = Refused(f"not tried: {full} does not fit into memory")
        else:
            answering = _of_size(
                spec, size, params["total"], task, requests, device, bfloat16, meta
            )
        if isinstance(answering, Refused):
            full = full or name
            say(f"{name}, {params['total']:,} parameters: {answering.refused}")
        else:
            say(
                f"{name}, {params['total']:,} parameters: a batch of {spec.batch} takes "
                f"{1e3 * answering.seconds:.3g} ms, {1e3 * answering.seconds_95:.3g} ms at the "
                f"95th percentile, {answering.memory_bytes / 1e6:.3g} MB"
            )
        found.append(ServedSize(name, size, params, flops, answering))
    window = (time.monotonic() - began) * (os.cpu_count() or 1)
    others = busy_seconds(STAT) - everyone - (time.process_time() - own)
    return ServingRecord(
        spec=spec,
        code=code,
        sizes=found,
        memory_how=ON_GPU if device.type == "cuda" else ON_CPU,
        device=describe(device, bfloat16),
        others=min(1.0, max(0.0, others / window)) if everyone else None,
    )


def _of_size(
    spec: ServingSpec, size: Size, params: int, task: Classification, requests: Tensor,
    device: torch.device, bfloat16: bool, meta: Meta,
) -> Answering | Refused:  # fmt: skip
    room = free_memory(device)
    if room is not None and 4 * params > ROOM * room:
        return Refused(
            f"its weights, {4 * params / 1e9:.3g} GB, are more than half of the "
            f"{room / 1e9:.3g} GB of memory that are free"
        )
    try:
        model = build(spec.family, size, meta, 1, device.type)
        initialise(model, [0])
        with torch.inference_mode():
            server = Server(model.eval(), task, requests, device, bfloat16)
            return answering(server, spec.batch)
    except (RuntimeError, MemoryError) as fault:
        if not out_of_memory(fault):
            raise
        return Refused("it does not fit into memory")


def answering(server: Server, batch: int) -> Answering:
    """What a server takes for `batch` requests at once, and for many."""
    held, most = memory(server, batch)
    starts = _starts(len(server.requests), batch)
    _timed(server, batch, starts, WARM_S, WARM_CALLS)
    gpu = gpu_uuid(server.device)
    cpu = time.process_time()
    with Meter(gpu) as meter:
        seconds = _timed(server, batch, starts, WINDOW_S, CALLS)
    cpu = time.process_time() - cpu
    energy = meter.result()
    joules, how = energy.joules, energy.how
    if joules is None:
        watts, of = rated(gpu, torch.get_num_threads())
        taken = sum(seconds) if gpu else min(sum(seconds), cpu / torch.get_num_threads())
        joules, how = watts * taken, f"estimated: {watts:.3g} W ({of}) × time; {how}"
    ordered = sorted(seconds)
    middle = ordered[len(ordered) // 2]
    many = max(batch, min(server.task.evaluation_batch(), _affordable(middle, batch)))
    together = _timed(server, many, _starts(len(server.requests), many), MANY_S, 1)
    return Answering(
        calls=len(seconds),
        seconds=middle,
        seconds_95=ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        many=many,
        per_second=many * len(together) / sum(together),
        weights_bytes=held,
        memory_bytes=most,
        joules=joules / len(seconds),
        energy_how=how,
    )


def _affordable(seconds: float, batch: int) -> int:
    """Samples at once that surely take no longer than MANY_S: a power of two."""
    return 2 ** max(0, int(MANY_S / seconds * batch).bit_length() - 1)


def _starts(samples: int, batch: int) -> Iterator[int]:
    """Where one batch after another begins."""
    return ((turn * batch) % samples for turn in counting())


def _timed(
    server: Server, batch: int, starts: Iterator[int], window: float, calls: int
) -> list[float]:
    """Seconds of each batch of a window."""
    seconds: list[float] = []
    began = time.perf_counter()
    while True:
        before = time.perf_counter()
        server.answer(next(starts), batch)
        now = time.perf_counter()
        seconds.append(now - before)
        past = now - began
        if past >= LONGEST_S or (past >= window and len(seconds) >= calls):
            return seconds


def memory(server: Server, batch: int) -> tuple[int, int]:
    """Bytes of the weights, and the most at once while a batch is answered."""
    storages = (each.untyped_storage() for each in _held(server.model))
    weights = {each._cdata: each.nbytes() for each in storages}
    held = sum(weights.values())
    if server.device.type == "cuda":
        server.answer(0, batch)
        torch.cuda.reset_peak_memory_stats(server.device)
        server.answer(0, batch)
        return held, torch.cuda.max_memory_allocated(server.device)
    with Live({*weights, server.requests.untyped_storage()._cdata}) as live:
        server.answer(0, batch)
    request = server.requests[:1].nbytes * batch
    return held, held + request + live.most


def _held(model: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers, those of a module that stands behind a member among them."""
    for module in [model, *getattr(model, "_template", ())]:
        yield from module.parameters()
        yield from module.buffers()


class Live(TorchDispatchMode):
    """Bytes of the tensors that live at once, but for `known` storages, by their address."""

    def __init__(self, known: set[int]):
        super().__init__()
        self.seen = known
        self.now = self.most = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for each in tree_leaves(result):
            if isinstance(each, Tensor):
                self._add(each.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self.seen:
            self.seen.add(key)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.now -= size


def free_memory(device: torch.device) -> int | None:
    """Bytes that are free where models are built; None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024 * int(found[0]) if found else None
