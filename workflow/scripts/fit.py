"""Fit the laws of a domain, per fraction and jointly: on all sizes, and without the largest."""

from alphascale.fitting.joint import fit_joint
from alphascale.fitting.ladder import fit_domain
from alphascale.records.files import write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(job):
    frame = read_frame(job.input.observations)
    fits = fit_domain(job.wildcards.domain, job.spec, frame)
    write_json(job.output.fit, fits | {"joint": fit_joint(job.spec, frame)})


program.run(main)
