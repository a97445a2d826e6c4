"""Plan the next runs of a domain: those that narrow its answer most for a budget of FLOPs."""

from alphascale.planning.plan import plan
from alphascale.records.data import read_prepared
from alphascale.records.files import read_json, write_json
from alphascale.records.observations import read_frame
from alphascale.running import program


def main(args):
    frame = read_frame(args.observations)
    write_json(args.out, plan(args.spec, frame, read_json(args.fit), read_prepared(args.meta)))


program.run(main, program.arguments(__doc__, "spec", "observations", "meta", "fit", "out"))
