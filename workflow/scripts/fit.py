"""All domains' fits as a page: the form with its parameters, and how it describes the runs."""

from alphascale.deciding.shown import page
from alphascale.records.bootstrap import BootstrapRecord
from alphascale.records.files import write_text
from alphascale.records.fit import FitRecord
from alphascale.records.typed import read
from alphascale.running import program


def main(job):
    fits = [read(path, FitRecord) for path in job.input.fits]
    bootstraps = [read(path, BootstrapRecord) for path in job.input.bootstraps]
    write_text(job.output.text, page(fits, bootstraps, job.input.bootstraps))


program.run(main)
