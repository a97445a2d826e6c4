"""What `bootstrap` writes: the laws of the target's metric with their resamples."""

from __future__ import annotations

from dataclasses import dataclass

from .files import SCHEMA
from .fit import Band, SavedLaw
from .typed import Refused, SchemaVersion


@dataclass(frozen=True)
class JointDraws:
    """A law with its resamples: that of N and D.

    fit: the law, saved.
    failed_resamples: how many could not be fitted; 0 under law auto, which draws none.
    """

    fit: SavedLaw
    failed_resamples: int


@dataclass(frozen=True)
class FractionDraws(JointDraws):
    """The law of one fraction.

    band: its curve, from half the smallest to 30 × the largest size.
    """

    band: Band


@dataclass(frozen=True)
class BootstrapRecord:
    """All resampled laws of a domain.

    metric: `error` or `loss`.
    resamples: asked for, of each law.
    level: coverage of every interval, in (0, 1).
    fractions: fraction → its law, smallest first.
    joint: the law of N and D.
    schema: version of the file.
    """

    domain: str
    metric: str
    resamples: int
    level: float
    fractions: dict[str, FractionDraws | Refused]
    joint: JointDraws | Refused
    schema: SchemaVersion = SCHEMA
