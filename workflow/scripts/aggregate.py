"""Gather a domain's training records into one table, refusing any that does not belong."""

from alphascale.auditing.gather import gather
from alphascale.records.observations import write_table
from alphascale.records.specs import AggregateSpec
from alphascale.records.typed import as_json, parse
from alphascale.running import program


def main(args):
    say = program.progress(args.domain, args.log)
    expected = parse(AggregateSpec, args.spec, "--spec")
    rows = gather(args.domain, expected, args.records, args.meta, say)
    write_table(args.out, [as_json(row) for row in rows])


program.run(main, program.arguments(__doc__, "domain", "spec", "meta", "out", many=("records",)))
