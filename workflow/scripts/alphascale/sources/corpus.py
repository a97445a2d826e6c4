"""Running text of a user's own: a file, or a folder of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..data.pool import Corpus, own_source
from ..errors import UserError
from ..records.data import DataSpec
from .descriptor import Source
from .inspect import folder_state


def read(spec: DataSpec) -> Corpus:
    """A user's own text: one file, or every text file of a folder and the folders in it.

    Files that are hidden, empty or not UTF-8 text are passed over, which a note says.
    """
    path = Path(spec.path)
    if path.is_file():
        text = _text_of(path)
        if text is None:
            raise UserError(f"path: {path} is empty or not text in UTF-8")
        return Corpus([text], own_source(str(path)))
    documents, read, passed = [], [], []
    for file in text_files(path):
        text = _text_of(file)
        if text is None:
            passed.append(file.relative_to(path).as_posix())
            continue
        documents.append(text)
        read.append(file)
    if not documents:
        raise UserError(f"path: {path} holds no file of UTF-8 text")
    notes = []
    if passed:
        notes.append(
            f"passed over {len(passed)} of {len(passed) + len(documents)} files that are empty or "
            f"not UTF-8 text (first: {passed[0]})"
        )
    return Corpus(documents, own_source(str(path), *read), notes=notes)


def text_files(folder: Path) -> Iterator[Path]:
    """Files below a folder in a fixed order, hidden ones and those in hidden folders left out."""
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if file.is_file() and not any(part.startswith(".") for part in inside.parts):
            yield file


def _text_of(path: Path) -> str | None:
    """The file's text; None if there is none or if it is not UTF-8."""
    raw = path.read_bytes()
    if not raw.strip() or b"\0" in raw:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def files(spec: DataSpec) -> list[str]:
    return [spec.path] if os.path.isfile(spec.path) else []


def state(spec: DataSpec) -> str:
    return folder_state(spec.path)


SOURCE = Source(
    name="corpus",
    kind="tokens",
    origin="own",
    description="running text in UTF-8: a file, or a folder of them",
    read=read,
    keys=("path",),
    files=files,
    state=state,
)
