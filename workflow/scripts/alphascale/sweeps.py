"""Which cells of a ladder are swept for their learning rate, and how many trainings each job makes.

Imports nothing heavy: the Snakefile is parsed with it.
"""

from __future__ import annotations

import math

from .config import Domain
from .data.batches import COOLDOWN
from .families import family

# Smallest sizes that are swept where rates follow a law: a third moved no rate of the default
# study's ladders by more than a step of the grid (tests/benchmarks/rates.py).
SWEPT = 2


def swept(task: Domain) -> dict[str, str]:
    """Scale → fraction of the cells that a law of rates rests on: the smallest sizes on the largest
    of their fractions, runs of a plan apart as long as there are enough others, so that a rung that
    is planned below them trains none of them anew. Every cell of a domain without a law is swept.
    """
    order = sorted(task.ladder, key=lambda scale: (scale in task.runs, rough_params(task, scale)))
    return {scale: cell_fractions(task, scale)[-1] for scale in order[:SWEPT]}


def by_law(task: Domain, scale: str, fraction: str) -> bool:
    """Whether a cell is trained at the rate of the domain's law."""
    return task.training.rates == "law" and swept(task).get(scale) != fraction


def checked(task: Domain, scale: str, fraction: str) -> bool:
    """Whether a cell is where the law is checked: the largest size, on its largest fraction; runs
    of a plan apart, for which the ladder's check stands."""
    if task.training.rates != "law" or fraction != cell_fractions(task, scale)[-1]:
        return False
    own = [name for name in task.ladder if name not in task.runs] or list(task.ladder)
    largest = sorted(own, key=lambda name: rough_params(task, name))[-1]  # of equals the last
    return scale == largest and by_law(task, scale, fraction)


def members(task: Domain, scale: str, fraction: str) -> int:
    """Trainings of a cell's job, that of a check among them."""
    own = task.runs.get(scale)
    seeds = len((own and own.seeds) or task.seeds)
    if by_law(task, scale, fraction):
        return seeds + checked(task, scale, fraction)
    return seeds * len(task.training.learning_rates)


def nested(task: Domain, below: str | float = math.inf) -> list[str]:
    """The domain's fractions, below one, whose samples an epoch sees one after the other, each a
    prefix of the next, so that a training on more data begins as one on less; none but for schedule
    `cooldown`."""
    if task.training.schedule != "cooldown":
        return []
    return [each for each in task.fractions if float(each) < float(below)]


def trunk_from(task: Domain, scale: str, fraction: str) -> str | None:
    """The fraction whose job leaves the trunk that a cell's goes on from; None for one that trains
    all of it: the smallest, one that alone is swept for the law of rates, or one of no such
    schedule."""
    own = cell_fractions(task, scale)
    smaller = [each for each in nested(task, fraction) if each in own]
    if not smaller or by_law(task, scale, smaller[-1]) != by_law(task, scale, fraction):
        return None
    return smaller[-1]


def leaves_trunk(task: Domain, scale: str, fraction: str) -> bool:
    """Whether a cell's job leaves its trunk to that of another."""
    own = cell_fractions(task, scale)
    return any(trunk_from(task, scale, each) == fraction for each in own)


def on_trunk(task: Domain, scale: str, fraction: str) -> int:
    """Trainings of a cell's job that go on from its trunk: all but that of a check."""
    return members(task, scale, fraction) - checked(task, scale, fraction)


def trained(task: Domain, scale: str, fraction: str) -> float:
    """Trainings of a cell's job as so many whole ones, where those whose trunks it goes on from are
    made as well: to the roundings of steps and samples."""
    before, runs = trunk_from(task, scale, fraction), members(task, scale, fraction)
    if before is None:
        return runs
    share = (1 - COOLDOWN) * float(before) / float(fraction)
    return runs - on_trunk(task, scale, fraction) * share


def trained_at_most(task: Domain, scale: str, fraction: str) -> float:
    """As `trained`, with those that follow where the check beats the law: all other seeds."""
    own = task.runs.get(scale)
    others = len((own and own.seeds) or task.seeds) - 1
    return trained(task, scale, fraction) + others * checked(task, scale, fraction)


def rates_per_seed(task: Domain) -> int:
    """Learning rates at which a further size is trained."""
    return 1 if task.training.rates == "law" else len(task.training.learning_rates)


def cell_fractions(task: Domain, scale: str) -> list[str]:
    own = task.runs.get(scale)
    return (own and own.fractions) or task.fractions


def rough_params(task: Domain, scale: str) -> float:
    kind = family(task.family)
    return kind.rough_params(kind.complete(task.ladder[scale]))
