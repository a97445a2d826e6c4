"""Draw all figures of a domain, from its records alone."""

from pathlib import Path

from alphascale.plots.draw import DRAW, draw_all
from alphascale.plots.records import read_records
from alphascale.running import program


def main(job):
    files = job.input
    records = read_records(files.observations, files.fit, files.bootstrap, files.decision)
    draw_all(DRAW, records, Path(job.output.figures[0]).parent)


program.run(main)
