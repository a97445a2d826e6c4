"""What can be told of a source without preparing it: faults, input files, states of folders.

The Snakefile asks this at every parse, and every cluster job parses again, so nothing here imports
torch, numpy or pandas or reads more of a user's file than its first lines.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from ..errors import UserError
from . import source

if TYPE_CHECKING:
    from ..records.data import DataSpec

# Folders up to here are told by their content, so that a copy of one is the same: 0.1 s a parse.
MOST_FILES, MOST_BYTES = 2_000, 64_000_000
# What lies beside a tokenizer in a checkpoint and is a training's affair.
WEIGHTS = (".safetensors", ".bin", ".index.json")


def check_source(name: str, data: DataSpec) -> None:
    """Raise UserError if the file or folder of domain `name` cannot be what its section says."""
    check = source(data.source).check
    try:
        if check:
            check(data)
    except UserError as fault:
        raise UserError(f"domains.{name}.data.{fault}") from None


def input_files(data: DataSpec) -> list[str]:
    """The single files of a user's own whose change makes prepared data stale, as the study writes
    them: workflow inputs."""
    files = source(data.source).files
    return files(data) if files else []


def source_state(data: DataSpec) -> str:
    """A short digest of what `input_files` cannot say: it changes when the source does.

    Of embedded data: their content, or the version of torch. Of a folder, a pretrained tokenizer's
    too (but for weights beside it): `folder_state`. Of a single file `file_state`: Snakemake sees
    only one that is newer than what was made of it, and `mv`, `cp -p` and `tar` keep times. Empty
    for everything else; what is downloaded has one content for ever.
    """
    state = source(data.source).state
    parts = [state(data)] if state else []
    parts += [file_state(path, os.stat(path)) for path in input_files(data) if os.path.isfile(path)]
    if data.tokenizer and os.path.isdir(data.tokenizer):
        parts.append(folder_state(data.tokenizer, without=WEIGHTS))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16] if any(parts) else ""


def folder_state(folder: str, without: tuple[str, ...] = ()) -> str:
    """Names, sizes and content of all files below a folder; of a large one, whose reading would
    hold up every parse of the Snakefile, the times of modification instead of the content.

    without: ends of names that do not count.
    """
    found = []
    for parent, children, files in os.walk(folder):
        children.sort()
        kept = [file for file in sorted(files) if not (without and file.endswith(without))]
        found += [os.path.join(parent, file) for file in kept]
    states = [os.stat(path) for path in found]
    # A pipe or a device among them is read by nobody, and would hold up whoever began to.
    plain = [stat.S_ISREG(state.st_mode) for state in states]
    small = len(found) <= MOST_FILES and sum(state.st_size for state in states) <= MOST_BYTES
    return "\n".join(
        f"{os.path.relpath(path, folder)} {file_state(path, state, small and file)}"
        for path, state, file in zip(found, states, plain, strict=True)
    )


def file_state(path: str, state: os.stat_result, read: bool | None = None) -> str:
    """Size and content of a file; of a large one, or one not to be read, its time instead."""
    content = str(state.st_mtime_ns)
    if state.st_size <= MOST_BYTES if read is None else read:
        with open(path, "rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    return f"{state.st_size} {content}"


def path_file(data: DataSpec) -> list[str]:
    """`path`, where it is one file."""
    return [data.path]
