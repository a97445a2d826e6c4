"""All domains' regimes as a page, which is printed, and as a table."""

from alphascale.fitting.regimes import table_rows, text
from alphascale.records.files import write_text
from alphascale.records.observations import write_table
from alphascale.records.regimes import RegimesRecord
from alphascale.records.typed import read
from alphascale.running import program


def main(job):
    records = [read(path, RegimesRecord) for path in job.input.regimes]
    write_table(job.output.table, table_rows(records))
    write_text(job.output.text, text(records))


program.run(main)
