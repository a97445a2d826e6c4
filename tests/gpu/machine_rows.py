"""What the machine has to keep: leases of its GPUs, the counter of energy."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from alphascale.running.devices import visible_devices
from alphascale.training.device import gpu_uuid
from alphascale.training.energy import GPU_UPDATE_S, UPDATES, Meter, rated
from gpu.rows import OK, SKIPPED, Row, guarded, judged, seconds_of, synchronise

ROOT = Path(__file__).resolve().parents[2]
# A job as train.py is one: torch is imported under the lease, and must see that GPU alone.
LEASED = """
import os, time
from alphascale.running.devices import lease
with lease("auto", lambda text: None):
    began = time.time()
    import torch
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    x = torch.ones(64, 64, device="cuda" if gpus else "cpu")
    right = (x @ x).sum().item() == 64.0 ** 3
    time.sleep(0.2)
    print(os.environ["CUDA_VISIBLE_DEVICES"], gpus, int(right), began, time.time())
"""


def measure_leases(device: torch.device, quick: bool) -> Iterator[Row]:
    """One job more than there are GPUs: each holds one, sees no other, and none holds one that
    another holds."""
    name = "leases"
    gpu = device.type == "cuda"
    known = visible_devices() if gpu else ("0",)  # without a GPU a name with nothing behind it

    def of() -> Iterator[Row]:
        if not known:
            raise RuntimeError("torch finds a GPU and `nvidia-smi` none: no job would lease one")
        env = {k: v for k, v in os.environ.items() if not k.startswith("SLURM")}
        env["PYTHONPATH"] = str(ROOT / "workflow" / "scripts")
        env["CUDA_VISIBLE_DEVICES"] = ",".join(known)
        with tempfile.TemporaryDirectory() as folder:
            env["TMPDIR"] = folder  # locks of its own, and no wait for a study that runs
            jobs = [
                subprocess.Popen(
                    [sys.executable, "-c", LEASED], env=env, text=True,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                )
                for _ in range(len(known) + 1)
            ]  # fmt: skip
            told = []
            for job in jobs:
                out, err = job.communicate(timeout=120)
                if job.returncode:
                    raise RuntimeError((err.strip().splitlines() or ["a job failed"])[-1])
                told.append(out.split())
        spans = [(held, float(began), float(ended)) for held, *_, began, ended in told]
        shared = sum(
            one[0] == other[0] and one[1] < other[2] and other[1] < one[2]
            for i, one in enumerate(spans)
            for other in spans[:i]
        )
        yield judged(name, "jobs that held a GPU together", shared, 0, "", f"of {len(jobs)} jobs")
        expected = int(torch.cuda.is_available())
        wrong = sum(int(gpus) != expected for _, gpus, *_ in told)
        yield judged(name, f"jobs that saw more or fewer GPUs than {expected}", wrong, 0, "")
        yield judged(name, "jobs that computed wrongly", sum(t[2] != "1" for t in told), 0, "")

    yield from guarded(name, "jobs", of)


def measure_energy(device: torch.device, quick: bool) -> Iterator[Row]:
    """Joules of matrix products by the machine's counter, and the watts that they come to."""
    name = "energy"

    def of() -> Iterator[Row]:
        gpu = device.type == "cuda"
        # What a window must hold to be a measurement, and half as much again.
        window = 1.5 * UPDATES * GPU_UPDATE_S if gpu else 0.3
        x = torch.randn(4096 if gpu else 128, 4096 if gpu else 128, device=device)
        seconds_of(lambda: x @ x, device, 0.2 if gpu else 0.02)
        with Meter(gpu_uuid(device)) as meter:
            seconds_of(lambda: x @ x, device, window)
            synchronise(device)
        found = meter.record(torch.get_num_threads())
        watts, how = rated(gpu_uuid(device), 1.0)
        yield Row(name, "rated", watts, "W", OK, how)
        if found.joules is None:
            # Of a GPU it must be there: Volta and newer count.
            yield Row(name, "by the counter", None, "", SKIPPED, found.how)
            return
        yield Row(name, f"by the counter, {meter.seconds:.1f} s", found.joules, "J", OK, found.how)
        drawn = found.joules / meter.seconds
        most = 1.1 * watts if gpu else float("inf")
        yield judged(name, "drawn", drawn if drawn > 0 else float("nan"), most, "W")

    yield from guarded(name, "by the counter", of)
