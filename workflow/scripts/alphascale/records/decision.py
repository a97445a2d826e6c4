"""What `optimize` writes: N*, the architecture to build, its price, and what the study saves."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..config import Serving
from .files import SCHEMA
from .fit import Estimate, ShownForm, WithheldFit
from .specs import Prices, Size, Target
from .typed import Refused, SchemaVersion

# The family of what has none: a size of a table of runs, which is its parameters alone.
BARE = "model"
# Ends of an interval, None for one that is out of reach.
Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class Price:
    """What one training costs, or a whole study."""

    flops: int | float  # forward and backward; a whole number for a run that was counted, not made
    seconds: float  # of training, all jobs one after another
    # kwh, co2_g: the building's share (PUE) included
    kwh: float
    co2_g: float
    money: float  # in the currency of `Prices`
    measured: bool = False  # whether the energy was; else it is an estimate
    how: str = ""  # what the energy rests on
    # 95 % factor about what rests on time (seconds, kwh, co2_g, money), 1 where it was measured or
    # stated; None where the study's timings do not carry it, and it is not to be shown
    factor: float | None = 1.0
    # FLOPs of a step over those of the largest that the seconds rest on; 1 for what is not larger
    beyond: float = 1.0
    # steps of this very model that the seconds rest on; 0 where it is another's pace
    timed: int = 0


@dataclass(frozen=True)
class StudyPrice(Price):
    """What the ladder of a domain cost."""

    members: int = 0  # trainings, seeds × learning rates × cells


@dataclass(frozen=True)
class RatesUsed:
    """How a domain came to its learning rates, where it was not by a full sweep of every cell."""

    rates: int  # that a full sweep would have tried
    swept: list[str]  # scales that the law rests on; empty where sweeps were halved
    ends: tuple[float, float] | None  # smallest and largest rate of the cells that follow the law
    checked: str | None  # the scale that the law was checked at; None where it was not
    beaten: bool | None  # whether a lower rate did better there
    # sweep_flops, flops: of a full sweep of every cell, and of what was trained
    sweep_flops: float
    flops: float
    edge: str = ""  # where the law rests on the edge of the list of rates: so, and what to add


@dataclass(frozen=True)
class EnergySaving:
    """A saving of energy, with 95 % intervals: it rests on the seconds that jobs took."""

    net: float
    net_interval: tuple[float, float]
    gross: float
    gross_interval: tuple[float, float]


@dataclass(frozen=True)
class Saving:
    """What N* saves against the naive model, as shares of the naive model's training."""

    # net, gross: of FLOPs, with the study's cost and without it
    net: float
    gross: float
    pays_after_runs: float | None  # trainings of N* whose FLOPs pay the study's, None for never
    energy: EnergySaving | None  # the same of energy; None where timings do not carry it


@dataclass(frozen=True)
class Throughput:
    """seconds = steps · step_seconds + FLOPs / flops_per_second."""

    step_seconds: float  # overhead of a step, 0 where the throughput is stated
    flops_per_second: float  # of one member
    how: str  # where both are from
    # variances of step_seconds and of 1/flops_per_second, and their covariance; None where the jobs
    # do not tell, zeros where the throughput is stated
    variance: tuple[float, float, float] | None = (0.0, 0.0, 0.0)
    # most FLOPs of a step that was timed; None where it is stated
    largest_step: float | None = None

    def seconds(self, flops: float, steps: float) -> float:
        return steps * self.step_seconds + flops / self.flops_per_second


@dataclass(frozen=True)
class PricedRun:
    """One training of an architecture, not made yet."""

    size: Size  # the family's keys and their values
    params: dict[str, int]  # parameters by group: total, non_embedding, embedding, body, head
    price: Price  # what it costs
    predicted: Estimate | None  # what one run reaches by the law, None where there is no law
    chance: float | None = None  # probability that one run reaches the target, by the law


