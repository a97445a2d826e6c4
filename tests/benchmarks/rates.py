"""Learning rates by a law, and by halving, against the full sweep: FLOPs and test error.

    python tests/benchmarks/rates.py tabular [vision nlp] [--keep FOLDER]

Every cell of a domain of the default study at every one of its learning rates; then what
`training.rates: law` trains instead: its swept cells are the same runs, all others are trained at
the law's rate, the largest with its check. `sweep: halving` is read off the full sweep's curves,
which it only cuts. With --keep what was trained is kept, so that a run may go on.
"""

from __future__ import annotations

import argparse
import copy
import math
import pickle
import statistics
import sys
import tempfile
from pathlib import Path

import torch
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from alphascale import slices  # noqa: E402
from alphascale.config import read_study  # noqa: E402
from alphascale.data.make import prepare  # noqa: E402
from alphascale.data.store import open_tensors  # noqa: E402
from alphascale.fitting.rates import rate_law  # noqa: E402
from alphascale.records.data import read_prepared  # noqa: E402
from alphascale.records.training import TrainingRecord  # noqa: E402
from alphascale.training import job  # noqa: E402
from alphascale.training.choice import STOP_AFTER, choose_rate, stopper  # noqa: E402
from alphascale.training.loop import Member  # noqa: E402

DOMAINS = ("tabular", "vision", "nlp")


class Runs:
    """The trainings of a domain, each made once and kept in a folder."""

    def __init__(self, name: str, folder: Path):
        study = yaml.safe_load((ROOT / "config" / "config.yaml").read_text()) | {"device": "cpu"}
        self.full = read_study(copy.deepcopy(study))
        study["domains"][name]["training"]["rates"] = "law"
        self.law = read_study(study)
        self.name, self.folder = name, folder
        files = folder / f"{name}.safetensors", folder / f"{name}.json"
        if not files[1].exists():
            prepare(name, slices.data_slice(self.full, name), *files, say=lambda text: None)
        self.meta, self.tensors = read_prepared(files[1]), open_tensors(files[0])

    def train(self, spec, law=None, checked=False) -> tuple[TrainingRecord, list[Member]]:
        """A training's record, and all its members with their curves."""
        how = "law" if spec.training.rates == "law" else "sweep"
        kept = self.folder / f"{self.name}-{spec.scale}-{spec.fraction}-{how}.pickle"
        if kept.exists():
            record, seen = pickle.loads(kept.read_bytes())
            rates = record.spec.training.learning_rates
            if law is None or rates == [law.rate(record.params.total)]:
                return record, seen
        seen = []
        choose = job.choose_rate, job.lawful
        job.choose_rate = lambda members: (seen.extend(members), choose[0](members))[1]
        job.lawful = lambda members, *law: (seen.extend(members), choose[1](members, *law))[1]
        try:
            record, _ = job.run(
                spec, self.tensors, self.meta, lambda text: None, law=law, checked=checked
            )
        finally:
            job.choose_rate, job.lawful = choose
        kept.write_bytes(pickle.dumps((record, seen)))
        return record, seen


def halved(record: TrainingRecord, members: list[Member]) -> tuple[float, float]:
    """FLOPs and rate of a full sweep, had it been halved."""
    cut, epochs = copy.deepcopy(members), record.spec.training.epochs
    at = math.ceil(epochs * STOP_AFTER)
    stopper([], epochs, lambda text: None)(cut, at)
    rate = choose_rate(cut)
    done = sum(at if m.status == "stopped" else m.epochs_run for m in cut)
    flops = record.flops.per_run / epochs * done
    return flops, rate


def errors(record: TrainingRecord) -> list[float]:
    return [run.test.error for run in record.seeds if run.test is not None]


