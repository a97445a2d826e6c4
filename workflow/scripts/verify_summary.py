"""All domains' verifications: a table, and a page that is printed."""

from alphascale import program
from alphascale.decide.verify import table_rows, text
from alphascale.observations import write_table
from alphascale.results import read_json, whole


def main(args):
    reports = [read_json(path) for path in args.reports]
    write_table(args.table, table_rows(reports))
    with whole(args.text) as temporary:
        temporary.write_text(text(reports), encoding="utf-8")
    print("\n" + text(reports), end="")


program.run(main, program.arguments(__doc__, "table", "text", many=("reports",)))
