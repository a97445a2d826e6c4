"""Prepare the data of one domain: read the source, split, encode, write one tensor file.

A model of the user's own is tried on them, before anything trains.
"""

import json

from alphascale.data.checks import check_fractions
from alphascale.data.make import prepare
from alphascale.records.data import DataSpec
from alphascale.records.typed import spec_of
from alphascale.running import program
from alphascale.running.trial import try_model


def main(job):
    domain = job.wildcards.domain
    data, meta = job.output.data, job.output.meta
    prepared = prepare(domain, spec_of(job, DataSpec), data, meta, job.say)
    check_fractions(domain, prepared, json.loads(job.options.fractions)[domain])
    for note in prepared.notes:
        job.say(f"note: {note}")
    if own := json.loads(job.options.models).get(domain):
        try_model(domain, own["family"], own["sizes"], prepared)


program.run(main, "fractions", models="{}")
