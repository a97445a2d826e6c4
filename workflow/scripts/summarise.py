"""Summarise all domains' decisions: a table and a page to read."""

from alphascale.deciding.summary import table_rows, text
from alphascale.records import typed
from alphascale.records.decision import DecisionRecord
from alphascale.records.files import replacing
from alphascale.records.observations import write_table
from alphascale.running import program


def main(args):
    decisions = [typed.read(path, DecisionRecord) for path in args.decisions]
    write_table(args.table, table_rows(decisions))
    with replacing(args.text) as temporary:
        temporary.write_text(text(decisions), encoding="utf-8")


program.run(main, program.arguments(__doc__, "table", "text", many=("decisions",)))
