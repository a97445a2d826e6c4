"""Images: what models need to know of any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .pool import Encoded, Pool

if TYPE_CHECKING:
    from ..records.data import DataSpec


def encode(pool: Pool, rows: dict[str, np.ndarray], spec: DataSpec) -> Encoded:
    """Pick the rows, which stay uint8, and take each channel's mean and std over training."""
    x = {part: pool.x[r] for part, r in rows.items()}
    train = x["train"]
    # Moments from counts of the 256 values: exact, and no float copy of the whole training part.
    channels = range(train.shape[1])
    counts = np.stack([np.bincount(train[:, c].ravel(), minlength=256) for c in channels])
    values = np.arange(256)
    mean = counts @ values / counts.sum(1)
    std = np.sqrt((counts * (values - mean[:, None]) ** 2).sum(1) / counts.sum(1))
    notes = []
    for c in np.flatnonzero(std == 0):
        notes.append(f"channel {c} has one value in all training images")
        std[c] = 1.0
    return Encoded(
        x, train.shape[1:], mean=tuple(mean.tolist()), std=tuple(std.tolist()), notes=notes
    )
