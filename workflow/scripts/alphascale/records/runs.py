"""What is asked of observations again and again: which runs count, how N is counted, the noise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..metrics import by_fitted

if TYPE_CHECKING:
    import pandas

# What N counts → the column of the observations that holds it.
COUNT_COLUMN = {"total": "params", "non_embedding": "non_embedding"}
LEVELS = ("LOW", "MEDIUM", "HIGH")


def good(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The runs that ended well; a run that diverged has no number, one at chance no meaning."""
    return frame[frame["status"] == "ok"]


def lost(frame: pandas.DataFrame) -> str:
    """How many runs no law is fitted to, and why, as `2 diverged and 3 learnt nothing`; empty
    where there are none."""
    words = {"diverged": "diverged", "chance": "learnt nothing (at chance)"}
    counts = {status: int((frame["status"] == status).sum()) for status in words}
    return " and ".join(f"{n} {words[status]}" for status, n in counts.items() if n)


def jobs(frame: pandas.DataFrame) -> pandas.DataFrame:
    """One row per training job (observations repeat a job once per seed)."""
    return frame.drop_duplicates(["domain", "scale", "fraction"])


def fractions(frame: pandas.DataFrame) -> list[str]:
    """The fractions that were trained, smallest first."""
    return sorted(frame["fraction"].unique(), key=float)


def largest(fractions: Iterable[str]) -> str:
    """The largest of some fractions: the one that N* is decided on."""
    return max(fractions, key=float)


def worst_level(levels: pandas.Series) -> str | None:
    """The highest generalisation warning among runs; a diverged run has none."""
    known = levels.dropna().tolist()
    return max(known, key=LEVELS.index) if known else None


def tested(frame: pandas.DataFrame, metric: str) -> int | None:
    """Samples that a domain's errors were counted on; None for what is no count."""
    return int(frame["test_samples"].iloc[0]) if by_fitted(metric).counted else None


def run_variance(values: np.ndarray, configurations: np.ndarray) -> float | None:
    """Variance of a run about its configuration's mean, pooled over configurations.

    values (n,), configurations (n,) labels. None where no configuration has a second run.
    """
    _, code = np.unique(configurations, return_inverse=True)
    runs = np.bincount(code)
    spare = len(values) - len(runs)
    if not spare:
        return None
    mean = np.bincount(code, values) / runs
    return float(np.sum((values - mean[code]) ** 2) / spare)
