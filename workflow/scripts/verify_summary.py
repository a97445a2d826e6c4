"""All domains' verifications: a table, and a page that is printed."""

from alphascale.records.files import replacing
from alphascale.records.observations import write_table
from alphascale.records.typed import read
from alphascale.records.verification import VerificationRecord
from alphascale.running import program
from alphascale.verifying.verify import table_rows, text


def main(args):
    reports = [read(path, VerificationRecord) for path in args.reports]
    write_table(args.table, table_rows(reports))
    with replacing(args.text) as temporary:
        temporary.write_text(text(reports), encoding="utf-8")
    print("\n" + text(reports), end="")


program.run(main, program.arguments(__doc__, "table", "text", many=("reports",)))
