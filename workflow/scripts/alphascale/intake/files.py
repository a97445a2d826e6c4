"""The beginning of every file: what a person named, what it holds, and reading JSON of others."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ..errors import UserError, first_line, quoted

SQLITE = b"SQLite format 3\0"
AGAIN = "copy it again from where it was made, or leave it out"


def located(source: str) -> Path:
    """The file or folder that SOURCE names; UserError where there is none.

    `sqlite:///runs.db` (as MLflow and Optuna write it) and `file:…` are their paths.
    """
    for scheme in ("sqlite:///", "sqlite://", "file://", "file:"):
        if source.startswith(scheme):
            path = Path(source.removeprefix(scheme).partition("?")[0])
            break
    else:
        if "://" in source:
            raise UserError(
                f"{source}: is on a server; download it, or export it to a file, and name that"
            )
        path = Path(source)
    if not path.exists():
        raise UserError(f"{source}: no such file or folder")
    if path.is_file() and not path.stat().st_size:
        raise UserError(f"{source}: is empty")
    return path


def listed(path: Path) -> list[Path]:
    """All files at or under a path, sorted; no link to a folder is followed."""
    if not path.is_dir():
        return [path]
    found = []
    for folder, folders, names in os.walk(path):
        folders.sort()
        found += [Path(folder, name) for name in sorted(names)]
    return found


def begins(path: Path, size: int = 16) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(size)
    except OSError:
        return b""


def text_of(path: Path) -> str:
    """A file's text; UserError, naming it, where it is none."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise UserError(f"{path}: cannot be read as text ({first_line(fault)})") from None


def json_of(path: Path) -> dict[str, Any]:
    """A JSON object of another tool, NaN and infinity allowed; UserError, naming the file."""
    try:
        value = json.loads(text_of(path))
    except (ValueError, RecursionError) as fault:
        empty = not path.stat().st_size
        what = "is empty" if empty else f"is no whole JSON ({first_line(fault)})"
        raise UserError(f"{path}: {what}; {AGAIN}") from None
    if not isinstance(value, dict):
        raise UserError(f"{path}: holds {quoted(value)}, not an object; {AGAIN}")
    return value


def tables_of(path: Path) -> set[str]:
    """Names of the tables of an SQLite file; none where it is no such file."""
    if begins(path) != SQLITE:
        return set()
    try:
        with read_only(path) as base:
            return {row[0] for row in base.execute("select name from sqlite_master")}
    except UserError:
        return set()


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """An SQLite file opened so that nothing in it can change; UserError where it is damaged."""
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as base:
            yield base
    except (sqlite3.Error, UnicodeDecodeError) as fault:
        raise UserError(
            f"{path}: cannot be read as SQLite ({first_line(fault)}); {AGAIN}"
        ) from None


@contextmanager
def sqlite_copy(path: Path) -> Iterator[Path]:
    """A copy of an SQLite file, for a library that writes into what it opens."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.db")
        with read_only(path) as base, closing(sqlite3.connect(copy)) as other:
            base.backup(other)
        yield copy
