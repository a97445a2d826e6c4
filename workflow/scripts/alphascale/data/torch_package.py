"""The installed torch as text: its Python files, found without importing it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from ..errors import UserError
from ..records.data import DataSpec, Origin


def package() -> Path:
    """Folder of the installed torch."""
    found = importlib.util.find_spec("torch")
    if found is None or not found.submodule_search_locations:
        raise UserError("source: `torch_code` needs torch to be installed, and it is not")
    return Path(found.submodule_search_locations[0])


def version(spec: DataSpec) -> str:
    """Another version holds other code."""
    return importlib.metadata.version("torch")


def origin(name: str, spec: DataSpec, what: str, sha256: str) -> Origin:
    """Where text is from; `what` of torch was read, and the SHA-256 of it."""
    of = f"torch {version(spec)}"
    return Origin(
        name, f"Python files of the installed {of}", "BSD-3-Clause", {f"{of}: {what}": sha256}
    )
