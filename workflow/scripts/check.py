"""Check, before it is trained on, that a fraction of a domain's data holds every class."""

from alphascale import program
from alphascale.data.checks import check_fractions
from alphascale.results import read_sealed, whole


def main(args):
    check_fractions(args.domain, read_sealed(args.meta), [args.fraction])
    with whole(args.out) as temporary:
        temporary.write_text("holds every class\n", encoding="utf-8")


program.run(main, program.arguments(__doc__, "domain", "fraction", "meta", "out"))
