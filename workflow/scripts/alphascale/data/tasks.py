"""What each task makes of labels when samples are split, counted, written and cut into fractions.

One entry a task: a number is stratified by its place among all, several labels by the rarest one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import UserError, quoted
from . import splits
from .store import SPLITS

# Strata of numbers: as many as the smallest split has samples, and no more than this.
BINS = 20
# How often splits of several labels are drawn until each holds every label.
TRIES = 100
# A note tells of classes whose commonest has more than this many times the samples of the rarest.
IMBALANCE = 10


@dataclass(frozen=True)
class Task:
    """One task's way with labels y, [n] or [n, K], and the names of its classes or labels."""

    stored: type  # of the tensors
    # raises UserError unless the labels can be learnt and split: (y, names, samples that each
    # class needs, key to blame)
    check: Callable[[np.ndarray, list[str], int, str], None]
    # (y, the fewest samples of a split) → what stands for a class in splitting, int [n]
    strata: Callable[[np.ndarray, int], np.ndarray]
    # (training y in their order, K) → the row at which each class, or whatever must be in a
    # fraction, is first there
    first_rows: Callable[[np.ndarray, int], list[int]]
    # (y, K) → samples by class
    counts: Callable[[np.ndarray, int], list[int]] | None


def rarest(y: np.ndarray, fewest: int) -> np.ndarray:
    """The stratum of each row of bool [n, K]: its rarest label, or none at all.

    The smallest strata are one: of fewer than 3 rows, which no three splits could share, and as
    many more as make the strata too many for a split of `fewest` rows.
    """
    by_rarity = np.argsort(y.sum(axis=0), kind="stable")
    none = y.shape[1]
    at = np.where(y.any(axis=1), by_rarity[np.argmax(y[:, by_rarity], axis=1)], none)
    sizes = np.bincount(at, minlength=none + 1)
    least = 3
    while True:
        small = sizes < least
        strata = int((~small).sum()) + bool(sizes[small].sum())
        if strata <= max(1, fewest):
            break
        least *= 2
    # Together too few still, they join the largest.
    joined = int(np.argmax(sizes)) if sizes[small].sum() < 3 and not small.all() else none + 1
    return np.unique(np.where(small[at], joined, at), return_inverse=True)[1]


def quantiles(y: np.ndarray, fewest: int) -> np.ndarray:
    """The stratum of each number: which of up to BINS equal parts of the sorted labels it is in."""
    bins = max(1, min(BINS, fewest))
    rank = np.empty(len(y), dtype=np.int64)
    rank[np.argsort(y, kind="stable")] = np.arange(len(y))
    return rank * bins // len(y)


def check_numbers(y: np.ndarray, names: list[str], needed: int, key: str) -> None:
    """Raise UserError unless there are enough labels, of two values or more."""
    if len(y) < needed:
        raise UserError(
            f"{key}: there are {len(y)} samples, and {needed} are needed for training, validation "
            "and test"
        )
    if (y == y[0]).all():
        raise UserError(
            f"{key}: column {quoted(names[0])} holds {y[0]:g} in all {len(y)} rows: there is "
            "nothing to predict"
        )


def check_several(y: np.ndarray, names: list[str], needed: int, key: str) -> None:
    """Raise UserError unless there are two labels or more, each with `needed` samples that have it
    and as many that have not."""
    if len(names) < 2:
        only = f" ({quoted(names[0])})" if names else ""
        raise UserError(
            f"{key}: holds {len(names)} label{only}; task `labels` needs at least 2, and one alone "
            "is two classes (is `separator` what stands between them?)"
        )
    having = y.sum(axis=0)
    for count, what in ((having, "with"), (len(y) - having, "without")):
        small = np.flatnonzero(count < needed)
        if len(small):
            more = f"; so have {len(small) - 1} more of {len(names)} labels" * (len(small) > 1)
            raise UserError(
                f"{key}: label {quoted(names[small[0]])} has {count[small[0]]} sample(s) {what} "
                f"it, and {needed} are needed for training, validation and test{more}; remove or "
                "merge such labels (is `separator` what stands between them?)"
            )


def _first_two(y: np.ndarray, classes: int) -> list[int]:
    """The first row and the first that differs: a prefix without it teaches a constant."""
    return [0, int(np.argmax(y != y[0]))]


