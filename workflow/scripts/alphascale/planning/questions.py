"""What a plan narrows: N* at the full data, or the FLOPs of the cheapest (N, D).

`n_star`: its law is fitted at the full fraction alone, so only runs there tell anything.
`cheapest`: by the joint law, which runs at every fraction inform. To first order either is moved by
the curve's value at the answer alone (for the cheapest pair by the envelope theorem), so both are
designed for by draws of the curve at places where the answer may lie.

Where the fitted law never reaches the target there is no N* to narrow: the plan then narrows the
best that the law can see (the curve at 1000 × the largest size), and says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import laws
from ..errors import UserError
from ..fitting.joint import (
    PREDICTORS,
    REACH,
    beliefs_of,
    cheapest,
    fit_cells,
    joint_columns,
    predictors,
    sample_cost,
)
from ..fitting.ladder import fit_ladder, ladder_columns, others_of
from ..laws.result import interval_of
from ..records.fit import FitRecord
from ..records.runs import good, largest, tested
from ..records.specs import PlanSpec
from ..records.typed import Refused
from .design import Outlook

if TYPE_CHECKING:
    import pandas

# Where the answer may lie: these quantiles of its resamples, one place each.
PLACES = (0.1, 0.3, 0.5, 0.7, 0.9)
RESAMPLES = 200  # at most, of a refit: it is one of many


@dataclass(frozen=True)
class Question:
    """What is to be narrowed."""

    narrows: str  # `n_star`, `cheapest_flops` or `best_reachable`
    fit: laws.Fit  # the law with its resamples
    columns: dict[str, np.ndarray]  # what it was made of
    cluster: str  # the column whose value the runs of one configuration share
    places: dict[str, np.ndarray]  # predictors where the answer may lie
    refit: Callable[[dict[str, np.ndarray]], laws.Fit]  # makes the law anew from columns
    measure: Callable[[laws.Fit], Outlook]  # reads a law's interval


def n_star(
    spec: PlanSpec, frame: pandas.DataFrame, fits: FitRecord, shares: dict[str, int]
) -> Question:
    """N* at the largest fraction; or, out of reach, the best that the law can see."""
    part = frame[frame["fraction"] == largest(shares)]
    metric, level, target = spec.metric, spec.level, spec.target.fitted
    columns = ladder_columns(part, metric, spec.params)
    others = others_of(frame, largest(shares), metric, spec)

    def refit(data: dict[str, np.ndarray], resamples: int = RESAMPLES) -> laws.Fit | laws.AutoLaw:
        count = min(resamples, spec.resamples)
        return fit_ladder(data, metric, spec.law, others, count, level, spec.seed)

    fit = refit(columns, spec.resamples)
    far = fit.x_range[0][1] * REACH
    reachable = math.isfinite(fit.solve(target))

    def samples(found: laws.Fit) -> np.ndarray:
        each = found.solve_samples(target)
        return each[~np.isnan(each)]

    def size(found: laws.Fit) -> Outlook:
        each, point = samples(found), found.solve(target)
        lower, upper = interval_of(each, level)
        return Outlook(
            point, max(min(lower, point), 1.0), max(upper, point), float(np.isinf(each).mean())
        )

    def best(found: laws.Fit) -> Outlook:
        ends = (float(each[0]) for each in found.band({"params": [far]}, level))
        return Outlook(*ends, float(np.isinf(samples(found)).mean()))

    # An N* beyond what may be trained counts where that ends: farther places draw runs to the far
    # end, and intervals come out 6 % wider at the same FLOPs (simulated, N* 3 × the largest).
    edge = fit.x_range[0][1] * spec.reach
    at = np.quantile(np.minimum(samples(fit), edge), PLACES) if reachable else [far]
    places = {"params": np.asarray(at, float)}
    narrows, measure = ("n_star", size) if reachable else ("best_reachable", best)
    return Question(narrows, fit, columns, "scale", places, refit, measure)


def cheapest_pair(
    spec: PlanSpec, frame: pandas.DataFrame, fits: FitRecord, shares: dict[str, int]
) -> Question:
    """FLOPs of the cheapest (N, D) that reaches the target, by the joint law that `fit` chose."""
    metric, level, target = spec.metric, spec.level, spec.target.fitted
    chosen = fits.joint[metric]
    if isinstance(chosen, Refused):
        raise UserError(f"no joint law to plan for (planning.goal: cheapest): {chosen.refused}")
    law, samples = chosen.law, list(shares.values())
    columns = joint_columns(good(frame), law, metric, spec.params)
    cost, sizes = sample_cost(frame, spec.params), columns["params"]

    def refit(data: dict[str, np.ndarray], resamples: int = RESAMPLES) -> laws.Fit:
        count = min(resamples, spec.resamples)
        return fit_cells(
            data, law, metric, resamples=count, level=level, seed=spec.seed,
            prior=beliefs_of(spec.prior), tested=tested(frame, metric),
        )  # fmt: skip

    def ways(found: laws.Fit) -> np.ndarray:
        ends = (float(sizes.min()), float(sizes.max()))
        return cheapest(found, target, cost, ends, (min(samples), max(samples)), spec.epochs)

    def measure(found: laws.Fit) -> Outlook:
        flops = ways(found)[:, 2]
        tail = (1 - level) / 2
        low, high = np.quantile(flops[1:], [tail, 1 - tail], method="inverted_cdf")
        ends = (float(flops[0]), float(min(low, flops[0])), float(max(high, flops[0])))
        return Outlook(*ends, float(np.isinf(flops[1:]).mean()))

    fit = refit(columns, spec.resamples)
    found = ways(fit)
    reached = found[1:][np.isfinite(found[1:, 2])]
    if not math.isfinite(found[0, 2]) or 2 * len(reached) < len(found):
        raise UserError(
            "the joint law does not reach the target with the data at hand, so there is no "
            "cheapest (N, D) to narrow; plan for planning.goal: n_star, or ask for a target "
            "within reach"
        )
    order = reached[np.argsort(reached[:, 2])]
    rows = order[[int(q * (len(order) - 1)) for q in PLACES]]
    places = predictors(rows[:, 0], rows[:, 1], spec.epochs)
    places = {name: places[name] for name in ("params", *PREDICTORS[law])}
    return Question("cheapest_flops", fit, columns, "cell", places, refit, measure)


QUESTIONS = {"n_star": n_star, "cheapest": cheapest_pair}
