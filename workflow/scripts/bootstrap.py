"""Bootstrap a domain's laws, per fraction and jointly: parameters, band of the curve."""

from alphascale.fitting.joint import bootstrap_joint
from alphascale.fitting.ladder import bootstrap_domain
from alphascale.records.files import read_json, write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(args):
    frame = read_frame(args.observations)
    chosen = read_json(args.fit)["joint"][args.spec["metric"]]
    draws = bootstrap_domain(args.domain, args.spec, frame)
    write_json(args.out, draws | {"joint": bootstrap_joint(args.spec, frame, chosen)})


program.run(main, program.arguments(__doc__, "domain", "spec", "observations", "fit", "out"))
