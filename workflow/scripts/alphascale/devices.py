"""Which GPUs this machine shows, and which one a local job may use: a lease per device.

Snakemake's `resources: gpu=1` counts; it does not say which device. Each local job takes an
exclusive `flock` on one lock file per visible device and holds it for its life, so a crash frees
it. Under SLURM the scheduler hands out devices, and the lease is off.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from .errors import UserError


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


def gpus_per_job(device: str) -> int:
    """What a training job asks for: one GPU where one is wanted and there."""
    return 1 if device != "cpu" and visible_devices() else 0


@contextmanager
def lease(device: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold one visible device for the block, by setting CUDA_VISIBLE_DEVICES before torch loads.

    Waits while all are taken (another workflow on this machine may hold them). Does nothing on
    a CPU or under SLURM. Raises UserError if `device` is cuda and there is none.
    """
    devices = visible_devices()
    if device == "cuda" and not devices:
        raise UserError("configuration: device: `cuda`, but no GPU is visible; use `auto` or `cpu`")
    if device == "cpu" or not devices or "SLURM_JOB_ID" in os.environ:
        yield
        return
    folder = Path(tempfile.gettempdir()) / f"alphascale-leases-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    waiting = False
    while True:
        for name in devices:
            with open(folder / f"gpu-{name.replace('/', '_')}.lock", "w") as stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                os.environ["CUDA_VISIBLE_DEVICES"] = name
                say(f"uses GPU {name}")
                yield
                return
        if not waiting:
            say(f"waits for a free GPU: {', '.join(devices)} are all leased")
            waiting = True
        time.sleep(0.5)
