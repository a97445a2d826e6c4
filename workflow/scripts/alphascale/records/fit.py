"""What `fit` writes: the laws of a domain, at each fraction and jointly, and how they predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .files import SCHEMA
from .typed import Refused, SchemaVersion

# A law as the law engine saves it (`to_json`); `laws.read` makes it a law again.
SavedLaw = dict[str, Any]


@dataclass(frozen=True)
class Estimate:
    """A predicted value with its interval, in the metric's unit.

    mean: of the law.
    lower, upper: ends of the interval.
    """

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Band:
    """A law's curve at sizes (n,), each in the metric's unit.

    params: sizes, as counted.
    mean: the curve.
    lower, upper: interval of the curve.
    run_lower, run_upper: interval of a single run.
    """

    params: list[float]
    mean: list[float]
    lower: list[float]
    upper: list[float]
    run_lower: list[float]
    run_upper: list[float]


@dataclass(frozen=True)
class FittedLaw:
    """One law fitted to runs.

    law: name of its form.
    params: its parameters by name; under law auto, the weights of the laws.
    warnings: sentences.
    objective: the least value found; None under law auto, as all that follow.
    starts_agree: starts that ended in the same optimum.
    bounds_hit: parameters that ended on a bound.
    condition: of the fit, None where it is infinite or undefined.
    in_sample: r2, mae, aic, n, clusters: a description, no evidence of prediction.
    saved: the whole law under law auto, which is no form with parameters.
    """

    law: str
    params: dict[str, float]
    warnings: list[str]
    objective: float | None
    starts_agree: int | None
    bounds_hit: list[str] | None
    condition: float | None
    in_sample: dict[str, float | None] | None
    saved: SavedLaw | None


@dataclass(frozen=True)
class Errors:
    """Mean error on the withheld cells.

    law: of the law.
    carry: of repeating the largest size seen; None where none was seen at these fractions.
    line: of a log-log line through the largest sizes seen; None where it cannot be drawn.
    """

    law: float
    carry: float | None
    line: float | None


@dataclass(frozen=True)
class WithheldCell:
    """A withheld size at a fraction: what was predicted of it, and what it reached.

    scale, fraction: which cell.
    params: its size, as counted.
    predicted: by the law fitted without the withheld sizes.
    lower, upper: interval of a single run, None for a law fitted without resamples.
    measured: mean over its runs.
    """

    scale: str
    fraction: str
    params: float
    predicted: float
    lower: float | None
    upper: float | None
    measured: float


@dataclass(frozen=True)
class WithheldFit(FittedLaw):
    """A law fitted without the largest sizes, and what it predicted of them.

    measure: what the errors are, a key of `fitting.withheld.MEASURES`.
    errors: of the law and of predictors that know no law.
    predictions: a cell each, smallest first.
    """

    measure: str
    errors: Errors
    predictions: list[WithheldCell]

    @property
    def beats_naive(self) -> bool:
        """Whether neither predictor without a law missed by less."""
        others = (self.errors.carry, self.errors.line)
        return all(self.errors.law <= error for error in others if error is not None)


@dataclass(frozen=True)
class LadderFit(FittedLaw):
    """The law of one fraction and metric, on all sizes.

    withheld: how it predicts sizes it has not seen.
    """

    withheld: WithheldFit | Refused


@dataclass(frozen=True)
class LadderPoint:
    """One size of the ladder at a fraction, and what its seeds reached.

    scale: its name.
    total, non_embedding: parameters, counted either way.
    flops: of one training, mean over runs that ended well; None if none did.
    errors, losses: of those runs, test error (a share) and loss (nats).
    withheld: whether the second fit did without it.
    level: worst generalisation warning, LOW, MEDIUM or HIGH; None if every run diverged.
    """

    scale: str
    total: int
    non_embedding: int
    flops: float | None
    errors: list[float]
    losses: list[float]
    withheld: bool
    level: str | None

    def params(self, counted: str) -> int:
        """Parameters as a study counts them, `total` or `non_embedding`."""
        return getattr(self, counted)

    def reached(self, metric: str) -> list[float]:
        """Its runs' `error` or `loss`."""
        return {"error": self.errors, "loss": self.losses}[metric]


@dataclass(frozen=True)
class FractionFit:
    """One fraction of a domain's data.

    samples: unique training samples.
    diverged: runs that have no number.
    points: its sizes, smallest first.
    error, loss: the laws of either metric.
    """

    samples: int
    diverged: int
    points: list[LadderPoint]
    error: LadderFit | Refused
    loss: LadderFit | Refused

    def of(self, metric: str) -> LadderFit | Refused:
        """The law of `error` or `loss`."""
        return {"error": self.error, "loss": self.loss}[metric]


@dataclass(frozen=True)
class JointFit(FittedLaw):
    """The law of N and D over all fractions, for one metric.

    expression: its formula.
    chosen_by: how it was chosen among the candidates.
    candidates: law → how it predicts the largest sizes of every fraction.
    """

    expression: str
    chosen_by: str
    candidates: dict[str, WithheldFit | Refused]


@dataclass(frozen=True)
class FitRecord:
    """All laws of a domain.

    law: form fitted at each fraction.
    counted: what N counts, `total` or `non_embedding`.
    fractions: fraction → its laws, smallest first.
    joint: metric → the law of N and D.
    schema: version of the file.
    """

    domain: str
    law: str
    counted: str
    fractions: dict[str, FractionFit]
    joint: dict[str, JointFit | Refused]
    schema: SchemaVersion = SCHEMA
