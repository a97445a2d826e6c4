"""Do the intervals of `law: auto` hold on real ladders what they promise?

    python tests/benchmarks/calibration.py ../shared/data [--plot calibration.pdf]

fits each public ladder on its smaller runs and counts the withheld larger ones that lie inside the
nominal 50, 80, 90 and 95 % intervals: suites of language models over (N, D), Chinchilla's points
above half, .7 and .85 of their computes, runs on repeated data over (N, D, U), classifiers over N
(every single run; six, eight or ten sizes seen), and learning curves cut at a half and at a quarter
of their largest x, inside their training rows. Shares are means over ladders.

`factor`: by how much intervals would have to be widened about the prediction, on a logarithmic
scale, for 95 % to be inside, chosen on all other ladders of the kind; `then`: the share inside
with it on the ladder left out (nan where there is but one ladder). A `then` near 95 says that the
factor is one of the kind, not of single ladders. Printed on two CPU cores:

    kind           ladders    50 %   80 %   90 %   95 %   factor   then
    language             3    83.2   98.3  100.0  100.0     0.56   94.4
    Chinchilla           3    55.3   90.2   96.9  100.0      nan    nan
    repeated data        1    90.5  100.0  100.0  100.0      nan    nan
    classifiers         12    49.9   83.0   91.7   95.6     0.97   93.2
    image curves       131    82.7   99.3  100.0  100.0     0.45   95.1
    text curves         37    66.2   91.2   97.3   98.6     0.65   93.2
    6 s of CPU
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from alphascale.laws.selection import auto
from alphascale.literature.learning_curves import read_tasks
from auto_settings import FILES, Ladder, curves, language, rows_of

LEVELS = (0.5, 0.8, 0.9, 0.95)
FACTORS = np.geomspace(0.1, 10.0, 201)
CUTS = (0.5, 0.7, 0.85)


def chinchilla(folder: Path) -> list[Ladder]:
    """The 240 points, by compute: those above a share of them from those below."""
    rows = rows_of(folder / "chinchilla" / "chinchilla_240pts.csv")
    kept = [r for r in rows if float(r["epoch_keep"])]
    own = np.array([[float(r[c]) for c in ("N", "D", "loss")] for r in kept]).T
    own = own[:, np.argsort(own[0] * own[1])]
    out = []
    for share in CUTS:
        m = int(share * own.shape[1])
        out.append(("chinchilla", own[:2, :m], own[2, :m], own[:2, m:], own[2, m:]))
    return out


def repeated(folder: Path) -> list[Ladder]:
    """Runs on repeated data, split as published."""
    rows = rows_of(folder / "data_constrained" / "muennighoff_182.csv")
    names = ("params", "tokens", "unique_tokens", "loss")
    seen, new = (
        np.array([[float(r[c]) for c in names] for r in rows if r["split"] == part]).T
        for part in ("train", "test")
    )
    return [("repeated", seen[:3], seen[3], new[:3], new[3])]


def classifiers(folder: Path) -> list[Ladder]:
    """Four tables: every single larger run from six, eight or ten sizes."""
    rows, out = rows_of(folder / "ladders" / "classifiers.csv"), []
    for name in sorted({row["set"] for row in rows}):
        own = [(float(r["params"]), float(r["error"])) for r in rows if r["set"] == name]
        x, y = np.array([row for row in own if row[1] > 0]).T
        sizes = np.unique(x)
        for cut in (6, 8, 10):
            seen = x <= sizes[cut - 1]
            out.append((name, x[None, seen], y[seen], x[None, ~seen], y[~seen]))
    return out


def judged(ladders: list[Ladder]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Share inside (ladders, levels), and of each ladder the factor (n,) on its 95 % interval that
    would just hold each withheld run."""
    inside, needed = [], []
    for _, x, y, to, truth in ladders:
        law = auto(x, y)
        bands = [law.predict(to if len(to) > 1 else to[0], level) for level in LEVELS]
        inside.append([np.mean((b.lower <= truth) & (truth <= b.upper)) for b in bands])
        mean, lower, upper = (np.log(values) for values in bands[-1])
        off = np.log(truth) - mean
        needed.append(np.where(off > 0, off / (upper - mean), off / (lower - mean)))
    return np.array(inside), needed


def left_out(names: list[str], needed: list[np.ndarray]) -> tuple[float, float]:
    """Median factor chosen without a ladder, and the share inside with it on that ladder."""
    held = np.array([[np.mean(n <= f) for f in FACTORS] for n in needed])
    group = np.array(names)
    factors, then = [], np.full(len(names), np.nan)
    for name in np.unique(group):
        out = group == name
        if out.all():
            continue
        at = int(np.argmax(held[~out].mean(axis=0) >= LEVELS[-1]))
        factors.append(FACTORS[at])
        then[out] = held[out, at]
    return (float(np.median(factors)), float(then.mean())) if factors else (np.nan, np.nan)


def plot(shares: dict[str, np.ndarray], path: Path) -> None:
    """Share inside against nominal; each kind has its own colour, marker and line style."""
    from alphascale.plots.style import SERIES
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 100], [0, 100], color="0.6", linewidth=1, label="as promised")
    for look, (kind, share) in zip(SERIES, shares.items(), strict=False):
        axes.plot(100 * np.array(LEVELS), 100 * share, label=kind, linewidth=1.4, **look)
    axes.set(xlim=(45, 100), ylim=(0, 102), aspect="auto")
    axes.set_xlabel("nominal level (%)")
    axes.set_ylabel("withheld larger runs inside (%)")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path, help="folder of public observations")
    parser.add_argument("--plot", type=Path, help="file of the figure")
    args = parser.parse_args()
    if not args.data.is_dir():
        print(f"{args.data} is absent: the public observations for this benchmark are not here")
        return
    started = time.process_time()
    kind_of = {}
    for task in read_tasks(args.data / "learning_curves" / name for name in FILES):
        kind_of[task.task] = "image curves" if task.domain == "image" else "text curves"
    cut = curves(args.data)
    kinds = {
        "language": language(args.data),
        "Chinchilla": chinchilla(args.data),
        "repeated data": repeated(args.data),
        "classifiers": classifiers(args.data),
    } | {
        kind: [ladder for ladder in cut if kind_of[ladder[0]] == kind]
        for kind in ("image curves", "text curves")
    }
    print("kind           ladders    50 %   80 %   90 %   95 %   factor   then")
    shares = {}
    for kind, ladders in kinds.items():
        inside, needed = judged(ladders)
        shares[kind] = inside.mean(axis=0)
        factor, then = left_out([ladder[0] for ladder in ladders], needed)
        cells = " ".join(f"{100 * v:6.1f}" for v in shares[kind])
        print(
            f"{kind:14s} {len(ladders):7d}  {cells}   {factor:6.2f} {100 * then:6.1f}", flush=True
        )
    print(f"{time.process_time() - started:.0f} s of CPU")
    if args.plot:
        plot(shares, args.plot)


if __name__ == "__main__":
    main()
