"""How fast the device trains: a member and a chunk of members of each family beside a plain loop,
memory, the mixers of language models, and a captured step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from alphascale.networks.build import build, initialise
from alphascale.networks.count import count_flops
from alphascale.networks.draws import Masks
from alphascale.networks.plain import Plain
from alphascale.networks.resolvent import METHODS, resolvent
from alphascale.training import job
from alphascale.training.device import deterministic, peak_memory, use_bfloat16
from alphascale.training.flat import Flat
from alphascale.training.optimise import Optimiser
from benchmarks import mixer_scaling
from gpu.cases import LARGER, SMALL, Case, chunk_of, drawn, spec_of, together
from gpu.rows import OK, SKIPPED, Row, each, judged, seconds_of, synchronise

# Steps that are taken before the clock runs, in which torch chooses kernels and grows its pools.
WARM = 5
# Members of a chunk where the library would take them one by one: whether it is right to.
ANYWAY = 3


def measure_throughput(device: torch.device, quick: bool) -> Iterator[Row]:
    """Samples a second of a plain loop, a member, a chunk; FLOP/s and memory of the last."""
    name = "throughput"
    window, most = (0.02, 3) if quick else (1.0, 9)
    cases = {case.family: case for case in SMALL if case.meta.task in ("classes", "next")}

    def of(case: Case) -> Iterator[Row]:
        # As a study computes by default, and the plain loop with it.
        unit, bfloat16 = "samples/s", use_bfloat16("auto", device)
        plain = plain_rate(case, device, bfloat16, window)
        why = f"{'bfloat16' if bfloat16 else 'float32'}, one member after another"
        yield Row(name, f"{case}: plain loop", plain, unit, OK, why)
        found = together(case, device, most)
        for members in dict.fromkeys((1, found if found > 1 else ANYWAY)):
            rate, peak = rate_of(case, device, members, bfloat16, window)
            why = f"{rate / plain:.2f} × the plain loop"
            if members > found:
                why += "; a study would train them one by one"
            what = f"{case}: {'a member' if members == 1 else f'{members} members as one'}"
            yield Row(name, what, rate, unit, OK, why)
        flops = count_flops(case.family, case.size, case.meta)["training"]
        yield Row(name, f"{case}: the same", rate * flops, "FLOP/s")
        why = "of the chunk" if device.type == "cuda" else "of the process, the most so far"
        yield Row(name, f"{case}: peak memory", peak / 1e6, "MB", OK, why)

    yield from each(name, cases.values() if quick else LARGER, of, 30 if quick else 100)


def rate_of(
    case: Case, device: torch.device, members: int, bfloat16: bool, window: float
) -> tuple[float, int]:
    """(samples a second of all members, peak bytes) of trainings as a job runs them, over so many
    seconds."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    taken, began, warm = 0, 0.0, WARM if window > 0.1 else 1

    class Enough(Exception):
        pass

    def after_step() -> None:
        nonlocal taken, began
        taken += 1
        if taken == warm:
            synchronise(device)
            began = time.perf_counter()
        # The clock alone is asked, not the device, so that Python may run ahead as in a training.
        elif taken > warm + 2 and time.perf_counter() - began >= window:
            raise Enough

    with deterministic(device):
        chunk = chunk_of(case, device, members, 50 * case.batch, bfloat16)
        try:
            chunk.run(lambda chunk: None, after_step)
        except Enough:
            synchronise(device)
        else:
            raise RuntimeError("all members ended before the window did")
    rate = (taken - warm) * case.batch * members / (time.perf_counter() - began)
    return rate, peak_memory(device)


