"""How much of `law: auto`'s figure on the 92 tasks is owed to its setting?

    python tests/benchmarks/auto_settings.py ../shared/data/learning_curves

draws 60 settings around the default and scores each on the rows to predict, and on curves cut at a
half and at a quarter of their largest x (whose withheld rows are all fit points: no test row is
seen). Printed on two CPU cores:

    default: all 0.0230, image 0.0269
    60 settings, all 92: 0.0220 0.0223 0.0231 0.0247 0.0266 (0 10 50 90 100 %)
    60 settings, image:  0.0258 0.0261 0.0272 0.0290 0.0311
    best on the 168 cut curves, fit points alone: all 0.0233, image 0.0269
    chosen on the tests of all other datasets: all 0.0232, image 0.0269
    chosen on half of the tasks, scored on the other half: all 0.0231
    68 s of CPU
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))

from alphascale.laws.rolling import LEAST, Settings
from alphascale.laws.selection import auto
from alphascale.laws.tasks import Task, log_rmse, read_tasks

DRAWS = 60
FILES = ("benchmark.vision.csv", "benchmark.lang.csv")


def draw(rng: np.random.Generator) -> Settings:
    """A setting around the default: priors, spreads and weighting, all within a factor or so."""
    return replace(
        Settings(),
        fade=rng.uniform(0.2, 0.5),
        fade_spread=rng.uniform(0.1, 0.4),
        window=rng.uniform(0.6, 1.4),
        window_spread=rng.uniform(0.3, 0.9),
        long_window=rng.uniform(1.0, 3.0),
        free_share=rng.uniform(0.0, 0.7),
        power=rng.uniform(0.0, 5.0),
        memory=rng.uniform(0.0, 1.0),
    )


def cut(task: Task, octaves: float) -> Task | None:
    """The task as it would have looked at x_last / 2^octaves, the next octave to be predicted."""
    log_x = np.log2(task.x / task.x[-1])
    seen = log_x <= -octaves + 1e-9
    if seen.sum() < LEAST + 2:
        return None
    ahead = ~seen & (task.x <= 2.15 * task.x[seen][-1])
    if not ahead.any():
        return None
    return replace(task, x=task.x[seen], y=task.y[seen], test_x=task.x[ahead], test_y=task.y[ahead])


def errors(tasks: list[Task], settings: Settings) -> np.ndarray:
    return np.array(
        [log_rmse(auto(t.x, t.y, settings=settings).curve(t.test_x), t.test_y) for t in tasks]
    )


def main(folder: Path) -> None:
    started = time.process_time()
    tasks = read_tasks(folder / name for name in FILES)
    group = np.array([t.domain + " " + t.task.split("_")[0] * (t.domain == "image") for t in tasks])
    image = np.array([t.domain == "image" for t in tasks])
    earlier = [c for t in tasks for octaves in (1, 2) if (c := cut(t, octaves))]
    rng = np.random.default_rng(0)
    tried = [Settings()] + [draw(rng) for _ in range(DRAWS)]
    test = np.array([errors(tasks, s) for s in tried])
    withheld = np.array([errors(earlier, s).mean() for s in tried])
    mean = test.mean(1)
    print(f"default: all {mean[0]:.4f}, image {test[0, image].mean():.4f}")
    q = np.quantile(mean[1:], [0, 0.1, 0.5, 0.9, 1])
    print(f"{DRAWS} settings, all 92: " + " ".join(f"{v:.4f}" for v in q) + " (0 10 50 90 100 %)")
    q = np.quantile(test[1:, image].mean(1), [0, 0.1, 0.5, 0.9, 1])
    print(f"{DRAWS} settings, image:  " + " ".join(f"{v:.4f}" for v in q))
    best = int(withheld.argmin())
    print(
        f"best on the {len(earlier)} cut curves, fit points alone: "
        f"all {mean[best]:.4f}, image {test[best, image].mean():.4f}"
    )
    held = np.empty(len(tasks))
    for g in np.unique(group):
        out = group == g
        held[out] = test[test[:, ~out].mean(1).argmin()][out]
    print(f"chosen on the tests of all other datasets: all {held.mean():.4f}", end=", ")
    print(f"image {held[image].mean():.4f}")
    halves = []
    for _ in range(200):
        one = rng.permutation(len(tasks)) < len(tasks) // 2
        halves.append(test[test[:, one].mean(1).argmin()][~one].mean())
    print(f"chosen on half of the tasks, scored on the other half: all {np.mean(halves):.4f}")
    print(f"{time.process_time() - started:.0f} s of CPU")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
