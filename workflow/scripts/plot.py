"""Draw all figures of a domain, from its records alone."""

from alphascale.plots.draw import DRAW, draw_all
from alphascale.plots.records import read_records
from alphascale.running import program


def main(args):
    records = read_records(args.observations, args.fit, args.bootstrap, args.decision)
    draw_all(DRAW, records, args.folder)


program.run(
    main, program.arguments(__doc__, "observations", "fit", "bootstrap", "decision", "folder")
)
