"""What `regimes` writes of a domain: what limits its loss along each axis, and its law in compute.

Numbers that cannot be had (no run left to tell the noise, levels not equally spaced) are None.
"""

from __future__ import annotations

from dataclasses import dataclass

from .files import SCHEMA
from .fit import SavedLaw
from .typed import Refused, SchemaVersion


@dataclass(frozen=True)
class SliceVerdict:
    """One axis varied, the other fixed: `grids.regimes.Slice` as JSON."""

    fixed: float
    values: list[float]
    losses: list[float]
    errors: list[float] | None
    exponent: float
    lower: float | None
    upper: float | None
    floor: float
    gain: float
    doubling: float | None
    verdict: str
    why: str


@dataclass(frozen=True)
class AxisVerdict:
    """One axis: `grids.regimes.Axis` as JSON."""

    name: str
    other: str
    expected: float
    verdict: str
    exponent: float | None
    lower: float | None
    upper: float | None
    evidence: list[str]
    slices: list[SliceVerdict]


@dataclass(frozen=True)
class ComputeFront:
    """The cells' mean losses over the FLOPs of one training, and the law of those on the front."""

    # flops, losses: a number a cell
    flops: list[float]
    losses: list[float]
    on: list[int]  # indices of the cells on the front, by rising FLOPs
    # exponent, lower, upper: local, at the front's dearest cell, and its interval
    exponent: float
    lower: float
    upper: float
    # floor: what no compute would remove, by the law, and its interval
    floor: float
    floor_lower: float
    floor_upper: float
    law: SavedLaw


@dataclass(frozen=True)
class RegimesRecord:
    """A domain's regimes."""

    domain: str
    size: str  # what the axis of sizes is, a key of the family or `params`
    level: float  # coverage of every interval, in (0, 1)
    axes: dict[str, AxisVerdict] | Refused  # by name: the size, then `samples`
    front: ComputeFront | Refused
    unit: str = "nats"  # of losses
    schema: SchemaVersion = SCHEMA  # version of the file
