"""Reading and writing what passes between the stages: canonical JSON, whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    import numpy as np

# Version of the JSON files that stages exchange; a reader refuses any other.
SCHEMA = 1

REBUILD = "delete it and run snakemake again"
# Key of a sealed file that holds the SHA-256 of all the rest.
SEAL = "content_sha256"
# Seconds after which half a file that nobody writes to was left by a killed program.
ABANDONED = 3600.0


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_file(path: str | os.PathLike) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path` that becomes `path` only if the block ends well.

    A reader never sees half a file, and a killed program leaves the old one as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(target)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())
        # mkstemp makes files private; results follow the user's umask like any other file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_abandoned(target: Path) -> None:
    """Remove temporary files of `target` that a killed program left."""
    for path in target.parent.iterdir():
        if path.name.startswith(f".{target.name}."):
            try:
                if time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()
            except OSError:  # another program was faster, or may and we may not
                continue


def write_tensors(path: str | os.PathLike, tensors: dict[str, np.ndarray]) -> str:
    """Write a safetensors file, whole or not at all; returns its SHA-256."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    with replacing(path) as temporary:
        try:
            save_file(tensors, os.fspath(temporary))
        except SafetensorError as fault:  # an I/O error of its own, without the system's number
            number = errno.ENOSPC if f"os error {errno.ENOSPC}" in str(fault) else errno.EIO
            raise OSError(number, str(fault), os.fspath(path)) from None
        return sha256_file(temporary)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a page of text, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as readable JSON, sorted keys, whole or not at all; NaN is an error."""
    text = json.dumps(value, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    # Half of a surrogate pair, as in somebody's JSON lines, is no text: it stays an escape.
    content = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)
    write_text(path, content)


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file; raises UserError naming the file if it is absent or not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run snakemake to make it") from None
    except OSError as fault:
        raise UserError(f"{path}: cannot be read ({fault.strerror or fault})") from None
    except (ValueError, RecursionError) as fault:
        raise UserError(f"{path}: not valid JSON ({fault}); {REBUILD}") from None


def write_sealed(path: str | os.PathLike, value: dict[str, Any]) -> None:
    """`write_json` with a digest of the content in it: `read_sealed` tells any later edit."""
    write_json(path, value | {SEAL: seal(value)})


def read_sealed(path: str | os.PathLike) -> dict[str, Any]:
    """The content of a sealed file; raises UserError naming the file if it is not as written."""
    value = read_json(path)
    if not isinstance(value, dict) or SEAL not in value:
        raise UserError(f"{path}: holds no {SEAL}: not written by this version; {REBUILD}")
    if value.pop(SEAL) != seal(value):
        raise UserError(f"{path}: was changed after it was written; {REBUILD}")
    return value


def seal(value: dict[str, Any]) -> str:
    """SHA-256 of a value's canonical JSON; empty for what has none."""
    try:
        return hashlib.sha256(canonical_json(value).encode()).hexdigest()
    except ValueError:  # NaN, which is written nowhere
        return ""


def digest(value: Any) -> str:
    """Short SHA-256 of a value's canonical JSON: which configuration made a record."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]
