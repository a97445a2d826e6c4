"""What each job depends on, by kind of job: the slices of a study that rules carry as JSON.

`slices` cuts them from a study; a program reads its own back (`typed.parse`). A key that stands in
no slice of a job leaves that job's result as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ..config import Training
from .data import DataSpec

Size = dict[str, Any]  # a family's keys and their values


@dataclass(frozen=True)
class Target:
    """What the model must reach.

    metric: accuracy, error (shares) or loss (nats).
    value: in the metric's own unit.
    perplexity: as the study gave it, where it gave one; value is then its logarithm.
    """

    metric: str
    value: float
    perplexity: float | None = None

    @property
    def fitted(self) -> float:
        """The target in the metric that laws are fitted to: an error for an accuracy."""
        return 1 - self.value if self.metric == "accuracy" else self.value


@dataclass(frozen=True)
class FitSpec:
    """The laws of a domain.

    law: name of a form of the law engine.
    params: what N counts, `total` or `non_embedding`.
    withhold: how many of the largest sizes are kept from the second fit.
    """

    law: str
    params: str
    withhold: int


@dataclass(frozen=True)
class BootstrapSpec:
    """The resampled laws of a domain.

    law: name of a form of the law engine.
    params: what N counts, `total` or `non_embedding`.
    metric: `error` or `loss`, what the target is a value of.
    resamples: bootstrap resamples per fit.
    level: coverage of every interval, in (0, 1).
    seed: of the resampling.
    """

    law: str
    params: str
    metric: str
    resamples: int
    level: float
    seed: int


@dataclass(frozen=True)
class Prices:
    """Prices that turn FLOPs into energy, CO₂ and money: config.Costs, its country looked up.

    watts: of one device under load, where energy was not measured.
    flops_per_second: sustained throughput, None to take it from the study's records.
    carbon_g_per_kwh: g CO₂ per kWh.
    carbon_source: where that number is from.
    pue: power usage effectiveness, ≥ 1.
    price_per_kwh: in `currency`.
    price_per_hour: of one device, None where energy is what is paid for.
    currency: its label.
    """

    watts: float
    flops_per_second: float | None
    carbon_g_per_kwh: float
    carbon_source: str
    pue: float
    price_per_kwh: float
    price_per_hour: float | None
    currency: str


@dataclass(frozen=True)
class DecisionSpec:
    """The decision on a domain.

    metric: what the laws are fitted to, `error` or `loss`.
    target: to be reached.
    family: of the ladder.
    ladder: scale → size.
    naive: size that would have been trained without a study, if any.
    epochs, batch_size: of every training.
    members: trainings per job, seeds × learning rates.
    counted: what N counts, `total` or `non_embedding`.
    level: coverage of every interval, in (0, 1).
    costs: prices.
    """

    domain: str
    metric: str
    target: Target
    family: str
    ladder: dict[str, Size]
    naive: Size | None
    epochs: int
    batch_size: int
    members: int
    counted: str
    level: float
    costs: Prices


@dataclass(frozen=True)
class AdoptedRun:
    """A scale of a plan that the study has adopted.

    size: of the family.
    fractions, seeds: its own, None for the domain's.
    """

    size: Size
    fractions: list[str] | None
    seeds: list[int] | None


@dataclass(frozen=True)
class PlanSpec:
    """The next runs of a domain: BootstrapSpec, what may be trained, and on what budget.

    law, params, metric, resamples, level, seed: as in BootstrapSpec.
    domain, target, family, ladder, epochs: as in DecisionSpec.
    rates: learning rates per seed.
    seeds: the domain's own.
    withhold: as in FitSpec.
    flops: budget, None for as many as the ladder took.
    goal: `n_star` or `cheapest`.
    reach: largest size, as a multiple of the largest trained.
    futures: times that results are made up.
    seeds_at_most: of one run.
    adopted: scale → run of an earlier plan.
    """

    law: str
    params: str
    metric: str
    resamples: int
    level: float
    seed: int
    domain: str
    target: Target
    family: str
    ladder: dict[str, Size]
    epochs: int
    rates: int
    seeds: list[int]
    withhold: int
    flops: float | None
    goal: str
    reach: float
    futures: int
    seeds_at_most: int
    adopted: dict[str, AdoptedRun]


@dataclass(frozen=True)
class AuditSpec:
    """What the audit asks of the configuration.

    rates: learning rates per seed.
    epochs: of a training.
    withhold: as in FitSpec.
    apart: scales with seeds of their own.
    """

    rates: int
    epochs: int
    withhold: int
    apart: list[str]


@dataclass(frozen=True)
class TrainSpec:
    """One training job: all its members, seeds × learning rates.

    domain, scale, fraction: which cell.
    family, size: what is built, defaults filled in.
    seeds: of its members.
    training: how.
    device: where.
    data: what its data are made by.
    factory_code: digest of a user's own model module, None for a family of the project.
    """

    domain: str
    scale: str
    fraction: str
    family: str
    size: Size
    seeds: list[int]
    training: Training
    device: str
    data: DataSpec
    factory_code: str | None = None


@dataclass(frozen=True)
class VerifySpec:
    """How verification trains.

    train: as a job of the ladder, its scale, fraction and size still empty, with fresh seeds.
    naive: the naive size where it is to be trained too.
    metric, target: as in DecisionSpec.
    """

    train: TrainSpec
    naive: Size | None
    metric: str
    target: Target


@dataclass(frozen=True)
class LanguageDomain:
    """One domain of a group that is judged together.

    family: of its ladder.
    withhold: how many of its largest sizes are kept from a second fit.
    """

    family: str
    withhold: int


@dataclass(frozen=True)
class LanguageSpec:
    """The perplexity laws of a group of language domains.

    domains: by name; the first is what the others are compared with.
    resamples: bootstrap resamples per law.
    level: coverage of every interval, in (0, 1).
    seed: of the resampling.
    """

    domains: dict[str, LanguageDomain]
    resamples: int
    level: float
    seed: int


class ExpectedRecord(NamedTuple):
    """A training record that the observations are gathered from: a list in JSON, which keeps a
    ladder of thousands of cells within one argument of a command line (128 KiB).

    scale, fraction: its cell.
    spec: digest of the slice that it must have been made from.
    """

    scale: str
    fraction: str
    spec: str


@dataclass(frozen=True)
class AggregateSpec:
    """The records that a domain's observations are gathered from, in the order of their paths.

    code: digest of the training's code, which all must have been made by.
    records: of the ladder.
    verified: those that verification left.
    """

    code: str
    records: list[ExpectedRecord]
    verified: list[ExpectedRecord]
