"""Time some training steps of a domain's naive model, which is never trained."""

import json
import os
from pathlib import Path

from alphascale.data.store import open_tensors
from alphascale.families.foreign import remember
from alphascale.records.data import read_prepared
from alphascale.records.specs import PaceSpec
from alphascale.records.typed import spec_of, write
from alphascale.running import program
from alphascale.running.devices import lease


def main(job):
    # Before torch is imported: the thread count and the device are read once, at import.
    os.environ["OMP_NUM_THREADS"] = job.options.threads
    remember(json.loads(job.options.weights))
    with lease(job.options.device, job.say, int(job.options.jobs_per_gpu)):
        import torch
        from alphascale.training.pace import measure

        torch.set_num_threads(int(job.options.threads))
        meta = read_prepared(job.input.meta)
        tensors = open_tensors(Path(job.input.meta).with_suffix(".safetensors"), meta.sha256)
        spec = spec_of(job, PaceSpec)
        write(job.output.pace, measure(spec, tensors, meta, job.code, job.say))


program.run(main, "device", "threads", "jobs_per_gpu", weights="{}")
