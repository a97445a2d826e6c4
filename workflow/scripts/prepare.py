"""Prepare the data of one domain: read the source, split, encode, write one tensor file."""

import json

from alphascale.data.checks import check_fractions
from alphascale.data.make import prepare
from alphascale.records.data import DataSpec
from alphascale.records.typed import spec_of
from alphascale.running import program


def main(job):
    domain = job.wildcards.domain
    data, meta = job.output.data, job.output.meta
    prepared = prepare(domain, spec_of(job, DataSpec), data, meta, job.say)
    check_fractions(domain, prepared, json.loads(job.options.fractions)[domain])
    for note in prepared.notes:
        job.say(f"note: {note}")


program.run(main, "fractions")
