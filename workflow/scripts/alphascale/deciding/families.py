"""Families on the same data: which of them reaches the target at less cost, and how sure that is.

Each family's law has draws (under law auto of its posterior, else resamples), and each draw an N*,
which costs what the family's own counts say that one training of it takes. The ladders are trained
apart, so draws of two laws are independent: all pairs of them count, and a draw that never reaches
the target costs without end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import laws
from ..errors import UserError
from ..fitting.describe import finite
from ..fitting.joint import sample_cost
from ..laws.form import predict
from ..laws.result import interval_of
from ..records.bootstrap import BootstrapRecord
from ..records.compare import (
    CompareRecord,
    Comparison,
    CostBand,
    Exponents,
    FamilyCost,
    FamilyLaw,
    MeasuredCell,
    Odds,
    Pair,
    Ratio,
)
from ..records.data import Meta
from ..records.fit import FitRecord
from ..records.runs import COUNT_COLUMN, good, largest
from ..records.specs import ComparedDomain, CompareSpec, Target
from ..records.typed import Refused
from .costs import estimated, power, price, throughput
from .star import untold
from .summary import unbeaten

if TYPE_CHECKING:
    import pandas

FloatArray = np.ndarray
MOST = 1000  # draws of one law that pairs are made of: a million pairs take 0.05 s
GRID = 160  # points of a drawn curve
STEP = 1e-4  # of log N, over which a slope is taken
MEASURES = ("flops", "kwh", "money")


@dataclass(frozen=True)
class Known:
    """What one domain has come to: the files of its stages."""

    frame: pandas.DataFrame  # observations
    meta: Meta
    fits: FitRecord
    bootstrap: BootstrapRecord


@dataclass(frozen=True)
class _Side:
    """One domain at one target."""

    law: laws.Fit | laws.AutoLaw
    cost: Callable[[FloatArray], FloatArray]  # N (n,) → FLOPs of one training, inf of an infinite N
    spent: dict[str, FloatArray]  # flops, and what times carry → of every draw (R,)


def compare(spec: CompareSpec, known: dict[str, Known]) -> CompareRecord:
    """A group of domains on each of its targets; known: by name."""
    return CompareRecord(
        level=spec.level,
        counted=spec.counted,
        law=next(iter(known.values())).fits.law,
        costs=spec.costs,
        comparisons=[_on_target(spec, target, known) for target in spec.targets],
    )


def odds(costs: dict[str, FloatArray]) -> Odds:
    """Who pays least, of the costs of every draw (R,) by domain: infinite ones reach nothing."""
    ordered = {name: np.sort(each) for name, each in costs.items()}
    least = {}
    for name, each in costs.items():
        reached = each[np.isfinite(each)]
        chance = np.ones(len(reached))
        for other, values in ordered.items():
            if other != name:
                chance *= 1 - np.searchsorted(values, reached, "right") / len(values)
        least[name] = float(chance.sum() / len(each))
    neither = float(np.prod([np.isinf(each).mean() for each in costs.values()]))
    tied = 1.0 - neither - sum(least.values())
    return Odds(least, neither, tied if tied > 1e-9 else 0.0)  # less is rounding


def ratio(value: tuple[float, float], draws: tuple[FloatArray, FloatArray], level: float) -> Ratio:
    """One cost over another: of the laws, and over all pairs of independent draws."""
    one, other = (np.log(_thinned(each)) for each in draws)
    with np.errstate(invalid="ignore"):
        pairs = (one[:, None] - other[None, :]).ravel()
    told = pairs[~np.isnan(pairs)]
    with np.errstate(all="ignore"):
        middle = np.float64(value[0]) / value[1]
        low, high = np.exp(interval_of(told, level))
    if not np.isnan(middle):
        low, high = min(low, middle), max(high, middle)
    return Ratio(finite(middle), (finite(low), finite(high)), 1 - len(told) / len(pairs))


def exponents(
    names: tuple[str, str], slopes: tuple[tuple[float, FloatArray], ...], level: float
) -> Exponents:
    """Of two laws' local exponents and those of their draws, how far they lie apart: the first
    named minus the second. That they are equal is never claimed."""
    (one, ones), (other, others) = slopes
    low, high = interval_of(np.subtract.outer(_thinned(ones), _thinned(others)).ravel(), level)
    return Exponents(
        dict(zip(names, (one, other), strict=True)), one - other, (low, high),
        not low <= 0 <= high,
    )  # fmt: skip


def slopes_at(law: laws.Fit | laws.AutoLaw, params: float) -> tuple[float, FloatArray]:
    """−d log metric / d log N at N = params: of the law, and of every draw (R,) that was fitted.

    Of the forms: between the sizes trained law auto joins what was measured, which has no slope of
    its own; and a resample's deviation from a named form is no part of its exponents either.
    """
    points = {"params": params * np.exp(np.array([0.0, STEP]))}
    if isinstance(law, laws.AutoLaw):
        drawn = -np.diff(law.log_curves(points), axis=1)[:, 0] / STEP
        return float(np.median(drawn)), drawn
    logs = (np.log(points["params"]) - np.log(law.x_scales[0]))[None]
    rows = law.theta_samples[np.isfinite(law.theta_samples).all(axis=1)]
    with np.errstate(all="ignore"):
        values = np.log(predict(laws.get_form(law.law), logs, np.vstack([law.theta[None], rows])))
    drawn = -np.diff(values, axis=1)[:, 0] / STEP
    return float(drawn[0]), drawn[1:][np.isfinite(drawn[1:])]


def common_error(
    target: float | None, cells: tuple[list[MeasuredCell], ...]
) -> tuple[float, list[int]]:
    """An error that both ladders span: the target, or the nearest to it that both do; and those of
    the two whose smallest size, at a higher target even, is better already."""
    means = [[float(np.mean(cell.values)) for cell in each] for each in cells]
    low, high = max(map(min, means)), min(map(max, means))
    error = low if target is None else max(low, min(target, high))
    return error, [i for i, each in enumerate(means) if max(each) < error]


def _on_target(spec: CompareSpec, target: Target, known: dict[str, Known]) -> Comparison:
    sides, costs = {}, {}
    for at, task in enumerate(spec.domains):
        found = known[task.domain]
        sides[task.domain] = side = _side(spec, task, target, found, at)
        costs[task.domain] = _family(spec, task, target, found, side)
    able = {name: side for name, side in sides.items() if isinstance(side, _Side)}
    first, *others = sides
    return Comparison(
        target=target,
        shared=spec.shared,
        names=[first, *others],
        domains=costs,
        odds=_odds(spec, sides, able),
        pairs={name: _pair(spec, target, (name, first), sides, costs) for name in others},
    )


def _odds(
    spec: CompareSpec, sides: dict[str, _Side | Refused], able: dict[str, _Side]
) -> dict[str, Odds] | Refused:
    if not spec.shared:
        return Refused("the domains have different targets")
    if len(able) < 2:
        name, side = next(each for each in sides.items() if isinstance(each[1], Refused))
        return Refused(f"{name} has no law ({side.refused})")
    return {
        measure: odds({name: side.spent[measure] for name, side in able.items()})
        for measure in MEASURES
        if all(measure in side.spent for side in able.values())
    }


def _side(
    spec: CompareSpec, task: ComparedDomain, target: Target, found: Known, at: int
) -> _Side | Refused:
    """The law of a domain and what it says of the target, or why it says nothing."""
    draws = found.bootstrap.of(target.law).fractions
    here = draws[largest(draws)]
    if isinstance(here, Refused):
        return here
    if why := untold(target, found.frame, found.meta):
        return Refused(why)
    law, one = laws.read(here.fit), _training_cost(spec, found)
    try:
        params = _told(law.solve_samples(target.fitted))
    except UserError as fault:
        return Refused(str(fault))
    return _Side(law, one, _spent(spec, task, found, one(params), at))


def _spent(
    spec: CompareSpec, task: ComparedDomain, found: Known, flops: FloatArray, at: int
) -> dict[str, FloatArray]:
    """What every draw's training costs (R,): FLOPs, and energy and money where the times of the
    study's jobs carry them for the middle one of those that reach the target."""
    spent, never = {"flops": flops}, np.isinf(flops)
    if never.all():
        return spent | dict.fromkeys(MEASURES[1:], flops)
    middle = _priced(spec, task, found, float(np.median(flops[~never])))
    if middle.factor is None:
        return spent
    rate, watts = _speed(spec, task, found)
    each = estimated(flops, _steps(task, found), rate, spec.costs, watts)
    # The times' own error is one factor for all of a family's sizes, drawn beside its law.
    rng = np.random.default_rng([spec.seed, at])
    off = np.exp(rng.standard_normal(len(flops)) * math.log(middle.factor) / 1.96)
    for measure in MEASURES[1:]:
        with np.errstate(invalid="ignore"):  # nothing an hour, and hours without end
            spent[measure] = np.where(never, np.inf, getattr(each, measure) * off)
    return spent


