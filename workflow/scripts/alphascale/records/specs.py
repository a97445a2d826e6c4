"""What each job depends on, by kind of job: the slices of a study that rules carry as JSON.

`slices` cuts them from a study; a program reads its own back (`typed.parse`). A key that stands in
no slice of a job leaves that job's result as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from ..config import Serving, Training
from ..metrics import metric
from .data import DataSpec

Size = dict[str, Any]  # a family's keys and their values


class ExpectedRecord(NamedTuple):
    """A training record that the observations are gathered from: a list in JSON, which keeps a
    ladder of thousands of cells within one argument of a command line (128 KiB).
    """

    # scale, fraction: its cell
    scale: str
    fraction: str
    spec: str  # digest of the slice that it must have been made from


@dataclass(frozen=True)
class Target:
    """What the model must reach."""

    metric: str  # of `metrics.TABLE`, but never perplexity
    value: float  # in the metric's own unit
    confidence: float = 0.9  # with which one run of the recommended size is to reach it
    # as the study gave it, where it gave one; value is then its logarithm
    perplexity: float | None = None

    @property
    def fitted(self) -> float:
        """The target in the metric that laws are fitted to: an error for an accuracy."""
        return metric(self.metric).falling(self.value)

    @property
    def law(self) -> str:
        """The metric that its law is fitted to."""
        return metric(self.metric).fitted

    @property
    def named(self) -> str:
        """The metric as the study names it."""
        return self.metric if self.perplexity is None else "perplexity"

    @property
    def given(self) -> float:
        """The target as the study gives it, in the unit of the metric it names."""
        return self.value if self.perplexity is None else self.perplexity


@dataclass(frozen=True)
class PriorFile:
    """A prior of law auto that a study names."""

    path: str
    sha256: str  # of its content: what was fitted under another is stale


@dataclass(frozen=True)
class FitSpec:
    """The laws of a domain."""

    law: str  # name of a form of the law engine
    params: str  # what N counts, `total` or `non_embedding`
    withhold: int  # how many of the largest sizes are kept from the second fit
    prior: PriorFile | None = None  # of law auto, None for the shipped one
    options: dict[str, bool | int | float] | None = None  # of laws m1 to m4 (`laws.options`)
    # that laws are fitted to, as `metrics.Metric.fitted` names them
    metrics: tuple[str, ...] = ("error", "loss")


@dataclass(frozen=True)
class BootstrapSpec:
    """The resampled laws of a domain."""

    law: str  # name of a form of the law engine
    params: str  # what N counts, `total` or `non_embedding`
    metric: str  # what the target is a value of, as laws are fitted to it: `error`, `loss`, …
    resamples: int  # bootstrap resamples per fit
    level: float  # coverage of every interval, in (0, 1)
    seed: int  # of the resampling
    prior: PriorFile | None = None  # as in FitSpec
    options: dict[str, bool | int | float] | None = None  # as in FitSpec
    others: tuple[str, ...] = ()  # the metrics of further targets, like `metric`


@dataclass(frozen=True)
class Prices:
    """Prices that turn FLOPs into energy, CO₂ and money: config.Costs, its country looked up."""

    # of one device under load, where energy was not measured; None for what each record says of its
    # own
    watts: float | None
    flops_per_second: float | None  # sustained throughput, None to take it from the study's records
    carbon_g_per_kwh: float  # g CO₂ per kWh
    carbon_source: str  # where that number is from
    pue: float  # power usage effectiveness, ≥ 1
    price_per_kwh: float  # in `currency`
    price_per_hour: float | None  # of one device, None where energy is what is paid for
    currency: str  # its label
    price_per_label: float | None = None  # of one labelled sample; None where labels are not priced


@dataclass(frozen=True)
class DecisionSpec:
    """The decision on a domain."""

    domain: str
    metric: str  # what the law of the target is fitted to, as in BootstrapSpec
    target: Target  # to be reached
    family: str  # of the ladder
    ladder: dict[str, Size]  # scale → size
    naive: Size | None  # size that would have been trained without a study, if any
    # epochs, batch_size: of every training
    epochs: int
    batch_size: int
    members: int  # trainings of a further size, seeds × learning rates
    counted: str  # what N counts, `total` or `non_embedding`
    level: float  # coverage of every interval, in (0, 1)
    costs: Prices  # prices
    others: list[Target] = field(default_factory=list)  # further targets, all to be reached too
    rates: int = 1  # learning rates of a full sweep
    swept: list[str] | None = None  # scales that were swept for a law of rates; None without one
    candidates: list[float] = field(default_factory=list)  # learning rates that those were swept at
    halving: bool = False  # whether sweeps stop rates that cannot win any more
    serving: Serving | None = None  # what is asked of the model once trained; None for nothing


@dataclass(frozen=True)
class PageSpec:
    """The what-if page of some domains."""

    title: str  # of the page
    domains: list[DecisionSpec]  # by name
    command: str  # that makes a run anew, with {scale} and {fraction}
    files: str  # digest of the page's own text, styles and programs


@dataclass(frozen=True)
class AdoptedRun:
    """A scale of a plan that the study has adopted."""

    size: Size  # of the family
    # fractions, seeds: its own, None for the domain's
    fractions: list[str] | None
    seeds: list[int] | None


@dataclass(frozen=True)
class PlanSpec:
    """The next runs of a domain: BootstrapSpec, what may be trained, and on what budget."""

    # law, params, metric, resamples, level, seed: as in BootstrapSpec
    law: str
    params: str
    metric: str
    resamples: int
    level: float
    seed: int
    # domain, target, family, ladder, epochs: as in DecisionSpec; of several targets, that which the
    # decision rests on takes the first one's place
    domain: str
    target: Target
    family: str
    ladder: dict[str, Size]
    epochs: int
    rates: int  # learning rates per seed
    seeds: list[int]  # the domain's own
    withhold: int  # as in FitSpec
    flops: float | None  # budget, None for as many as the ladder took
    goal: str  # `n_star` or `cheapest`
    reach: float  # largest size, as a multiple of the largest trained
    futures: int  # times that results are made up
    seeds_at_most: int  # of one run
    adopted: dict[str, AdoptedRun]  # scale → run of an earlier plan
    prior: PriorFile | None = None  # as in FitSpec
    options: dict[str, bool | int | float] | None = None  # as in FitSpec


@dataclass(frozen=True)
class AuditSpec:
    """What the audit asks of the configuration."""

    rates: int  # learning rates per seed
    epochs: int  # of a training
    withhold: int  # as in FitSpec
    apart: list[str]  # scales with seeds of their own
    # scale → fraction that was swept for a law of rates; None without one
    swept: dict[str, str] | None = None


@dataclass(frozen=True)
class RegimesSpec:
    """What limits a domain along each axis."""

    # domain, family, ladder: as in DecisionSpec
    domain: str
    family: str
    ladder: dict[str, Size]
    counted: str  # what N counts, `total` or `non_embedding`
    level: float  # coverage of every interval, in (0, 1)
    seed: int  # of the draws of the law in compute


@dataclass(frozen=True)
class TrainSpec:
    """One training job: all its members, seeds × learning rates."""

    # domain, scale, fraction: which cell
    domain: str
    scale: str
    fraction: str
    # family, size: what is built, defaults filled in
    family: str
    size: Size
    seeds: list[int]  # of its members
    training: Training  # how
    device: str  # where
    data: DataSpec  # what its data are made by
    # digest of a user's own model module, None for a family of the project
    factory_code: str | None = None
    # of schedule `cooldown`: the domain's smaller fractions, which an epoch sees first, each a
    # prefix of the next; a slice of any other schedule does not have the key
    nested: Annotated[list[str], Field(exclude_if=lambda given: not given)] = field(
        default_factory=list
    )

    def on(self, fraction: str) -> TrainSpec:
        """The same on another fraction; `nested` must name all that it nests."""
        smaller = [each for each in self.nested if float(each) < float(fraction)]
        return replace(self, fraction=fraction, nested=smaller)


@dataclass(frozen=True)
class RatesSpec:
    """The law of a domain's learning rates."""

    domain: str
    learning_rates: list[float]  # that were swept
    code: str  # digest of the training's code, which the records must have been made by
    records: list[ExpectedRecord]  # of the swept sizes


