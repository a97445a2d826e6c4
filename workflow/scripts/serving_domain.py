"""Measure what the sizes of a domain take to answer requests, with fresh weights."""

from alphascale.records.specs import ServingSpec
from alphascale.records.typed import spec_of, write
from alphascale.running import program
from alphascale.running.measuring import on_device


def main(job):
    with on_device(job) as (meta, tensors):
        from alphascale.serving.measure import measure

        spec = spec_of(job, ServingSpec)
        write(job.output.serving, measure(spec, tensors, meta, job.code, job.say))


program.run(main, "device", "threads", "jobs_per_gpu", weights="{}")
