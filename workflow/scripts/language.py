"""Fit the perplexity laws of language domains that belong together, and compare their families."""

from pathlib import Path

from alphascale.fitting.perplexity import judge_group, text
from alphascale.records import typed
from alphascale.records.files import replacing
from alphascale.records.observations import read_frame
from alphascale.records.specs import LanguageSpec
from alphascale.running import program


def main(args):
    frames = {Path(path).stem: read_frame(path) for path in args.observations}
    found = judge_group(typed.parse(LanguageSpec, args.spec, "--spec"), frames)
    typed.write(args.out, found)
    with replacing(args.text) as temporary:
        temporary.write_text(text(found), encoding="utf-8")


program.run(main, program.arguments(__doc__, "spec", "out", "text", many=("observations",)))
