"""Decide for a domain: N*, the architecture to build, its price, and what the study saves."""

from alphascale.data.store import read_meta
from alphascale.deciding.decision import decide
from alphascale.records.files import read_json, write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(job):
    decision = decide(
        job.spec,
        read_frame(job.input.observations),
        read_json(job.input.fit),
        read_json(job.input.bootstrap),
        read_meta(job.input.meta),
    )
    write_json(job.output.decision, decision)


program.run(main)
