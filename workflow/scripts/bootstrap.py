"""Bootstrap a domain's laws, per fraction and jointly: parameters, band of the curve."""

from alphascale.fitting.domain import bootstrap_domain
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import BootstrapSpec
from alphascale.records.typed import read, spec_of, write
from alphascale.running import program


def main(job):
    spec, fits = spec_of(job, BootstrapSpec), read(job.input.fit, FitRecord)
    frame = read_frame(job.input.observations)
    write(job.output.bootstrap, bootstrap_domain(job.wildcards.domain, spec, frame, fits))


program.run(main)
