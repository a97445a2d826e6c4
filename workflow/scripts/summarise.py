"""Summarise all domains' decisions: a table and a page to read."""

from alphascale import program
from alphascale.decide.summary import table_rows, text
from alphascale.observations import write_table
from alphascale.results import read_json, whole


def main(args):
    decisions = [read_json(path) for path in args.decisions]
    write_table(args.table, table_rows(decisions))
    with whole(args.text) as temporary:
        temporary.write_text(text(decisions), encoding="utf-8")


program.run(main, program.arguments(__doc__, "table", "text", many=("decisions",)))