@dataclass(frozen=True)
class Star:
    """N* of one fraction: the smallest N whose expected metric reaches the target."""

    n_star: float | None  # parameters, as counted; None where the law never reaches the target
    # the smallest N at which one run reaches it with the target's confidence; None where none does
    confident: float | None
    interval: Ends  # of N*, over all resamples; those that never reach the target are without end
    out_of_reach: float  # their share
    draws: int  # resamples that count; under law auto, draws of its posterior
    failed_resamples: int  # how many could not be fitted
    floor: float | None  # the law's own limit, None for a law without one
    best_reachable: Estimate  # the metric at 1000 × the largest size

    @property
    def asks(self) -> float | None:
        """The parameters to build: at the target's confidence, or N* where no size is that sure."""
        return self.n_star if self.confident is None else self.confident


@dataclass(frozen=True)
class PairMoney:
    """What the cheapest pair costs where labels have a price, or requests are to be served."""

    labels: float  # of all of them
    # of one training; None where the study's times do not carry it: the pair is then the cheapest
    # in FLOPs, and only its labels are priced
    training: float | None
    factor: float | None  # 95 % factor about the training's
    # of all together; of the labels, where the training's is not told
    interval: Ends
    serving: float | None = None  # of all requests; None where the study asks for none

    @property
    def total(self) -> float:
        """Of labels, training and requests, as far as it is told."""
        return self.labels + (self.training or 0.0) + (self.serving or 0.0)


@dataclass(frozen=True)
class CheapestPair:
    """The cheapest (N, D) that reaches the target by the joint law, within the pool's data."""

    law: str  # form of the joint law
    withheld: WithheldFit | Refused  # how it predicts sizes it has not seen
    # N, as counted; None where no pair reaches the target, as samples, fraction and flops
    params: float | None
    samples: int | None  # unique training samples D
    fraction: float | None  # D as a share of the pool
    flops: float | None  # of one training
    interval: dict[str, Ends]  # of `params`, `samples` and `flops`
    reached: float  # share of resamples that reach the target at all
    failed_resamples: int  # how many could not be fitted
    # the smallest size with N parameters, trained on D samples
    architecture: PricedRun | None = None
    # what it costs; None where labels have no price and nothing is served, or no pair reaches the
    # target
    money: PairMoney | None = None


@dataclass(frozen=True)
class Serves:
    """What one size takes to answer a batch of requests."""

    # whether this very size was measured (its values are then no more than that); else they are of
    # the curve through those that were, with the interval of one more size
    measured: bool
    beyond: bool  # whether it is larger than all that were measured
    seconds: Estimate  # median
    seconds_95: Estimate  # 95th percentile
    memory_bytes: Estimate
    joules: Estimate


@dataclass(frozen=True)
class Lifetime:
    """What one training of a size and all its requests cost."""

    serves: Serves
    # serving_kwh, serving_co2_g, serving_money: of all requests, the building's share included
    serving_kwh: float
    serving_co2_g: float
    serving_money: float
    # kwh, co2_g, money: of training, requests and (money) labels together; None where the study's
    # times do not carry those of the training, unless it is next to nothing beside the requests
    kwh: float | None
    co2_g: float | None
    money: float | None


@dataclass(frozen=True)
class Limit:
    """The largest size within the limits, by what was measured and the curves through it."""

    limit: str  # the one that binds: `latency_ms` or `memory_mb`
    params: float | None  # as counted; None where even the smallest measured is beyond the limit
    # what one run of that size reaches, and the probability that it reaches the target; None where
    # there is no law or no size
    predicted: Estimate | None
    chance: float | None


@dataclass(frozen=True)
class Served:
    """What the model costs to keep."""

    asked: Serving  # the study's section
    device: str  # what was measured on
    energy_how: str  # how the joules were got
    measured: tuple[float, float]  # smallest and largest N measured, as counted
    # quantity of `Serves` → (a, b, c) of a + b·N^c, its curve through what was measured
    curves: dict[str, tuple[float, float, float]]
    # share of the machine's CPU time that others used meanwhile, None where not known
    others: float | None
    build: Lifetime | None  # what is recommended
    naive: Lifetime | None
    limit: Limit | None  # None where no limit is asked for, or none ever binds
    excluded: bool  # whether the limit is why nothing is recommended
    # energy, money: saved over the life, the study's cost counted, as shares of the naive model's
    # training and requests; None where one of these is not told
    energy: float | None
    money: float | None


