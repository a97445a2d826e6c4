"""Gather a domain's training records into one table, refusing any that does not belong."""

from alphascale.records.observations import gather, write_table
from alphascale.running import program


def main(args):
    say = program.progress(args.domain, args.log)
    rows = gather(args.domain, args.spec, args.records, args.meta, say)
    write_table(args.out, rows)


program.run(main, program.arguments(__doc__, "domain", "spec", "meta", "out", many=("records",)))
