"""Running text for language models: WikiText-2, a user's own files, the installed torch's sources.

A corpus is a list of documents; no document is ever on two sides of a split.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from ..errors import UserError
from ..records.files import sha256_file
from .fetch import fetch, folder_of
from .pool import own_source
from .store import SPLITS
from .torch_code import package

WIKITEXT = "Salesforce/wikitext"
WIKITEXT_PART = "wikitext-2-raw-v1"
# Each split begins a new article with a line like " = Robert Boulter = "; sections have more signs.
ARTICLE = re.compile(r"(?m)^ = [^=\n].*[^=\n] = $")

# Larger Python files of torch are generated tables and long test suites.
SOURCE_FILE_BYTES = 60_000
# With a `limit`, no more text is read than it needs, at this many bytes a token: a vocabulary of
# 512 takes 2.1 bytes a token of this code, one of 30,000 about 4.
BYTES_PER_TOKEN = 6


@dataclass(frozen=True)
class Corpus:
    """Documents, and the split of each where the source itself has one."""

    documents: list[str]
    source: dict[str, Any]
    own_split: list[str] | None = None
    notes: list[str] = field(default_factory=list)


def torch_source(spec: dict[str, Any]) -> Corpus:
    """Python files of the installed torch, one document each, in a seeded order.

    All 50 MB of them, or with `limit` as many as its windows need.
    """
    root = package()
    enough = math.inf
    if spec["limit"]:
        training = max(0.05, 1 - spec["test"] - spec["validation"])
        enough = BYTES_PER_TOKEN * spec["limit"] * spec["length"] / training
    rng = np.random.default_rng([spec["seed"], 2])
    paths = sorted(root.rglob("*.py"))
    digest, documents, total, long = hashlib.sha256(), [], 0, 0
    for at in rng.permutation(len(paths)):
        size = paths[at].stat().st_size
        if size > SOURCE_FILE_BYTES:
            long += 1
            continue
        raw = paths[at].read_bytes()
        if not raw.strip():
            continue
        digest.update(f"{paths[at].relative_to(root).as_posix()} {len(raw)}\n".encode() + raw)
        documents.append(raw.decode("utf-8", errors="replace"))
        total += size
        if total >= enough:
            break
    version = importlib.metadata.version("torch")
    source = {
        "name": "torch_source",
        "provenance": f"Python files of the installed torch {version}",
        "licence": "BSD-3-Clause",
        "files": {f"torch {version}: {len(documents)} of {len(paths)} files": digest.hexdigest()},
    }
    notes = [f"{long} files of more than {SOURCE_FILE_BYTES} bytes were passed over"]
    return Corpus(documents, source, notes=notes)


def corpus(spec: dict[str, Any]) -> Corpus:
    """A user's own text: one file, or every text file of a folder and the folders in it.

    Files that are hidden, empty or not UTF-8 text are passed over, which a note says.
    """
    path = Path(spec["path"])
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


def wikitext2(spec: dict[str, Any]) -> Corpus:
    """WikiText-2, raw: 720 articles of Wikipedia with the splits of their own, article by article.

    Read from `downloads/wikitext2/` (or `path`): the parquet files of the hub, or the plain
    wiki.train.raw, wiki.valid.raw and wiki.test.raw.
    """
    folder = folder_of(spec["path"], "wikitext2")
    files = _wikitext_files(folder)
    if files is None:
        from huggingface_hub import constants, snapshot_download

        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            fetch(
                "wikitext2",
                f"{constants.ENDPOINT}/datasets/{WIKITEXT}",
                f"put the parquet files of {WIKITEXT_PART} (train-*, validation-*, test-*), or "
                f"wiki.train.raw, wiki.valid.raw and wiki.test.raw, into {folder}/",
                lambda: snapshot_download(
                    WIKITEXT, repo_type="dataset", local_dir=folder,
                    allow_patterns=f"{WIKITEXT_PART}/*.parquet",
                ),
            )  # fmt: skip
        files = _wikitext_files(folder)
        if files is None:
            raise UserError(f"source: {WIKITEXT} gave no parquet files of {WIKITEXT_PART}")
    documents, own = [], []
    for split in SPLITS:
        articles = _articles("".join(_wikitext_text(file) for file in files[split]))
        documents += articles
        own += [split] * len(articles)
    source = {
        "name": "wikitext2",
        "provenance": "WikiText-2 raw; Merity, S. et al. (2016). arXiv:1609.07843",
        "licence": "CC BY-SA 3.0",
        "files": {file.name: sha256_file(file) for split in SPLITS for file in files[split]},
    }
    return Corpus(documents, source, own)


CORPORA: dict[str, Callable[[dict[str, Any]], Corpus]] = {
    "wikitext2": wikitext2,
    "corpus": corpus,
    "torch_source": torch_source,
}


def _text_of(path: Path) -> str | None:
    """The file's text; None if there is none or if it is not UTF-8."""
    raw = path.read_bytes()
    if not raw.strip() or b"\0" in raw:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _wikitext_files(folder: Path) -> dict[str, list[Path]] | None:
    """The files of each split, or None if one has none."""
    plain = {"train": "train", "validation": "valid", "test": "test"}
    found = {
        split: sorted(folder.rglob(f"{split}-*.parquet"))
        or sorted(folder.rglob(f"wiki.{plain[split]}.raw"))
        for split in SPLITS
    }
    return found if all(found.values()) else None


def _wikitext_text(path: Path) -> str:
    if path.suffix != ".parquet":
        return path.read_text(encoding="utf-8")
    import pandas as pd

    try:
        lines = pd.read_parquet(path, columns=["text"])["text"]
    except Exception as fault:  # pyarrow has its own, and not all of them are public
        raise UserError(f"source: {path} is not the expected parquet file ({fault})") from None
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _articles(text: str) -> list[str]:
    starts = [0, *(match.start() for match in ARTICLE.finditer(text))]
    ends = [*starts[1:], len(text)]
    pieces = (text[start:end] for start, end in zip(starts, ends, strict=True))
    return [piece for piece in pieces if piece.strip()]
