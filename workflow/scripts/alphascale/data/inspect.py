"""What can be told of a source without preparing it: paths, headers, states of folders.

The Snakefile asks this at every parse, and every cluster job parses again, so nothing here imports
torch, numpy or pandas or reads more than the first lines of a file.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from pathlib import Path
from typing import Any

from ..errors import UserError
from .layout import images_layout
from .textfiles import (
    check_keys,
    first_object,
    is_json_lines,
    label_and_text,
    need_column,
    read_header,
    wanted_columns,
)

# The repository: this file is workflow/scripts/alphascale/data/inspect.py in it.
ROOT = Path(__file__).resolve().parents[4]
EMBEDDED = ("optdigits", "letter")
# Folders up to here are told by their content, so that a copy of one is the same: 0.1 s a parse.
MOST_FILES, MOST_BYTES = 2_000, 64_000_000


def check_source(name: str, data: dict[str, Any]) -> None:
    """Raise UserError if the file or folder of domain `name` cannot be what its section says.

    data: the domain's data section as a mapping. Looks at names and first lines only.
    """
    try:
        if data["source"] == "csv":
            header = read_header(data["path"])
            wanted_columns(header, data)
        elif data["source"] == "text" and is_json_lines(data["path"]):
            check_keys(first_object(data["path"]), label_and_text(data), data["path"], 1)
        elif data["source"] == "text":
            header = read_header(data["path"])
            for key, column in label_and_text(data):
                need_column(key, column, header)
        elif data["source"] == "images":
            images_layout(data["path"])
    except UserError as fault:
        raise UserError(f"domains.{name}.data.{fault}") from None


def input_files(data: dict[str, Any]) -> list[str]:
    """The single files whose change makes prepared data stale, as workflow inputs."""
    if data["source"] in EMBEDDED:
        return [resource(data["source"])]
    if data["source"] in ("csv", "text"):
        return [data["path"]]
    if data["source"] == "corpus" and os.path.isfile(data["path"]):
        return [data["path"]]
    return []


def source_state(data: dict[str, Any]) -> str:
    """A short digest of what `input_files` cannot say: it changes when the source does.

    Of a folder of images or text, or of a pretrained tokenizer: see `folder_state`. Of `torch_code`
    and `torch_source`: the version of torch. Empty for everything else; what is downloaded has one
    content for ever.
    """
    parts = []
    if data["source"] in ("torch_code", "torch_source"):
        parts.append(importlib.metadata.version("torch"))
    folders = [data["path"]] if data["source"] in ("images", "corpus") else []
    if data.get("tokenizer") and os.path.isdir(data["tokenizer"]):
        folders.append(data["tokenizer"])
    parts += [folder_state(folder) for folder in folders]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16] if parts else ""


def folder_state(folder: str) -> str:
    """Names, sizes and content of all files below a folder; of a large one, whose reading would
    hold up every parse of the Snakefile, the times of modification instead of the content."""
    found = []
    for parent, children, files in os.walk(folder):
        children.sort()
        found += [os.path.join(parent, file) for file in sorted(files)]
    states = [os.stat(path) for path in found]
    small = len(found) <= MOST_FILES and sum(state.st_size for state in states) <= MOST_BYTES
    lines = []
    for path, state in zip(found, states, strict=True):
        content = str(state.st_mtime_ns)
        if small:
            with open(path, "rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        lines.append(f"{os.path.relpath(path, folder)} {state.st_size} {content}")
    return "\n".join(lines)


def resource(name: str) -> str:
    """Path of an embedded data set's file."""
    return str(ROOT / "resources" / f"{name}.csv.gz")
