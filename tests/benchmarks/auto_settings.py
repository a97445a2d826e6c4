"""How much of `law: auto`'s figures is owed to its setting? Leave one ladder out.

    python tests/benchmarks/auto_settings.py ../shared/data

draws settings around the shipped one (`alphascale.laws.priors.Beliefs`) and scores each on the
public ladders: three suites of language models over (N, D), four tables of classifiers over N (six,
eight or ten sizes seen), and the training rows of the 92 learning curves, cut at half and at a
quarter of their largest x. Then each ladder is scored with the setting that is best on all others
of its kind. No row to predict of a ladder has a say in the setting it is scored with.
Least, median and largest mean of the settings come last. Printed on two CPU cores:

    language     shipped 0.0096, chosen on the others 0.0085; 16 settings 0.0081 0.0098 0.0116
    classifiers  shipped 0.0921, chosen on the others 0.0914; 16 settings 0.0883 0.0927 0.1104
    curves       shipped 0.0146, chosen on the others 0.0143; 16 settings 0.0143 0.0164 0.0205
    67 s of CPU
"""

from __future__ import annotations

import csv
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))

from alphascale.laws.priors import SHIPPED, Beliefs
from alphascale.laws.selection import auto
from alphascale.literature.learning_curves import log_rmse, read_tasks

DRAWS = 16
FILES = ("benchmark.vision.csv", "benchmark.lang.csv")
Ladder = tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def draw(rng: np.random.Generator) -> Beliefs:
    """A setting around the shipped one: weights of forms and rules within a factor 3, spreads of
    priors within a factor 1.5."""

    def forms(known):
        wide = float(np.exp(rng.uniform(-0.4, 0.4)))
        out = []
        for form in known:
            weight = form.weight * float(np.exp(rng.uniform(-1.1, 1.1)))
            sd = np.where(np.isfinite(form.sd), form.sd * wide, form.sd)
            out.append(replace(form, weight=weight, sd=sd))
        return tuple(out)

    return replace(
        SHIPPED,
        one=forms(SHIPPED.one),
        two=forms(SHIPPED.two),
        power=SHIPPED.power * float(np.exp(rng.uniform(-1.1, 1.1))),
        memory=rng.uniform(0.2, 1.5),
        zero=rng.uniform(1.0, 5.0),
        horizon=rng.uniform(1.6, 4.0),
        stretch=tuple(s * float(np.exp(rng.uniform(-0.7, 0.7))) for s in SHIPPED.stretch),
        stretch_two=tuple(s * float(np.exp(rng.uniform(-0.7, 0.7))) for s in SHIPPED.stretch_two),
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def language(folder: Path) -> list[Ladder]:
    """Suites of language models: their larger runs from their smaller ones."""
    rows, out = rows_of(folder / "ladders" / "language.csv"), []
    for name in sorted({row["set"] for row in rows}):
        part = []
        for role in ("fit", "predict"):
            own = [r for r in rows if r["set"] == name and r["role"] == role]
            values = np.array([[float(r[c]) for c in ("N", "D", "loss")] for r in own]).T
            part += [values[:2], values[2]]
        out.append((name, *part))
    return out


def classifiers(folder: Path) -> list[Ladder]:
    """Tables of classifiers: larger sizes from six, eight or ten; means of seeds are predicted."""
    rows, out = rows_of(folder / "ladders" / "classifiers.csv"), []
    for name in sorted({row["set"] for row in rows}):
        own = np.array(
            [(float(r["params"]), float(r["error"])) for r in rows if r["set"] == name]
        ).T
        own = own[:, own[1] > 0]
        sizes = np.unique(own[0])
        mean = np.array([np.exp(np.log(own[1, own[0] == n]).mean()) for n in sizes])
        for cut in (6, 8, 10):
            seen = own[0] <= sizes[cut - 1]
            out.append((name, own[:1, seen], own[1, seen], sizes[None, cut:], mean[cut:]))
    return out


def curves(folder: Path) -> list[Ladder]:
    """Training rows of the learning curves, cut at a half and at a quarter of their largest x."""
    out = []
    for task in read_tasks(folder / "learning_curves" / name for name in FILES):
        for octaves in (1, 2):
            seen = task.x <= task.x[-1] * 2.0**-octaves * (1 + 1e-9)
            ahead = ~seen & (task.x <= 2.15 * task.x[seen].max(initial=0.0))
            if seen.sum() >= 6 and ahead.any():
                to = task.x[None, ahead], task.y[ahead]
                out.append((task.task, task.x[None, seen], task.y[seen], *to))
    return out


def errors(ladders: list[Ladder], beliefs: Beliefs) -> np.ndarray:
    """log-RMSE (ladders,) of the curve on what it has not seen."""
    return np.array(
        [log_rmse(auto(x, y, beliefs=beliefs).curve(to), truth) for _, x, y, to, truth in ladders]
    )


def left_out(names: list[str], scores: np.ndarray) -> tuple[float, float]:
    """Mean error of the shipped setting (row 0), and with each ladder's setting chosen on the
    others. scores (settings, ladders)."""
    group, chosen = np.array(names), np.empty(len(names))
    for name in np.unique(group):
        out = group == name
        chosen[out] = scores[scores[:, ~out].mean(axis=1).argmin()][out]
    return float(scores[0].mean()), float(chosen.mean())


def main(folder: Path) -> None:
    started = time.process_time()
    rng = np.random.default_rng(0)
    tried = [SHIPPED] + [draw(rng) for _ in range(DRAWS)]
    for kind, ladders in (
        ("language", language(folder)),
        ("classifiers", classifiers(folder)),
        ("curves", curves(folder)),
    ):
        scores = np.array([errors(ladders, beliefs) for beliefs in tried])
        shipped, chosen = left_out([ladder[0] for ladder in ladders], scores)
        spread = np.quantile(scores[1:].mean(axis=1), [0, 0.5, 1])
        print(
            f"{kind:12s} shipped {shipped:.4f}, chosen on the others {chosen:.4f}; "
            f"{DRAWS} settings " + " ".join(f"{v:.4f}" for v in spread),
            flush=True,
        )
    print(f"{time.process_time() - started:.0f} s of CPU")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
