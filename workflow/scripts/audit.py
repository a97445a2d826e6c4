"""Audit a domain's study: ten questions of a careful reader, and the warnings of every cell."""

from alphascale.auditing.audit import audit
from alphascale.records.files import read_json, write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(job):
    frame, fit = read_frame(job.input.observations), read_json(job.input.fit)
    write_json(job.output.audit, audit(job.spec, frame, fit, read_json(job.input.decision)))


program.run(main)
