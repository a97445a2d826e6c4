"""Fit the laws of a domain, per fraction and jointly: on all sizes, and without the largest."""

from alphascale.fitting.domain import fit_domain
from alphascale.records.observations import read_frame
from alphascale.records.specs import FitSpec
from alphascale.records.typed import spec_of, write
from alphascale.running import program


def main(job):
    spec, frame = spec_of(job, FitSpec), read_frame(job.input.observations)
    write(job.output.fit, fit_domain(job.wildcards.domain, spec, frame))


program.run(main)
