"""Draw the figures of language domains that belong together, from their laws alone."""

from pathlib import Path

from alphascale.plots.draw import DRAW_LANGUAGE, draw_all
from alphascale.records.language import LanguageRecord
from alphascale.records.typed import read
from alphascale.running import program


def main(job):
    folder = Path(job.output.figures[0]).parent
    draw_all(DRAW_LANGUAGE, read(job.input.laws, LanguageRecord), folder)


program.run(main)
