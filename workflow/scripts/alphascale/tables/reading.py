"""A user's CSV as columns: of text, and of the numbers that a law is fitted to."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphascale.errors import UserError, quoted

MOST_OF_HEAD = 10_000  # characters of a file in which its kind is told
SEPARATORS = ",;\t|"
LISTED = 3  # cells named in a sentence before it says how many more


@dataclass(frozen=True)
class Table:
    """columns: name → the cells of its rows, as text. lines (n,): of the file, where a row ends."""

    path: str
    columns: dict[str, list[str]]
    lines: list[int]

    def without(self, rows: set[int]) -> Table:
        """The same without some rows."""
        kept = [i for i in range(len(self.lines)) if i not in rows]
        columns = {name: [cells[i] for i in kept] for name, cells in self.columns.items()}
        return Table(self.path, columns, [self.lines[i] for i in kept])


def read_csv(path: str | Path) -> Table:
    """A CSV as text; UserError naming the file, and the line where rows are uneven."""
    rows: list[tuple[int, list[str]]] = []
    try:
        if not Path(path).is_file() and Path(path).exists():
            raise UserError(f"{path}: is no file; give a CSV")
        with Path(path).open(newline="", encoding="utf-8-sig") as handle:
            head = handle.readline()
            handle.seek(0)
            reader = csv.reader(handle, delimiter=_separator(head))
            rows = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None
    if not rows:
        raise UserError(f"{path}: is empty; the first line should name the columns")
    head = [name.strip() for name in rows[0][1]]
    if len(set(head)) < len(head):
        twice = next(n for n in head if head.count(n) > 1)
        raise UserError(f"{path}: column {twice!r} occurs twice")
    for line, row in rows[1:]:
        if len(row) != len(head):
            raise UserError(f"{path}, line {line}: {len(row)} values for {len(head)} columns")
    columns = {name: [row[i] for _, row in rows[1:]] for i, name in enumerate(head)}
    return Table(str(path), columns, [line for line, _ in rows[1:]])


def _separator(head: str) -> str:
    """What separates the columns that this line names: a comma where there is one."""
    return "," if "," in head else max(SEPARATORS, key=head.count)


def spare(out: str | None, sign: str, *inputs: str) -> None:
    """UserError where the file to write is one of those read, or a regular file whose beginning
    does not hold `sign`: nothing but an earlier output is written over."""
    if out and Path(out).is_dir():
        raise UserError(f"--out {out}: is a folder; name a file")
    if not out or not Path(out).is_file():
        return
    if any(Path(each).exists() and Path(out).samefile(each) for each in inputs):
        raise UserError(f"--out {out}: is what is read here; name another file")
    try:
        with open(out, encoding="utf-8", errors="replace") as stream:
            begins = stream.read(MOST_OF_HEAD)
    except OSError as fault:
        raise UserError(f"--out {out}: cannot be read ({fault.strerror})") from None
    if begins and sign not in begins:
        raise UserError(f"--out {out}: exists, and was not written by this command; name another")


def with_numbers(
    table: Table, positive: Sequence[str], finite: Sequence[str] = (), skip: bool = False
) -> tuple[Table, list[str]]:
    """The rows whose cells are numbers in `positive` (above 0) and `finite`, and what was skipped,
    a sentence a column.

    Raises UserError naming file, line and column of the first cell that is none, unless `skip`.
    """
    faults: dict[str, list[int]] = {}
    for name in (*positive, *finite):
        if name not in table.columns:
            known = ", ".join(table.columns)
            raise UserError(f"{table.path}: column {name!r} is missing; the columns are {known}")
        for row, cell in enumerate(table.columns[name]):
            if not _is_number(cell, above=name in positive):
                faults.setdefault(name, []).append(row)
    told = []
    for name, rows in faults.items():
        first = rows[0]
        where = ", ".join(f"line {table.lines[i]}" for i in rows[:LISTED])
        more = f" and {len(rows) - LISTED} more" if len(rows) > LISTED else ""
        what = "a number above 0" if name in positive else "a finite number"
        cell = quoted(table.columns[name][first])
        if "," in table.columns[name][first]:
            what += " (a decimal comma? write a point)"
        if not skip:
            raise UserError(
                f"{table.path}, line {table.lines[first]}: column {name!r}: {cell} is not {what} "
                f"({len(rows)} such row(s)); mend it, or leave such rows out: --skip-invalid"
            )
        told.append(f"{len(rows)} row(s) left out: column {name!r} is not {what} in {where}{more}")
    return table.without({row for rows in faults.values() for row in rows}), told


def _is_number(cell: str, above: bool) -> bool:
    try:
        value = float(cell)
    except ValueError:
        return False
    return math.isfinite(value) and (value > 0 or not above)
