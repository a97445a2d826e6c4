"""What training on the device comes to: every family learns, gives the CPU's answers, bfloat16
those of float32, an interrupted job the record of one that was not, a batch too large for the
memory the same in pieces."""

from __future__ import annotations

import contextlib
import gc
import math
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import torch
from alphascale.families import families
from alphascale.networks.build import build, initialise
from alphascale.records.outputs import read_outputs, write_outputs
from alphascale.records.training import TrainingRecord
from alphascale.running.signals import Stopped
from alphascale.training import job
from alphascale.training.device import deterministic, use_bfloat16
from alphascale.training.flat import Flat
from gpu.cases import DRY, LARGER, SMALL, Case, chunk_of, lasting, made, together, trained
from gpu.rows import OK, SKIPPED, Row, each, judged, synchronise
from gpu.speed_rows import rate_of

CPU = torch.device("cpu")
SEEDS = 3
# Gradients of one batch in float32, on two devices: on a CPU the same batch in another order is
# 1e-7 (most families) to 1.4e-6 (cnn) apart. A wrong kernel is off by far more than this.
GRADIENT = 1e-4
# Two devices, or two precisions, are two rounding errors: after some epochs their losses differ,
# but no more than those of seeds do, or than this share where seeds hardly differ.
SEED_DEVIATIONS, SHARE = 2.0, 0.02
# Where bfloat16 could pay.
FAST = [case for case in LARGER if case.name in (
    "mlp w512", "cnn w1", "transformer d256", "transformer_lm d128", "resnet_bk d128",
    "torchvision resnet18",
)]  # fmt: skip
# What a job is asked to end at, as shares of its steps: in its first run, and in its second where
# members are trained one at a time.
INTERRUPTED = (0.3, 0.7)


def measure_families(device: torch.device, quick: bool) -> Iterator[Row]:
    """Every family and every task trains, and learns."""
    name = "families"
    missing = sorted(set(families()) - {case.family for case in SMALL})
    yield judged(name, "families without a case here", len(missing), 0, "", ", ".join(missing))

    def of(case: Case) -> Iterator[Row]:
        # Rows and epochs enough to see it fall; a study has far more of both.
        seeds, rows, epochs = (1, 64, 5) if quick else (2, 96, 15)
        record, outputs = trained(
            case, device, seeds=seeds, rows=rows, epochs=epochs, learning_rates=[1e-2]
        )
        curve = mean_curve(record)
        statuses = {run.status for run in record.seeds}
        ratio = curve[-1] / curve[0] if statuses == {"ok"} else math.nan
        if case.meta.kind != "tokens" and not all(o.isfinite().all() for o in outputs.values()):
            ratio = math.nan
        what = "training loss, last epoch over first"
        least = 1.0 if quick else 0.95
        yield judged(name, str(case), ratio, least, "", f"{what}; at most {least}")

    yield from each(name, SMALL, of, 30 if quick else 45)


def measure_answers(device: torch.device, quick: bool) -> Iterator[Row]:
    """The same answers as the CPU: gradients of one batch, and losses after training."""
    name = "as the CPU"

    def of(case: Case) -> Iterator[Row]:
        case = case.without_dropout()
        ours, theirs = gradient(case, device), gradient(case, CPU)
        apart = float((ours - theirs).norm() / theirs.norm())
        yield judged(name, f"{case}: gradients, apart", apart, GRADIENT, "of their norm")
        seeds, rows, epochs = (1, 32, 1) if quick else (SEEDS, 96, 6)
        records = [
            trained(case, d, seeds=seeds, rows=rows, epochs=epochs, precision="float32")[0]
            for d in (device, CPU)
        ]
        yield compared(name, f"{case}: validation loss, apart", *records)

    yield from each(name, SMALL, of, 30 if quick else 60)


