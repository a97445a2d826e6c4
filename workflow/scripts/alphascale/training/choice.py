"""The learning rate of a job: one for all its seeds, chosen by validation loss."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

from ..records.rates import RateLaw
from .loop import Member

# Halving: a rate is stopped after this share of the epochs where its loss is behind that of another
# by the margin (of log validation loss) and twice the standard error of their difference: a high
# rate looks worse in the midst of a schedule than at its end. None of the 46 cells of the default
# study's classifiers chose another rate, at 80 (tabular), 83 (vision) and 100 % (nlp) of the FLOPs
# (tests/benchmarks/rates.py).
STOP_AFTER = 1 / 3
MARGIN = 0.2
ERRORS = 2.0
# Standard deviation over seeds of a difference of log losses, where one seed cannot tell it.
UNKNOWN_SCATTER = 0.1
# A check beats the law's rate where its one run is better than the mean there by so many standard
# deviations of such a difference.
BEATEN = 2.0


def choose_rate(members: list[Member]) -> float:
    """The rate with the lowest mean over seeds of the best validation loss.

    A diverged member loses: a rate with fewer of them always wins over one with more. So does one
    that was stopped, and a rate that not every seed was trained at, as those of a check.
    """
    seeds = {m.seed for m in members}

    def rank(rate: float) -> tuple[int, float, float]:
        group = [m for m in members if m.learning_rate == rate]
        losses = [m.best_loss for m in group if m.status == "ok"]
        mean = sum(losses) / len(losses) if losses else math.inf
        lacking = [m for m in group if m.status == "stopped"] or len(group) < len(seeds)
        return len(seeds) + 1 if lacking else len(group) - len(losses), mean, rate

    return min({m.learning_rate for m in members}, key=rank)


def stopper(
    finished: list[Member], epochs: int, say: Callable[[str], None]
) -> Callable[[list[Member], int], None]:
    """What stops, once a third of the epochs is over, members whose rate cannot win any more.

    finished: members of earlier chunks, which those of a chunk are compared with as well; rates are
    compared seed by seed, by their lowest validation loss up to that epoch.
    """
    at = math.ceil(epochs * STOP_AFTER)

    def stop(members: list[Member], epoch: int) -> None:
        if epoch != at or at == epochs:
            return
        logs: dict[float, dict[int, float]] = {}
        for m in [*finished, *members]:
            if m.status != "diverged" and len(m.curves.validation_loss) >= at:
                loss = min(m.curves.validation_loss[:at])
                logs.setdefault(m.learning_rate, {})[m.seed] = math.log(max(loss, 1e-9))
        for rate in logs:
            behind = max((_behind(logs[rate], logs[other]) for other in logs), default=0.0)
            if behind <= 0:
                continue
            for m in members:
                if m.learning_rate == rate and m.status == "ok":
                    m.status = "stopped"
                    m.why = f"{math.expm1(behind):.0%} beyond what may still win after epoch {at}"
            say(f"learning rate {rate:g} is stopped after epoch {at}: it cannot win any more")

    return stop


def _behind(own: dict[int, float], other: dict[int, float]) -> float:
    """By how much a rate's log losses are beyond what may still win against another's."""
    shared = own.keys() & other.keys()
    gaps = [own[seed] - other[seed] for seed in shared]
    if not gaps:
        return -math.inf
    scatter = statistics.stdev(gaps) if len(gaps) > 1 else UNKNOWN_SCATTER
    return statistics.fmean(gaps) - MARGIN - ERRORS * scatter / math.sqrt(len(gaps))


def lawful(members: list[Member], rate: float, law: RateLaw) -> float:
    """The law's rate, or that of a check which has beaten it, where all seeds bear that out."""
    wins = check_wins(members, rate, law)
    return choose_rate([m for m in members if wins or m.learning_rate == rate])


def check_wins(members: list[Member], rate: float, law: RateLaw) -> bool:
    """Whether a check is better than the law's rate by more than the scatter of seeds, or goes well
    where a seed diverged at the law's."""
    own = [m for m in members if m.learning_rate == rate]
    logs = [math.log(max(m.best_loss, 1e-9)) for m in own if m.status == "ok"]
    others = [m.best_loss for m in members if m.learning_rate != rate and m.status == "ok"]
    if not others or len(logs) < len(own):
        return bool(others)
    scatter = UNKNOWN_SCATTER if law.noise is None else law.noise
    if len(logs) > 1:
        scatter = max(scatter, statistics.stdev(logs))
    gain = statistics.fmean(logs) - math.log(max(min(others), 1e-9))
    return gain > BEATEN * scatter * math.sqrt(1 + 1 / len(logs))
