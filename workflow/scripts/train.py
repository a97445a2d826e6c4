"""Train all members of one (domain, scale, fraction) and write their record."""

import os
from pathlib import Path

from alphascale.data.store import meta_of, open_tensors, read_sidecar
from alphascale.errors import UserError
from alphascale.records.files import SCHEMA, digest, read_record, write_sealed
from alphascale.running import program
from alphascale.running.devices import lease
from alphascale.running.signals import asked_later


def main(job):
    # Before torch is imported: the thread count and the device are read once, at import.
    os.environ["OMP_NUM_THREADS"] = job.options.threads
    spec = job.spec
    checkpoints = Path(job.options.checkpoints) / f"{digest(spec)}-{job.code[:16]}"
    if not os.environ.get("ALPHASCALE_FORCED") and recorded(job):
        job.say("this very training, on these very data, has a record: it is kept")
        return
    with lease(job.options.device, job.say, int(job.options.jobs_per_gpu)):
        import torch
        from alphascale.training.checkpoints import exclusive
        from alphascale.training.job import run

        torch.set_num_threads(int(job.options.threads))
        with exclusive(checkpoints, job.say) as waited:
            if waited and recorded(job):
                job.say("the other process has finished: its record is kept")
                return
            sidecar = read_sidecar(job.input.meta)
            sha256 = sidecar["sha256"]
            tensors, meta = open_tensors(job.input.data, sha256), meta_of(sidecar)
            here = spec | {"device": job.options.device}
            record = run(
                here, tensors, meta, job.say, checkpoints, sha256=sha256, asked=asked_later
            )
            provenance = {"schema": SCHEMA, "spec": spec, "code": job.code, "data_sha256": sha256}
            write_sealed(job.output.record, provenance | record)


def recorded(job):
    """Whether the record is there, whole, of this spec, code and data."""
    if not Path(job.output.record).exists():
        return False
    try:
        sha256 = read_sidecar(job.input.meta)["sha256"]
        read_record(job.output.record, digest(job.spec), job.code, sha256)
    except UserError:
        return False
    return True


program.run(main, "device", "threads", "jobs_per_gpu", "checkpoints")
