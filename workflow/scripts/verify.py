"""All domains' verifications: a table, and a page that is printed."""

from alphascale.records.files import write_text
from alphascale.records.observations import write_table
from alphascale.records.typed import read
from alphascale.records.verification import VerificationRecord
from alphascale.running import program
from alphascale.verifying.verify import table_rows, text


def main(job):
    reports = [read(path, VerificationRecord) for path in job.input.reports]
    write_table(job.output.table, table_rows(reports))
    write_text(job.output.text, text(reports))
    print("\n" + text(reports), end="")


program.run(main)
