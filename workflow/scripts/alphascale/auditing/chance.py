"""Runs that learnt nothing: no better on the test split than always naming its commonest class.

A network may die in its first steps, and its test error is then a number like any other: it stands
far above the ladder's curve and bends it. Such a run is told by two signs together. Its error is
not significantly below that of the constant answer, by a binomial test on the test samples; and its
loss is not below the entropy of the test labels, which no constant answer can beat. A weak run that
has learnt a little shows it in the loss first, and stays in the fit: to leave out runs for a high
error alone would leave the lucky ones of a weak size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..records.training import SeedRun
from ..units import percent

if TYPE_CHECKING:
    from ..records.data import PreparedData
    from .measure import Measured

# Chance at which a run that knows nothing is taken for one that knows something.
ALPHA = 0.05
# Share of the entropy by which a loss must be lower to have learnt anything.
LEARNT = 0.01
# Codes of a cell's warnings, as the observations carry them and the summary spells them.
DEAD = "at_chance_and_left_out"
WEAK = "no_better_than_the_commonest_class"
NONE = "no_run_beats_the_commonest_class"


@dataclass(frozen=True)
class Chance:
    """What can be had on a test split without looking at a sample."""

    # of its commonest class: the accuracy of always naming that; None of several labels and of
    # numbers, which the loss alone judges
    share: float | None
    samples: int  # of the split
    # loss of the best constant answer: of classes and labels the entropy of the split's, nats; of
    # numbers that of the training labels' mean
    entropy: float
    # id of a run that was trained with class weights → its `weighted_luck`
    weighted: Mapping[int, float] = field(default_factory=dict)

    def luck(self, run: SeedRun) -> float:
        """Probability that the constant answer would have as many samples right as a run has, or of
        one with class weights `weighted_luck`; where the loss alone judges, 0 or 1."""
        from scipy.special import bdtrc

        if (luck := self.weighted.get(id(run))) is not None:
            return luck
        if self.share is None:
            return float(run.test.loss > (1 - LEARNT) * self.entropy)
        right = round(run.test.accuracy * self.samples)
        return float(bdtrc(right - 1, self.samples, self.share)) if right else 1.0

    @property
    def answer(self) -> str:
        """The constant answer in words."""
        if self.weighted:
            which = "AUROC 50 %" if self.share is None else "balanced accuracy of naming one class"
            return f"chance ({which}, on {self.samples:,} test samples)"
        if self.share is None:
            return f"a constant answer, of loss {self.entropy:.3g} on {self.samples:,} test samples"
        return (
            f"always naming the commonest class, right in {percent(self.share)} of "
            f"{self.samples:,} test samples"
        )

    def dead(self, run: SeedRun) -> bool:
        """Whether a run that ended well knows nothing, by its error and by its loss; one with class
        weights by that alone which they do not move."""
        if id(run) in self.weighted:
            return self.weighted[id(run)] > ALPHA
        blind = run.test.loss > (1 - LEARNT) * self.entropy
        return blind and self.luck(run) > ALPHA


def chance_of(meta: PreparedData) -> Chance | None:
    """Of a test split; None of running text."""
    shares, samples = meta.class_shares("test"), meta.sizes["test"]
    if meta.task == "numbers":
        return Chance(None, samples, (meta.constant_rmse / meta.spread) ** 2)
    if meta.task == "labels":
        entropy = sum(entropy_of((share, 1 - share)) for share in shares) / len(shares)
        return Chance(None, samples, entropy)
    return Chance(max(shares), samples, entropy_of(shares)) if shares else None


def weighted_luck(others: Measured, meta: PreparedData) -> float | None:
    """Probability that a constant answer would do as well as a run that was trained with class
    weights; None where the test split does not tell.

    Such a run names rare classes more often than they occur: it has fewer samples right than the
    commonest class has, and a loss above the entropy. It is told by its balanced accuracy, and of
    several labels by its AUROC, whose variance is that of Mann and Whitney's count; labels that go
    together say no more than one, so the mean of their deviations is taken for that of the mean.
    """
    from scipy.special import ndtr

    counts = meta.class_counts["test"]
    if meta.task == "labels":
        if (value := others.get("auroc")) is None:
            return None
        samples = meta.sizes["test"]
        each = [math.sqrt((samples + 1) / (12 * n * (samples - n))) for n in counts]
        return float(ndtr((0.5 - value) / (sum(each) / len(each))))
    if (value := others.get("balanced_accuracy")) is None:
        return None
    there = [n for n in counts if n]
    even = 1 / len(there)
    variance = sum(even * (1 - even) / n for n in there) * even**2
    return float(ndtr((even - value) / math.sqrt(variance)))


def entropy_of(shares: Sequence[float]) -> float:
    """Of a distribution, in nats."""
    return -sum(share * math.log(share) for share in shares if share > 0)


@dataclass(frozen=True)
class Verdict:
    """What the runs of a domain show beside chance."""

    chance: Chance | None
    learnt: bool  # whether any run is better, with all of them given their chance to be lucky

    def status(self, run: SeedRun) -> str:
        """`ok`, `diverged`, or `chance` for a dead run among others that learnt: where none has,
        to leave out all would leave nothing, and `code` says so of all."""
        if run.status != "ok" or self.chance is None or not self.learnt:
            return run.status
        return "chance" if self.chance.dead(run) else "ok"

    def code(self, runs: Sequence[SeedRun]) -> str | None:
        """The warning of a cell."""
        good = [run for run in runs if run.status == "ok"]
        if self.chance is None or not good:
            return None
        if not self.learnt:
            return NONE
        if any(self.status(run) == "chance" for run in good):
            return DEAD
        return WEAK if any(self.chance.luck(run) > ALPHA for run in good) else None

    def sentence(self, runs: Sequence[SeedRun]) -> str | None:
        """The same for a person."""
        code, constant = self.code(runs), self.chance and self.chance.answer
        dead = [str(run.seed) for run in runs if self.status(run) == "chance"]
        if code == DEAD:
            return (
                f"{code}: {len(dead)} of {len(runs)} runs (seed {', '.join(dead)}) learnt nothing: "
                f"they are no better than {constant}; the laws leave them out. A "
                "smaller learning rate, warmup or more seeds may help"
            )
        if code == WEAK:
            return f"{code}: a run is no better than {constant}"
        return None


def beside_chance(chance: Chance | None, runs: Sequence[SeedRun]) -> Verdict:
    """All runs of a domain: a best one is believed if luck would hardly have made it of so many."""
    good = [run for run in runs if run.status == "ok"]
    if chance is None or not good:
        return Verdict(chance, True)
    return Verdict(chance, min(chance.luck(run) for run in good) <= ALPHA / len(good))


def nothing_learnt(domain: str, verdict: Verdict, runs: int) -> str:
    """What is to be said of a domain none of whose runs beats the commonest class."""
    chance = verdict.chance
    return (
        f"{NONE}: of {runs} runs of {domain}, none is better than {chance.answer}: no "
        "law of their errors means anything. Look at the label and at what the columns know of it, "
        "at epochs and learning_rates; of rare classes, give a target in loss, AUROC or macro F1"
    )
