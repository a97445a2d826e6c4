"""Plan the next runs of a domain: those that narrow its answer most for a budget of FLOPs."""

from alphascale.planning.plan import plan
from alphascale.records.data import read_prepared
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import PlanSpec
from alphascale.records.typed import parse, read, write
from alphascale.running import program


def main(args):
    spec, fits = parse(PlanSpec, args.spec, "--spec"), read(args.fit, FitRecord)
    write(args.out, plan(spec, read_frame(args.observations), fits, read_prepared(args.meta)))


program.run(main, program.arguments(__doc__, "spec", "observations", "meta", "fit", "out"))
