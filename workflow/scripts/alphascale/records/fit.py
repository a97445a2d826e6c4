"""What `fit` writes: the laws of a domain, at each fraction and jointly, and how they predict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .files import SCHEMA
from .typed import Refused, SchemaVersion

# A law as the law engine saves it (`to_json`); `laws.read` makes it a law again.
SavedLaw = dict[str, Any]


@dataclass(frozen=True)
class Estimate:
    """A predicted value with its interval, in the metric's unit."""

    mean: float  # of the law
    # lower, upper: ends of the interval; None of a parameter that has none
    lower: float | None
    upper: float | None

    def as_perplexity(self) -> Estimate:
        """Of a loss in nats, e to it; at most e^700, which a double still holds."""
        return Estimate(*(math.exp(min(each, 700.0)) for each in vars(self).values()))


@dataclass(frozen=True)
class Band:
    """A law's curve at sizes (n,), each in the metric's unit."""

    params: list[float]  # sizes, as counted
    mean: list[float]  # the curve
    # lower, upper: interval of the curve
    lower: list[float]
    upper: list[float]
    # run_lower, run_upper: interval of a single run
    run_lower: list[float]
    run_upper: list[float]


@dataclass(frozen=True)
class FittedLaw:
    """One law fitted to runs."""

    law: str  # name of its form
    params: dict[str, float]  # its parameters by name; under law auto, the weights of the laws
    warnings: list[str]  # sentences
    objective: float | None  # the least value found; None under law auto, as all that follow
    starts_agree: int | None  # starts that ended in the same optimum
    bounds_hit: list[str] | None  # parameters that ended on a bound
    condition: float | None  # of the fit, None where it is infinite or undefined
    # r2, mae, aic, n, clusters: a description, no evidence of prediction
    in_sample: dict[str, float | None] | None
    saved: SavedLaw | None  # the whole law under law auto, which is no form with parameters


@dataclass(frozen=True)
class ShownForm:
    """A law as a form with parameters, and how it describes the runs that it was fitted to."""

    law: str  # name of the form
    of: str  # what it gives: accuracy, error, loss
    expression: str  # its formula, of N
    params: dict[str, Estimate]  # its parameters by name; ends None where no resample was fitted
    in_sample: dict[str, float | None]  # r2, mae, aic, n, clusters: no evidence of prediction
    # resamples: how many were drawn; failed_resamples: how many of them could not be fitted
    resamples: int
    failed_resamples: int


@dataclass(frozen=True)
class Errors:
    """Mean error on the withheld cells."""

    law: float  # of the law
    # of repeating the largest size seen; None where none was seen at these fractions
    carry: float | None
    # of a log-log line through the largest sizes seen; None where it cannot be drawn
    line: float | None


@dataclass(frozen=True)
class WithheldCell:
    """A withheld size at a fraction: what was predicted of it, and what it reached."""

    # scale, fraction: which cell
    scale: str
    fraction: str
    params: float  # its size, as counted
    predicted: float  # by the law fitted without the withheld sizes
    # lower, upper: interval of a single run, None for a law fitted without resamples
    lower: float | None
    upper: float | None
    measured: float  # mean over its runs


@dataclass(frozen=True)
class WithheldFit(FittedLaw):
    """A law fitted without the largest sizes, and what it predicted of them."""

    measure: str  # what the errors are, a key of `fitting.withheld.MEASURES`
    errors: Errors  # of the law and of predictors that know no law
    predictions: list[WithheldCell]  # a cell each, smallest first

    @property
    def beats_naive(self) -> bool:
        """Whether neither predictor without a law missed by less."""
        others = (self.errors.carry, self.errors.line)
        return all(self.errors.law <= error for error in others if error is not None)


@dataclass(frozen=True)
class LadderFit(FittedLaw):
    """The law of one fraction and metric, on all sizes."""

    withheld: WithheldFit | Refused  # how it predicts sizes it has not seen


@dataclass(frozen=True)
class LadderPoint:
    """One size of the ladder at a fraction, and what its seeds reached."""

    scale: str  # its name
    # total, non_embedding: parameters, counted either way
    total: int
    non_embedding: int
    flops: float | None  # of one training, mean over runs that ended well; None if none did
    # metric → what those runs reached on the test split, as laws are fitted to it
    values: dict[str, list[float]]
    withheld: bool  # whether the second fit did without it
    # worst generalisation warning, LOW, MEDIUM or HIGH; None if every run diverged
    level: str | None

    def params(self, counted: str) -> int:
        """Parameters as a study counts them, `total` or `non_embedding`."""
        return getattr(self, counted)

    @property
    def runs(self) -> int:
        """How many ended well."""
        return len(next(iter(self.values.values())))


@dataclass(frozen=True)
class FractionFit:
    """One fraction of a domain's data."""

    samples: int  # unique training samples
    diverged: int  # runs that have no number
    points: list[LadderPoint]  # its sizes, smallest first
    laws: dict[str, LadderFit | Refused]  # metric, as it is fitted → its law


@dataclass(frozen=True)
class JointFit(FittedLaw):
    """The law of N and D over all fractions, for one metric."""

    expression: str  # its formula
    chosen_by: str  # how it was chosen among the candidates
    # law → how it predicts the largest sizes of every fraction
    candidates: dict[str, WithheldFit | Refused]


@dataclass(frozen=True)
class FitRecord:
    """All laws of a domain."""

    domain: str
    law: str  # form fitted at each fraction
    counted: str  # what N counts, `total` or `non_embedding`
    fractions: dict[str, FractionFit]  # fraction → its laws, smallest first
    joint: dict[str, JointFit | Refused]  # metric → the law of N and D
    schema: SchemaVersion = SCHEMA  # version of the file
