"""Decide for a domain: N*, the architecture to build, its price, and what the study saves."""

from alphascale.deciding.decision import decide
from alphascale.records.bootstrap import BootstrapRecord
from alphascale.records.data import read_prepared
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.pace import PaceRecord
from alphascale.records.serving import ServingRecord
from alphascale.records.specs import DecisionSpec
from alphascale.records.typed import read, spec_of, write
from alphascale.running import program


def main(job):
    decision = decide(
        spec_of(job, DecisionSpec),
        read_frame(job.input.observations),
        read(job.input.fit, FitRecord),
        read(job.input.bootstrap, BootstrapRecord),
        read_prepared(job.input.meta),
        serving=read(job.input.serving, ServingRecord) if job.input.serving else None,
        pace=read(job.input.pace, PaceRecord) if job.input.pace else None,
    )
    write(job.output.decision, decision)


program.run(main)
