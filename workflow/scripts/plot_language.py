"""Draw the figures of language domains that belong together, from their laws alone."""

from pathlib import Path

from alphascale.plots.perplexity import draw_language
from alphascale.records.files import read_json
from alphascale.running import program


def main(job):
    draw_language(read_json(job.input.laws), Path(job.output.figures[0]).parent)


program.run(main)
