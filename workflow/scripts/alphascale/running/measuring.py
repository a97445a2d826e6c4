"""What programs share that measure networks on a device, beside `train`, which has checkpoints."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.store import open_tensors
from ..families.foreign import remember
from ..records.data import PreparedData, read_prepared
from .devices import lease

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def on_device(job) -> Iterator[tuple[PreparedData, dict[str, Tensor]]]:
    """A domain's prepared data, for as long as the job holds its device; torch has the job's
    threads by then. job: of a program with the options device, threads, jobs_per_gpu, weights."""
    # Before torch is imported: the thread count and the device are read once, at import.
    os.environ["OMP_NUM_THREADS"] = job.options.threads
    remember(json.loads(job.options.weights))
    with lease(job.options.device, job.say, int(job.options.jobs_per_gpu)):
        import torch

        torch.set_num_threads(int(job.options.threads))
        meta = read_prepared(job.input.meta)
        yield meta, open_tensors(Path(job.input.meta).with_suffix(".safetensors"), meta.sha256)
