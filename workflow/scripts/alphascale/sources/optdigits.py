"""Optical Recognition of Handwritten Digits, which lies in `resources/`."""

from __future__ import annotations

from ..data.pool import Pool, index_labels
from ..data.resources import read_resource, resource_state
from ..records.data import DataSpec
from .descriptor import Source

CITATION = (
    "Alpaydin, E. & Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI "
    "Machine Learning Repository. https://doi.org/10.24432/C50P49"
)


def read(spec: DataSpec) -> Pool:
    """Images of one channel, values 0 to 16."""
    import numpy as np

    table, origin = read_resource("optdigits", CITATION)
    y, names = index_labels(table.pop("label").astype(str))
    return Pool("image", table.to_numpy(np.uint8).reshape(-1, 1, 8, 8), y, names, origin)


def state(spec: DataSpec) -> str:
    return resource_state("optdigits")


SOURCE = Source(
    name="optdigits",
    kind="image",
    origin="embedded",
    description="8×8 images of handwritten digits, 10 classes, 5,620 samples (UCI, CC BY 4.0)",
    read=read,
    state=state,
)
