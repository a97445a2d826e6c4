"""Draw all figures of a domain, from its records alone."""

from alphascale.plots.draw import draw_domain
from alphascale.plots.records import Records
from alphascale.records.files import read_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(args):
    records = Records(
        read_frame(args.observations),
        read_json(args.fit),
        read_json(args.bootstrap),
        read_json(args.decision),
    )
    draw_domain(records, args.folder)


program.run(
    main, program.arguments(__doc__, "observations", "fit", "bootstrap", "decision", "folder")
)
