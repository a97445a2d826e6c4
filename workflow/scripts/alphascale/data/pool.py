"""What passes between reading a source, splitting it and turning it into tensors.

Sources import this at every parse of the Snakefile: numpy is imported where it is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..records.data import Origin
from ..records.files import sha256_file

if TYPE_CHECKING:
    import numpy as np

# Fields that stand for no value, in any case of letters.
MISSING_WORDS = frozenset({"", "na", "n/a", "#n/a", "nan", "<na>", "null", "none", "?"})


@dataclass(frozen=True)
class Pool:
    """All samples of a source, read but not yet prepared: nothing is computed from them so far."""

    kind: str  # `image`, `tabular` or `text`
    x: Any  # uint8 [n, C, H, W], a pandas DataFrame of n rows, or n strings
    # by task: classes, int64 [n], positions in class_names; labels, bool [n, K]; numbers, float64
    # [n]
    y: np.ndarray
    class_names: list[str]  # of classes or labels; of numbers, the label's own name alone
    source: Origin  # where they are from
    # bool [n], True where the source itself says that a sample is for testing; None where it does
    # not
    own_test: np.ndarray | None = None
    # int [n], samples of one group must stay on one side of a split; None for each its own
    groups: np.ndarray | None = None
    task: str = "classes"  # of `metrics.TASKS`: classes, labels or numbers
    # what was dropped or changed in reading, in words
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Corpus:
    """Running text of a source: no document is ever on two sides of a split."""

    documents: list[str]  # the texts
    source: Origin  # where they are from
    # the split of each document, where the source itself has one
    own_split: list[str] | None = None
    notes: list[str] = field(default_factory=list)  # as in Pool


@dataclass(frozen=True)
class Encoded:
    """Tensors-to-be of the three splits and the statistics they were made with."""

    x: dict[str, np.ndarray]  # split → array with the rows of the positions asked for
    # shape, vocabulary, pad, mean, std: as in `records.data.Meta`
    shape: tuple[int, ...]
    vocabulary: int | None = None
    pad: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    columns: list[str] | None = None  # names of the F numbers of a tabular sample
    tokenizer: str | None = None  # one that was trained here, as JSON
    notes: list[str] = field(default_factory=list)  # as in Pool


def index_labels(labels: Iterable[str]) -> tuple[np.ndarray, list[str]]:
    """Class index of every label, int64 [n], and the names: in numerical order if all are integers.

    "3", "3.0" and "03" are one class, as a column that lost its integer type writes them.
    """
    import numpy as np

    labels = list(labels)
    distinct = set(labels)
    try:
        number = {text: float(text) for text in distinct}
        integers = all(value == int(value) for value in number.values())
    except (ValueError, OverflowError):
        integers = False
    if integers:
        name = {text: str(int(value)) for text, value in number.items()}
        names = sorted(set(name.values()), key=int)
    else:
        name = {text: text for text in distinct}
        names = sorted(distinct)
    index = {text: names.index(name[text]) for text in distinct}
    return np.array([index[text] for text in labels], dtype=np.int64), names


def is_missing(text: str) -> bool:
    """Whether a field of a table holds no value."""
    return text.strip().lower() in MISSING_WORDS


def own_source(path: str, *files: Path) -> Origin:
    """Description of a user's own file, or of a folder by the files that were read in it."""
    if len(files) <= 4:
        digests = {file.name: sha256_file(file) for file in files or [Path(path)]}
    else:  # thousands of images: one digest over the list of names and digests
        lines = [f"{f.relative_to(path).as_posix()} {sha256_file(f)}\n" for f in files]
        digests = {f"{len(files)} files": hashlib.sha256("".join(lines).encode()).hexdigest()}
    return Origin(Path(path).name, str(path), "the user's own", digests)


def origin_of(name: str, provenance: str, licence: str, files: list[Path]) -> Origin:
    """Description of a published data set by the files that were read."""
    return Origin(name, provenance, licence, {file.name: sha256_file(file) for file in files})
