"""Audit a domain's study: ten questions of a careful reader, and the warnings of every cell."""

from alphascale.auditing.audit import audit
from alphascale.records.decision import DecisionRecord
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import AuditSpec
from alphascale.records.typed import read, spec_of, write
from alphascale.running import program


def main(job):
    spec, frame = spec_of(job, AuditSpec), read_frame(job.input.observations)
    fits, decision = read(job.input.fit, FitRecord), read(job.input.decision, DecisionRecord)
    write(job.output.audit, audit(spec, frame, fits, decision))


program.run(main)
