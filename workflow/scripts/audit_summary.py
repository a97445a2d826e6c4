"""All domains' audits: a table of the checks, one of the scales, and a picture of the first."""

from alphascale.auditing.audit import scale_rows, table_rows
from alphascale.plots.audit import draw
from alphascale.plots.style import save
from alphascale.records.audit import AuditRecord
from alphascale.records.observations import write_table
from alphascale.records.typed import read
from alphascale.running import program


def main(args):
    audits = [read(path, AuditRecord) for path in args.audits]
    write_table(args.checks, table_rows(audits))
    write_table(args.scales, scale_rows(audits))
    figure = draw(audits)
    for path in args.figures:
        save(figure, path)


program.run(main, program.arguments(__doc__, "checks", "scales", many=("audits", "figures")))
