"""What `plan` writes: the next runs of a domain, what they cost and how far they narrow it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .decision import Ends
from .files import SCHEMA
from .specs import AdoptedRun, Size, Target
from .typed import SchemaVersion


@dataclass(frozen=True)
class PlannedRun:
    """One cell to train."""

    scale: str  # a new name for the ladder
    size: Size  # of the family
    params: int  # parameters in all
    fraction: str  # of the data
    samples: int  # of that fraction
    seeds: list[int]  # one run each, at every learning rate
    flops: float  # of all of them, to the last epoch


@dataclass(frozen=True)
class Before:
    """The interval as it is; None for what has no end."""

    point: float | None  # the law's own answer: N*, FLOPs, or the metric, as `narrows` says
    interval: Ends  # its ends
    width: float | None  # natural logarithm of upper over lower end
    out_of_reach: float  # share of resamples that never reach the target


@dataclass(frozen=True)
class After:
    """The interval to expect after the runs; widths as in Before, None for one open above."""

    futures: int  # how many were played out and could be fitted; where none, all else is None
    width: float | None  # median over futures
    # narrow, wide: between which 80 % of them lie
    narrow: float | None
    wide: float | None
    out_of_reach: float | None  # median share


@dataclass(frozen=True)
class AssumedNoise:
    """Standard deviations that the runs are expected to scatter with, of the law's residuals."""

    run: float  # of a run within its configuration
    configuration: float  # of what all runs of one share


@dataclass(frozen=True)
class PlanRecord:
    """The next runs of a domain."""

    domain: str
    goal: str  # `n_star` or `cheapest`, as the study asks
    target: Target  # to be reached
    level: float  # coverage of every interval, in (0, 1)
    spent_flops: float  # of the ladder so far
    budget_flops: float  # that the runs may take
    members_per_seed: int  # learning rates
    adopted: dict[str, AdoptedRun]  # scale → run of an earlier plan, which the study has adopted
    empty: str | None = None  # why there are no runs; None where there are
    # `n_star`, `cheapest_flops` or `best_reachable`; None where empty, as law, ratio, noise, before
    # and after
    narrows: str | None = None
    law: str | None = None  # that was designed for
    runs: list[PlannedRun] = field(default_factory=list)  # to train
    flops: float = 0.0  # of all runs
    ratio: float | None = None  # expected standard deviation of the log curve, after over before
    noise: AssumedNoise | None = None  # that was assumed
    # before, after: the interval that is narrowed
    before: Before | None = None
    after: After | None = None
    schema: SchemaVersion = SCHEMA  # version of the file
