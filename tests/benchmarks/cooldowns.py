"""One trunk for several amounts of data against a schedule of its own for each: perplexity, FLOPs.

    python tests/benchmarks/cooldowns.py [--sizes d4 d8 d16] [--seeds 3]

The `language` domain of the default study, at a quarter, half and all of its data. Every cell is
trained whole by `cosine` and by `linear`, and by `cooldown`, each fraction going on from the trunk
of the one before. Each schedule chooses among the learning rates as a study does. Apart is the
difference of the mean test perplexities over its standard error, by the scatter of seeds: above 0
where the cool-down is worse. Less than four minutes of one CPU core. Printed:

    size data  cosine: rate, perplexity  linear                cooldown              apart
      d4 0.25  0.12 191.96 ± 10.23  0.12 189.88 ± 10.82  0.06 181.37 ± 4.62  -1.6 and -1.3 s.e.
      d4  0.5  0.12 146.55 ± 25.26  0.12 141.33 ± 25.80  0.06 128.54 ± 4.98  -1.2 and -0.8 s.e.
      d4  1.0  0.06 116.20 ± 17.07  0.06 114.70 ± 15.04  0.06 105.14 ± 3.70  -1.1 and -1.1 s.e.
      d8 0.25  0.06 178.34 ± 12.66  0.06 174.18 ± 14.57  0.06 159.86 ± 22.50  -1.2 and -0.9 s.e.
      d8  0.5  0.06 114.69 ± 13.98  0.06 109.44 ± 11.19  0.06  96.31 ± 10.46  -1.8 and -1.5 s.e.
      d8  1.0  0.12  76.70 ± 1.12  0.12  75.84 ± 0.76  0.06  74.90 ± 1.29  -1.8 and -1.1 s.e.
     d16 0.25  0.06 158.18 ± 19.12  0.06 151.17 ± 18.48  0.03 134.98 ± 2.32  -2.1 and -1.5 s.e.
     d16  0.5  0.03  96.27 ± 4.38  0.03  91.76 ± 3.40  0.03  81.91 ± 1.60  -5.3 and -4.5 s.e.
     d16  1.0  0.03  66.23 ± 0.32  0.03  65.70 ± 0.33  0.03  59.70 ± 1.00  -10.8 and -9.9 s.e.
    against cosine: 65.6% of its FLOPs, 84% of its CPU time; -3.0 s.e., -10.7% in 9 cells
    against linear: 65.6% of its FLOPs, 81% of its CPU time; -2.5 s.e., -8.3% in 9 cells

With `--rates .01 .03`, the study's own: -13.9% and -12.2%, every cell at .03, the upper edge.
"""

from __future__ import annotations

import argparse
import copy
import math
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import torch
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from alphascale import slices  # noqa: E402
from alphascale.config import Study, read_study  # noqa: E402
from alphascale.data.make import prepare  # noqa: E402
from alphascale.data.store import open_tensors  # noqa: E402
from alphascale.records.data import read_prepared  # noqa: E402
from alphascale.records.training import TrainingRecord  # noqa: E402
from alphascale.training import job  # noqa: E402
from alphascale.training.trunk import Folders  # noqa: E402

DOMAIN, FRACTIONS = "language", ["0.25", "0.5", "1.0"]
# Of the study's own two, .01 and .03, every schedule takes .03 in every cell: so .01 is left out,
# and larger ones are tried.
RATES = [3.0e-2, 6.0e-2, 1.2e-1]
SCHEDULES = ("cosine", "linear", "cooldown")


def study_of(schedule: str, sizes: list[str], seeds: int, rates: list[float]) -> Study:
    """The default study's domain alone, by a schedule."""
    study = yaml.safe_load((ROOT / "config" / "config.yaml").read_text()) | {"device": "cpu"}
    task = copy.deepcopy(study["domains"][DOMAIN])
    task |= {"fractions": FRACTIONS, "only": sizes, "seeds": list(range(seeds))}
    task["training"] |= {"schedule": schedule, "learning_rates": rates}
    return read_study(study | {"domains": {DOMAIN: task}})


def trained(study: Study, scale: str, tensors, meta, folder: Path) -> list[TrainingRecord]:
    """The records of a size, smallest fraction first; a trunk is passed on where there is one."""
    records = []
    for before, fraction in pairwise([None, *FRACTIONS]):
        trunks = None
        if study.domains[DOMAIN].training.schedule == "cooldown":
            taken = None if before is None else folder / f"{scale}-{before}"
            trunks = Folders(before, taken, folder / f"{scale}-{fraction}")
        spec = slices.train_slice(study, DOMAIN, scale, fraction)
        record, _ = job.run(spec, tensors, meta, lambda text: None, trunks=trunks)
        records.append(record)
    return records


def perplexities(record: TrainingRecord) -> list[float]:
    return [run.perplexity.test for run in record.seeds if run.perplexity is not None]


def apart(ours: list[float], theirs: list[float]) -> float:
    """Difference of two means over its standard error."""
    error = sum(statistics.variance(each) / len(each) for each in (ours, theirs))
    return (statistics.fmean(ours) - statistics.fmean(theirs)) / math.sqrt(max(error, 1e-12))


def shown(record: TrainingRecord) -> str:
    values = perplexities(record)
    mean, scatter = statistics.fmean(values), statistics.stdev(values)
    return f"{record.learning_rate:.2f} {mean:6.2f} ± {scatter:4.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["d4", "d8", "d16"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    args = parser.parse_args()
    torch.set_num_threads(1)
    studies = {name: study_of(name, args.sizes, args.seeds, args.rates) for name in SCHEDULES}
    flops, seconds = dict.fromkeys(SCHEDULES, 0), dict.fromkeys(SCHEDULES, 0.0)
    gaps: dict[str, list[tuple[float, float]]] = {"cosine": [], "linear": []}
    print("size data  cosine: rate, perplexity  linear                cooldown              apart")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        files = folder / "data.safetensors", folder / "data.json"
        data = slices.data_slice(studies["cosine"], DOMAIN)
        prepare(DOMAIN, data, *files, say=lambda text: None)
        meta, tensors = read_prepared(files[1]), open_tensors(files[0])
        for scale in args.sizes:
            found = {}
            for name, study in studies.items():
                began = time.process_time()
                found[name] = trained(study, scale, tensors, meta, folder)
                seconds[name] += time.process_time() - began
                flops[name] += sum(record.flops.job for record in found[name])
            for i, fraction in enumerate(FRACTIONS):
                own = found["cooldown"][i]
                text = []
                for name, gap in gaps.items():
                    ours, theirs = perplexities(own), perplexities(found[name][i])
                    ratio = math.log(statistics.fmean(ours) / statistics.fmean(theirs))
                    gap.append((apart(ours, theirs), ratio))
                    text.append(f"{gap[-1][0]:+.1f}")
                cells = "  ".join(shown(found[name][i]) for name in SCHEDULES)
                print(f"{scale:>4} {fraction:>4}  {cells}  {' and '.join(text)} s.e.", flush=True)
    for name, gap in gaps.items():
        whole = flops["cooldown"] / flops[name]
        print(
            f"against {name}: {whole:.1%} of its FLOPs, {seconds['cooldown'] / seconds[name]:.0%} "
            f"of its CPU time; {statistics.fmean(each for each, _ in gap):+.1f} s.e., "
            f"{math.expm1(statistics.fmean(each for _, each in gap)):+.1%} in {len(gap)} cells"
        )


if __name__ == "__main__":
    main()
