"""Joules that a training took, from the counters of the machine, over the training alone.

The GPU's is NVML's total energy counter (Volta and newer; by nvidia-ml-py). The CPU's and memory's
are RAPL's, as Linux shows them under /sys/class/powercap (kernels since 2020 let only root read
them). RAPL counts the whole machine: a job is charged its share of the CPU time that all processes
used meanwhile, idle power included. Where a counter cannot be read the result says why, and carries
no joules; an estimate is then made of what the device is rated at (`rated`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..records.training import Energy

POWERCAP = Path("/sys/class/powercap")
STAT = Path("/proc/stat")
# A package's counter wraps at 262 kJ on common machines: after 10 minutes at 400 W. It is read far
# more often.
SAMPLE_S = 20.0
# Watts of a CPU core under load, memory and the rest of its package with it: the thermal design
# power of present processors is 4 (servers of 64 cores) to 16 W (desktops of 8) for each core.
CORE_W = 10.0
# Watts of a GPU that does not tell its limit: of data-centre cards, 70 (T4) to 700 (H100) have it.
GPU_W = 300.0


class Meter:
    """`with Meter(gpu) as meter: train()`, then `meter.result()`.

    gpu: the device's UUID as torch gives it, None on a CPU. partial: a reason why the window will
    not hold the whole training; the result is then that reason.
    """

    def __init__(
        self,
        gpu: str | None = None,
        partial: str | None = None,
        powercap: Path = POWERCAP,
        stat: Path = STAT,
        sample_s: float = SAMPLE_S,
    ):
        self.partial, self.stat, self.sample_s = partial, stat, sample_s
        self.gpu, self.gpu_missing = (None, None) if gpu is None else _nvml_counter(gpu)
        self.packages, self.cpu_missing = _rapl_counters(powercap)
        self.on_gpu = gpu is not None
        self.over = threading.Event()
        self.sampler: threading.Thread | None = None

    def __enter__(self) -> Meter:
        self.cpu_joules = self.gpu_joules = self.gpu_start = 0.0
        self.process, self.busy = time.process_time(), busy_seconds(self.stat)
        try:
            self.last = [read() for _, read, _ in self.packages]
            self.gpu_start = self.gpu() if self.gpu else 0.0
        except Exception as fault:
            self._fails(fault)
        if self.packages and not self.partial:
            self.sampler = threading.Thread(target=self._sample, daemon=True)
            self.sampler.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.over.set()
        if self.sampler:
            self.sampler.join()
        self._add()
        self.process = time.process_time() - self.process
        self.busy = busy_seconds(self.stat) - self.busy

    def result(self) -> Energy:
        """The record's entry: joules, or None, and how they were got, or why not."""
        if self.partial:
            return _missing(self.partial)
        if self.on_gpu and self.gpu is None:
            return _missing(self.gpu_missing)
        if not self.on_gpu and not self.packages:
            return _missing(self.cpu_missing)
        share = min(1.0, self.process / self.busy) if self.busy > 0 else 1.0
        parts = []
        if self.on_gpu:
            parts.append("the GPU's energy counter (NVML)")
        if self.packages:
            names = ", ".join(name for name, _, _ in self.packages)
            parts.append(
                f"RAPL ({names}) × {100 * share:.0f} %, this job's share of the CPU time used"
            )
        else:
            parts.append(f"without the CPU ({self.cpu_missing})")
        return Energy(self.gpu_joules + share * self.cpu_joules, f"measured: {'; '.join(parts)}")

    def _sample(self) -> None:
        while not self.over.wait(self.sample_s):
            self._add()

    def _add(self) -> None:
        """Add what the counters moved by since they were read last."""
        if self.partial:
            return
        try:
            for i, (_, read, span) in enumerate(self.packages):
                now = read()
                self.cpu_joules += (now - self.last[i]) % span
                self.last[i] = now
            if self.gpu:
                self.gpu_joules = self.gpu() - self.gpu_start
        except Exception as fault:
            self._fails(fault)

    def _fails(self, fault: Exception) -> None:
        """A counter that stops answering costs the number, never the training."""
        self.partial = f"a counter failed while training ran ({fault})"


def rated(gpu: str | None, threads: int) -> tuple[float, str]:
    """(watts of the device that trains under load, where they are from).

    gpu: its UUID as torch gives it, None on a CPU; threads: of torch on the CPU, a core each. A GPU
    says itself what it may draw at most; the cores that feed it are added.
    """
    cores = f"{threads} CPU core{'s' * (threads > 1)} × {CORE_W:g} W"
    if gpu is None:
        return threads * CORE_W, cores
    limit, missing = _nvml_limit(gpu)
    if limit is None:
        limit, how = GPU_W, f"{GPU_W:g} W of a GPU whose limit is not known ({missing})"
    else:
        how = f"{limit:g} W, the GPU's own limit (NVML)"
    return limit + threads * CORE_W, f"{how}, and {cores}"


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
    found = []
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
        found.append((name, _reader(zone / "energy_uj"), span))
    return found, None if found else f"RAPL: {folder} shows no counters on this machine"


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
