"""What `plan` writes: the next runs of a domain, what they cost and how far they narrow it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .decision import Ends
from .files import SCHEMA
from .specs import AdoptedRun, Size, Target
from .typed import SchemaVersion


@dataclass(frozen=True)
class PlannedRun:
    """One cell to train.

    scale: a new name for the ladder.
    size: of the family.
    params: parameters in all.
    fraction: of the data.
    samples: of that fraction.
    seeds: one run each, at every learning rate.
    flops: of all of them, to the last epoch.
    """

    scale: str
    size: Size
    params: int
    fraction: str
    samples: int
    seeds: list[int]
    flops: float


@dataclass(frozen=True)
class Before:
    """The interval as it is; None for what has no end.

    point: the law's own answer: N*, FLOPs, or the metric, as `narrows` says.
    interval: its ends.
    width: natural logarithm of upper over lower end.
    out_of_reach: share of resamples that never reach the target.
    """

    point: float | None
    interval: Ends
    width: float | None
    out_of_reach: float


@dataclass(frozen=True)
class After:
    """The interval to expect after the runs; widths as in Before, None for one open above.

    futures: how many were played out and could be fitted; where none, all else is None.
    width: median over futures.
    narrow, wide: between which 80 % of them lie.
    out_of_reach: median share.
    """

    futures: int
    width: float | None
    narrow: float | None
    wide: float | None
    out_of_reach: float | None


@dataclass(frozen=True)
class AssumedNoise:
    """Standard deviations that the runs are expected to scatter with, of the law's residuals.

    run: of a run within its configuration.
    configuration: of what all runs of one share.
    """

    run: float
    configuration: float


@dataclass(frozen=True)
class PlanRecord:
    """The next runs of a domain.

    goal: `n_star` or `cheapest`, as the study asks.
    target: to be reached.
    level: coverage of every interval, in (0, 1).
    spent_flops: of the ladder so far.
    budget_flops: that the runs may take.
    members_per_seed: learning rates.
    adopted: scale → run of an earlier plan, which the study has adopted.
    empty: why there are no runs; None where there are.
    narrows: `n_star`, `cheapest_flops` or `best_reachable`; None where empty, as law, ratio, noise,
        before and after.
    law: that was designed for.
    runs: to train.
    flops: of all runs.
    ratio: expected standard deviation of the log curve, after over before.
    noise: that was assumed.
    before, after: the interval that is narrowed.
    notes: sentences.
    schema: version of the file.
    """

    domain: str
    goal: str
    target: Target
    level: float
    spent_flops: float
    budget_flops: float
    members_per_seed: int
    adopted: dict[str, AdoptedRun]
    empty: str | None = None
    narrows: str | None = None
    law: str | None = None
    runs: list[PlannedRun] = field(default_factory=list)
    flops: float = 0.0
    ratio: float | None = None
    noise: AssumedNoise | None = None
    before: Before | None = None
    after: After | None = None
    notes: list[str] = field(default_factory=list)
    schema: SchemaVersion = SCHEMA
