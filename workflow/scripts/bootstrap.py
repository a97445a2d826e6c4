"""Bootstrap a domain's laws, per fraction and jointly: parameters, band of the curve."""

from alphascale.fitting.joint import bootstrap_joint
from alphascale.fitting.ladder import bootstrap_domain
from alphascale.records.files import read_json, write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(job):
    frame = read_frame(job.input.observations)
    chosen = read_json(job.input.fit)["joint"][job.spec["metric"]]
    draws = bootstrap_domain(job.wildcards.domain, job.spec, frame)
    joint = bootstrap_joint(job.spec, frame, chosen)
    write_json(job.output.bootstrap, draws | {"joint": joint})


program.run(main)
