"""Fit the perplexity laws of language domains that belong together, and compare their families."""

from pathlib import Path

from alphascale import program
from alphascale.decide.language import judge_group, text
from alphascale.observations import read_frame
from alphascale.results import whole, write_json


def main(args):
    frames = {Path(path).stem: read_frame(path) for path in args.observations}
    found = judge_group(args.spec, frames)
    write_json(args.out, found)
    with whole(args.text) as temporary:
        temporary.write_text(text(found), encoding="utf-8")


program.run(main, program.arguments(__doc__, "spec", "out", "text", many=("observations",)))
