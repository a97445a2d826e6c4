"""Prepare the data of one domain: read the source, split, encode, write one tensor file."""

import json

from alphascale.data.checks import check_fractions
from alphascale.data.make import prepare
from alphascale.records.data import DataSpec
from alphascale.records.typed import parse
from alphascale.running import program


def main(args):
    say = program.progress(args.domain, args.log)
    spec = parse(DataSpec, args.spec, "--spec")
    prepared = prepare(args.domain, spec, args.out, args.meta, say)
    check_fractions(args.domain, prepared, json.loads(args.fractions)[args.domain])
    for note in prepared.notes:
        say(f"note: {note}")


program.run(main, program.arguments(__doc__, "domain", "spec", "fractions", "out", "meta"))
