"""Random ladders, good and odd, with sensible targets and odd ones."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

METRICS = ("error", "test_error", "loss", "perplexity", "acc", "score")
SHAPES = ("floor", "power", "flat", "rising", "valley", "chance", "zeros", "cliff", "noise")
FORMS = (
    "auto",
    "auto",
    "auto",
    "power_floor",
    "power",
    "broken",
    "m3",
    "m4",
    "accuracy",
    "isoflop",
)


@dataclass(frozen=True)
class Ladder:
    """Runs (m,): params, the metric's name and values, its shape, a law and a target."""

    params: np.ndarray
    metric: str
    values: np.ndarray
    shape: str
    law: str
    target: float

    @property
    def share(self) -> bool:
        return "error" in self.metric or self.metric == "acc"

    def write(self, path: Path) -> Path:
        with path.open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["params", self.metric])
            writer.writerows(zip(self.params, self.values, strict=True))
        return path


def error_of(shape: str, n: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Errors in (0, 1) at sizes (m,)."""
    x = n / n.min()
    floor, slope = 10 ** rng.uniform(-3, -0.7), rng.uniform(0.05, 1.2)
    start = rng.uniform(0.1, 0.85)
    y = {
        "floor": floor + start * x**-slope,
        "power": start * x**-slope,
        "flat": np.full(len(n), start),
        "rising": np.minimum(start * x**0.05, 0.99),
        "valley": start * (0.3 + np.abs(np.log(x) / np.log(x.max()) - 0.5)),
        "chance": np.full(len(n), 0.9),
        "zeros": np.where(x > 2, 0.0, start * x**-slope),
        "cliff": np.where(x > np.sqrt(x.max()), floor, start),
        "noise": rng.uniform(0.01, 0.99, len(n)),
    }[shape]
    noise = rng.choice([0.0, 0.003, 0.05, 0.3])
    return np.clip(y * np.exp(noise * rng.standard_normal(len(n))), 0.0, 0.999)


def ladder(rng: np.random.Generator) -> Ladder:
    """One at random; the target is sensible in half of the cases."""
    sizes = np.cumprod(np.r_[10 ** rng.uniform(1, 7), rng.uniform(1.1, 8, rng.integers(1, 9))])
    n = np.repeat(np.ceil(sizes), rng.integers(1, 5))
    metric, shape = rng.choice(METRICS), rng.choice(SHAPES)
    errors = error_of(shape, n, rng)
    values = {
        "loss": 4 * errors, "perplexity": 1 + 90 * errors, "acc": 1 - errors, "score": 100 * errors,
    }.get(metric, errors)  # fmt: skip
    within = [np.median(values), values.min() * rng.uniform(0.3, 1), values.mean()]
    odd = [5.0, 95.0, 1e9, 1e-9, 0.0, -1.0, np.nan, np.inf, 0.999, 1.0, values.max() * 1.5]
    target = rng.choice(within) if rng.random() < 0.5 else rng.choice(odd)
    return Ladder(n, str(metric), values, str(shape), str(rng.choice(FORMS)), float(target))
