"""What `bootstrap` writes: the laws of the target's metric with their resamples."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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
class MetricDraws:
    """The resampled laws of one metric."""

    fractions: dict[str, FractionDraws | Refused]  # fraction → its law, smallest first
    joint: JointDraws | Refused  # the law of N and D


@dataclass(frozen=True)
class BootstrapRecord(MetricDraws):
    """All resampled laws of a domain."""

    domain: str
    metric: str  # of the first target, as laws are fitted to it: `error`, `loss`, …
    resamples: int  # asked for, of each law
    level: float  # coverage of every interval, in (0, 1)
    others: dict[str, MetricDraws] = field(default_factory=dict)  # of further targets' metrics
    schema: SchemaVersion = SCHEMA  # version of the file

    def of(self, metric: str) -> BootstrapRecord:
        """The same, its first target's metric being this one."""
        if metric == self.metric:
            return self
        return replace(self, metric=metric, others={}, **vars(self.others[metric]))
