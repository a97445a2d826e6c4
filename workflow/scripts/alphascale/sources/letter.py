"""Letter Recognition, which lies in `resources/`."""

from __future__ import annotations

from ..data.pool import Pool, index_labels
from ..data.resources import read_resource, resource_state
from ..records.data import DataSpec
from .descriptor import Source

CITATION = (
    "Slate, D. (1991). Letter Recognition. UCI Machine Learning Repository. "
    "https://doi.org/10.24432/C5ZP40"
)


def read(spec: DataSpec) -> Pool:
    """Numbers from 0 to 15."""
    table, origin = read_resource("letter", CITATION)
    y, names = index_labels(table.pop("label"))
    return Pool("tabular", table, y, names, origin)


def state(spec: DataSpec) -> str:
    return resource_state("letter")


SOURCE = Source(
    name="letter",
    kind="tabular",
    origin="embedded",
    description="printed capital letters as 16 numbers, 26 classes, 20,000 samples (UCI, CC BY "
    "4.0)",
    read=read,
    state=state,
)