def _first_of_several(y: np.ndarray, classes: int) -> list[int]:
    """By label, the row from which on there is a sample with it and one without."""
    return [int(max(np.argmax(y[:, c]), np.argmax(~y[:, c]))) for c in range(classes)]


TASKS = {
    "classes": Task(
        np.int64, splits.check_classes, lambda y, fewest: y, splits.first_rows,
        lambda y, classes: np.bincount(y, minlength=classes).tolist(),
    ),
    "labels": Task(
        np.uint8, check_several, rarest, _first_of_several,
        lambda y, classes: y.sum(axis=0).tolist(),
    ),
    # Not float32, in which 1e9 and 1e9 + 10 are one number.
    "numbers": Task(np.float64, check_numbers, quantiles, _first_two, None),
}  # fmt: skip


def split(
    task: str,
    y: np.ndarray,
    names: list[str],
    test: float | None,
    validation: float,
    rng: np.random.Generator,
    key: str,
) -> dict[str, np.ndarray]:
    """`splits.split` by a task's strata; of several labels, each is in every split, and missing
    from some sample of it."""
    if task == "classes":
        return splits.split(y, names, test, validation, rng, key)
    own = TASKS[task]
    own.check(y, names, 2 if test is None else 3, key)
    shares = {"test": test, "validation": validation}
    sizes = [splits.size(share, len(y), part) for part, share in shares.items() if share]
    if sum(sizes) >= len(y):
        raise UserError(f"test: {' + '.join(map(str, sizes))} samples leave none to train on")
    strata = own.strata(y, min(*sizes, len(y) - sum(sizes)))
    for _ in range(TRIES if task == "labels" else 1):
        rows = splits.split_strata(strata, test, validation, rng)
        if task != "labels":
            return rows
        uncovered = {
            int(c)
            for r in rows.values()
            for c in np.flatnonzero(~(y[r].any(axis=0) & ~y[r].all(axis=0)))
        }
        if not uncovered:
            return rows
    worst = min(uncovered, key=lambda c: min(y[:, c].sum(), (~y[:, c]).sum()))
    raise UserError(
        f"{key}: label {quoted(names[worst])}, which {int(y[:, worst].sum())} of {len(y)} samples "
        f"have, was in none or in all samples of a split in each of {TRIES} draws; remove or merge "
        "it, or give `test` and `validation` more samples"
    )


def centre_and_spread(tensors: dict[str, np.ndarray], key: str, name: str) -> tuple[float, float]:
    """Mean and standard deviation of the training labels, exact to rounding for any of a float64.

    Raises UserError for labels that (label − centre) / spread leaves out of float32's range.
    """
    y = tensors["train_y"]
    if (y == y[0]).all():
        raise UserError(
            f"{key}: column {quoted(name)} holds {y[0]:g} in all {len(y)} training rows, and "
            "another number in too few of the others: there is nothing to predict"
        )
    with np.errstate(all="ignore"):
        away = y - y[0]  # the squares of labels far from 0 that hardly differ would lose all
        largest = np.abs(away).max()
        scaled = away / largest
        centre, spread = float(y[0] + scaled.mean() * largest), float(scaled.std() * largest)
        seen = [np.abs((tensors[f"{part}_y"] - centre) / spread).max() for part in SPLITS]
    if not (spread >= np.finfo(np.float64).tiny and max(seen) < np.finfo(np.float32).max):
        raise UserError(
            f"{key}: column {quoted(name)} holds numbers too large, too small or too far apart to "
            f"standardise (as {y[0]:g}); multiply them by a constant, or take their logarithm"
        )
    return centre, spread


def imbalance(task: str, counts: list[int], names: list[str]) -> list[str]:
    """A note where the commonest class or label has more than IMBALANCE times the rarest."""
    most, least = int(np.argmax(counts)), int(np.argmin(counts))
    if counts[most] <= IMBALANCE * counts[least]:
        return []
    what, way_out = "classes", "`balanced_accuracy` and `macro_f1` count each class the same"
    if task == "labels":
        what, way_out = "labels", "`macro_f1` counts each label the same"
    return [
        f"the {what} are imbalanced: {quoted(names[most])} has {counts[most]} samples, "
        f"{quoted(names[least])} {counts[least]}; as a target, {way_out}"
    ]
