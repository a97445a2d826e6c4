"""Bootstrap a domain's laws, per fraction and jointly: parameters, band of the curve."""

from alphascale.fitting.domain import bootstrap_domain
from alphascale.records import typed
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import BootstrapSpec
from alphascale.running import program


def main(args):
    spec = typed.parse(BootstrapSpec, args.spec, "--spec")
    fits = typed.read(args.fit, FitRecord)
    frame = read_frame(args.observations)
    typed.write(args.out, bootstrap_domain(args.domain, spec, frame, fits))


program.run(main, program.arguments(__doc__, "domain", "spec", "observations", "fit", "out"))
