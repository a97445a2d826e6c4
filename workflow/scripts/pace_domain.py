"""Time some training steps of a domain's naive model, which is never trained."""

from alphascale.records.specs import PaceSpec
from alphascale.records.typed import spec_of, write
from alphascale.running import program
from alphascale.running.measuring import on_device


def main(job):
    with on_device(job) as (meta, tensors):
        from alphascale.training.pace import measure

        spec = spec_of(job, PaceSpec)
        write(job.output.pace, measure(spec, tensors, meta, job.code, job.say))


program.run(main, "device", "threads", "jobs_per_gpu", weights="{}")
