"""All domains' verifications: a table, and a page that is printed."""

from alphascale.records.files import read_json, replacing
from alphascale.records.observations import write_table
from alphascale.running import program
from alphascale.verifying.verify import table_rows, text


def main(job):
    reports = [read_json(path) for path in job.input.reports]
    write_table(job.output.table, table_rows(reports))
    with replacing(job.output.text) as temporary:
        temporary.write_text(text(reports), encoding="utf-8")
    print("\n" + text(reports), end="")


program.run(main)