def measure_bfloat16(device: torch.device, quick: bool) -> Iterator[Row]:
    """bfloat16 reaches what float32 does."""
    name = "bfloat16"
    if not use_bfloat16("auto" if device.type == "cuda" else "bfloat16", device):
        yield Row(name, "all families", None, "", SKIPPED, "this GPU has no bfloat16 in hardware")
        return
    cases = [case for case in SMALL if case.meta.task in ("classes", "next")]

    def of(case: Case) -> Iterator[Row]:
        seeds, rows, epochs = (2, 48, 2) if quick else (SEEDS, 96, 8)
        records = [
            trained(case, device, seeds=seeds, rows=rows, epochs=epochs, precision=precision)[0]
            for precision in ("bfloat16", "float32")
        ]
        yield compared(name, f"{case}: validation loss, apart", *records)

    def faster(case: Case) -> Iterator[Row]:
        window, members = (0.05, 2) if quick else (1.0, together(case, device))
        half, full = (rate_of(case, device, members, b, window)[0] for b in (True, False))
        what = f"{case}, {members} as one: speed over float32"
        yield Row(name, what, half / full, "×", OK, f"{full:,.0f} samples/s in float32")

    yield from each(name, cases[:4] if quick else cases, of, 20 if quick else 30)
    yield from each(name, cases[:1] if quick else FAST, faster, 20)


def measure_resume(device: torch.device, quick: bool) -> Iterator[Row]:
    """A job that is asked to end twice, in the midst of an epoch, and run again ends with the
    record and the test outputs of one that was let alone; two that were let alone are the same."""
    name = "resume"
    wanted = ("transformer", "mlp", "cnn", "resnet_bk", "transformer_lm", "hf, classes")

    def of(case: Case) -> Iterator[Row]:
        taken = 0

        def counted() -> None:
            nonlocal taken
            taken += 1

        whole, outputs = trained(case, device, asked=counted)
        again, _ = trained(case, device)
        repeats = not differing(lasting(whole), lasting(again))
        yield same(name, f"{case}: two runs", whole, again)
        with tempfile.TemporaryDirectory() as folder:
            resumed, kept = interrupted(case, device, Path(folder), taken)
            if repeats:
                yield same(name, f"{case}: resumed", whole, resumed)
            else:  # nothing can be the same as what differs from itself
                yield compared(name, f"{case}: resumed, validation loss, apart", resumed, whole)
            if outputs:  # as train.py writes them beside the record
                write_outputs(Path(folder, "whole.json"), outputs)
                write_outputs(Path(folder, "resumed.json"), kept)
                one, other = (read_outputs(Path(folder, f"{n}.json")) for n in ("whole", "resumed"))
                apart = max(float(abs(one[seed] - other[seed]).max()) for seed in one)
                most = 0.0 if repeats else math.inf
                yield judged(name, f"{case}: resumed, test outputs apart", apart, most, "")

    def repeated(case: Case) -> Iterator[Row]:
        bfloat16 = use_bfloat16("auto", device)
        (one, _), (other, _) = (steps_of(case, device, 20, bfloat16) for _ in range(2))
        apart = float(((one - other) / one).abs().max())
        what = f"{case}: two runs of 20 steps, training loss apart"
        yield judged(name, what, apart, 0, "of it", "the same job is promised to give the same")

    cases = [case for case in SMALL if case.name in (wanted[1::2] if quick else wanted)]
    yield from each(name, cases, of, 30 if quick else 40)
    # Kernels are chosen by size: what repeats itself when small need not when large.
    yield from each(name, SMALL[:1] if quick else LARGER, repeated, 40)


def same(name: str, what: str, one: TrainingRecord, other: TrainingRecord) -> Row:
    """In how many values two records differ, and in which first."""
    differ = differing(lasting(one), lasting(other))
    return judged(name, f"{what}, values that differ", len(differ), 0, "", "".join(differ[:1]))


def interrupted(
    case: Case, device: torch.device, folder: Path, steps: int
) -> tuple[TrainingRecord, dict[int, torch.Tensor]]:
    """Train a case, ended after shares of `steps` (questions that an undisturbed one asks)."""
    at = [round(share * steps) for share in INTERRUPTED]
    for ends, before in zip(at, (0, *at), strict=False):
        left = ends - before

        def asked() -> int | None:
            nonlocal left
            left -= 1
            return signal.SIGTERM if left == 0 else None

        with contextlib.suppress(Stopped):
            trained(case, device, folder=folder, asked=asked)
            raise AssertionError(f"was not asked to end at step {ends} of {steps}")
    said: list[str] = []
    result = trained(case, device, folder=folder, say=said.append)
    if not any("going on from a checkpoint" in line for line in said):
        raise AssertionError(f"began anew: {said[:1]}")
    return result


