"""All comparisons of families as a page, which is printed, and as a table."""

from alphascale.deciding.families_text import table_rows, text
from alphascale.records.compare import CompareRecord
from alphascale.records.files import write_text
from alphascale.records.observations import write_table
from alphascale.records.typed import read
from alphascale.running import program


def main(job):
    records = [read(path, CompareRecord) for path in job.input.comparisons]
    write_table(job.output.table, table_rows(records))
    write_text(job.output.text, text(records))


program.run(main)
