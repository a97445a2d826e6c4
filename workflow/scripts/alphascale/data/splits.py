"""Which sample goes where: stratified, seeded splits and the one order that fractions cut.

All functions take class indices y, int [n], and give positions into it.
"""

from __future__ import annotations

import numpy as np

from ..errors import UserError, quoted


def interleave(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random permutation of range(n) whose every prefix holds the classes in proportion.

    The j-th sample of a class of n_c gets the key (j + ½)/n_c and all are sorted by key, so a
    prefix of m samples holds m·n_c/n of the class to within about one. The order inside a class,
    and of classes with equal keys, is random.
    """
    shuffled = rng.permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    counts = np.bincount(y)
    rank = np.arange(len(y)) - np.repeat(np.cumsum(counts) - counts, counts)
    keys = (rank + 0.5) / np.repeat(counts, counts)
    return by_class[np.lexsort((rng.random(len(y)), keys))]


def first_rows(y: np.ndarray, classes: int) -> list[int]:
    """Position of the first sample of every class; each must occur."""
    return [int(np.argmax(y == c)) for c in range(classes)]


def size(wanted: float, of: int, key: str) -> int:
    """Samples in a split asked for as a share in (0, 1) or a number, out of `of`."""
    count = round(wanted * of) if wanted < 1 else int(wanted)
    if count >= of:
        raise UserError(f"{key}: {count} samples asked for, of {of} that there are")
    return max(1, count)


def allocate(total: int, counts: np.ndarray, room: np.ndarray, key: str) -> np.ndarray:
    """Share `total` samples over classes in proportion to `counts`, by largest remainder.

    Every class gets at least 1 and at most `room`. Raises UserError where that cannot be.
    """
    if total < len(counts) or total > room.sum():
        raise UserError(
            f"{key}: {total} samples cannot hold every one of {len(counts)} classes and leave some "
            "of each for the other splits"
        )
    quota = total * counts / counts.sum()
    given = np.clip(np.floor(quota).astype(int), 1, room)
    while given.sum() < total:
        given[np.argmax(np.where(given < room, quota - given, -np.inf))] += 1
    while given.sum() > total:
        given[np.argmax(np.where(given > 1, given - quota, -np.inf))] -= 1
    return given


def draw(y: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """At most `limit` positions, stratified, in ascending order."""
    if len(y) <= limit:
        return np.arange(len(y))
    return np.sort(interleave(y, rng)[:limit])


def check_classes(y: np.ndarray, names: list[str], needed: int, key: str) -> None:
    """Raise UserError unless there are two classes or more, each with `needed` samples."""
    counts = np.bincount(y, minlength=len(names))
    if len(names) < 2:
        only = f" ({quoted(names[0])})" if names else ""
        raise UserError(f"{key}: holds {len(names)} class{only}; classification needs at least 2")
    small = np.flatnonzero(counts < needed)
    if len(small):
        more = (
            f"; so have {len(small) - 1} more of {len(names)} classes (is this really a class?)"
            if len(small) > 1
            else ""
        )
        if key == "label" and all(map(_is_number, names)):
            more += "; if the label is a number to predict, write `task: numbers`"
        raise UserError(
            f"{key}: class {quoted(names[small[0]])} has {counts[small[0]]} sample(s), and "
            f"{needed} are needed for training, validation and test{more}; remove or merge such "
            "classes"
        )


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def split(
    y: np.ndarray,
    names: list[str],
    test: float | None,
    validation: float,
    rng: np.random.Generator,
    key: str = "label",
) -> dict[str, np.ndarray]:
    """Positions of the three splits, each class in every one; training in interleaved order.

    test and validation are shares of n or numbers of samples; test None leaves that split out (a
    source with a test set of its own). `names` are the classes' names, `key` what a message blames.
    """
    check_classes(y, names, 2 if test is None else 3, key)
    return split_strata(y, test, validation, rng)


def split_strata(
    y: np.ndarray, test: float | None, validation: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """`split` by any strata y, 0 to the largest, each of which has samples enough."""
    counts = np.bincount(y)
    taken = np.zeros_like(counts)
    order = rng.permutation(len(y))
    members = [order[y[order] == c] for c in range(len(counts))]
    rows = {}
    for part, wanted in (("test", test), ("validation", validation)):
        if wanted is None:
            continue
        still_needed = 2 if part == "test" else 1  # one each for validation and training
        given = allocate(
            size(wanted, len(y), part), counts, np.maximum(counts - taken - still_needed, 0), part
        )
        rows[part] = np.concatenate(
            [m[t : t + g] for m, t, g in zip(members, taken, given, strict=True)]
        )
        taken += given
    train = np.concatenate([m[t:] for m, t in zip(members, taken, strict=True)])
    rows["train"] = train[interleave(y[train], rng)]
    return {part: np.sort(r) if part != "train" else r for part, r in rows.items()}


def split_groups(
    y: np.ndarray,
    groups: np.ndarray,
    names: list[str],
    test: float,
    validation: float,
    rng: np.random.Generator,
    key: str = "source",
) -> dict[str, np.ndarray]:
    """As `split`, with all samples of a group on one side; a group holds one class.

    Class by class, groups in random order fill the test split until it has its share, then
    validation; the rest trains. Sizes are therefore met to within one group per class.
    """
    check_classes(y, names, 3, key)
    share = {"test": size(test, len(y), "test") / len(y)}
    share["validation"] = size(validation, len(y), "validation") / len(y)
    side = np.full(int(groups.max()) + 1, "train", dtype=object)
    for c, name in enumerate(names):
        own = np.unique(groups[y == c])
        if len(own) < 3:
            raise UserError(
                f"{key}: class {quoted(name)} comes from {len(own)} file(s), and 3 are needed"
            )
        own = rng.permutation(own)
        sizes = np.array([np.sum(groups == g) for g in own])
        used = 0
        for part, left in (("test", 2), ("validation", 1)):
            wanted, got = share[part] * sizes.sum(), 0
            while got == 0 or (got + sizes[used] / 2 <= wanted and len(own) - used > left):
                side[own[used]] = part
                got += sizes[used]
                used += 1
    sides = side[groups]
    rows = {part: np.flatnonzero(sides == part) for part in ("test", "validation")}
    train = np.flatnonzero(sides == "train")
    rows["train"] = train[interleave(y[train], rng)]
    return rows
