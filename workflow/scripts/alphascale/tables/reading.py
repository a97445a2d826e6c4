"""A user's CSV as columns of text."""

from __future__ import annotations

import csv
from pathlib import Path

from alphascale.errors import UserError


def read_csv(path: str | Path) -> dict[str, list[str]]:
    """Columns of a CSV as text; UserError naming the file, and the line where rows are uneven."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.reader(handle))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None
    rows = [(i + 1, row) for i, row in enumerate(rows) if row]
    if not rows:
        raise UserError(f"{path}: is empty; the first line should name the columns")
    head = [name.strip() for name in rows[0][1]]
    if len(set(head)) < len(head):
        twice = next(n for n in head if head.count(n) > 1)
        raise UserError(f"{path}: column {twice!r} occurs twice")
    for line, row in rows[1:]:
        if len(row) != len(head):
            raise UserError(f"{path}, line {line}: {len(row)} values for {len(head)} columns")
    return {name: [row[i] for _, row in rows[1:]] for i, name in enumerate(head)}
