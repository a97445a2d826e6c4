"""What one file of `kinds/` says of a tool, and what it makes of its files: runs.

Nothing heavy is imported here or at the top of a kind: a tool's library is imported by `read`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError, first_line

OK, DIVERGED, UNFINISHED = "ok", "diverged", "unfinished"
EXTRA = "pip install 'alphascale[import]'"
# What is asked of every run beside its results, in the order of the columns.
QUANTITIES = ("params", "samples", "epochs", "steps", "seed", "learning_rate", "flops", "seconds")


@dataclass(frozen=True)
class Point:
    """What was logged at once. step, epoch: None where the tool does not say."""

    step: float | None
    epoch: float | None
    values: dict[str, float]  # by the tool's own names; may be NaN or infinite


@dataclass
class Run:
    """One training as its tool tells it."""

    name: str  # unique within the source
    source: str  # file or folder (and the run's id there) that it was read from
    config: dict[str, Any] = field(default_factory=dict)  # what it was started with, plain values
    points: list[Point] = field(default_factory=list)  # its history, in the order of logging
    # results without a history, by the tool's own names; they stand before those of a history
    values: dict[str, float] = field(default_factory=dict)
    # of QUANTITIES, what the tool itself tells: the number, and in words from where
    known: dict[str, tuple[float, str]] = field(default_factory=dict)
    status: str = OK  # OK, DIVERGED or UNFINISHED
    why: str = ""  # of a status that is not OK
    no_params: str = ""  # why the tool's files give no number of parameters, where that can be said
    notes: list[str] = field(default_factory=list)  # what a person should know of this run

    def raw_names(self) -> dict[str, None]:
        """Names of all that was logged, in the order of logging."""
        names = dict.fromkeys(self.values)
        for point in self.points:
            names |= dict.fromkeys(point.values)
        return names


@dataclass(frozen=True)
class Kind:
    """All that is true of a tool."""

    name: str  # as --from writes it
    title: str  # as sentences write it
    seeks: str  # the files by which it is told, in words
    # called as find(files, root) with all files at or under SOURCE, gives the files or folders
    # that are to be read, one for each run or store of runs
    find: Callable[[list[Path], Path], list[Path]]
    # called as read(unit, root) with one of them, gives its runs; UserError for what is damaged
    read: Callable[[Path, Path], list[Run]]
    # whether a name without `train` or `val` in it is of training, as in the Trainer's log
    bare_is_train: bool = False
    # names in its log that are results of nothing, beside those of names.HOUSEKEEPING
    housekeeping: frozenset[str] = frozenset()
    # runs of one name from several files are one run, told by its parts
    joins: bool = False
    # called as finish(runs) with all of them, puts right what only all show; gives sentences
    finish: Callable[[list[Run]], list[str]] | None = None
    place: int = 50  # of two kinds that take a file for theirs, the lower has it


# As the calculator takes them; K as well, for it is written.
SUFFIXES = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12}


def number_or_percent(cell: str, column: list[str]) -> float | None:
    """A number, or a percentage as the share that it is: 0.9% is .009, and 90 in a column whose
    other cells have the sign is .9."""
    value = number(cell.removesuffix("%"))
    signed = cell.endswith("%") or (
        value is not None and value > 1 and any(each.strip().endswith("%") for each in column)
    )
    return float(f"{value / 100:.12g}") if signed and value is not None else value


def number(value: Any) -> float | None:
    """A plain number, or text that is one, as 1e-3, 1,234,567 or 124M; None for anything else."""
    if isinstance(value, (bool, type(None))):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    text = str(value).strip()
    if re.fullmatch(r"\d{1,3}(,\d{3})+", text):
        text = text.replace(",", "")
    scale = SUFFIXES.get(text[-1:])
    try:
        found = float(text[:-1] if scale else text)
    except ValueError:
        return None
    if "_" in text:
        return None
    return float(round(found * scale)) if scale and math.isfinite(found) else found


def finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def relative(path: Path, root: Path) -> str:
    """A path as a run's name: from SOURCE on, or its last part where it is SOURCE."""
    try:
        inside = path.relative_to(root).as_posix()
    except ValueError:
        inside = "."
    return path.absolute().name if inside == "." else inside


def plain(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested values as one flat dict of plain ones, keys joined by `/`; lists are left as text."""
    if isinstance(value, dict):
        flat: dict[str, Any] = {}
        for key, inner in value.items():
            flat |= plain(inner, f"{prefix}/{key}" if prefix else str(key))
        return flat
    if isinstance(value, (int, float, str, bool)) or value is None:
        return {prefix: value}
    return {prefix: str(value)}


@contextmanager
def library(name: str, extra: str = EXTRA) -> Iterator[None]:
    """Around the import of a tool's library: one line where it is not there."""
    try:
        yield
    except ImportError as fault:
        raise UserError(f"reading this needs {name} ({first_line(fault)}): {extra}") from None
