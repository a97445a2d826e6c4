"""The law of a domain's learning rates: what small sizes were swept for, and what follows of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace

from ..errors import UserError
from .files import SCHEMA
from .training import TrainingRecord
from .typed import SchemaVersion, read

# Rates by the law lie on a grid of so many a decade, a third apart: half a step off the best costs
# 0.2 % of the validation loss (at the curvature of fitting/rates.py), and small changes of the
# small sizes' losses train nothing anew.
PER_DECADE = 8
# The rate at which the law is checked lies a half decade below its own. Above the best rate the
# loss rises faster than below it: a law that is too high costs, one that is too low hardly does.
CHECK_STEPS = 4


@dataclass(frozen=True)
class SweptRate:
    """A learning rate of a size that was swept."""

    rate: float  # peak of the schedule
    # mean over seeds of the logarithm of the best validation loss, of a run that was stopped as its
    # gap then says; None where a seed diverged
    log_loss: float | None
    runs: int  # seeds


@dataclass(frozen=True)
class Optimum:
    """The best rate of one size that was swept, by all its rates."""

    # scale, fraction: the cell
    scale: str
    fraction: str
    params: int  # all of them
    rate: float  # geometric mean of what the best may be
    # a factor about it: e to the standard deviation, of what lies beyond the bounds as well
    factor: float
    rates: list[SweptRate]  # that were trained, smallest first


@dataclass(frozen=True)
class RateLaw:
    """log rate = log_rate + slope · log(params / at), rounded to the grid, within bounds."""

    domain: str
    optima: list[Optimum]  # of the sizes that were swept, smallest first
    at: float  # parameters, the geometric mean of the optima's
    # log_rate, slope: posterior means, and their standard deviations
    log_rate: float
    log_rate_sd: float
    slope: float
    slope_sd: float
    # lowest, highest: no rate lies beyond
    lowest: float
    highest: float
    noise: float | None  # standard deviation of log validation loss over seeds; None of one seed
    schema: SchemaVersion = SCHEMA  # version of the file

    def rate(self, params: int) -> float:
        """The learning rate of a model of so many parameters in all."""
        wanted = self.log_rate + self.slope * math.log(max(params, 1) / self.at)
        step = round(PER_DECADE * wanted / math.log(10))
        first = math.ceil(PER_DECADE * math.log10(self.lowest) - 1e-9)
        last = math.floor(PER_DECADE * math.log10(self.highest) + 1e-9)
        return on_grid(min(max(step, first), last))

    def check(self, params: int) -> float:
        """The rate that a check tries beside `rate`; it may lie below the bounds."""
        return on_grid(round(PER_DECADE * math.log10(self.rate(params))) - CHECK_STEPS)


def on_grid(step: int) -> float:
    """The rate at a step of the grid, to four digits: the same number wherever it is worked out."""
    return float(f"{10 ** (step / PER_DECADE):.4g}")


def edge_text(best: list[float], candidates: list[float]) -> str:
    """What to add where the best rate of every swept size is the smallest of the candidates, or of
    every one the largest; else empty. `best`: one a size."""
    order = sorted(set(candidates))
    if len(order) < 2 or len(set(best)) != 1 or best[0] not in (order[0], order[-1]):
        return ""
    top = best[0] == order[-1]
    side, next_to = ("largest", order[-2]) if top else ("smallest", order[1])
    return (
        f"the law rests on the edge of the list: of every size that was swept the {side} rate, "
        f"{best[0]:g}, did best; add {best[0] ** 2 / next_to:.2g} to training.learning_rates"
    )


def law_of(files: SimpleNamespace) -> RateLaw | None:
    """The law among a job's input files; None for a job that needs none."""
    path = getattr(files, "rates", None)
    return read(path, RateLaw) if path else None


def check_rate(path: str, record: TrainingRecord, law: RateLaw | None) -> None:
    """Raise UserError, naming the file, where a record by the law was trained at another rate than
    the law says today."""
    if record.spec.training.rates != "law":
        return
    (used,) = record.spec.training.learning_rates
    wanted = None if law is None else law.rate(record.params.total)
    if used != wanted:
        now = "there is none" if wanted is None else f"it is {wanted:g} now"
        raise UserError(
            f"{path}: trained at {used:g}, the learning rate of an earlier law of rates; {now}"
        )
