"""What passes between the rounds of a study: what is known, what is next, what was taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .decision import Ends
from .files import SCHEMA
from .plan import PlannedRun
from .specs import PlanSpec, Prices, Size
from .typed import SchemaVersion

# Why a domain's study goes on, or has ended.
State = Literal["goes_on", "sure", "out_of_reach", "stalled", "budget", "exhausted"]
# The keys of `study.budget` that all domains share, in the order of `Cost.amounts`.
UNITS = ("flops", "hours", "kwh", "co2_g", "money")


@dataclass(frozen=True)
class Cost:
    """What trainings take, in the units that a budget may be given in."""

    flops: float
    seconds: float  # of devices
    # kwh, co2_g: the building's share (PUE) included
    kwh: float
    co2_g: float
    money: float  # in the study's currency

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(a + b for a, b in zip(self.amounts, other.amounts, strict=True)))

    @property
    def amounts(self) -> tuple[float, ...]:
        return (self.flops, self.seconds, self.kwh, self.co2_g, self.money)


@dataclass(frozen=True)
class Limits:
    """A budget, None for no limit in that unit."""

    flops: float | None
    seconds: float | None
    kwh: float | None
    co2_g: float | None
    money: float | None
    naive: float | None  # of each domain with a naive model, in FLOPs of one training of it

    @property
    def amounts(self) -> tuple[float | None, ...]:
        """In the order of `Cost.amounts`."""
        return (self.flops, self.seconds, self.kwh, self.co2_g, self.money)


@dataclass(frozen=True)
class Reached:
    """What a round of a domain knew, for those that follow."""

    target: float  # as the law is asked for it
    flops: float  # spent by then
    interval: Ends | None
    out_of_reach: float | None  # share of draws


@dataclass(frozen=True)
class RoundDomain:
    """What the next round of a domain depends on, beside its records."""

    plan: PlanSpec  # as of a plan: its ladder is what was trained
    pool: dict[str, Size]  # scale → size, the whole ladder of the study
    naive: Size | None
    batch_size: int
    number: int  # rounds made, the first among them
    made_of: str  # digest of what its trainings are made of
    before: list[Reached]  # after each round but the last


@dataclass(frozen=True)
class RoundSpec:
    """What the next round depends on, beside the records."""

    most: int  # rounds
    interval: float  # upper over lower end of N* at which a domain is sure
    limits: Limits
    costs: Prices
    domains: list[RoundDomain]


@dataclass(frozen=True)
class DomainRound:
    """What is known of a domain after the rounds so far, and what it trains next."""

    domain: str
    number: int  # rounds made, the first among them
    made_of: str  # as in RoundDomain
    state: State
    why: str  # a sentence without a full stop
    n_star: float | None
    interval: Ends | None  # None where there is no law
    out_of_reach: float | None  # share of draws
    target: float  # as the law is asked for it
    spent: Cost
    naive: Cost | None  # one training of the naive model
    runs: list[PlannedRun] = field(default_factory=list)
    next: Cost | None = None  # of those runs, as estimated
    at_most: Cost | None = None  # the upper end of that
    ratio: float | None = None  # expected standard deviation of the curve where N* may lie


@dataclass(frozen=True)
class RoundRecord:
    """All domains after a round."""

    asked: str  # digest of the spec that it answers
    domains: list[DomainRound]
    schema: SchemaVersion = SCHEMA  # version of the file

    @property
    def runs(self) -> bool:
        """Whether there is a next round."""
        return any(each.runs for each in self.domains)


@dataclass(frozen=True)
class Adopted:
    """A run that a round has added to the study."""

    round: int
    scale: str
    size: Size
    fraction: str
    seeds: list[int]


@dataclass(frozen=True)
class Begun:
    """The rounds of a domain."""

    made_of: str  # digest of what its trainings are made of: with another, it begins anew
    runs: list[Adopted] = field(default_factory=list)
    known: list[Reached] = field(default_factory=list)  # by round


@dataclass(frozen=True)
class RoundsLog:
    """The rounds that a study has begun; read whenever the Snakefile is parsed."""

    finished: str | None = None  # digest of the spec whose answer was that nothing is to be trained
    domains: dict[str, Begun] = field(default_factory=dict)
    schema: SchemaVersion = SCHEMA  # version of the file
