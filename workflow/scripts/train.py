"""Train all members of one (domain, scale, fraction) and write their record."""

import os
from pathlib import Path

from alphascale.records.files import digest, write_sealed
from alphascale.records.specs import TrainSpec
from alphascale.records.training import read_record
from alphascale.records.typed import as_json, parse
from alphascale.running import program
from alphascale.running.devices import lease
from alphascale.running.signals import asked_later


def main(args):
    # Before torch is imported: the thread count and the device are read once, at import.
    os.environ["OMP_NUM_THREADS"] = args.threads
    made_from, spec = digest(args.spec), parse(TrainSpec, args.spec, "--spec")
    say = program.progress("train", args.log)
    with lease(spec.device, say, int(args.jobs_per_gpu)):
        import torch
        from alphascale.data.store import open_tensors
        from alphascale.records.data import read_prepared
        from alphascale.training.checkpoints import exclusive
        from alphascale.training.job import run

        torch.set_num_threads(int(args.threads))
        checkpoints = Path(args.checkpoints) / f"{made_from}-{args.code[:16]}"
        with exclusive(checkpoints, say) as waited:
            meta = read_prepared(args.meta)
            sha256 = meta.sha256
            if waited and Path(args.out).exists():
                read_record(args.out, made_from, args.code, sha256)
                say("the other process has finished: its record is kept")
                return
            tensors = open_tensors(args.data, sha256)
            record = run(
                spec, tensors, meta, say, checkpoints, sha256=sha256, code=args.code,
                asked=asked_later,
            )  # fmt: skip
            write_sealed(args.out, as_json(record))


program.run(
    main,
    program.arguments(
        __doc__, "spec", "code", "data", "meta", "out", "checkpoints", "threads", "jobs-per-gpu"
    ),
)  # fmt: skip
