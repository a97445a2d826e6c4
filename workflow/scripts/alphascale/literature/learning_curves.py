"""The 92-task extrapolation benchmark of Alabdulmohsin et al. 2022, and how a method is scored.

A task is a learning curve of one model: fit on its rows with Training = 1, predict the rest, which
reach about twice as many seen examples. Its figure is the root mean square of log(ŷ / y) over the
raw rows to predict.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.scoring import log_rmse, log_rmse_error

__all__ = ["DOMAINS", "PUBLISHED", "Task", "coverage", "log_rmse", "log_rmse_error", "read_tasks"]

FloatArray = np.ndarray
COLUMNS = ("Domain", "Task", "Model", "Seen Examples", "Loss", "Training")
DOMAINS = {"IC": "image", "NMT": "NMT", "LM": "LM", "BB": "BB"}

# Means over tasks and their standard errors: image, NMT, LM, BB, all; measured on these files with
# the code published with the benchmark (M1-M4) and one break from 24 starts. NSL-PFN: as published,
# images alone, without an error.
PUBLISHED = {
    "M1, published code": (
        (0.1046, 0.0076),
        (0.2217, 0.0177),
        (0.0140, 0.0020),
        (0.0148, 0.0030),
        (0.0963, 0.0076),
    ),
    "M2, published code": (
        (0.0823, 0.0057),
        (0.0341, 0.0097),
        (0.0010, 0.0002),
        (0.0148, 0.0029),
        (0.0679, 0.0054),
    ),
    "M3, published code": (
        (0.0615, 0.0053),
        (0.0471, 0.0129),
        (0.0023, 0.0008),
        (0.0087, 0.0018),
        (0.0518, 0.0047),
    ),
    "M4, published code": (
        (0.0415, 0.0046),
        (0.0208, 0.0063),
        (0.0009, 0.0002),
        (0.0123, 0.0031),
        (0.0350, 0.0039),
    ),
    "BNSL, one break": (
        (0.0403, 0.0055),
        (0.0105, 0.0037),
        (0.0008, 0.0001),
        (0.0129, 0.0044),
        (0.0335, 0.0046),
    ),
    "NSL-PFN, as published": ((0.0280, None), *[(None, None)] * 4),
}


@dataclass(frozen=True)
class Task:
    """One curve. x, y: what a method sees, x ascending (n,); test_x, test_y: what it predicts."""

    domain: str
    model: str
    task: str
    x: FloatArray
    y: FloatArray
    test_x: FloatArray
    test_y: FloatArray

    @property
    def name(self) -> str:
        return f"{self.domain} {self.model} {self.task}"


def read_tasks(paths: Iterable[str | Path]) -> list[Task]:
    """The tasks of the benchmark's files. Of rows with equal x the last wins, as in its own code.

    Raises UserError naming the file for a missing column or a value that is no number.
    """
    groups: dict[tuple[str, str, str], tuple[dict[float, float], list[tuple[float, float]]]] = {}
    for path in paths:
        with open(path, newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            missing = [c for c in COLUMNS if c not in (reader.fieldnames or ())]
            if missing:
                raise UserError(f"{path}: column {missing[0]!r} is missing; is it the benchmark?")
            for row in reader:
                key = (row["Domain"], row["Model"], row["Task"])
                fit, test = groups.setdefault(key, ({}, []))
                try:
                    x, y = float(row["Seen Examples"]), float(row["Loss"])
                    training = int(row["Training"])
                except ValueError as fault:
                    raise UserError(f"{path}: line {reader.line_num}: {fault}") from None
                if training:
                    fit[x] = y
                else:
                    test.append((x, y))
    return [_task(key, fit, test) for key, (fit, test) in groups.items()]


def _task(key, fit: dict[float, float], test: list[tuple[float, float]]) -> Task:
    x = np.array(sorted(fit))
    y = np.array([fit[v] for v in x])
    test_x, test_y = np.array(sorted(test)).reshape(-1, 2).T
    domain, model, task = key
    return Task(DOMAINS.get(domain, domain), model, task, x, y, test_x, test_y)


def coverage(lower: FloatArray, upper: FloatArray, observed: FloatArray) -> float:
    """Share of observed values inside their intervals."""
    return float(np.mean((lower <= observed) & (observed <= upper)))
