"""All domains' audits: tables of the checks, scales and best epochs, and a picture."""

from alphascale.auditing.audit import best_epoch_rows, scale_rows, table_rows
from alphascale.plots.audit import draw
from alphascale.plots.style import save
from alphascale.records.audit import AuditRecord
from alphascale.records.observations import write_table
from alphascale.records.typed import read
from alphascale.running import program


def main(job):
    audits = [read(path, AuditRecord) for path in job.input.audits]
    write_table(job.output.checks, table_rows(audits))
    write_table(job.output.scales, scale_rows(audits))
    write_table(job.output.best_epochs, best_epoch_rows(audits))
    figure = draw(audits)
    for path in job.output.figures:
        save(figure, path)


program.run(main)
