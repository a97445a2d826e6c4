"""What limits a domain's loss along each axis, and its law in compute; and their figures."""

from pathlib import Path

from alphascale.fitting.regimes import judge
from alphascale.plots.regimes import draw_record
from alphascale.records.observations import read_frame
from alphascale.records.specs import RegimesSpec
from alphascale.records.typed import spec_of, write
from alphascale.running import program


def main(job):
    found = judge(spec_of(job, RegimesSpec), read_frame(job.input.observations))
    write(job.output.regimes, found)
    draw_record(found, Path(job.output.figures[0]).parent)


program.run(main)
