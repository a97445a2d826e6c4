"""Train the architecture that was recommended, as the ladder was, and judge the prediction."""

import subprocess
import sys
from pathlib import Path

from alphascale.errors import UserError
from alphascale.records.data import read_prepared
from alphascale.records.decision import DecisionRecord
from alphascale.records.rates import law_of
from alphascale.records.specs import VerifySpec
from alphascale.records.typed import digest_of, read, spec_of, write
from alphascale.running import program
from alphascale.running.signals import Stopped
from alphascale.slices import canonical, verify_name
from alphascale.verifying.verify import judge, promises, trained_before

TRAIN = Path(__file__).with_name("train.py")


def main(job):
    wanted, trained_by = spec_of(job, VerifySpec), job.options.trained_by
    decision = read(job.input.decision, DecisionRecord)
    sha256, law = read_prepared(job.input.meta).sha256, law_of(job.input)
    # Beside the report, undeclared: rules/verify.smk says why.
    folder = Path(job.output.report).with_suffix("")
    for promise in promises(decision, wanted):
        spec = promise.trained(wanted.train)
        record = folder / verify_name(digest_of(spec), trained_by)
        if trained_before(record, spec, trained_by, sha256, law):
            job.say(f"{promise.role} model {promise.size}: was trained before")
            left = Path(job.options.checkpoints) / f"{digest_of(spec)}-{trained_by[:16]}"
            if any(left.parent.glob(f"{left.name}*")):
                from alphascale.training.checkpoints import exclusive

                with exclusive(left, job.say):  # ended between its record and its checkpoint's end
                    pass
            continue
        # A promise is written once, before the measurement: a training that was interrupted is
        # judged by it, though the fit may know more by now.
        if not (kept := record.with_suffix(".promise.json")).exists():
            write(kept, promise)
        job.say(f"trains the {promise.role} model: {promise.params:,} parameters")
        status = wait([sys.executable, str(TRAIN), *training(job, spec, record)])
        if status:
            how = f"was killed by signal {-status}" if status < 0 else "failed"
            raise UserError(
                f"{job.wildcards.domain}: the training of {promise.size} {how}; its log says why"
            )
    write(job.output.report, judge(decision, wanted, folder, trained_by, job.input.meta, law))


def training(job, spec, record):
    """The arguments of a training, as its rule would give them."""
    shared = program.shared(canonical(spec), job.options.trained_by, **vars(job.wildcards))
    files = {key: path for key, path in vars(job.input).items() if key in ("meta", "rates")}
    told = program.Told(shared, "{}", files, {"record": str(record)})
    options = {k: v for k, v in vars(job.options).items() if k != "trained_by"}
    return [str(told), *(f"--{k.replace('_', '-')}={v}" for k, v in options.items())]


def wait(command):
    """Exit status of a training; asked to end, have it save its state first."""
    child = subprocess.Popen(command)
    try:
        return child.wait()
    except Stopped as stopped:
        child.terminate()
        child.wait()
        raise Stopped(stopped.number, "the state of its training is saved") from None


program.run(main, "trained_by", "device", "threads", "jobs_per_gpu", "checkpoints", weights="{}")
