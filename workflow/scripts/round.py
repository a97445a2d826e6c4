"""After a round of a study by rounds: what is known, and what to train next."""

from alphascale.records.bootstrap import BootstrapRecord
from alphascale.records.data import read_prepared
from alphascale.records.decision import DecisionRecord
from alphascale.records.files import write_text
from alphascale.records.observations import read_frame
from alphascale.records.rounds import RoundSpec
from alphascale.records.typed import read, spec_of, write
from alphascale.rounds.step import Known, next_round
from alphascale.rounds.text import text
from alphascale.running import program


def main(job):
    spec, files = spec_of(job, RoundSpec), job.input
    known = [
        Known(
            read_frame(observations),
            read(decision, DecisionRecord),
            read(bootstrap, BootstrapRecord),
            read_prepared(meta),
        )
        for observations, decision, bootstrap, meta in zip(
            files.observations, files.decisions, files.bootstraps, files.metas, strict=True
        )
    ]
    record = next_round(spec, known)
    write(job.output.round, record)
    page = text(record, spec)
    write_text(job.output.text, page)
    print("\n" + page, end="")


program.run(main)
