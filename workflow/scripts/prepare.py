"""Prepare the data of one domain: read the source, split, encode, write one tensor file."""

import json

from alphascale.data.checks import check_fractions
from alphascale.data.make import prepare
from alphascale.running import program


def main(job):
    domain = job.wildcards.domain
    sidecar = prepare(domain, job.spec, job.output.data, job.output.meta, job.say)
    check_fractions(domain, sidecar, json.loads(job.options.fractions)[domain])
    for note in sidecar["notes"]:
        job.say(f"note: {note}")


program.run(main, "fractions")
