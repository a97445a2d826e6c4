"""What `serving_domain` writes: what it takes to answer a request, size by size, as measured."""

from __future__ import annotations

from dataclasses import dataclass

from .files import SCHEMA
from .specs import ServingSpec, Size
from .training import Device
from .typed import Refused, SchemaVersion


@dataclass(frozen=True)
class Answering:
    """What one size takes to answer a batch, `ServingRecord.spec.batch` requests at once."""

    calls: int  # batches answered while it was measured
    # median and 95th percentile: from samples in the host's memory to answers in the host's
    seconds: float
    seconds_95: float
    # a batch for throughput, of as many requests as evaluation takes; requests per second then
    many: int
    per_second: float
    weights_bytes: int  # of parameters and buffers, as they are held
    memory_bytes: int  # the most at once: weights, samples and activations
    joules: float  # of a batch, measured or estimated
    energy_how: str  # which, and how
    # share of the batches that were left out of seconds and seconds_95, since the system gave the
    # core to another process meanwhile
    interrupted: float


@dataclass(frozen=True)
class ServedSize:
    """One size."""

    name: str  # its scale; `the naive model`; or its multiple of the ladder's largest
    size: Size  # the family's keys and their values
    params: dict[str, int]  # parameters by group, as `PricedRun` has them
    forward_flops: int  # of one sample
    answering: Answering | Refused


@dataclass(frozen=True)
class ServingRecord:
    """What a domain's models take to answer requests, with fresh weights: they take as long."""

    spec: ServingSpec  # the slice of the study that it was made from
    code: str  # digest of the measurement's code
    sizes: list[ServedSize]  # by parameters, as counted
    memory_how: str  # what memory_bytes counts
    device: Device  # what was computed on
    # share of the machine's CPU time that other processes used meanwhile, None where not known
    others: float | None
    schema: SchemaVersion = SCHEMA  # version of the file
