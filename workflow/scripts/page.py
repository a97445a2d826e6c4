"""Write the what-if page: the study, or one domain of it, as one file of HTML."""

from pathlib import Path

from alphascale.deciding import summary
from alphascale.page.answer import answer
from alphascale.page.build import study_payload, write_page
from alphascale.page.payload import Stages, curves_of, domain_payload
from alphascale.records.audit import AuditRecord
from alphascale.records.bootstrap import BootstrapRecord
from alphascale.records.data import read_prepared
from alphascale.records.decision import DecisionRecord
from alphascale.records.files import write_text
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import PageSpec
from alphascale.records.training import TrainingRecord
from alphascale.records.typed import read, spec_of
from alphascale.running import program


def main(job):
    spec, files, curves = spec_of(job, PageSpec), job.input, {}
    for path in map(Path, files.records):  # …/train/{domain}/{scale}/{fraction}.json
        domain, scale = path.parts[-3:-1]
        curves.setdefault(domain, {})[scale] = curves_of(read(path, TrainingRecord))
    observed, metas, fits, bootstraps, decided, audits = (
        {Path(path).stem: path for path in getattr(files, name)}
        for name in ("observations", "metas", "fits", "bootstraps", "decisions", "audits")
    )
    decisions, domains = [], []
    for each in spec.domains:
        name = each.domain
        decision = read(decided[name], DecisionRecord)
        stages = Stages(
            each,
            read_frame(observed[name]),
            read(fits[name], FitRecord),
            read(bootstraps[name], BootstrapRecord),
            decision,
            read(audits[name], AuditRecord),
            curves.get(name, {}),
            command=spec.command,
        )
        decisions.append(decision)
        domains.append(domain_payload(stages, read_prepared(metas[name])))
    study = study_payload(spec.title, domains)
    write_page(job.output.page, f"Study {spec.title}", [study], summary.text(decisions))
    write_text(job.output.answer, answer(spec.title, decisions))


program.run(main)
