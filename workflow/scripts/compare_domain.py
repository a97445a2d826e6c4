"""Compare the families of domains on the same data: a record and its figure."""

from pathlib import Path

from alphascale.deciding.families import Known, compare
from alphascale.plots.draw import draw_all
from alphascale.plots.families import DRAW
from alphascale.records.bootstrap import BootstrapRecord
from alphascale.records.data import read_prepared
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import CompareSpec
from alphascale.records.typed import read, spec_of, write
from alphascale.running import program


def main(job):
    spec, files = spec_of(job, CompareSpec), job.input
    each = zip(files.observations, files.meta, files.fits, files.bootstraps, strict=True)
    known = {
        task.domain: Known(
            read_frame(frame), read_prepared(meta), read(fit, FitRecord),
            read(bootstrap, BootstrapRecord),
        )
        for task, (frame, meta, fit, bootstrap) in zip(spec.domains, each, strict=True)
    }  # fmt: skip
    found = compare(spec, known)
    write(job.output.comparison, found)
    draw_all(DRAW, found, Path(job.output.figures[0]).parent)


program.run(main)
