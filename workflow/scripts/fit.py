"""Fit the laws of a domain, per fraction and jointly: on all sizes, and without the largest."""

from alphascale.fitting.joint import fit_joint
from alphascale.fitting.ladder import fit_domain
from alphascale.records.files import write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(args):
    frame = read_frame(args.observations)
    fits = fit_domain(args.domain, args.spec, frame)
    write_json(args.out, fits | {"joint": fit_joint(args.spec, frame)})


program.run(main, program.arguments(__doc__, "domain", "spec", "observations", "out"))
