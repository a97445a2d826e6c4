"""Gather a domain's training records into one table, refusing any that does not belong."""

from alphascale.records.observations import gather, write_table
from alphascale.running import program


def main(job):
    records = [*job.input.records, *job.input.verified]
    rows = gather(job.wildcards.domain, job.spec, records, job.input.meta, job.say)
    write_table(job.output.observations, rows)


program.run(main)
