"""Plan the next runs of a domain: those that narrow its answer most for a budget of FLOPs."""

from alphascale.data.store import read_meta
from alphascale.planning.plan import plan
from alphascale.records.files import read_json, write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(job):
    frame, fit = read_frame(job.input.observations), read_json(job.input.fit)
    write_json(job.output.plan, plan(job.spec, frame, fit, read_meta(job.input.meta)))


program.run(main)
