"""Prepare the data of one domain: read the source, split, encode, write one tensor file."""

import json

from alphascale.data.checks import check_fractions
from alphascale.data.make import prepare
from alphascale.running import program


def main(args):
    say = program.progress(args.domain, args.log)
    sidecar = prepare(args.domain, args.spec, args.out, args.meta, say)
    check_fractions(args.domain, sidecar, json.loads(args.fractions)[args.domain])
    for note in sidecar["notes"]:
        say(f"note: {note}")


program.run(main, program.arguments(__doc__, "domain", "spec", "fractions", "out", "meta"))
