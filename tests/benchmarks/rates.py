"""Learning rates by a law, and by halving, against the full sweep: FLOPs and test error.

    python tests/benchmarks/rates.py [tabular vision nlp] [--keep FOLDER]

Every cell of a domain of the default study at every one of its learning rates; then what
`training.rates: law` trains instead: its swept cells are the same runs, all others are trained at
the law's rate, the largest with its check. `sweep: halving` is read off the full sweep's curves,
which it only cuts. Apart is the difference of the mean test errors over its standard error, by the
scatter of seeds. With --keep what was trained is kept, so that a run may go on: all three take some
eight minutes of one CPU core. Printed:

    tabular: N^(-0.36 ± 0.19)
    size data  full sweep: rate, test error  by the law: rate, test error      apart
      w8 0.25  0.06     0.3051 ± 0.0295     0.1      0.2915 ± 0.0164 -0.7 s.e.
      w8  0.5  0.06     0.2666 ± 0.0135     0.1      0.2629 ± 0.0159 -0.3 s.e.
      w8  1.0  0.06     0.2428 ± 0.0084     swept
     w12 0.25  0.06     0.2469 ± 0.0069     0.07499  0.2509 ± 0.0078 +0.7 s.e.
     w12  0.5  0.06     0.2074 ± 0.0023     0.07499  0.2084 ± 0.0070 +0.2 s.e.
     w12  1.0  0.06     0.1844 ± 0.0052     swept
     w16 0.25  0.06     0.2103 ± 0.0066     0.07499  0.2019 ± 0.0099 -1.2 s.e.
     w16  0.5  0.06     0.1636 ± 0.0052     0.07499  0.1599 ± 0.0036 -1.0 s.e.
     w16  1.0  0.06     0.1361 ± 0.0082     0.07499  0.1291 ± 0.0050 -1.3 s.e.
     w24 0.25  0.06     0.1515 ± 0.0100     0.05623  0.1507 ± 0.0036 -0.1 s.e.
     w24  0.5  0.06     0.1122 ± 0.0026     0.05623  0.1105 ± 0.0053 -0.5 s.e.
     w24  1.0  0.06     0.0880 ± 0.0015     0.05623  0.0853 ± 0.0017 -2.1 s.e.
     w32 0.25  0.06     0.1283 ± 0.0091     0.05623  0.1248 ± 0.0073 -0.5 s.e.
     w32  0.5  0.06     0.0882 ± 0.0042     0.05623  0.0922 ± 0.0033 +1.3 s.e.
     w32  1.0  0.06     0.0638 ± 0.0036     0.05623  0.0666 ± 0.0036 +0.9 s.e.
     w48 0.25  0.06     0.1058 ± 0.0077     0.04217  0.1023 ± 0.0035 -0.7 s.e.
     w48  0.5  0.06     0.0695 ± 0.0003     0.04217  0.0700 ± 0.0031 +0.3 s.e.
     w48  1.0  0.06     0.0482 ± 0.0048     0.04217  0.0498 ± 0.0010 +0.6 s.e.  check 0.01334 ok
      curvature of log validation loss in log rate: median 0.056, 0.012 to 0.164
      by the law 39% of the full sweep's 2.75e+11 FLOPs, mean -0.3 s.e. over 16 cells
      halved 80%, another rate in 0 of 18 cells

    vision: N^(-0.40 ± 0.19)
    size data  full sweep: rate, test error  by the law: rate, test error      apart
      c2 0.25  0.08     0.4573 ± 0.0440     0.04217  0.3313 ± 0.0782 -2.4 s.e.
      c2  0.5  0.02     0.2322 ± 0.0540     0.04217  0.1637 ± 0.0494 -1.6 s.e.
      c2  1.0  0.02     0.1195 ± 0.0383     swept
      c3 0.25  0.02     0.2138 ± 0.0765     0.03162  0.2227 ± 0.0504 +0.2 s.e.
      c3  0.5  0.02     0.0913 ± 0.0117     0.03162  0.0851 ± 0.0106 -0.7 s.e.
      c3  1.0  0.02     0.0531 ± 0.0101     swept
      c4 0.25  0.02     0.0913 ± 0.0256     0.02371  0.0827 ± 0.0105 -0.5 s.e.
      c4  0.5  0.02     0.0765 ± 0.0370     0.02371  0.0433 ± 0.0029 -1.6 s.e.
      c4  1.0  0.02     0.0255 ± 0.0036     0.02371  0.0267 ± 0.0054 +0.3 s.e.
      c5 0.25  0.02     0.0780 ± 0.0265     0.02371  0.0685 ± 0.0041 -0.6 s.e.
      c5  0.5  0.02     0.0356 ± 0.0031     0.02371  0.0326 ± 0.0054 -0.8 s.e.
      c5  1.0  0.02     0.0216 ± 0.0014     0.02371  0.0181 ± 0.0054 -1.1 s.e.
      c6 0.25  0.02     0.0391 ± 0.0094     0.01778  0.0474 ± 0.0126 +0.9 s.e.
      c6  0.5  0.02     0.0270 ± 0.0059     0.01778  0.0240 ± 0.0039 -0.7 s.e.
      c6  1.0  0.02     0.0142 ± 0.0024     0.01778  0.0169 ± 0.0047 +0.9 s.e.
      c8 0.25  0.02     0.0314 ± 0.0026     0.01778  0.0356 ± 0.0041 +1.5 s.e.
      c8  0.5  0.005    0.0211 ± 0.0014     0.01778  0.0240 ± 0.0086 +0.6 s.e.
      c8  1.0  0.005    0.0148 ± 0.0029     0.01778  0.0157 ± 0.0014 +0.5 s.e.  check 0.005623 ok
      curvature of log validation loss in log rate: median 0.132, 0.001 to 0.608
      by the law 39% of the full sweep's 1.09e+12 FLOPs, mean -0.3 s.e. over 16 cells
      halved 83%, another rate in 0 of 18 cells

    nlp: N^(-0.37 ± 0.20)
    size data  full sweep: rate, test error  by the law: rate, test error      apart
      d4  0.5  0.04     0.7902 ± 0.0777     0.04217  0.7754 ± 0.0784 -0.3 s.e.
      d4  1.0  0.04     0.7017 ± 0.0332     swept
      d6  0.5  0.04     0.7083 ± 0.0616     0.03162  0.7189 ± 0.0628 +0.3 s.e.
      d6  1.0  0.04     0.5979 ± 0.0288     swept
      d8  0.5  0.04     0.6480 ± 0.0450     0.03162  0.6690 ± 0.0891 +0.5 s.e.
      d8  1.0  0.04     0.5967 ± 0.0820     0.03162  0.5798 ± 0.0352 -0.4 s.e.
     d12  0.5  0.015    0.6195 ± 0.0103     0.02371  0.6072 ± 0.0237 -1.1 s.e.
     d12  1.0  0.04     0.5359 ± 0.0242     0.02371  0.5332 ± 0.0344 -0.1 s.e.
     d16  0.5  0.04     0.5624 ± 0.0230     0.02371  0.5939 ± 0.0396 +1.5 s.e.
     d16  1.0  0.04     0.4917 ± 0.0169     0.02371  0.5033 ± 0.0163 +1.1 s.e.  check 0.007499 ok
      curvature of log validation loss in log rate: median 0.044, 0.017 to 0.086
      by the law 58% of the full sweep's 9.64e+11 FLOPs, mean +0.2 s.e. over 8 cells
      halved 100%, another rate in 0 of 10 cells

    all: of the full sweep's FLOPs by the law 47%, halved 90%
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

from alphascale import slices, sweeps  # noqa: E402
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
    swept = list(sweeps.swept(task).items())
    spec = slices.rates_slice(runs.law, name, "")
    law = rate_law(spec, [full[c][0] for c in swept])
    ours = {
        c: full[c][0]
        if c in swept
        else runs.train(slices.train_slice(runs.law, name, *c), law, sweeps.checked(task, *c))[0]
        for c in cells
    }
    print(f"{name}: N^({law.slope:.2f} ± {law.slope_sd:.2f})")
    print("size data  full sweep: rate, test error  by the law: rate, test error      apart")
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
            f"{c[0]:>4} {c[1]:>4}  {record.learning_rate:<8.4g} {shown(theirs)}     "
            f"{said:<24} {far:>9}  {'check ' + ', '.join(checks) if checks else ''}".rstrip()
        )
    bends = sorted(bend for record, _ in full.values() for bend in curvatures(record))
    print(
        f"  curvature of log validation loss in log rate: median {statistics.median(bends):.3f}, "
        f"{bends[0]:.3f} to {bends[-1]:.3f}"
    )
    mean = statistics.fmean(gaps)
    print(
        f"  by the law {spent['law'] / spent['full']:.0%} of the full sweep's {spent['full']:.3g} "
        f"FLOPs, mean {mean:+.1f} s.e. over {len(gaps)} cells\n  halved "
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
