"""Where and how to compute: device, precision, members at a time, what was used of the machine."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ..errors import UserError
from ..families import family
from ..records.specs import Size
from ..records.training import Device

# Parameters of all members that train together, at most: their values, gradients, two moments and
# best weights take 20 bytes each, so that a chunk stays below half a gigabyte beside activations.
TOGETHER = 20_000_000
# On a GPU: three Transformers of 10.8 M as one were 2.8 times as fast as one by one (H100).
TOGETHER_ON_GPU = 40_000_000
MEMINFO = Path("/proc/meminfo")
# glibc's mallopt: freed memory stays with the process, and no tensor below 32 MB is mapped anew.
MALLOPT = {-1: 2**31 - 1, -3: 32 << 20}  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD (32 MB at most)


def choose_device(name: str) -> torch.device:
    """auto (a GPU where there is one), cpu or cuda; raises UserError where there is no GPU."""
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UserError(
            "device: cuda was asked for and torch finds no GPU here: use `device: auto` or `cpu`"
        )
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def use_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether to compute under bfloat16 autocast: `auto` only on GPUs that have it in hardware."""
    if precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return precision == "bfloat16"


def members_together(
    name: str,
    size: Size,
    shape: tuple[int, ...],
    params: int,
    members: int,
    device: torch.device,
    vocabulary: int | None = None,
) -> int:
    """How many members of a job to compute as one: `shape` of a sample, `params` of a member.

    On a CPU they are faster one by one once the widest layer's output for one sample, over all
    members together, falls out of the cache: each family says when, with what was measured.
    """
    found = family(name)
    most = (TOGETHER if device.type == "cpu" else TOGETHER_ON_GPU) // params
    if device.type == "cpu":
        most = min(most, found.cached // found.widest(size, shape, vocabulary))
    elif not found.together_on_gpu:
        most = 1
    return max(1, min(members, most))


def keep_memory() -> None:
    """Have the C library keep what is freed, for the next step to use.

    By default it gives the top of the heap back whenever 128 KB of it are free, and each step
    faults its pages in anew: 1,774 faults of 4 KB a step of nine CNNs of 8 channels, 9 % of the
    time; 7 % of that of four Transformers of width 8.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, value in MALLOPT.items():
            libc.mallopt(option, value)


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Have torch take repeatable kernels alone, for as long as the block runs.

    An operation that has none raises RuntimeError, on which `allow_unrepeatable` lets it pass. Not
    at once by `warn_only`: with it the backward passes of fused attention keep the kernels that add
    up in any order, though they have others.
    The CPU's are repeatable already for one number of threads.
    """
    if device.type == "cpu":
        yield
        return
    # cuBLAS repeats itself only with this workspace; it is read when the first handle is made.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    filling = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    # A debugging aid that comes with it, 10 % of the time of a small model's step.
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark
        torch.utils.deterministic.fill_uninitialized_memory = filling


def allow_unrepeatable(fault: RuntimeError) -> bool:
    """Whether a computation failed for want of a repeatable kernel; such operations then pass,
    until the block of `deterministic` ends."""
    if "deterministic" not in str(fault) or torch.is_deterministic_algorithms_warn_only_enabled():
        return False
    torch.use_deterministic_algorithms(True, warn_only=True)
    return True


def describe(device: torch.device, bfloat16: bool) -> Device:
    """The record's entry: type, name, precision, threads."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    precision = "bfloat16" if bfloat16 else "float32"
    return Device(device.type, name, precision, torch.get_num_threads())


def gpu_uuid(device: torch.device) -> str | None:
    """What NVML knows the GPU by; None on a CPU."""
    return str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else None


def peak_memory(device: torch.device) -> int:
    """Bytes: the most that torch held on the GPU, or that the process held on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


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
