"""A user's own table, as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..data.pool import Pool, check_labels, is_missing, own_source
from ..data.textfiles import read_header, read_rows, wanted_columns
from ..errors import UserError, quoted
from ..records.data import DataSpec
from .descriptor import Source
from .inspect import path_file

if TYPE_CHECKING:
    import pandas as pd


# A column with more numbers than this that still holds other words deserves a note.
MOSTLY = 0.9
# 1,5 or 1.234,5 or 2,0E-3: how much of Europe writes numbers, in files separated by semicolons.
DECIMAL_COMMA = r"[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+)?,\d+(?:[eE][-+]?\d+)?"


def read(spec: DataSpec) -> Pool:
    """A user's own table: a header, a label column, numeric and other columns, in UTF-8.

    A column is numeric if every value that is there is a finite number. See `textfiles.read_rows`
    for the format and `pool.MISSING_WORDS` for what counts as no value.
    """
    import pandas as pd

    path, label = spec.path, spec.label or "label"
    header, rows, lines = read_rows(path)
    wanted = wanted_columns(header, spec)
    fields = dict(zip(header, zip(*rows, strict=True), strict=True))
    del rows
    y, names = check_labels(fields[label], label, path, lines)
    notes: list[str] = []
    table = pd.DataFrame(
        {column: _typed(fields.pop(column), column, path, lines, notes) for column in wanted}
    )
    return Pool("tabular", table, y, names, own_source(path), notes=notes)


def _typed(
    fields: Sequence[str], column: str, path: str, lines: Sequence[int], notes: list[str]
) -> pd.Series:
    """A column as float64 if all its values are numbers, else as strings; NaN where missing.

    Raises UserError for infinite numbers, and for numbers with a decimal comma: as categories they
    would say nothing of more and less.
    """
    import numpy as np
    import pandas as pd

    words = pd.Series([None if is_missing(f) else f.strip() for f in fields], dtype=object)
    present = words.notna()
    numbers = pd.to_numeric(words, errors="coerce").astype(np.float64)
    valid = numbers.notna()
    if np.isinf(numbers[valid]).any():
        wild = np.flatnonzero(np.isinf(numbers))
        raise UserError(
            f"path: {path}, line {lines[wild[0]]}: column {quoted(column)} holds {len(wild)} "
            "infinite value(s); mend them, leave them empty, or name the column in `drop`"
        )
    if valid.sum() == present.sum():
        return numbers
    wrong = words[present & ~valid]
    commas = wrong[wrong.str.fullmatch(DECIMAL_COMMA)]
    if len(commas) and valid.sum() + len(commas) > MOSTLY * present.sum():
        raise UserError(
            f"path: {path}, line {lines[commas.index[0]]}: column {quoted(column)} holds numbers "
            f"with a comma, as {quoted(commas.iloc[0])}, {len(commas)} of {int(present.sum())}: "
            "write them with a decimal point (1.5), or name the column in `drop`"
        )
    if valid.sum() > MOSTLY * present.sum():
        notes.append(
            f"column {quoted(column)}: {len(wrong)} of {int(present.sum())} values are no numbers "
            f"(as {quoted(wrong.iloc[0])} in line {lines[wrong.index[0]]}), so all are taken as "
            "categories"
        )
    return words


def check(spec: DataSpec) -> None:
    wanted_columns(read_header(spec.path), spec)


SOURCE = Source(
    name="csv",
    kind="tabular",
    origin="own",
    description="a table in a file with a header",
    read=read,
    keys=("path", "label", "drop"),
    check=check,
    files=path_file,
)
