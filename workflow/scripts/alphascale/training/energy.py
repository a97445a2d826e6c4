"""Joules that a training took, from the counters of the machine, over the training alone.

The GPU's is NVML's total energy counter (Volta and newer; by nvidia-ml-py). It counts the whole
GPU: of several jobs that hold one, each is charged an equal part of what it moves by meanwhile. The
CPU's and memory's are RAPL's, as Linux shows them under /sys/class/powercap (kernels since 2020 let
only root read them). RAPL counts the whole machine: a job is charged its share of the CPU time that
all processes used meanwhile, idle power included. Where a counter cannot be read, moves too seldom
for the window, or as no counter of joules can, the result says why, and carries no joules; an
estimate is then made of what the device is rated at and how long it was the job's (`Meter.record`).
docs/training.md says why no library does it.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..records.training import Energy
from ..running.devices import sharers

POWERCAP = Path("/sys/class/powercap")
STAT = Path("/proc/stat")
# Seconds between two updates of a counter: NVML's about 0.1 (the makers of Zeus, 2025; 0.02 to 0.1,
# PETSc's manual), RAPL's 0.001, but the CPU time that it is shared out by comes in ticks.
GPU_UPDATE_S, CPU_UPDATE_S = 0.1, 1 / os.sysconf("SC_CLK_TCK")
# Updates that a window must hold: the last one is then 5 % of it at the most.
UPDATES = 20
# A package's counter wraps at 262 kJ on common machines: after 10 minutes at 400 W. It is read far
# more often.
SAMPLE_S = 20.0
# On a GPU, how many jobs hold it is looked at so often.
SHARED_S = 1.0
# Counters that differ by no more are one: some processors of several dies show the socket's as
# often as they have dies (CodeCarbon's issue 1274). A package takes some milliseconds for a joule.
MIRRORED_J, MIRRORED = 1.0, 1e-6
# Watts of a CPU core under load, memory and the rest of its package with it: the thermal design
# power of present processors is 4 (servers of 64 cores) to 16 W (desktops of 8) for each core.
CORE_W = 10.0
# Watts of a GPU that does not tell its limit: of data-centre cards, 70 (T4) to 700 (H100) have it.
GPU_W = 300.0
# What cannot be: the limit of a GPU so many times over (peaks of some milliseconds reach twice), or
# so many watts of one that tells none, of a package or of memory (the largest of today are rated at
# 1,400, 500 and less). A counter may be late: it has this many seconds more than passed.
OVER, GPU_MOST_W, PACKAGE_MOST_W, LATE_S = 3.0, 3000.0, 1500.0, 1.0


class Meter:
    """`with Meter(gpu) as meter: train()`, then `meter.record(threads)`.

    gpu: the device's UUID as torch gives it, None on a CPU. partial: a reason why the window will
    not hold the whole training; the result is then that reason. jobs: how many jobs hold the GPU.
    """

    def __init__(
        self,
        gpu: str | None = None,
        partial: str | None = None,
        powercap: Path = POWERCAP,
        stat: Path = STAT,
        sample_s: float | None = None,
        update_s: float | None = None,
        jobs: Callable[[], int] = sharers,
    ):
        self.uuid, self.on_gpu, self.jobs = gpu, gpu is not None, jobs
        self.partial, self.stat = partial, stat
        often, update = (SHARED_S, GPU_UPDATE_S) if self.on_gpu else (SAMPLE_S, CPU_UPDATE_S)
        self.sample_s = often if sample_s is None else sample_s
        self.update_s = update if update_s is None else update_s
        self.gpu, self.gpu_missing = (None, None) if gpu is None else _nvml_counter(gpu)
        limit = _nvml_limit(gpu)[0] if self.gpu else None
        self.gpu_most = OVER * limit if limit else GPU_MOST_W
        self.packages, self.cpu_missing = _rapl_counters(powercap)
        self.over = threading.Event()
        self.sampler: threading.Thread | None = None

    @property
    def counts(self) -> bool:
        """Whether there is a counter to read."""
        return not self.partial and bool(self.gpu if self.on_gpu else self.packages)

    def __enter__(self) -> Meter:
        self.cpu_joules = self.gpu_joules = self.gpu_moved = self.gpu_last = self.own_s = 0.0
        self.moved = [0.0] * len(self.packages)
        self.most = 1
        self.began = self.seen = time.monotonic()
        self.process, self.busy = time.process_time(), busy_seconds(self.stat)
        try:
            self.last = [read() for _, read, _ in self.packages]
            self.gpu_last = self.gpu() if self.gpu else 0.0
        except Exception as fault:
            self._fails(fault)
        if (self.packages and not self.partial) or self.on_gpu:
            self.sampler = threading.Thread(target=self._sample, daemon=True)
            self.sampler.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.over.set()
        if self.sampler:
            self.sampler.join()
        self._add()
        self.seconds = self.seen - self.began
        self.process = time.process_time() - self.process
        self.busy = busy_seconds(self.stat) - self.busy

    def result(self) -> Energy:
        """Joules, or None, and how they were got, or why not."""
        if self.partial:
            return _missing(self.partial)
        if self.on_gpu and self.gpu is None:
            return _missing(self.gpu_missing)
        if not self.on_gpu and not self.packages:
            return _missing(self.cpu_missing)
        if self.seconds < UPDATES * self.update_s:
            return _missing(
                f"{self.seconds:.2g} s are fewer than {UPDATES} updates of the "
                f"{'GPU' if self.on_gpu else 'CPU'}'s counters, one in {self.update_s:g} s"
            )
        still = [
            name
            for (name, *_), moved in zip(self.packages, self.moved, strict=True)
            if not moved and name != "dram"  # some machines show memory's as a constant
        ]
        stood = f"stood still for {self.seconds:.2g} s"
        if self.on_gpu and not self.gpu_moved:
            return _missing(f"NVML: the GPU's energy counter {stood}")
        cpu_missing = f"RAPL: {', '.join(still)} {stood}" if still else self.cpu_missing
        if still and not self.on_gpu:
            return _missing(cpu_missing)
        share = min(1.0, self.process / self.busy) if self.busy > 0 else 1.0
        parts = []
        if self.on_gpu:
            shared = f", shared by up to {self.most} jobs" if self.most > 1 else ""
            parts.append(f"the GPU's energy counter (NVML{shared})")
        counted = bool(self.packages) and not still
        if counted:
            names = ", ".join(name for name, _, _ in self.packages)
            parts.append(
                f"RAPL ({names}) × {100 * share:.0f} %, this job's share of the CPU time used"
            )
        else:
            parts.append(f"without the CPU ({cpu_missing})")
        joules = self.gpu_joules + (share * self.cpu_joules if counted else 0.0)
        return Energy(joules, f"measured: {'; '.join(parts)}")

    def record(self, threads: int) -> Energy:
        """The record's entry: the result, and what the job is taken to have drawn on average, which
        an estimate rests on.

        That is what its device is rated at for as much of the time as it was the job's: on a
        machine that is busy with others a job of one thread has less than a core, and of a GPU that
        jobs share each has its part. threads: of torch on the CPU.
        """
        cores = min(float(threads), self.process / self.seconds) if self.seconds else float(threads)
        part = self.own_s / self.seconds if self.on_gpu and self.seconds else 1.0
        watts, how = rated(self.uuid, cores, part)
        return replace(self.result(), watts=watts, watts_how=how)

    def _sample(self) -> None:
        while not self.over.wait(self.sample_s):
            self._add()

    def _add(self) -> None:
        """Add what the counters moved by since they were read last."""
        now, jobs = time.monotonic(), max(1, self.jobs()) if self.on_gpu else 1
        passed = now - self.seen
        self.own_s += passed / jobs
        self.seen, self.most = now, max(self.most, jobs)
        if self.partial:
            return
        try:
            for i, (name, read, span) in enumerate(self.packages):
                shown = read()
                moved = _moved(name, self.last[i], shown, passed, PACKAGE_MOST_W, span)
                self.cpu_joules += moved
                self.moved[i] += moved
                self.last[i] = shown
            if self.gpu:
                shown = self.gpu()
                moved = _moved("NVML", self.gpu_last, shown, passed, self.gpu_most)
                self.gpu_joules += moved / jobs
                self.gpu_moved += moved
                self.gpu_last = shown
        except Exception as fault:
            self._fails(fault)

    def _fails(self, fault: Exception) -> None:
        """A counter that stops answering costs the number, never the training."""
        self.partial = f"a counter failed while training ran ({fault})"


def _moved(
    name: str, before: float, after: float, seconds: float, most: float, span: float = 0.0
) -> float:
    """Joules that a counter moved by, over its end where it has one (span, J; 0 where not).

    Raises ValueError where no counter of joules moves so: it shows no number, falls without having
    wrapped (a driver or a machine that slept sets it back), or moves by more than `most` watts."""
    joules = after - before
    if joules < 0 and span > 0:
        joules %= span
    if not math.isfinite(joules):
        raise ValueError(f"{name} shows {after:g} J after {before:g}")
    if joules < 0:
        raise ValueError(f"{name} fell from {before:g} to {after:g} J")
    if joules > most * (seconds + LATE_S):
        raise ValueError(
            f"{name} went from {before:g} to {after:g} J in {seconds:.2g} s: more than {most:g} W, "
            "so it was set back or is broken"
        )
    return joules


def rated(gpu: str | None, cores: float, part: float = 1.0) -> tuple[float, str]:
    """(watts that a job is taken to draw, where they are from: the same words for all its like).

    gpu: its UUID as torch gives it, None on a CPU; cores: of the CPU that it keeps busy, not whole
    where it waits or others compute too; part: of the GPU that is its own. A GPU says itself what
    it may draw at most; the cores that feed it are added.
    """
    of_cores = f"{CORE_W:g} W for each CPU core, by the CPU time used"
    if gpu is None:
        return cores * CORE_W, of_cores
    limit, missing = _nvml_limit(gpu)
    if limit is None:
        limit, how = GPU_W, f"{GPU_W:g} W of a GPU whose limit is not known ({missing})"
    else:
        how = f"{limit:g} W, the GPU's own limit (NVML)"
    shared = ", shared out among the jobs that held it" if part < 1 - 1e-9 else ""
    return part * limit + cores * CORE_W, f"{how}{shared}, and {of_cores}"


def _nvml_limit(uuid: str) -> tuple[float | None, str]:
    """Watts that the GPU is limited to, or why they are not known."""
    device, missing = _nvml_device(uuid)
    if device is None:
        return None, missing
    import pynvml

    try:
        return pynvml.nvmlDeviceGetPowerManagementLimit(device) / 1e3, ""
    except pynvml.NVMLError as fault:
        return None, f"NVML: {fault}"


def _nvml_device(uuid: str) -> tuple[object | None, str]:
    """NVML's handle of a GPU, or why there is none."""
    try:
        import pynvml
    except ImportError:
        return None, "nvidia-ml-py is not installed"
    try:
        pynvml.nvmlInit()
        name = f"GPU-{uuid.removeprefix('GPU-')}".encode()
        return pynvml.nvmlDeviceGetHandleByUUID(name), ""
    except pynvml.NVMLError as fault:
        return None, f"NVML: {fault}"


