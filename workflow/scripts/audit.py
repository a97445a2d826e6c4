"""Audit a domain's study: ten questions of a careful reader, and the warnings of every cell."""

from alphascale.auditing.audit import audit
from alphascale.records.files import read_json, write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(args):
    found = audit(
        args.spec, read_frame(args.observations), read_json(args.fit), read_json(args.decision)
    )
    write_json(args.out, found)


program.run(main, program.arguments(__doc__, "spec", "observations", "fit", "decision", "out"))
