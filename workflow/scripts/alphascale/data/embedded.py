"""Optdigits and Letter Recognition, which lie in `resources/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UserError
from ..records.files import sha256_file
from .inspect import resource
from .pool import Pool, index_labels

LICENCE = "CC BY 4.0"
CITATIONS = {
    "optdigits": "Alpaydin, E. & Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI "
    "Machine Learning Repository. https://doi.org/10.24432/C50P49",
    "letter": "Slate, D. (1991). Letter Recognition. UCI Machine Learning Repository. "
    "https://doi.org/10.24432/C5ZP40",
}


def optdigits(spec: dict[str, Any]) -> Pool:
    """5,620 handwritten digits: 8×8 images of one channel, values 0 to 16, ten classes."""
    table, source = _read("optdigits")
    y, names = index_labels(table.pop("label").astype(str))
    x = table.to_numpy(np.uint8).reshape(-1, 1, 8, 8)
    return Pool("image", x, y, names, source)


def letter(spec: dict[str, Any]) -> Pool:
    """20,000 printed capital letters: 16 numbers from 0 to 15 each, 26 classes."""
    table, source = _read("letter")
    y, names = index_labels(table.pop("label"))
    return Pool("tabular", table, y, names, source)


def _read(name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    path = Path(resource(name))
    if not path.exists():
        raise UserError(
            f"source: {path} is missing: the embedded data lie in resources/ of the repository; "
            "restore it with git"
        )
    source = {
        "name": name,
        "provenance": CITATIONS[name],
        "licence": LICENCE,
        "files": {path.name: sha256_file(path)},
    }
    return pd.read_csv(path), source
