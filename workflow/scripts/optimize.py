"""Decide for a domain: N*, the architecture to build, its price, and what the study saves."""

from alphascale.deciding.decision import decide
from alphascale.records.data import read_prepared
from alphascale.records.files import read_json, write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(args):
    decision = decide(
        args.spec,
        read_frame(args.observations),
        read_json(args.fit),
        read_json(args.bootstrap),
        read_prepared(args.meta),
    )
    write_json(args.out, decision)


program.run(
    main, program.arguments(__doc__, "spec", "observations", "meta", "fit", "bootstrap", "out")
)
