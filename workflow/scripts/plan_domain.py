"""Plan the next runs of a domain: those that narrow its answer most for a budget of FLOPs."""

from dataclasses import replace

from alphascale.planning.plan import plan
from alphascale.records.data import read_prepared
from alphascale.records.decision import DecisionRecord
from alphascale.records.fit import FitRecord
from alphascale.records.observations import read_frame
from alphascale.records.specs import PlanSpec
from alphascale.records.typed import read, spec_of, write
from alphascale.running import program


def main(job):
    spec, fits = spec_of(job, PlanSpec), read(job.input.fit, FitRecord)
    frame, meta = read_frame(job.input.observations), read_prepared(job.input.meta)
    decision = read(job.input.decision, DecisionRecord)
    # Of several targets, the one that asks for the most.
    spec = replace(spec, metric=decision.metric, target=decision.target)
    write(job.output.plan, plan(spec, frame, fits, meta))


program.run(main)
