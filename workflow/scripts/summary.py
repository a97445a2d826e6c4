"""Summarise all domains' decisions: a table and a page to read."""

from alphascale.deciding.summary import table_rows, text
from alphascale.records.files import read_json, replacing
from alphascale.records.observations import write_table
from alphascale.running import program


def main(job):
    decisions = [read_json(path) for path in job.input.decisions]
    write_table(job.output.table, table_rows(decisions))
    with replacing(job.output.text) as temporary:
        temporary.write_text(text(decisions), encoding="utf-8")


program.run(main)