@dataclass(frozen=True)
class VerifySpec:
    """How verification trains."""

    # as a job of the ladder, its scale, fraction and size still empty, with fresh seeds
    train: TrainSpec
    naive: Size | None  # the naive size where it is to be trained too


@dataclass(frozen=True)
class ServingSpec:
    """What a domain's models take to answer requests: of which sizes it is measured, and how."""

    # domain, family, ladder, naive, counted: as in DecisionSpec
    domain: str
    family: str
    ladder: dict[str, Size]
    naive: Size | None
    counted: str
    batch: int  # requests answered at once, a sample each
    precision: str  # as the trainings'
    device: str  # where
    # digest of a user's own model module, None for a family of the project
    factory_code: str | None = None


@dataclass(frozen=True)
class PaceSpec:
    """What the pace of a domain's naive model depends on."""

    # domain, family, naive: as in DecisionSpec
    domain: str
    family: str
    naive: Size
    fraction: str  # the largest
    training: Training  # as the trainings', but for what takes no time of a step
    device: str  # where
    # digest of a user's own model module, None for a family of the project
    factory_code: str | None = None


@dataclass(frozen=True)
class LanguageDomain:
    """One domain of a group that is judged together."""

    family: str  # of its ladder
    withhold: int  # how many of its largest sizes are kept from a second fit


@dataclass(frozen=True)
class LanguageSpec:
    """The perplexity laws of a group of language domains."""

    domains: dict[str, LanguageDomain]  # by name; the first is what the others are compared with
    resamples: int  # bootstrap resamples per law
    level: float  # coverage of every interval, in (0, 1)
    seed: int  # of the resampling


@dataclass(frozen=True)
class ComparedDomain:
    """One domain of a group whose families are compared."""

    domain: str  # its name
    family: str  # of its ladder
    # epochs, batch_size: of every training
    epochs: int
    batch_size: int


@dataclass(frozen=True)
class CompareSpec:
    """Families on the same data: which reaches the target at less cost."""

    # the first is what the others are compared with (a list: JSON keeps no order of names)
    domains: list[ComparedDomain]
    targets: list[Target]  # of all of them; where they are not the same, of the first
    shared: bool  # whether they are the same; else only what a common error costs is asked
    counted: str  # what N counts, `total` or `non_embedding`
    level: float  # coverage of every interval, in (0, 1)
    seed: int  # of what is drawn of the times that trainings take
    costs: Prices  # prices


@dataclass(frozen=True)
class AggregateSpec:
    """The records that a domain's observations are gathered from, in the order of their paths."""

    code: str  # digest of the training's code, which all must have been made by
    records: list[ExpectedRecord]  # of the ladder
    verified: list[ExpectedRecord]  # those that verification left
