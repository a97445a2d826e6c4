"""What `language` writes: perplexity laws of domains that are judged together."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .files import SCHEMA
from .fit import Band, FittedLaw, LadderPoint, WithheldFit
from .typed import Refused, SchemaVersion


@dataclass(frozen=True)
class LanguagePoint(LadderPoint):
    """One size of a language ladder.

    d_model, n_layers: its shape, None for a family without them.
    perplexity, bits_per_byte: of its runs, on the test split.
    seconds: of one training, its share of the job's.
    peak_memory_bytes: the largest of its jobs.
    """

    d_model: float | None
    n_layers: float | None
    perplexity: list[float]
    bits_per_byte: list[float]
    seconds: float
    peak_memory_bytes: float

    @property
    def mean_perplexity(self) -> float:
        """Geometric mean over its runs."""
        return math.exp(sum(map(math.log, self.perplexity)) / len(self.perplexity))


@dataclass(frozen=True)
class LawKey:
    """Which law.

    law: name of its form.
    counted: what N counts, `total` or `non_embedding`.
    """

    law: str
    counted: str


@dataclass(frozen=True)
class PerplexityFit(FittedLaw):
    """A law of perplexity in N.

    interval: parameter → ends of its interval.
    failed_resamples: how many could not be fitted.
    withheld: how it predicts sizes it has not seen.
    band: its curve over the sizes trained.
    """

    interval: dict[str, tuple[float, float]]
    failed_resamples: int
    withheld: WithheldFit | Refused
    band: Band

    @property
    def withheld_error(self) -> float | None:
        """Mean error on the withheld sizes, None where none could be withheld."""
        return None if isinstance(self.withheld, Refused) else self.withheld.errors.law


@dataclass(frozen=True)
class PerplexityLaw(LawKey):
    """A row of the table of laws: a law, and what came of it."""

    fit: PerplexityFit | Refused

    @property
    def key(self) -> LawKey:
        return LawKey(self.law, self.counted)


@dataclass(frozen=True)
class PlaneFit(FittedLaw):
    """Kaplan's law of the loss in N and D.

    derived: N_c and D_c of the paper.
    interval: parameter → ends of its interval.
    """

    derived: dict[str, float]
    interval: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class PerplexityDomain:
    """One domain of a group.

    family: of its ladder.
    fraction: the largest, which the laws in N are of; None where every run diverged.
    unigram_perplexity: what token frequencies alone reach, None if not known.
    points: its sizes by total parameters.
    laws: every law at every count.
    best: the one that predicts the withheld sizes best, None if none was tested.
    params_and_data: the law in N and D over all fractions.
    """

    family: str
    fraction: str | None
    unigram_perplexity: float | None
    points: list[LanguagePoint]
    laws: list[PerplexityLaw]
    best: LawKey | None
    params_and_data: PlaneFit | Refused

    @property
    def best_fit(self) -> PerplexityFit | None:
        """The law that predicts best, and what it predicts."""
        if self.best is None:
            return None
        return next(row.fit for row in self.laws if row.key == self.best)


@dataclass(frozen=True)
class ExponentDifference:
    """Exponent b of one law minus that of another.

    difference: of the fitted laws.
    interval: of the difference.
    resamples: pairs that it rests on.
    failed_resamples: pairs of which one could not be fitted.
    differ: whether the interval excludes 0.
    """

    difference: float
    interval: tuple[float, float]
    resamples: int
    failed_resamples: int
    differ: bool


@dataclass(frozen=True)
class ExponentRow(LawKey):
    """The exponents of two domains by one law.

    exponents: domain → b, empty if refused.
    found: their difference.
    """

    exponents: dict[str, float]
    found: ExponentDifference | Refused


@dataclass(frozen=True)
class FamilyComparison:
    """Whether two domains' families scale alike.

    domains, families: the domain and the one it is compared with.
    exponents: by every law.
    says: the verdict, a sentence.
    """

    domains: tuple[str, str]
    families: tuple[str, str]
    exponents: list[ExponentRow]
    says: str


@dataclass(frozen=True)
class LanguageRecord:
    """A group of language domains.

    level: coverage of every interval, in (0, 1).
    resamples: of each law.
    domains: by name; the first is what the others are compared with.
    comparisons: each of the others with the first.
    schema: version of the file.
    """

    level: float
    resamples: int
    domains: dict[str, PerplexityDomain]
    comparisons: list[FamilyComparison]
    schema: SchemaVersion = SCHEMA
