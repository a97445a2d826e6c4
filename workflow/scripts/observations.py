"""Join the observations of all domains into one table."""

from alphascale.records.observations import read_rows, write_table
from alphascale.running import program


def main(job):
    write_table(job.output.table, [row for path in job.input.tables for row in read_rows(path)])


program.run(main)