def _family(
    spec: CompareSpec, task: ComparedDomain, target: Target, found: Known, side: _Side | Refused
) -> FamilyCost:
    fraction = largest(found.fits.fractions)
    here = found.fits.fractions[fraction]
    return FamilyCost(
        family=task.family,
        fraction=fraction,
        samples=here.samples,
        measured=_measured(spec, target.law, found.frame, fraction),
        law=side if isinstance(side, Refused) else _law(spec, task, target, found, side),
    )


def _law(
    spec: CompareSpec, task: ComparedDomain, target: Target, found: Known, side: _Side
) -> FamilyLaw:
    law, fraction = side.law, largest(found.fits.fractions)
    draws = found.bootstrap.of(target.law).fractions[fraction]
    fitted = found.fits.fractions[fraction].laws[target.law]
    smallest, last = law.x_range[0]
    star = law.solve(target.fitted)
    flops = float(side.cost(np.array([star]))[0])
    low, high = interval_of(side.spent["flops"], spec.level)
    withheld = fitted if isinstance(fitted, Refused) else fitted.withheld
    return FamilyLaw(
        band=_band(law, side.cost, (smallest, max(3 * last, min(2 * star, 30 * last))), spec.level),
        draws=len(side.spent["flops"]),
        failed_resamples=draws.failed_resamples,
        params=finite(star),
        flops=finite(flops),
        interval=(finite(min(low, flops)), finite(max(high, flops))),
        out_of_reach=float(np.isinf(side.spent["flops"]).mean()),
        at_smallest=star <= smallest,
        multiple=finite(star / last),
        price=_priced(spec, task, found, flops),
        unbeaten=[] if isinstance(withheld, Refused) else unbeaten(withheld.errors),
    )


