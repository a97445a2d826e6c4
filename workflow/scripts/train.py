"""Train all members of one (domain, scale, fraction) and write their record."""

import os
from pathlib import Path

from alphascale.records.files import SCHEMA, digest, read_record, write_sealed
from alphascale.running import program
from alphascale.running.devices import lease
from alphascale.running.signals import asked_later


def main(args):
    # Before torch is imported: the thread count and the device are read once, at import.
    os.environ["OMP_NUM_THREADS"] = args.threads
    spec = args.spec
    say = program.progress("train", args.log)
    with lease(spec["device"], say, int(args.jobs_per_gpu)):
        import torch
        from alphascale.data.store import open_tensors
        from alphascale.records.data import read_prepared
        from alphascale.training.checkpoints import exclusive
        from alphascale.training.job import run

        torch.set_num_threads(int(args.threads))
        checkpoints = Path(args.checkpoints) / f"{digest(spec)}-{args.code[:16]}"
        with exclusive(checkpoints, say) as waited:
            meta = read_prepared(args.meta)
            sha256 = meta.sha256
            if waited and Path(args.out).exists():
                read_record(args.out, digest(spec), args.code, sha256)
                say("the other process has finished: its record is kept")
                return
            tensors = open_tensors(args.data, sha256)
            record = run(spec, tensors, meta, say, checkpoints, sha256=sha256, asked=asked_later)
            provenance = {
                "schema": SCHEMA,
                "spec": spec,
                "code": args.code,
                "data_sha256": sha256,
            }
            write_sealed(args.out, provenance | record)


program.run(
    main,
    program.arguments(
        __doc__, "spec", "code", "data", "meta", "out", "checkpoints", "threads", "jobs-per-gpu"
    ),
)  # fmt: skip
