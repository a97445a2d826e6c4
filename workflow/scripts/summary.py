"""Summarise all domains' decisions: a table and a page to read."""

from alphascale.deciding.summary import text
from alphascale.deciding.summary_table import table_rows
from alphascale.records.decision import DecisionRecord
from alphascale.records.files import write_text
from alphascale.records.observations import write_table
from alphascale.records.typed import read
from alphascale.running import program


def main(job):
    decisions = [read(path, DecisionRecord) for path in job.input.decisions]
    write_table(job.output.table, table_rows(decisions))
    write_text(job.output.text, text(decisions))


program.run(main)