@dataclass(frozen=True)
class DataNeeded:
    """The unique samples at which a size reaches the target, by the joint law."""

    params: int  # the size, as counted: the largest that was trained
    have: int  # unique samples at hand
    least: float  # the smallest fraction trained, as a multiple of those
    # as multiples of those: the expected metric there, its interval, and one run with the target's
    # confidence; None where it is out of reach
    needs: float | None
    interval: Ends
    confident: float | None


@dataclass(frozen=True)
class Settling:
    """The next size to train where a decision cannot be trusted yet."""

    why: str  # it cannot
    run: PricedRun  # one training of it, at all the data
    multiple: float  # of the largest size trained
    members: int  # trainings, seeds × learning rates
    left: float  # share of the curve's standard deviation at the size to build that would be left


@dataclass(frozen=True)
class LadderRange:
    """The sizes that were trained, as counted."""

    # smallest, largest: parameters
    smallest: int
    largest: int
    sizes: int  # how many


@dataclass(frozen=True)
class Beside:
    """A further target of a study, and what it asks for."""

    target: Target
    star: Star | Refused

    @property
    def asks(self) -> float | None:
        """The parameters to build for it; None where there is no law or it never gets there."""
        return None if isinstance(self.star, Refused) else self.star.asks


@dataclass(frozen=True)
class DecisionRecord:
    """The decision on a domain."""

    domain: str
    family: str  # of the ladder
    run_warnings: list[str]  # what went wrong in training, sentences
    target: Target  # to be reached
    metric: str  # what was fitted, `error` or `loss`
    law: str  # form of the law
    counted: str  # what N counts, `total` or `non_embedding`
    level: float  # coverage of every interval, in (0, 1)
    resamples: int  # of each law
    fraction: str  # the one decided on, the largest
    fractions: dict[str, Star | Refused]  # fraction → its N*
    # withheld, in_sample, fit_warnings: of the law at that fraction, as `fit` found them
    withheld: WithheldFit | Refused
    in_sample: dict[str, float | None] | None
    fit_warnings: list[str]
    ladder: LadderRange  # what was trained
    costs: Prices  # prices
    # the smallest size with as many parameters as the target's confidence asks for, or, where no
    # size is that sure, with N*; None where there is none to build
    architecture: PricedRun | None
    unbuildable: str | None  # why it cannot be built, if so
    # the model that would have been trained without a study, if one is named
    naive: PricedRun | None
    saving: Saving | None  # of N* against it
    joint: CheapestPair | Refused  # the cheapest size and data together
    data: DataNeeded | Refused  # what more data would do for the largest size trained
    settling: Settling | None  # what to train where it cannot be trusted yet
    study: StudyPrice  # what the ladder cost
    throughput: Throughput  # what times rest on
    # further targets of the study, each with its N* at that fraction; none asks for a larger one
    others: list[Beside] = field(default_factory=list)
    # that its parameters lie between two models of the ladder that only a name tells apart, and
    # which; empty where they do not
    between: str = ""
    # the law of that fraction as a form with parameters, as `bootstrap` found it
    shown: ShownForm | Refused | None = None
    samples: int | None = None  # unique training samples of that fraction
    rates: RatesUsed | None = None  # where not every cell was swept to the end
    # what the model costs to keep, or why that is not told; None where the study does not ask
    serving: Served | Refused | None = None
    schema: SchemaVersion = SCHEMA  # version of the file

    @property
    def star(self) -> Star | Refused:
        """N* at the decision's fraction."""
        return self.fractions[self.fraction]

    @property
    def n_star(self) -> float | None:
        """N* at the decision's fraction; None where there is no law, or it never gets there."""
        return None if isinstance(self.star, Refused) else self.star.n_star

    @property
    def recommended(self) -> float | None:
        """The parameters to build: at the target's confidence, or N* where no size is that sure;
        no fewer than a further target asks for."""
        if isinstance(self.star, Refused) or self.star.n_star is None:
            return None
        return max(self.star.asks, *(each.asks or 0.0 for each in self.others), 0.0)
