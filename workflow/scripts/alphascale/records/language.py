"""What `language` writes: perplexity laws of domains that are judged together."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .files import SCHEMA
from .fit import Band, FittedLaw, LadderPoint, WithheldFit
from .typed import Refused, SchemaVersion


@dataclass(frozen=True)
class LanguagePoint(LadderPoint):
    """One size of a language ladder."""

    # d_model, n_layers: its shape, None for a family without them
    d_model: float | None
    n_layers: float | None
    # perplexity, bits_per_byte: of its runs, on the test split
    perplexity: list[float]
    bits_per_byte: list[float]
    seconds: float  # of one training, its share of the job's
    peak_memory_bytes: float  # the largest of its jobs

    @property
    def mean_perplexity(self) -> float:
        """Geometric mean over its runs."""
        return math.exp(sum(map(math.log, self.perplexity)) / len(self.perplexity))


@dataclass(frozen=True)
class LawKey:
    """Which law."""

    law: str  # name of its form
    counted: str  # what N counts, `total` or `non_embedding`


@dataclass(frozen=True)
class PerplexityFit(FittedLaw):
    """A law of perplexity in N."""

    interval: dict[str, tuple[float, float]]  # parameter → ends of its interval
    failed_resamples: int  # how many could not be fitted
    withheld: WithheldFit | Refused  # how it predicts sizes it has not seen
    band: Band  # its curve over the sizes trained

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
    """Kaplan's law of the loss in N and D."""

    derived: dict[str, float]  # N_c and D_c of the paper
    interval: dict[str, tuple[float, float]]  # parameter → ends of its interval


@dataclass(frozen=True)
class Widening:
    """What doublings of width and of layers gain, over a grid of both."""

    sizes: int  # of the grid
    # width, depth: by how much a doubling lowers the logarithm of the perplexity
    width: float
    depth: float
    difference: float  # width − depth
    interval: tuple[float, float]  # of the difference
    for_parameters: float  # width / 2 − depth: a doubling of the blocks' parameters either way
    for_parameters_interval: tuple[float, float]  # of it
    says: str  # the verdict, a sentence


@dataclass(frozen=True)
class PerplexityDomain:
    """One domain of a group."""

    family: str  # of its ladder
    fraction: str | None  # the largest, which the laws in N are of; None where every run diverged
    unigram_perplexity: float | None  # what token frequencies alone reach, None if not known
    points: list[LanguagePoint]  # its sizes by total parameters
    laws: list[PerplexityLaw]  # every law at every count
    best: LawKey | None  # the one that predicts the withheld sizes best, None if none was tested
    params_and_data: PlaneFit | Refused  # the law in N and D over all fractions
    widening: Widening | Refused  # whether wider or deeper models gain more

    @property
    def best_fit(self) -> PerplexityFit | None:
        """The law that predicts best, and what it predicts."""
        if self.best is None:
            return None
        return next(row.fit for row in self.laws if row.key == self.best)


@dataclass(frozen=True)
class ExponentDifference:
    """Exponent b of one law minus that of another."""

    difference: float  # of the fitted laws
    interval: tuple[float, float]  # of the difference
    resamples: int  # pairs that it rests on
    failed_resamples: int  # pairs of which one could not be fitted
    differ: bool  # whether the interval excludes 0


@dataclass(frozen=True)
class ExponentRow(LawKey):
    """The exponents of two domains by one law."""

    exponents: dict[str, float]  # domain → b, empty if refused
    found: ExponentDifference | Refused  # their difference


@dataclass(frozen=True)
class FamilyComparison:
    """Whether two domains' families scale alike."""

    # domains, families: the domain and the one it is compared with
    domains: tuple[str, str]
    families: tuple[str, str]
    exponents: list[ExponentRow]  # by every law
    says: str  # the verdict, a sentence


@dataclass(frozen=True)
class LanguageRecord:
    """A group of language domains."""

    level: float  # coverage of every interval, in (0, 1)
    resamples: int  # of each law
    domains: dict[str, PerplexityDomain]  # by name; the first is what the others are compared with
    comparisons: list[FamilyComparison]  # each of the others with the first
    schema: SchemaVersion = SCHEMA  # version of the file
