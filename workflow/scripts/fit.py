"""Fit the laws of a domain, per fraction and jointly: on all sizes, and without the largest."""

from alphascale.fitting.domain import fit_domain
from alphascale.records import typed
from alphascale.records.observations import read_frame
from alphascale.records.specs import FitSpec
from alphascale.running import program


def main(args):
    spec = typed.parse(FitSpec, args.spec, "--spec")
    typed.write(args.out, fit_domain(args.domain, spec, read_frame(args.observations)))


program.run(main, program.arguments(__doc__, "domain", "spec", "observations", "out"))
