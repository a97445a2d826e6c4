"""Gather a domain's training records into one table, refusing any that does not belong."""

from alphascale.auditing.gather import gather
from alphascale.records.observations import write_table
from alphascale.records.rates import law_of
from alphascale.records.specs import AggregateSpec
from alphascale.records.typed import as_json, spec_of
from alphascale.running import program


def main(job):
    records = [*job.input.records, *job.input.verified]
    expected = spec_of(job, AggregateSpec)
    law = law_of(job.input)
    rows = gather(job.wildcards.domain, expected, records, job.input.meta, job.say, law)
    write_table(job.output.observations, [as_json(row) for row in rows])


program.run(main)
