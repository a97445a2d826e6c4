"""What `optimize` writes: N*, the architecture to build, its price, and what the study saves."""

from __future__ import annotations

from dataclasses import dataclass

from .files import SCHEMA
from .fit import Estimate, WithheldFit
from .specs import Prices, Size, Target
from .typed import Refused, SchemaVersion

# Ends of an interval, None for one that is out of reach.
Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class Price:
    """What one training costs, or a whole study.

    flops: forward and backward; a whole number for a run that was counted, not made.
    seconds: of training, all jobs one after another.
    kwh, co2_g: the building's share (PUE) included.
    money: in the currency of `Prices`.
    measured: whether the energy was; else it is an estimate.
    how: what the energy rests on.
    """

    flops: int | float
    seconds: float
    kwh: float
    co2_g: float
    money: float
    measured: bool = False
    how: str = ""


@dataclass(frozen=True)
class StudyPrice(Price):
    """What the ladder of a domain cost.

    members: trainings, seeds × learning rates × cells.
    """

    members: int = 0


@dataclass(frozen=True)
class Saving:
    """What N* saves against the naive model, as shares of the naive model's training.

    net, gross: of energy, with the study's cost and without it.
    net_flops, gross_flops: the same of FLOPs.
    pays_after_runs: trainings of N* that pay the study back, None for never.
    """

    net: float
    gross: float
    net_flops: float
    gross_flops: float
    pays_after_runs: float | None


@dataclass(frozen=True)
class Throughput:
    """seconds = steps · step_seconds + FLOPs / flops_per_second.

    step_seconds: overhead of a step, 0 where the throughput is stated.
    flops_per_second: of one member.
    how: where both are from.
    """

    step_seconds: float
    flops_per_second: float
    how: str

    def seconds(self, flops: float, steps: float) -> float:
        return steps * self.step_seconds + flops / self.flops_per_second


@dataclass(frozen=True)
class PricedRun:
    """One training of an architecture, not made yet.

    size: the family's keys and their values.
    params: parameters by group: total, non_embedding, embedding, body, head.
    price: what it costs.
    predicted: what one run reaches by the law, None where there is no law.
    """

    size: Size
    params: dict[str, int]
    price: Price
    predicted: Estimate | None


@dataclass(frozen=True)
class Star:
    """N* of one fraction: the smallest N whose expected metric reaches the target.

    n_star: parameters, as counted; None where the law never reaches the target.
    interval: of N*, over all resamples; those that never reach the target are without end.
    out_of_reach: their share.
    draws: resamples that count; under law auto, quantiles of its curve.
    failed_resamples: how many could not be fitted.
    floor: the law's own limit, None for a law without one.
    best_reachable: the metric at 1000 × the largest size.
    """

    n_star: float | None
    interval: Ends
    out_of_reach: float
    draws: int
    failed_resamples: int
    floor: float | None
    best_reachable: Estimate


@dataclass(frozen=True)
class CheapestPair:
    """The cheapest (N, D) that reaches the target by the joint law, with at most the pool's data.

    law: form of the joint law.
    withheld: how it predicts sizes it has not seen.
    params: N, as counted; None where no pair reaches the target, as samples, fraction and flops.
    samples: unique training samples D.
    fraction: D as a share of the pool.
    flops: of one training.
    interval: of `params`, `samples` and `flops`.
    reached: share of resamples that reach the target at all.
    failed_resamples: how many could not be fitted.
    architecture: the smallest size with N parameters, trained on D samples.
    """

    law: str
    withheld: WithheldFit | Refused
    params: float | None
    samples: int | None
    fraction: float | None
    flops: float | None
    interval: dict[str, Ends]
    reached: float
    failed_resamples: int
    architecture: PricedRun | None = None


@dataclass(frozen=True)
class LadderRange:
    """The sizes that were trained, as counted.

    smallest, largest: parameters.
    sizes: how many.
    """

    smallest: int
    largest: int
    sizes: int


@dataclass(frozen=True)
class DecisionRecord:
    """The decision on a domain.

    family: of the ladder.
    run_warnings: what went wrong in training, sentences.
    target: to be reached.
    metric: what was fitted, `error` or `loss`.
    law: form of the law.
    counted: what N counts, `total` or `non_embedding`.
    level: coverage of every interval, in (0, 1).
    resamples: of each law.
    fraction: the one decided on, the largest.
    fractions: fraction → its N*.
    withheld, in_sample, fit_warnings: of the law at that fraction, as `fit` found them.
    ladder: what was trained.
    costs: prices.
    architecture: the smallest size with N* parameters, None where there is none to build.
    unbuildable: why N* cannot be built, if so.
    naive: the model that would have been trained without a study, if one is named.
    saving: of N* against it.
    joint: the cheapest size and data together.
    study: what the ladder cost.
    throughput: what times rest on.
    schema: version of the file.
    """

    domain: str
    family: str
    run_warnings: list[str]
    target: Target
    metric: str
    law: str
    counted: str
    level: float
    resamples: int
    fraction: str
    fractions: dict[str, Star | Refused]
    withheld: WithheldFit | Refused
    in_sample: dict[str, float | None] | None
    fit_warnings: list[str]
    ladder: LadderRange
    costs: Prices
    architecture: PricedRun | None
    unbuildable: str | None
    naive: PricedRun | None
    saving: Saving | None
    joint: CheapestPair | Refused
    study: StudyPrice
    throughput: Throughput
    schema: SchemaVersion = SCHEMA

    @property
    def star(self) -> Star | Refused:
        """N* at the decision's fraction."""
        return self.fractions[self.fraction]

    @property
    def n_star(self) -> float | None:
        """N* at the decision's fraction; None where there is no law, or it never gets there."""
        return None if isinstance(self.star, Refused) else self.star.n_star
