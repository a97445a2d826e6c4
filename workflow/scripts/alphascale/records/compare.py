"""What `compare` writes: which of several families on one data set reaches the target for less."""

from __future__ import annotations

from dataclasses import dataclass

from .decision import Ends, Price
from .files import SCHEMA
from .specs import Prices, Target
from .typed import Refused, SchemaVersion


@dataclass(frozen=True)
class MeasuredCell:
    """One size of a ladder at all its data."""

    scale: str  # its name
    params: float  # as counted
    flops: float  # of one training, mean over runs that ended well
    values: list[float]  # what those runs reached, as laws are fitted to it


@dataclass(frozen=True)
class CostBand:
    """A law's curve (n,) over the FLOPs of one training, each in the metric as it is fitted."""

    flops: list[float]
    # mean, lower, upper: of the curve
    mean: list[float]
    lower: list[float]
    upper: list[float]
    trained: float  # FLOPs of the largest size that the law was fitted to


@dataclass(frozen=True)
class FamilyLaw:
    """What one domain's law says of the target."""

    band: CostBand  # its curve
    draws: int  # resamples that count; under law auto, draws of its posterior
    failed_resamples: int  # how many could not be fitted
    # params, flops: N*, as counted, and of one training of it; None where the law never gets there
    params: float | None
    flops: float | None
    interval: Ends  # of the FLOPs, over all draws; those that never reach it are without end
    out_of_reach: float  # their share
    at_smallest: bool  # whether the smallest size trained meets it, and less may do
    multiple: float | None  # N* as a multiple of the largest size trained
    price: Price | None  # of one training of N*; None where there is no N*
    unbeaten: list[str]  # predictors without a law that missed the withheld sizes by less


@dataclass(frozen=True)
class FamilyCost:
    """One domain of a group."""

    family: str  # of its ladder
    fraction: str  # its largest, which all of this is of
    samples: int  # unique training samples there
    measured: list[MeasuredCell]  # smallest first
    law: FamilyLaw | Refused  # what it costs to reach the target, or why that is not known


@dataclass(frozen=True)
class Odds:
    """Which domain reaches the target at the least cost, their laws' draws being independent."""

    least: dict[str, float]  # domain → probability that it does
    neither: float  # that none reaches it at all
    tied: float  # that two or more cost the same, and no other less


@dataclass(frozen=True)
class Ratio:
    """What one domain pays over what another does."""

    value: float | None  # None where the other's is nothing to theirs, or neither is known
    interval: Ends  # over pairs of draws of which one at least gets there
    neither: float  # share of the pairs left out, of which neither does


@dataclass(frozen=True)
class Exponents:
    """Local exponents −d log metric / d log N of two laws, at the sizes that reach one error."""

    values: dict[str, float]  # domain → its exponent
    difference: float  # of the second named minus the first
    interval: tuple[float, float]  # of the difference
    differ: bool  # whether that excludes 0


@dataclass(frozen=True)
class Pair:
    """A domain beside the first of its group, at an error that both reached."""

    domains: tuple[str, str]  # the domain and the first
    error: float  # the metric as it is fitted
    of_target: bool  # whether that is the target itself
    below: list[str]  # those whose smallest size is better already, and would cost less
    exponents: Exponents
    ratio: Ratio  # of the FLOPs of one training


@dataclass(frozen=True)
class Comparison:
    """A group on one target."""

    target: Target
    shared: bool  # whether it is that of all domains; else the target itself is not asked of
    names: list[str]  # of the domains; the first is what the others are compared with
    domains: dict[str, FamilyCost]  # by name
    # flops, kwh, money → who reaches it for the least; money and kwh where the times carry them
    odds: dict[str, Odds] | Refused
    pairs: dict[str, Pair | Refused]  # each of the others beside the first


@dataclass(frozen=True)
class CompareRecord:
    """A group of domains on the same data."""

    level: float  # coverage of every interval, in (0, 1)
    counted: str  # what N counts, `total` or `non_embedding`
    law: str  # form of the laws
    costs: Prices  # prices
    comparisons: list[Comparison]  # one a target
    schema: SchemaVersion = SCHEMA  # version of the file
