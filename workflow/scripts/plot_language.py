"""Draw the figures of language domains that belong together, from their laws alone."""

from alphascale.plots.draw import DRAW_LANGUAGE, draw_all
from alphascale.records import typed
from alphascale.records.language import LanguageRecord
from alphascale.running import program


def main(args):
    draw_all(DRAW_LANGUAGE, typed.read(args.laws, LanguageRecord), args.folder)


program.run(main, program.arguments(__doc__, "laws", "folder"))
