"""Verification: what was promised of a model before its training, and what the training showed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..families import family
from .files import SCHEMA
from .fit import Estimate
from .specs import Size, Target, TrainSpec
from .training import Energy
from .typed import SchemaVersion


@dataclass(frozen=True)
class Promise:
    """The prediction of one architecture by a law that has not seen it, kept beside its record.

    role: `recommended` or `naive`.
    scale, fraction, size: what is trained.
    params: parameters in all.
    metric: `error` or `loss`, what is predicted.
    target: what the model must reach.
    level: coverage of the interval.
    predicted: in the metric.
    largest_trained: parameters of the ladder's largest size, as counted.
    law: that predicted.
    """

    role: str
    scale: str
    fraction: str
    size: Size
    params: int
    metric: str
    target: Target
    level: float
    predicted: Estimate
    largest_trained: int
    law: str

    def trained(self, like: TrainSpec) -> TrainSpec:
        """The training of this model, like another but for what is trained."""
        size = family(like.family).complete(self.size)
        return replace(like, scale=self.scale, fraction=self.fraction, size=size)


@dataclass(frozen=True)
class VerifiedRun(Promise):
    """A promise, and what became of it.

    measured: mean of the runs in the metric, None where all diverged.
    values: of the runs that ended well.
    diverged: how many did not.
    inside: whether the mean of the runs lies within the interval of one.
    runs_inside: how many runs do.
    reached: whether the mean reaches the target.
    flops, seconds, energy: of the whole job.
    """

    measured: float | None
    values: list[float]
    diverged: int
    inside: bool
    runs_inside: int
    reached: bool
    flops: float
    seconds: float
    energy: Energy


@dataclass(frozen=True)
class VerificationRecord:
    """Every promise of a domain whose training is there.

    runs: smallest first.
    nothing_to_build: why no architecture was recommended, None where one was.
    schema: version of the file.
    """

    domain: str
    runs: list[VerifiedRun]
    nothing_to_build: str | None
    schema: SchemaVersion = SCHEMA
