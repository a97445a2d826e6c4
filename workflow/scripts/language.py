"""Fit the perplexity laws of language domains that belong together, and compare their families."""

from pathlib import Path

from alphascale.fitting.perplexity import judge_group, text
from alphascale.records.files import replacing, write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(job):
    frames = {Path(path).stem: read_frame(path) for path in job.input.observations}
    found = judge_group(job.spec, frames)
    write_json(job.output.laws, found)
    with replacing(job.output.text) as temporary:
        temporary.write_text(text(found), encoding="utf-8")


program.run(main)
