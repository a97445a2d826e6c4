"""Which GPUs this machine shows, and which one a local job may use: a lease per device.

Snakemake's `resources: gpu=1` counts; it does not say which device. Each local job takes an
exclusive lock on one lock file per visible device and holds it for its life, so a crash frees
it. Under SLURM the scheduler hands out devices, and the lease is off.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from ..errors import UserError

try:
    import fcntl
except ImportError:  # no such locks on Windows: nobody is seen to share a GPU
    fcntl = None

# Device and place that this process holds.
_held: list[tuple[str, int]] = []
# In the folder of the lock files: every lease's start and end, `seconds,event,device,place,pid`.
LOG = "leases.csv"


@lru_cache
def visible_devices() -> tuple[str, ...]:
    """Names of the CUDA devices this process may use, as CUDA_VISIBLE_DEVICES spells them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return tuple(part.strip() for part in named.split(",") if part.strip() not in ("", "-1"))
    try:
        listing = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(listing.stdout.split())


def same_device(device: str, local: bool) -> str:
    """One name for one device, however the study spells it: part of what a training depends on.

    Where trainings run on this machine: `auto` is `cpu` if no GPU is visible, else `cuda`. Where
    they are submitted (not `local`) each name stays as it is: the node that trains decides what
    `auto` means, and what the submitting machine shows says nothing of it.
    """
    if device != "auto" or not local:
        return device
    return "cuda" if visible_devices() else "cpu"


def gpus_per_job(device: str, local: bool) -> int:
    """What a training job asks for: one GPU where one is wanted and there.

    On a cluster (not `local`) what this machine shows does not matter: one, unless the profile says
    otherwise.
    """
    return 1 if device != "cpu" and (visible_devices() or not local) else 0


def lease_folder() -> Path:
    """Where this user's lock files and the lease log lie, one folder per machine."""
    folder = Path(tempfile.gettempdir()) / f"alphascale-leases-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def lease(device: str, say: Callable[[str], None], share: int = 1) -> Iterator[None]:
    """Hold one visible device for the block, by setting CUDA_VISIBLE_DEVICES before torch loads.

    `share` jobs may hold a device at once: it has as many lock files, and the first of every device
    is tried before the second of any. Waits while all are taken (another workflow on this machine
    may hold them). Every lease leaves a `start` and an `end` line in the lease log; a killed job
    leaves no end. Does nothing on a CPU or under SLURM. Raises UserError if `device` is cuda and
    there is none.
    """
    devices = visible_devices()
    if device == "cuda" and not devices:
        raise UserError("configuration: device: `cuda`, but no GPU is visible; use `auto` or `cpu`")
    if device != "cpu" and "SLURM_JOB_ID" in os.environ:
        shown = os.environ.get("CUDA_VISIBLE_DEVICES")
        say(f"SLURM job {os.environ['SLURM_JOB_ID']} gives GPU {shown or 'none'}; no lease")
        yield
        return
    if device == "cpu" or not devices:
        yield
        return
    from filelock import FileLock, Timeout  # here, for the Snakefile imports this module

    folder = lease_folder()
    waiting = False
    while True:
        for place, name in itertools.product(range(share), devices):
            try:
                held = FileLock(folder / _lock_name(name, place)).acquire(blocking=False)
            except Timeout:
                continue
            with held:
                os.environ["CUDA_VISIBLE_DEVICES"] = name
                say(f"uses GPU {name}, place {place + 1} of {share}; log: {folder / LOG}")
                _note(folder, "start", name, place)
                _held.append((name, place))
                try:
                    yield
                finally:
                    _held.remove((name, place))
                    _note(folder, "end", name, place)
                return
        if not waiting:
            say(f"waits for a free GPU: {', '.join(devices)} are all leased")
            waiting = True
        time.sleep(0.5)


def sharers() -> int:
    """How many local jobs hold the GPU that this process has leased, itself among them; 1 where it
    has leased none.

    Asked of the locks, which a killed job does not keep: a shared lock that is refused is held.
    """
    if fcntl is None or not _held:
        return 1
    name, own = _held[-1]
    found = 1
    for place in itertools.count():
        path = lease_folder() / _lock_name(name, place)
        if not path.exists():
            return found
        if place == own:
            continue
        with open(path, "rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found += 1


def _lock_name(device: str, place: int) -> str:
    return f"gpu-{device.replace('/', '_')}{f'-{place + 1}' if place else ''}.lock"


def _note(folder: Path, event: str, device: str, place: int) -> None:
    """Append `seconds,event,device,place,pid` in one write: lines of other jobs cannot split it."""
    line = f"{time.time():.6f},{event},{device},{place + 1},{os.getpid()}\n"
    with open(folder / LOG, "ab", buffering=0) as stream:
        stream.write(line.encode())
