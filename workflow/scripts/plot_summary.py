"""Draw the study's summary table as a picture."""

from alphascale.plots.style import save
from alphascale.plots.table import draw
from alphascale.records.decision import DecisionRecord
from alphascale.records.typed import read
from alphascale.running import program


def main(job):
    figure = draw([read(path, DecisionRecord) for path in job.input.decisions])
    for path in job.output.figures:
        save(figure, path)


program.run(main)
