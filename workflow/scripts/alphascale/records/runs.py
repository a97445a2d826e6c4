"""What is asked of observations again and again: which runs count, how N is counted, the noise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
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


def fitted_values(runs: pandas.DataFrame, metric: str) -> np.ndarray:
    """What the laws of a metric are fitted to, (n,), of runs that ended well.

    A share that is no count may be perfect all the same, an F1 of 1: such a run is taken as half an
    error among one more than the samples tested, as the engine takes counted errors; `perfect` says
    how many. Raises UserError where the metric is not defined on the test split.
    """
    values, known = runs[f"test_{metric}"].to_numpy(float), by_fitted(metric)
    if np.isnan(values).any():
        raise UserError(undefined(metric))
    if not known.share or known.counted:
        return values
    return np.where(values <= 0, 0.5 / (runs["test_samples"].to_numpy(float) + 1), values)


def undefined(metric: str) -> str:
    """Why a metric has no number, and what to do."""
    known = by_fitted(metric)
    if known.fewest > 2:
        return f"{known.title} needs {known.fewest} classes or more: choose another metric"
    return (
        f"{known.title} is not defined on the test split (a class that no test sample has, or "
        "labels that are all equal): choose another metric, or test on more samples"
    )


def perfect(runs: pandas.DataFrame, metric: str) -> str | None:
    """A sentence on runs that `fitted_values` took as half an error; None where there are none."""
    known = by_fitted(metric)
    if not known.share or known.counted or not (count := int((runs[f"test_{metric}"] <= 0).sum())):
        return None
    return (
        f"{count} of {len(runs)} runs are perfect in {known.title} on "
        f"{int(runs['test_samples'].iloc[0]):,} test samples, which cannot tell them apart: each "
        "is taken as half an error; test on more"
    )


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
