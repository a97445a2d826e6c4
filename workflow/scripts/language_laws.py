"""Fit the perplexity laws of language domains that belong together, and compare their families."""

from pathlib import Path

from alphascale.fitting.language_text import text
from alphascale.fitting.perplexity import judge_group
from alphascale.records.files import write_text
from alphascale.records.observations import read_frame
from alphascale.records.specs import LanguageSpec
from alphascale.records.typed import spec_of, write
from alphascale.running import program


def main(job):
    frames = {Path(path).stem: read_frame(path) for path in job.input.observations}
    found = judge_group(spec_of(job, LanguageSpec), frames)
    write(job.output.laws, found)
    write_text(job.output.text, text(found))


program.run(main)
