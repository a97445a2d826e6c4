"""A user's own table in a file: CSV, JSON lines, parquet or feather, told by its name's ending.

Also what can be told of one at parse time, by the standard library alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError, first_line
from .labels import label_columns
from .textfiles import (
    check_keys,
    first_object,
    is_json_lines,
    json_object,
    need_columns,
    open_text,
    read_header,
    read_rows,
)

if TYPE_CHECKING:
    import pyarrow

    from ..records.data import DataSpec

# (key of the data section, column that it names)
Wanted = list[tuple[str, str]]
# Endings of files that hold columns with types, and the bytes that such a file begins with.
PARQUET = (".parquet", ".pq")
FEATHER = (".feather", ".arrow")
MARKS = {PARQUET: (b"PAR1",), FEATHER: (b"ARROW1", b"FEA1")}


@dataclass(frozen=True)
class Table:
    """Columns as they stand in a file, all of n values."""

    path: str  # as messages name it
    # name → n values: text of CSV; else None, bool, int, float, str, a list of such; of a column
    # with a type that is one of numbers, a numpy array
    columns: dict[str, Sequence[Any]]
    lines: Sequence[int] | None = None  # of the file, in which the rows begin; None if it has none

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def place(self, row: int) -> str:
        """Where in the file row `row`, counted from 0, is."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"


def read_table(path: str, wanted: Wanted, every: bool = True) -> Table:
    """The columns of a file: those `wanted`, and with `every` all others that there are.

    Raises UserError for a file that cannot be read, or that has no such column.
    """
    if is_typed(path):
        table = from_arrow(read_arrow(path), path)
    elif is_json_lines(path):
        return _read_json_lines(path, wanted, every)
    else:
        header, rows, lines = read_rows(path)
        table = Table(path, dict(zip(header, zip(*rows, strict=True), strict=True)), lines)
    need_columns(wanted, list(table.columns))
    if not table.rows:
        raise UserError(f"path: {path} has columns and no rows")
    kept = table.columns if every else {column: table.columns[column] for _, column in wanted}
    return Table(path, kept, table.lines)


def check_table(path: str, wanted: Wanted) -> list[str]:
    """Raise UserError if a file's first bytes tell that it has no such columns.

    Gives the names of its columns, where those can be told.
    """
    if is_typed(path):
        check_mark(path)
        return []
    if is_json_lines(path):
        row, number = first_object(path)
        check_keys(row, wanted, path, number)
        return list(row)
    header = read_header(path)
    need_columns(wanted, header)
    return header


def table_columns(spec: DataSpec) -> Wanted:
    """The columns that the section of a table names."""
    named = [("label", column) for column in label_columns(spec)]
    return named + [("drop", column) for column in spec.drop or []]


def text_columns(spec: DataSpec) -> Wanted:
    """The columns that the section of texts names, labels first."""
    texts = spec.text or ["text"]
    return [("label", column) for column in label_columns(spec)] + [("text", c) for c in texts]


def features(header: list[str], spec: DataSpec) -> list[str]:
    """The columns of a table to learn from: all but labels and `drop`."""
    labels, dropped = label_columns(spec), spec.drop or []
    for label in labels:
        if label in dropped:
            raise UserError(f"drop: {label!r} is the label; take it off the list")
    left = [name for name in header if name not in labels and name not in dropped]
    if not left:
        raise UserError("drop: no column is left to learn from")
    return left


def is_typed(path: str) -> bool:
    """Whether a file's name says parquet or feather."""
    return path.lower().endswith(PARQUET + FEATHER)


def check_mark(path: str) -> None:
    """Raise UserError if a file does not begin as its name says."""
    endings = PARQUET if path.lower().endswith(PARQUET) else FEATHER
    try:
        with open(path, "rb") as stream:
            first = stream.read(8)
    except OSError as fault:
        raise UserError(f"path: {path} cannot be read ({fault.strerror or fault})") from None
    # The streaming form of Arrow, as Hugging Face writes it, begins with a length instead.
    if not first.startswith((*MARKS[endings], *([b"\xff\xff\xff\xff"] * (endings is FEATHER)))):
        raise UserError(
            f"path: {path} is not a {Path(path).suffix[1:]} file: it begins with "
            f"{first[:4].hex(' ') or 'nothing'}"
        )


def read_arrow(path: str) -> pyarrow.Table:
    """A parquet or feather file, or Arrow's stream; UserError if it is damaged."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    check_mark(path)
    try:
        if path.lower().endswith(PARQUET):
            return parquet.ParquetFile(path).read()
        with open(path, "rb") as stream:
            if stream.read(4) == b"\xff\xff\xff\xff":
                return pa.ipc.open_stream(path).read_all()
        return feather.read_table(path)
    except Exception as fault:  # pyarrow has its own, and not all of them are public
        why = first_line(fault)
        raise UserError(f"path: {path} is damaged or cannot be read ({why})") from None


def from_arrow(found: pyarrow.Table, path: str) -> Table:
    """Columns of Arrow: numbers as arrays, dates and other things that are none as text."""
    columns: dict[str, Sequence[Any]] = {}
    for name, column in zip(found.column_names, found.columns, strict=True):
        if not name.strip() or name in columns:
            what = f"two columns are called {name!r}" if name in columns else "a column has no name"
            raise UserError(f"path: {path}: {what}; give each its own name")
        columns[name] = _values(column)
    return Table(path, columns)


def _values(column: pyarrow.ChunkedArray) -> Sequence[Any]:
    from pyarrow import types

    kind = column.type
    if types.is_floating(kind) or types.is_integer(kind):  # of integers with gaps floats
        return column.to_numpy()
    if types.is_decimal(kind):
        return [None if value is None else float(value) for value in column.to_pylist()]
    values = column.to_pylist()
    plain = (bool, int, float, str, list, dict, bytes, type(None))
    return [value if isinstance(value, plain) else str(value) for value in values]


def _read_json_lines(path: str, wanted: Wanted, every: bool) -> Table:
    """JSON lines: a key that a line lacks is missing there, unless it is wanted."""
    rows, lines = [], []
    with open_text(path) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                row = json_object(line, path, number)
                check_keys(row, wanted, path, number)
                rows.append(row if every else {column: row[column] for _, column in wanted})
                lines.append(number)
    if not rows:
        raise UserError(f"path: {path} is empty; one JSON object a line is expected")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Table(path, {name: [row.get(name) for row in rows] for name in names}, lines)
