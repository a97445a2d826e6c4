"""Join the observations of all domains into one table."""

from alphascale.records.observations import read_rows, write_table
from alphascale.running import program


def main(args):
    write_table(args.out, [row for path in args.tables for row in read_rows(path)])


program.run(main, program.arguments(__doc__, "out", many=("tables",)))
