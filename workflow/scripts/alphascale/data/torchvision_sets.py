"""Image data sets that torchvision fetches, with test sets of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .fetch import fetch

if TYPE_CHECKING:
    import numpy as np


def load_torchvision(
    kind: Callable,
    root: Path,
    archives: list[Path],
    address: str,
    parts: Sequence[dict[str, Any]] = ({"train": True}, {"train": False}),
    key: str = "source",
) -> tuple:
    """Parts of a data set by a torchvision class, training and test by default; without network if
    its files are there."""

    from filelock import FileLock

    def load(download: bool) -> tuple:
        # Where files or archives are in place, `download` only checks and unpacks them.
        return tuple(kind(root, download=download, **part) for part in parts)

    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f".{kind.__name__}.lock"):
        try:
            return load(all(archive.exists() for archive in archives))
        except (OSError, RuntimeError):  # not there, or not whole
            by_hand = f"put {', '.join(a.name for a in archives)} into {archives[0].parent}/"
            return fetch(kind.__name__, address, by_hand, lambda: load(True), key)


def own_test(train: int, test: int) -> np.ndarray:
    """bool [train + test]: which samples the source itself keeps for testing."""
    import numpy as np

    return np.repeat([False, True], [train, test])