def measure_pieces(device: torch.device, quick: bool) -> Iterator[Row]:
    """A batch that does not fit into the GPU's memory is computed in pieces, to the same loss."""
    name = "memory ends"
    # On a GPU never a small one: of 66 MB most is workspace, which no piece makes smaller.
    small = quick and device.type == "cpu"
    case = next(c for c in (SMALL if small else LARGER) if c.family == "transformer_lm")
    case = replace(case, size=case.size | DRY, batch=32 if small else 64)

    def of(case: Case) -> Iterator[Row]:
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        whole, _ = steps_of(case, device, 4, False)
        if device.type != "cuda":
            yield Row(name, str(case), None, "", SKIPPED, "a CPU's memory is not limited by torch")
            return
        peak = torch.cuda.max_memory_allocated(device)
        gc.collect()
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(device).total_memory
        try:
            torch.cuda.set_per_process_memory_fraction(0.6 * peak / total)
            cut, pieces = steps_of(case, device, 4, False)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
        yield judged(name, f"{case}: pieces of a batch", 1 / pieces, 0.5, "of it at a time")
        apart = float(((cut - whole) / whole).abs().max())
        yield judged(name, f"{case}: training loss, apart", apart, 1e-3, "of it")

    yield from each(name, [case], of, 30)


def steps_of(
    case: Case, device: torch.device, steps: int, bfloat16: bool, members: int = 2
) -> tuple[torch.Tensor, int]:
    """Training loss of each member over an epoch of so many steps, and pieces of a batch."""
    found: list[torch.Tensor] = []

    class Enough(Exception):
        pass

    def after(chunk) -> None:
        losses = [member.curves.train_loss[-1] for member in chunk.members]
        found.append(torch.tensor(losses, dtype=torch.float64))
        raise Enough

    chunk = chunk_of(case, device, members, steps * case.batch, bfloat16)
    with contextlib.suppress(Enough), deterministic(device):
        chunk.run(after, lambda: None)
    synchronise(device)
    return found[0], chunk.pieces


def gradient(case: Case, device: torch.device) -> torch.Tensor:
    """Gradients [2, P] of the first batch at the first weights, in float32 all through."""
    tensors = made(case)
    task = job.TASK_OF[case.meta.task](tensors, case.meta, "1.0", device)
    model = build(case.family, case.size, case.meta, 2, device.type)
    initialise(model, [0, 1])
    flat = Flat(model.train())
    x, y = next(iter(task.batches([0], 1, case.batch)))
    rounded = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False  # else a convolution keeps 10 bits
    try:
        outputs = model(x.expand(2, *x.shape[1:]))
        losses, _ = task.losses(outputs, y.expand(2, *y.shape[1:]))
        flat.backward(task.objective(outputs, y, losses).sum())
    finally:
        torch.backends.cudnn.allow_tf32 = rounded
    return torch.stack(list(flat.gradients)).cpu()


def compared(name: str, what: str, ours: TrainingRecord, theirs: TrainingRecord) -> Row:
    """How far the mean validation losses of two records lie apart, in the deviation of seeds."""
    if any(run.status != "ok" for record in (ours, theirs) for run in record.seeds):
        return judged(name, what, math.nan, SEED_DEVIATIONS, "", "a run diverged")
    a, b = ([run.validation.loss for run in record.seeds] for record in (ours, theirs))
    unit = max(stdev(b) if len(b) > 1 else 0.0, SHARE / SEED_DEVIATIONS * abs(mean(b)))
    apart = abs(mean(a) - mean(b)) / unit
    return judged(name, what, apart, SEED_DEVIATIONS, "deviations of seeds")


def mean_curve(record: TrainingRecord) -> list[float]:
    """Training loss by epoch, mean over seeds."""
    return [
        mean(epoch) for epoch in zip(*(run.curves.train_loss for run in record.seeds), strict=False)
    ]


def differing(one: object, other: object, at: str = "") -> list[str]:
    """Where two records of plain values differ, and in what."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [d for key in one for d in differing(one[key], other[key], f"{at}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            d
            for i, pair in enumerate(zip(one, other, strict=True))
            for d in differing(*pair, f"{at}[{i}]")
        ]
    return [] if one == other else [f"{at.lstrip('.')}: {one} and {other}"]
