"""Draw the study's summary table as a picture."""

from alphascale.plots.style import save
from alphascale.plots.table import draw
from alphascale.records.files import read_json
from alphascale.running import program


def main(job):
    figure = draw([read_json(path) for path in job.input.decisions])
    for path in job.output.figures:
        save(figure, path)


program.run(main)
