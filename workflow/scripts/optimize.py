"""Decide for a domain: N*, the architecture to build, its price, and what the study saves."""

from alphascale.deciding.decision import decide
from alphascale.records import typed
from alphascale.records.bootstrap import BootstrapRecord
from alphascale.records.data import read_prepared
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import DecisionSpec
from alphascale.running import program


def main(args):
    decision = decide(
        typed.parse(DecisionSpec, args.spec, "--spec"),
        read_frame(args.observations),
        typed.read(args.fit, FitRecord),
        typed.read(args.bootstrap, BootstrapRecord),
        read_prepared(args.meta),
    )
    typed.write(args.out, decision)


program.run(
    main, program.arguments(__doc__, "spec", "observations", "meta", "fit", "bootstrap", "out")
)
