"""What `bootstrap` writes: the laws of the target's metric with their resamples."""

from __future__ import annotations

from dataclasses import dataclass

from .files import SCHEMA
from .fit import Band, SavedLaw, ShownForm
from .typed import Refused, SchemaVersion


@dataclass(frozen=True)
class JointDraws:
    """A law with its resamples: that of N and D."""

    fit: SavedLaw  # the law, saved
    failed_resamples: int  # how many could not be fitted; 0 under law auto, which draws none


@dataclass(frozen=True)
class FractionDraws(JointDraws):
    """The law of one fraction."""

    band: Band  # its curve, from half the smallest to 30 × the largest size
    # it, or under law auto what describes it, as a form with parameters
    shown: ShownForm | Refused | None = None


@dataclass(frozen=True)
class BootstrapRecord:
    """All resampled laws of a domain."""

    domain: str
    metric: str  # `error` or `loss`
    resamples: int  # asked for, of each law
    level: float  # coverage of every interval, in (0, 1)
    fractions: dict[str, FractionDraws | Refused]  # fraction → its law, smallest first
    joint: JointDraws | Refused  # the law of N and D
    schema: SchemaVersion = SCHEMA  # version of the file
