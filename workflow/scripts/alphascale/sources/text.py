"""A user's own texts with a class each, as CSV or JSON lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..data.pool import Pool, check_labels, own_source
from ..data.textfiles import (
    check_keys,
    first_object,
    is_json_lines,
    json_object,
    label_and_text,
    need_column,
    open_text,
    read_header,
    read_rows,
)
from ..errors import UserError, quoted
from ..records.data import DataSpec
from .descriptor import Source
from .inspect import path_file


def read(spec: DataSpec) -> Pool:
    """A user's own texts: CSV (by its header) or JSON lines, with a label and text columns.

    The text columns of a row are joined by line ends, missing ones left out. Rows without any text
    are dropped, which a note says.
    """
    path, wanted = spec.path, label_and_text(spec)
    columns, lines = (_json_columns if is_json_lines(path) else _csv_columns)(path, wanted)
    labels, texts = (
        columns[0],
        ["\n".join(filter(None, row)) for row in zip(*columns[1:], strict=True)],
    )
    y, names = check_labels(labels, wanted[0][1], path, lines)
    kept = [row for row, text in enumerate(texts) if text.strip()]
    notes = []
    if len(kept) < len(texts):
        notes.append(f"dropped {len(texts) - len(kept)} of {len(texts)} rows that have no text")
    # Whose every text is empty, a class is gone: it must not stay in the list of names.
    gone = sorted(set(range(len(names))) - set(y[kept].tolist()))
    if gone:
        raise UserError(f"text: class {quoted(names[gone[0]])} has no row with any text in {path}")
    return Pool("text", [texts[row] for row in kept], y[kept], names, own_source(path), notes=notes)


Columns = tuple[list[Sequence[str]], list[int]]  # and the lines of the file


def _csv_columns(path: str, wanted: list[tuple[str, str]]) -> Columns:
    header, rows, lines = read_rows(path)
    for key, column in wanted:
        need_column(key, column, header)
    by_name = dict(zip(header, zip(*rows, strict=True), strict=True))
    return [by_name[column] for _, column in wanted], lines


def _json_columns(path: str, wanted: list[tuple[str, str]]) -> Columns:
    rows, lines = [], []
    with open_text(path) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                row = json_object(line, path, number)
                check_keys(row, wanted, path, number)
                rows.append([_plain(row[c], key, c, path, number) for key, c in wanted])
                lines.append(number)
    if not rows:
        raise UserError(f"path: {path} is empty; one JSON object a line is expected")
    return list(zip(*rows, strict=True)), lines


def _plain(value: Any, key: str, column: str, path: str, number: int) -> str:
    """A JSON value as text: null is empty, a list or an object is an error."""
    if isinstance(value, (list, dict)):
        raise UserError(
            f"{key}: {path}, line {number}: {column!r} is a {type(value).__name__}, not a text"
        )
    # JSON may escape half a surrogate pair, which is no character: UTF-8 cannot hold it.
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def check(spec: DataSpec) -> None:
    if is_json_lines(spec.path):
        row, number = first_object(spec.path)
        check_keys(row, label_and_text(spec), spec.path, number)
        return
    header = read_header(spec.path)
    for key, column in label_and_text(spec):
        need_column(key, column, header)


SOURCE = Source(
    name="text",
    kind="text",
    origin="own",
    description="texts in a CSV file, or in JSON lines",
    read=read,
    keys=("path", "label", "text"),
    check=check,
    files=path_file,
)
