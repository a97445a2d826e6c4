"""Train all members of one (domain, scale, fraction) and write their record."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from alphascale.data.store import open_tensors
from alphascale.errors import UserError
from alphascale.families.foreign import remember
from alphascale.records.data import read_prepared
from alphascale.records.files import digest
from alphascale.records.outputs import write_outputs
from alphascale.records.rates import check_rate, law_of
from alphascale.records.specs import TrainSpec
from alphascale.records.training import read_record
from alphascale.records.typed import digest_of, spec_of, write
from alphascale.running import program
from alphascale.running.devices import lease
from alphascale.running.signals import asked_later


def main(job):
    # Before torch is imported: the thread count and the device are read once, at import.
    os.environ["OMP_NUM_THREADS"] = job.options.threads
    remember(json.loads(job.options.weights))
    checkpoints = Path(job.options.checkpoints) / f"{digest(job.spec)}-{job.code[:16]}"
    spec, before = spec_of(job, TrainSpec), job.beside.get("trunk")
    taken = trunk_of(job, spec.on(before)) if before else None
    if not os.environ.get("ALPHASCALE_FORCED") and recorded(job):
        job.say("this very training, on these very data, has a record: it is kept")
        # Ended between the record and the end of its checkpoint, or in the midst of that.
        if any(checkpoints.parent.glob(f"{checkpoints.name}*")):
            from alphascale.training.checkpoints import exclusive

            with exclusive(checkpoints, job.say):
                pass
        used_up(taken)
        return
    with lease(job.options.device, job.say, int(job.options.jobs_per_gpu)):
        import torch
        from alphascale.training.checkpoints import exclusive
        from alphascale.training.job import run
        from alphascale.training.trunk import Folders

        torch.set_num_threads(int(job.options.threads))
        with exclusive(checkpoints, job.say) as waited:
            if waited and recorded(job):
                job.say("the other process has finished: its record is kept")
                return
            meta, law = read_prepared(job.input.meta), law_of(job.input)
            left = trunk_of(job, spec) if job.beside.get("leaves") else None
            record, outputs = run(
                replace(spec, device=job.options.device),
                open_tensors(Path(job.input.meta).with_suffix(".safetensors"), meta.sha256),
                meta, job.say, checkpoints, sha256=meta.sha256, code=job.code,
                models=models(Path(job.output.record)), asked=asked_later,
                law=law, checked=job.beside.get("checked", False),
                trunks=Folders(before, taken, left),
            )  # fmt: skip
            # Before the record, which names them: without them it would be no record.
            kept = write_outputs(job.output.record, outputs) if outputs else None
            made = replace(record.spec, device=spec.device)
            write(job.output.record, replace(record, spec=made, outputs_sha256=kept))
    used_up(taken)


def trunk_of(job, spec):
    """Where the job of a spec leaves its trunk for that of the next fraction."""
    return Path(job.options.checkpoints) / f"trunk-{digest_of(spec)}-{job.code[:16]}"


def used_up(trunk):
    """Remove a trunk: one job alone goes on from it, and that has its record."""
    if trunk is not None:
        shutil.rmtree(trunk, ignore_errors=True)


def models(record):
    """Where weights go that a study keeps: those of its ladder, none of a verification."""
    if record.parents[2].name != "train":
        return None
    return record.parents[3].joinpath("models", *record.parts[-3:-1], record.stem)


def recorded(job):
    """Whether the record is there, whole, of this spec, code and data, and at the law's rate.
    Whether it holds a check plays no part: a size that is the largest no more keeps its own."""
    if not Path(job.output.record).exists():
        return False
    try:
        sha256 = read_prepared(job.input.meta).sha256
        record = read_record(job.output.record, digest(job.spec), job.code, sha256)
        check_rate(job.output.record, record, law_of(job.input))
    except UserError:
        return False
    return True


program.run(main, "device", "threads", "jobs_per_gpu", "checkpoints", weights="{}")
