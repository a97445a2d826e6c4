"""Train the architecture that was recommended, as the ladder was, and judge the prediction."""

import subprocess
import sys
from pathlib import Path

from alphascale.errors import UserError
from alphascale.records.data import read_prepared
from alphascale.records.decision import DecisionRecord
from alphascale.records.specs import VerifySpec
from alphascale.records.typed import digest_of, parse, read, write
from alphascale.running import program
from alphascale.running.signals import Stopped
from alphascale.slices import canonical, verify_name
from alphascale.verifying.verify import judge, promises, trained_before

TRAIN = Path(__file__).with_name("train.py")


def main(args):
    say = program.progress(f"verify {args.domain}", args.log)
    wanted, folder = parse(VerifySpec, args.spec, "--spec"), Path(args.folder)
    decision, sha256 = read(args.decision, DecisionRecord), read_prepared(args.meta).sha256
    for promise in promises(decision, wanted):
        spec = promise.trained(wanted.train)
        record = folder / verify_name(digest_of(spec), args.code)
        if trained_before(record, spec, args.code, sha256):
            say(f"{promise.role} model {promise.size}: was trained before")
            continue
        # The promise is written before the measurement, and not touched once there is one.
        write(record.with_suffix(".promise.json"), promise)
        say(f"trains the {promise.role} model: {promise.params:,} parameters")
        status = wait(
            [
                sys.executable, str(TRAIN), f"--spec={canonical(spec)}", f"--code={args.code}",
                f"--data={args.data}", f"--meta={args.meta}", f"--out={record}",
                f"--checkpoints={args.checkpoints}", f"--threads={args.threads}",
                f"--jobs-per-gpu={args.jobs_per_gpu}",
            ]
        )  # fmt: skip
        if status:
            how = f"was killed by signal {-status}" if status < 0 else "failed"
            raise UserError(f"{args.domain}: the training of {promise.size} {how}; see above")
    write(args.out, judge(decision, wanted, folder, args.code, sha256))


def wait(command):
    """Exit status of a training; asked to end, have it save its state first."""
    child = subprocess.Popen(command)
    try:
        return child.wait()
    except Stopped as stopped:
        child.terminate()
        child.wait()
        raise Stopped(stopped.number, "the state of its training is saved") from None


program.run(
    main,
    program.arguments(
        __doc__, "domain", "spec", "decision", "data", "meta", "code", "folder", "checkpoints",
        "threads", "jobs-per-gpu", "out",
    ),
)  # fmt: skip