def plain_rate(case: Case, device: torch.device, bfloat16: bool, window: float) -> float:
    """Samples a second of a loop as anybody writes it: the same layers, one member, its data in the
    device's memory, torch's own optimiser and clipping; no evaluation."""
    tensors = drawn(case.meta, 50 * case.batch)
    task = job.TASK_OF[case.meta.task](tensors, case.meta, "1.0", device)
    made = build(case.family, case.size, case.meta, 1, device.type)
    initialise(made, [0])
    alone = isinstance(made, Plain)
    model = (made.member(0).to(device) if alone else made).train()
    parameters = [each for each in model.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=1e-4)
    x, y = task.x["train"], task.y["train"]
    clip = spec_of(case, device).training.clip or 1.0
    order = torch.randperm(len(x), device=device).split(case.batch)
    masks, turn = Masks([0], 1, device), 0  # dropout as our members have it

    def step() -> None:
        nonlocal turn
        rows = order[turn % len(order)]
        turn += 1
        batch = task.prepare(x[rows])
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            logits = model(batch) if alone else model(batch.unsqueeze(0), masks)[0]
            loss = F.cross_entropy(logits.flatten(0, -2).float(), y[rows].flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()

    return case.batch / seconds_of(step, device, window)


def measure_mixers(device: torch.device, quick: bool) -> Iterator[Row]:
    """The three ways to compute ResNet-BK's resolvent agree, and beside attention cost the same a
    token at every length."""
    name = "mixers"
    lengths = (64, 128) if quick else mixer_scaling.LENGTHS
    tokens, window = (256, 0.02) if quick else (mixer_scaling.TOKENS, 0.4)
    source = torch.Generator().manual_seed(0)
    a = (torch.randn(4, 300, generator=source).clamp(-3, 3) - 2).to(device)
    exact = resolvent(a.cpu().double(), True, "sequential")

    def of(kind: str) -> Iterator[Row]:
        if kind in METHODS:
            apart = (resolvent(a, True, kind).cpu() - exact).norm() / exact.norm()
            yield judged(
                name, f"resnet_bk {kind}: float64 on the CPU, apart", float(apart), 1e-6, ""
            )
            mixer = mixer_scaling.resnet_bk(device.type, kind)
        else:
            mixer = mixer_scaling.attention(device.type, fused=True)
        times = {}
        for length in lengths:
            times[length], kept = mixer_scaling.measure(mixer, length, device.type, tokens, window)
            what = f"{'resnet_bk ' if kind in METHODS else ''}{kind}, {length:,} tokens"
            yield Row(name, what, times[length], "µs a token", OK, f"{kept:.0f} MB kept")
        first, last = lengths[0], lengths[-1]
        what = f"{kind}: {last:,} tokens over {first:,}, time of one"
        yield Row(name, what, times[last] / times[first], "×", OK, "1 is linear")

    yield from each(name, [*METHODS, "attention, fused"], of, 15 if quick else 50)


def measure_graphs(device: torch.device, quick: bool) -> Iterator[Row]:
    """What a step captured as a CUDA graph would save: forward, backward, clipping and update."""
    name = "graphs"
    # ResNet-BK asks the device how many tokens chose each expert: that cannot be captured.
    families = ("mlp", "cnn", "transformer", "transformer_lm")
    cases = [case for case in (SMALL if quick else LARGER) if case.family in families]
    cases = [case for case in cases if case.meta.task in ("classes", "next")]

    def of(case: Case) -> Iterator[Row]:
        window, members = (0.02, 2) if quick else (0.5, together(case, device))
        with deterministic(device):
            step, flat = stepping(case.without_dropout(), device, members)
            first = flat.snapshot()
            step()
            eager = flat.grads.clone()
            try:
                replay = captured(step, device)
            except RuntimeError as fault:  # an operation that waits for the device
                why = f"cannot be captured: {str(fault).strip().splitlines()[0]}"
                yield Row(name, f"{case}: captured", None, "ms", SKIPPED, why)
                return
            for key, values in {"values": flat.values, **flat.buffers}.items():
                values.copy_(first[key])
            flat.grads.zero_()
            replay()
            if torch.equal(flat.values, first["values"]):
                raise RuntimeError("the captured step moved no weight")
            apart = float((flat.grads - eager).norm() / eager.norm())
            yield judged(name, f"{case}: gradients of a step, apart", apart, 1e-4, "of their norm")
            one, other = (seconds_of(each, device, window) for each in (step, replay))
        what = f"{case}, {members} as one"
        yield Row(name, f"{what}: a step", 1e3 * one, "ms")
        if device.type == "cpu":
            yield Row(name, f"{what}: captured", None, "ms", SKIPPED, "a CPU has no CUDA graphs")
            return
        yield Row(name, f"{what}: captured", 1e3 * other, "ms", OK, f"{one / other:.2f} × as fast")

    yield from each(name, cases[:2] if quick else cases, of, 40)


def captured(step: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """The step as one launch; on a CPU the step itself. Torch asks that it has run on another
    stream before it is captured."""
    if device.type == "cpu":
        return step
    beside = torch.cuda.Stream(device)
    beside.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(beside):
        for _ in range(3):
            step()
    torch.cuda.current_stream(device).wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def stepping(case: Case, device: torch.device, members: int) -> tuple[Callable[[], None], Flat]:
    """A step on one batch in float32, and what it changes. Its rate and its place in the schedule
    stay the same: a graph holds them fast."""
    task = job.TASK_OF[case.meta.task](drawn(case.meta, case.batch), case.meta, "1.0", device)
    model = build(case.family, case.size, case.meta, members, device.type)
    initialise(model, [0] * members)
    flat = Flat(model.train())
    optimiser = Optimiser(flat, [1e-3] * members, "adamw", 1e-2)
    x, y = next(iter(task.batches([0], 1, case.batch)))

    def step() -> None:
        optimiser.steps = 10
        losses, _ = task.losses(model(x), y)
        flat.backward(losses.sum())
        flat.clip(1.0)
        optimiser.step(1.0)

    return step, flat