def _band(
    law: laws.Fit | laws.AutoLaw,
    cost: Callable[[FloatArray], FloatArray],
    between: tuple[float, float],
    level: float,
) -> CostBand:
    sizes = np.geomspace(*between, GRID)
    curve = law.band({"params": sizes}, level=level)
    last = float(cost(np.array([law.x_range[0][1]]))[0])
    return CostBand(*(each.tolist() for each in (cost(sizes), *curve)), last)


def _pair(
    spec: CompareSpec,
    target: Target,
    names: tuple[str, str],
    sides: dict[str, _Side | Refused],
    costs: dict[str, FamilyCost],
) -> Pair | Refused:
    """A domain beside the first, at an error that both reached."""
    for name in names:
        if isinstance(sides[name], Refused):
            return Refused(f"{name} has no law ({sides[name].refused})")
    wanted = target.fitted if spec.shared else None
    error, below = common_error(wanted, tuple(costs[name].measured for name in names))
    both = [sides[name] for name in names]
    try:
        sizes = [side.law.solve(error) for side in both]
        drawn = [_told(side.law.solve_samples(error)) for side in both]
        slopes = tuple(
            # A law that lies above all that was measured is asked at the largest size.
            slopes_at(side.law, min(size, side.law.x_range[0][1]))
            for side, size in zip(both, sizes, strict=True)
        )
    except UserError as fault:
        return Refused(str(fault))
    flops = [
        (float(side.cost(np.array([size]))[0]), side.cost(each))
        for side, size, each in zip(both, sizes, drawn, strict=True)
    ]
    return Pair(
        domains=names,
        error=error,
        of_target=error == wanted,
        below=[names[i] for i in below],
        exponents=exponents(names, slopes, spec.level),
        ratio=ratio(*zip(*flops, strict=True), spec.level),
    )


def _measured(
    spec: CompareSpec, metric: str, frame: pandas.DataFrame, fraction: str
) -> list[MeasuredCell]:
    runs = good(frame)
    runs = runs[runs["fraction"] == fraction].sort_values(COUNT_COLUMN[spec.counted])
    return [
        MeasuredCell(
            scale=scale,
            params=float(rows[COUNT_COLUMN[spec.counted]].iloc[0]),
            flops=float(rows["flops"].mean()),
            values=rows[f"test_{metric}"].tolist(),
        )
        for scale, rows in runs.groupby("scale", sort=False)
    ]


def _training_cost(spec: CompareSpec, found: Known) -> Callable[[FloatArray], FloatArray]:
    """FLOPs of one training on all the data, of N parameters (n,), by the family's own counts."""
    frame = found.frame
    seen = float(frame.loc[frame["fraction"] == largest(frame["fraction"]), "samples_seen"].iloc[0])
    each = sample_cost(frame, spec.counted)

    def cost(params: FloatArray) -> FloatArray:
        out = np.full(len(params), np.inf)
        out[np.isfinite(params)] = each(params[np.isfinite(params)]) * seen
        return out

    return cost


def _speed(spec: CompareSpec, task: ComparedDomain, found: Known):
    rate = throughput(found.frame, task.batch_size, spec.costs.flops_per_second)
    return rate, power(found.frame, spec.costs)


def _steps(task: ComparedDomain, found: Known) -> int:
    samples = found.fits.fractions[largest(found.fits.fractions)].samples
    return task.epochs * math.ceil(samples / task.batch_size)


def _priced(spec: CompareSpec, task: ComparedDomain, found: Known, flops: float):
    """The price of one training on all the data; None of one without end."""
    if math.isinf(flops):
        return None
    rate, watts = _speed(spec, task, found)
    return price(flops, _steps(task, found), rate, spec.costs, watts)


def _told(samples: FloatArray) -> FloatArray:
    """Without resamples that could not be fitted."""
    return samples[~np.isnan(samples)]


def _thinned(draws: FloatArray) -> FloatArray:
    """At most MOST of some draws, evenly by rank, so that their quantiles stay."""
    if len(draws) <= MOST:
        return draws
    return np.sort(draws)[((np.arange(MOST) + 0.5) * len(draws) / MOST).astype(int)]
