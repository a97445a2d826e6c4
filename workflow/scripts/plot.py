"""Draw all figures of a domain, from its records alone."""

from pathlib import Path

from alphascale.plots.draw import draw_domain
from alphascale.plots.records import Records
from alphascale.records.files import read_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(job):
    records = Records(
        read_frame(job.input.observations),
        read_json(job.input.fit),
        read_json(job.input.bootstrap),
        read_json(job.input.decision),
    )
    draw_domain(records, Path(job.output.figures[0]).parent)


program.run(main)