def _missing(reason: str | None) -> Energy:
    return Energy(None, f"not measured: {reason}")


def _nvml_counter(uuid: str) -> tuple[Callable[[], float] | None, str | None]:
    """A function that reads the GPU's joules since the driver loaded, or why there is none."""
    device, missing = _nvml_device(uuid)
    if device is None:
        return None, missing
    import pynvml

    try:
        pynvml.nvmlDeviceGetTotalEnergyConsumption(device)
    except pynvml.NVMLError as fault:
        return None, f"NVML: {fault}"
    return lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(device) / 1e3, None


def _rapl_counters(
    folder: Path,
) -> tuple[list[tuple[str, Callable[[], float], float]], str | None]:
    """(name, function that reads joules, joules at which it wraps) of packages and memory."""
    found, firsts = [], []
    for zone in sorted(folder.glob("intel-rapl:*")):
        try:
            name = (zone / "name").read_text().strip()
            # Cores and graphics lie inside the package, the package inside psys.
            if not (name.startswith("package") or name == "dram"):
                continue
            (zone / "energy_uj").read_text()
            span = float((zone / "max_energy_range_uj").read_text()) / 1e6
        except PermissionError:
            return [], f"RAPL: {zone}/energy_uj may be read by root only"
        except OSError as fault:
            return [], f"RAPL: {fault}"
        read = _reader(zone / "energy_uj")
        if name != "dram" and _mirrors(read(), firsts):
            continue
        found.append((name, read, span))
    return found, None if found else f"RAPL: {folder} shows no counters on this machine"


def _mirrors(joules: float, firsts: list[float]) -> bool:
    """Whether a package's counter shows what one of those before shows; else it is added to them.
    A counter at nought tells nothing."""
    near = (abs(joules - each) <= max(MIRRORED_J, MIRRORED * each) for each in firsts)
    if joules > 0 and any(near):
        return True
    firsts += [joules] if joules > 0 else []
    return False


def _reader(path: Path) -> Callable[[], float]:
    return lambda: float(path.read_text()) / 1e6


def busy_seconds(stat: Path) -> float:
    """CPU seconds that all processes of the machine have used, 0 where the system does not say."""
    try:
        line = stat.read_text().splitlines()[0].split()
    except (OSError, IndexError):
        return 0.0
    ticks = [float(value) for value in line[1:9]]
    return (sum(ticks) - sum(ticks[3:5])) / os.sysconf("SC_CLK_TCK")