def curvatures(record: TrainingRecord) -> list[float]:
    """Of a parabola with its vertex at the best rate, through the losses at each other."""
    by_rate: dict[float, list[float]] = {}
    for each in record.sweep:
        if each.validation_loss is not None:
            by_rate.setdefault(each.learning_rate, []).append(math.log(each.validation_loss))
    means = {rate: statistics.fmean(logs) for rate, logs in by_rate.items()}
    best = min(means, key=means.get)
    return [
        (mean - means[best]) / math.log(rate / best) ** 2
        for rate, mean in means.items()
        if rate != best
    ]


def compared(ours: list[float], theirs: list[float]) -> float:
    """Difference of two means over its standard error."""
    if len(ours) < 2 or len(theirs) < 2:
        return math.nan
    a, b = statistics.variance(ours) / len(ours), statistics.variance(theirs) / len(theirs)
    return (statistics.fmean(ours) - statistics.fmean(theirs)) / math.sqrt(max(a + b, 1e-12))


def domain(name: str, folder: Path) -> tuple[float, float, float]:
    """Print a domain's table; FLOPs of the full sweep, of the law and of halving."""
    runs = Runs(name, folder)
    task = runs.law.domains[name]
    cells = list(slices.cells(runs.full, name))
    full = {c: runs.train(slices.train_slice(runs.full, name, *c)) for c in cells}
    swept = list(slices.swept(task).items())
    spec = slices.rates_slice(runs.law, name, "")
    law = rate_law(spec, [full[c][0] for c in swept])
    ours = {
        c: full[c][0]
        if c in swept
        else runs.train(slices.train_slice(runs.law, name, *c), law, slices.checked(task, *c))[0]
        for c in cells
    }
    print(f"{name}: N^({law.slope:.2f} ± {law.slope_sd:.2f})")
    print("   size  data   full sweep: rate, test error      by the law: rate, test error    apart")
    spent = {"full": 0.0, "law": 0.0, "halving": 0.0}
    gaps, lost = [], 0
    for c in cells:
        record, members = full[c]
        flops, rate = halved(record, members)
        spent["full"] += record.flops.job
        spent["law"] += ours[c].flops.job
        spent["halving"] += flops
        lost += rate != record.learning_rate
        theirs, own = errors(record), errors(ours[c])
        apart = compared(own, theirs)
        if c not in swept:
            gaps.append(apart)
        said = "swept" if c in swept else f"{ours[c].learning_rate:<8.4g} {shown(own)}"
        far = "" if c in swept else f"{apart:+.1f} s.e."
        checks = [
            f"{run.learning_rate:g} {run.status}"
            for run in ours[c].sweep
            if c not in swept and run.learning_rate != ours[c].spec.training.learning_rates[0]
        ]
        print(
            f"{c[0]:>7} {c[1]:>5}   {record.learning_rate:<8.4g} {shown(theirs)}        "
            f"{said:<24} {far:>12}  {'check ' + ', '.join(checks) if checks else ''}".rstrip()
        )
    bends = sorted(bend for record, _ in full.values() for bend in curvatures(record))
    print(
        f"  curvature of log validation loss in log rate: median {statistics.median(bends):.3f}, "
        f"{bends[0]:.3f} to {bends[-1]:.3f}"
    )
    mean = statistics.fmean(gaps)
    print(
        f"  FLOPs of the full sweep {spent['full']:.3g}; by the law "
        f"{spent['law'] / spent['full']:.0%}, mean {mean:+.1f} s.e. over {len(gaps)} cells; halved "
        f"{spent['halving'] / spent['full']:.0%}, another rate in {lost} of {len(cells)} cells\n",
        flush=True,
    )
    return spent["full"], spent["law"], spent["halving"]


def shown(values: list[float]) -> str:
    return f"{statistics.fmean(values):.4f} ± {statistics.stdev(values):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("domains", nargs="*", default=DOMAINS)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        folder = args.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        found = [domain(name, folder) for name in args.domains]
    full, law, halving = (sum(each) for each in zip(*found, strict=True))
    print(
        f"all: of the full sweep's FLOPs by the law {law / full:.0%}, halved {halving / full:.0%}"
    )


if __name__ == "__main__":
    main()
