"""Audit a domain's study: ten questions of a careful reader, and the warnings of every cell."""

from alphascale.auditing.audit import audit
from alphascale.records.decision import DecisionRecord
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import AuditSpec
from alphascale.records.typed import parse, read, write
from alphascale.running import program


def main(args):
    spec, frame = parse(AuditSpec, args.spec, "--spec"), read_frame(args.observations)
    fits, decision = read(args.fit, FitRecord), read(args.decision, DecisionRecord)
    write(args.out, audit(spec, frame, fits, decision))


program.run(main, program.arguments(__doc__, "spec", "observations", "fit", "decision", "out"))
