"""What `pace_domain` writes: how long a training step of the naive model takes, as timed."""

from __future__ import annotations

from dataclasses import dataclass

from .files import SCHEMA
from .specs import PaceSpec
from .training import Device
from .typed import Refused, SchemaVersion


@dataclass(frozen=True)
class Pace:
    """Some steps of one member, as a training takes them."""

    flops: float  # of a step, forward and backward, on average over an epoch
    seconds: float  # a step takes: median of blocks of steps
    steps: int  # that were timed, beside those before the clock ran
    scatter: float  # standard deviation of the natural logarithm of a block's seconds a step
    evaluation_s: float  # seconds of one pass over the validation split


@dataclass(frozen=True)
class PaceRecord:
    """The pace of a domain's naive model."""

    spec: PaceSpec  # the slice of the study that it was made from
    code: str  # digest of the measurement's code
    pace: Pace | Refused  # refused where no step was timed
    device: Device  # what was computed on
    schema: SchemaVersion = SCHEMA  # version of the file
