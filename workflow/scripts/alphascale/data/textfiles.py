"""CSV and JSON lines: opening, headers and first checks, with nothing but the standard library.

Both the check at parse time and the preparation read through here, so they judge a file alike.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ..errors import QUOTED, UserError, quoted

DELIMITERS = ",;\t|"
JSON_LINES = (".jsonl", ".ndjson", ".json")
# A document of a text data set may be long; csv's own limit of 128 KiB is no property of the file.
FIELD_LIMIT = 2**27


@contextmanager
def open_text(path: str | Path) -> Iterator[TextIO]:
    """A text file for csv or JSON lines, gunzipped if it ends in .gz; UTF-8, with or without BOM.

    Whatever goes wrong while reading becomes a UserError that names the file.
    """
    try:
        opened = gzip.open if str(path).endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield stream
    except UnicodeDecodeError as fault:
        raise UserError(
            f"path: {path} is not UTF-8 text (byte 0x{fault.object[fault.start]:02x}); save it as "
            "UTF-8"
        ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as fault:
        raise UserError(f"path: {path} is not a whole .gz file ({fault})") from None
    except csv.Error as fault:
        raise UserError(f"path: {path} is not a CSV file that can be read ({fault})") from None
    except OSError as fault:
        raise UserError(f"path: {path} cannot be read ({fault.strerror or fault})") from None


def read_header(path: str | Path) -> list[str]:
    """Column names of a CSV file, stripped; raises UserError if there are none or one twice."""
    with open_text(path) as stream:
        header, _, _ = _header(stream, path)
    return header


def read_rows(path: str | Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows and the line each begins in, of a CSV file; every row has as many fields as the
    header.

    Columns are separated by what cuts the header into most of them: comma, semicolon, tab or |.
    Blank lines are skipped. Raises UserError naming the line of what does not fit.
    """
    rows, lines = [], []
    with open_text(path) as stream:
        header, delimiter, skipped = _header(stream, path)
        began = skipped + 1
        # strict: a quote that is never closed would else swallow all rows after it in silence.
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if len(row) == len(header):
                    rows.append(row)
                    lines.append(began)
                elif any(field.strip() for field in row):
                    raise UserError(
                        f"path: {path}, line {skipped + reader.line_num}: {len(row)} field(s), and "
                        f"the header names {len(header)}"
                    )
                began = skipped + reader.line_num + 1
        except csv.Error as fault:
            raise UserError(f"path: {path}, line {skipped + reader.line_num}: {fault}") from None
    if not rows:
        raise UserError(f"path: {path} has a header and no rows")
    return header, rows, lines


def _header(stream: TextIO, path: str | Path) -> tuple[list[str], str, int]:
    """Column names, delimiter, and the number of lines read for them, of an open CSV file."""
    csv.field_size_limit(FIELD_LIMIT)
    lines = 0
    first = ""
    while not first.strip():
        first = stream.readline()
        lines += 1
        if not first:
            raise UserError(
                f"path: {path} is empty; a line of column names and then data are expected"
            )
    if "\0" in first:
        raise UserError(f"path: {path} holds NUL bytes: it is no text file")
    rows = {
        mark: next(csv.reader([first.rstrip("\r\n")], delimiter=mark), []) for mark in DELIMITERS
    }
    delimiter = max(DELIMITERS, key=lambda mark: (len(rows[mark]), -DELIMITERS.index(mark)))
    header = [name.strip() for name in rows[delimiter]]
    for position, name in enumerate(header):
        if not name:
            raise UserError(f"path: {path}: column {position + 1} of {len(header)} has no name")
        if name in header[:position]:
            raise UserError(
                f"path: {path}: two columns are called {quoted(name)}; give each its own name"
            )
    return header, delimiter, lines


def need_column(key: str, column: str, header: list[str]) -> None:
    """Raise UserError if the column that `key` names is not in the header."""
    if column not in header:
        raise UserError(
            f"{key}: there is no column {quoted(column)}; the file has {_names(header)}"
        )


def need_columns(wanted: list[tuple[str, str]], header: list[str]) -> None:
    """`need_column` of many: (key, column)."""
    for key, column in wanted:
        need_column(key, column, header)


def is_json_lines(path: str | Path) -> bool:
    """Whether a file's name says JSON lines; every other name says CSV."""
    return str(path).removesuffix(".gz").endswith(JSON_LINES)


def first_object(path: str | Path) -> tuple[dict[str, Any], int]:
    """First object of a JSON lines file, and its line."""
    with open_text(path) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                return json_object(line, path, number), number
    raise UserError(f"path: {path} is empty; one JSON object a line is expected")


def json_object(line: str, path: str | Path, number: int) -> dict[str, Any]:
    """One line of JSON lines."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as fault:
        raise UserError(
            f"path: {path}, line {number}: not JSON ({fault}); one object a line is expected"
        ) from None
    if not isinstance(value, dict):
        raise UserError(f"path: {path}, line {number}: not a JSON object, as {{...}}")
    return value


def check_keys(
    row: dict[str, Any], wanted: list[tuple[str, str]], path: str | Path, number: int
) -> None:
    """Raise UserError if an object of JSON lines lacks a key that the section names."""
    for key, column in wanted:
        if column not in row:
            raise UserError(
                f"{key}: {path}, line {number} has no key {quoted(column)}; it has "
                f"{_names(list(row))}"
            )


def _names(names: list[str]) -> str:
    """The first of a list of names, as a message holds them."""
    shown = ", ".join(name if len(name) <= QUOTED else quoted(name) for name in names[:20])
    return shown + (", …" if len(names) > 20 else "")
