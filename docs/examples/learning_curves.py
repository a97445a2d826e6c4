"""One learning curve, four laws: fit its first part, predict the rest, say how far off that was.

    python docs/examples/learning_curves.py downloads/learning_curves

FOLDER holds benchmark.vision.csv and benchmark.lang.csv of Alabdulmohsin et al. 2022, or one of
them; `snakemake --cores 1 curves_benchmark` downloads both. The same by commands: docs/curves.md.
"""

import argparse
import math
import sys
from pathlib import Path

from alphascale import laws
from alphascale.errors import UserError
from alphascale.literature.learning_curves import Task, read_tasks

FILES = ("benchmark.vision.csv", "benchmark.lang.csv")
# An error rate lies below 1; a loss has no such bound.
MOST = {"image": 1.0, "BB": 1.0}


def fitted(task: Task) -> dict[str, laws.LearningCurve]:
    """The four laws on the part of a curve that is marked for training."""
    return {
        "M1": laws.m1(task.x, task.y),
        "M2": laws.m2(task.x, task.y),
        "M3": laws.m3(task.x, task.y),
        # err_0 starts at .999 and is fitted; a law may also take {x: y, …}.
        "M4": laws.m4(
            dict(zip(task.x, task.y, strict=True)),
            err_inf=None,
            err_0=0.999,
            update_err_0=True,
            up_bound=MOST.get(task.domain),
            max_iterations=10_000,
        ),
    }


def chosen(tasks: list[Task], model: str, name: str) -> Task:
    for task in tasks:
        if (task.model, task.task) == (model, name):
            return task
    known = ", ".join(sorted({f"{t.model} {t.task}" for t in tasks})[:6])
    raise UserError(f"no task {model} {name} in these files; of {len(tasks)}, some are {known}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the files of the benchmark are")
    parser.add_argument("--model", default="ViT/B/16")
    parser.add_argument("--task", default="inet_5")
    parser.add_argument("--figure", help="also draw the four laws, as .png or .svg")
    args = parser.parse_args()
    files = [args.folder / name for name in FILES if (args.folder / name).is_file()]
    if not files:
        raise UserError(f"{args.folder} holds neither {' nor '.join(FILES)}")
    task = chosen(read_tasks(files), args.model, args.task)
    found = fitted(task)
    print(f"{task.name}: {len(task.x)} points to fit, {len(task.test_x)} to predict")
    for name, law in found.items():
        params = ", ".join(f"{key} = {value:.4g}" for key, value in law.params.items())
        rmse, error = law.error(task.test_x, task.test_y)
        sure = "of one point" if math.isnan(error) else f"± {error:.5f}"
        print(f"{name}  RMSE {rmse:.4f} {sure}   {params}")
        largest = task.test_x.max()
        print(f"    at {largest:.4g} examples it predicts {law.predict_loss(largest):.4f}")
    if args.figure:
        from alphascale.plots import curves, style

        style.save(curves.of_one_task(task, found), args.figure)
        print(f"saved: {args.figure}")


if __name__ == "__main__":
    try:
        main()
    except UserError as fault:
        sys.exit(f"error: {fault}")
