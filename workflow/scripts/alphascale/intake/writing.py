"""`runs.csv`, a row a run, and `runs.curves.csv` beside it, a row a step."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..records.files import replacing
from ..tables.reading import spare
from .descriptor import QUANTITIES

HEAD = ("run", *QUANTITIES)
END = ("status", "source")
CURVES = ("run", "step", "epoch")


def curves_path(out: str) -> Path:
    """Where the histories of a file of runs stand."""
    return Path(out).with_suffix(".curves.csv")


def check(out: str, source: str) -> None:
    """UserError where a file to be written is not an earlier one of ours, or is what is read."""
    if Path(out).suffix != ".csv":
        raise UserError(f"--out {out}: name a file that ends in .csv")
    spare(out, ",".join(HEAD), source)
    spare(str(curves_path(out)), ",".join(CURVES), source)


def write(path: str | Path, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """A CSV, whole or not at all; None is an empty cell, a whole number has no point."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([cell(value) for value in row] for row in rows)


def cell(value: Any) -> str:
    """A value as a cell: of a number its shortest form that reads back as the same."""
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)
