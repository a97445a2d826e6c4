"""Draw the figures of language domains that belong together, from their laws alone."""

from alphascale.plots.perplexity import draw_language
from alphascale.records.files import read_json
from alphascale.running import program


def main(args):
    draw_language(read_json(args.laws), args.folder)


program.run(main, program.arguments(__doc__, "laws", "folder"))
