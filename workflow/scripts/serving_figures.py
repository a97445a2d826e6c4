"""Draw what a domain's sizes cost to keep against what they reach."""

from pathlib import Path

from alphascale.plots.records import read_records
from alphascale.plots.serving import DRAW
from alphascale.plots.style import KINDS, save
from alphascale.records.serving import ServingRecord
from alphascale.records.typed import read
from alphascale.running import program


def main(job):
    files = job.input
    records = read_records(files.observations, files.fit, files.bootstrap, files.decision)
    serving = read(files.serving, ServingRecord)
    folder = Path(job.output.figures[0]).parent
    for name, draw in DRAW.items():
        figure = draw(records, serving)
        for kind in KINDS:
            save(figure, folder / f"{name}.{kind}")


program.run(main)
