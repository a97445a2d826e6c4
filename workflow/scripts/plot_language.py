"""Draw the figures of language domains that belong together, from their laws alone."""

from alphascale import program
from alphascale.plots.language import draw_language
from alphascale.results import read_json


def main(args):
    draw_language(read_json(args.laws), args.folder)


program.run(main, program.arguments(__doc__, "laws", "folder"))
