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
    """The prediction of one architecture by a law that has not seen it, kept beside its record."""

    role: str  # `recommended` or `naive`
    # scale, fraction, size: what is trained
    scale: str
    fraction: str
    size: Size
    params: int  # parameters in all
    metric: str  # `error` or `loss`, what is predicted
    target: Target  # what the model must reach
    level: float  # coverage of the interval
    predicted: Estimate  # in the metric
    largest_trained: int  # parameters of the ladder's largest size, as counted
    law: str  # that predicted
    chance: float | None = None  # probability that one run reaches the target, as promised

    def trained(self, like: TrainSpec) -> TrainSpec:
        """The training of this model, like another but for what is trained."""
        size = family(like.family).complete(self.size)
        return replace(like, scale=self.scale, size=size).on(self.fraction)


@dataclass(frozen=True, kw_only=True)
class VerifiedRun(Promise):
    """A promise, and what became of it."""

    measured: float | None  # mean of the runs in the metric, None where all diverged
    values: list[float]  # of the runs that ended well
    diverged: int  # how many did not
    inside: bool  # whether the mean of the runs lies within the interval of one
    runs_inside: int  # how many runs do
    reached: bool  # whether the mean reaches the target
    runs_reached: int  # how many runs do
    # flops, seconds, energy: of the whole job
    flops: float
    seconds: float
    energy: Energy


@dataclass(frozen=True)
class VerificationRecord:
    """Every promise of a domain whose training is there."""

    domain: str
    runs: list[VerifiedRun]  # smallest first
    nothing_to_build: str | None  # why no architecture was recommended, None where one was
    schema: SchemaVersion = SCHEMA  # version of the file
