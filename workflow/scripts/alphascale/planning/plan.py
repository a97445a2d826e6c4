"""The next runs of a domain: which cells (size, fraction, seeds) narrow its answer most per FLOP.

The answer is a `questions.Question`, what could be run `candidates`, and the runs are picked by
`design.choose`. A run is counted with all its members: every seed at every learning rate, to the
last epoch.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..fitting.describe import finite
from ..fitting.joint import predictors
from ..records.data import Meta
from ..records.fit import FitRecord
from ..records.plan import After, AssumedNoise, Before, PlanRecord
from ..records.runs import jobs, largest
from ..records.specs import PlanSpec
from .candidates import Cell, candidates, planned_run
from .design import Design, Outlook, Scatter, choose, curve_draws, forecast, measured_scatter
from .questions import QUESTIONS, Question

if TYPE_CHECKING:
    import pandas


def plan(spec: PlanSpec, frame: pandas.DataFrame, fits: FitRecord, meta: Meta) -> PlanRecord:
    """The plan of one domain, from its observations and laws.

    `runs` is empty where `empty` says why: no law, nothing to train, or a budget below every run.
    """
    shares = {name: found.samples for name, found in fits.fractions.items()}
    spent = float(jobs(frame[frame["role"] == "ladder"])["job_flops"].sum())
    budget = spent if spec.flops is None else spec.flops
    record = PlanRecord(
        domain=spec.domain,
        goal=spec.goal,
        target=spec.target,
        level=spec.level,
        spent_flops=spent,
        budget_flops=budget,
        members_per_seed=spec.rates,
        adopted=spec.adopted,
    )
    try:
        question = QUESTIONS[spec.goal](spec, frame, fits, shares)
        seen = shares if spec.goal == "cheapest" else [largest(shares)]
        wanted = {fraction: shares[fraction] for fraction in seen}
        cells = candidates(spec, frame, meta, wanted, list(spec.ladder.values()), spec.withhold)
        cheap = min(cells, key=lambda cell: cell.flops)
        if cheap.flops > budget:
            raise UserError(
                f"planning.flops: {budget:.3g} FLOP buys no run: the cheapest, {cheap.size} on "
                f"{cheap.fraction} of the data, takes {cheap.flops:.3g} FLOP a seed at "
                f"{spec.rates} learning rate(s); raise the budget"
            )
        design, scatter = _design(spec, question, cells, budget)
        counts = design.counts
        if not counts.any():
            raise UserError(
                "no run that the budget buys would narrow the answer by 0.1 %: it is as sure as "
                "the candidates can make it; raise planning.flops or planning.reach"
            )
    except UserError as reason:
        return replace(record, empty=str(reason))
    return replace(
        record,
        narrows=question.narrows,
        law=question.fit.law,
        runs=[planned_run(spec, cells[i], int(counts[i])) for i in np.flatnonzero(counts)],
        flops=design.flops,
        ratio=design.ratio,
        noise=AssumedNoise(math.sqrt(scatter.run), math.sqrt(scatter.offset)),
        before=_before(question.measure(question.fit)),
        after=_after(spec, question, cells, counts, scatter),
    )


def _points(question: Question, spec: PlanSpec, cells: list[Cell]) -> dict[str, np.ndarray]:
    """The predictors of the question's law at cells."""
    params = np.array([cell.params[spec.params] for cell in cells], float)
    samples = np.array([cell.samples for cell in cells], float)
    every = predictors(params, samples, spec.epochs)
    return {name: every[name] for name in question.fit.columns}


def _design(
    spec: PlanSpec, question: Question, cells: list[Cell], budget: float
) -> tuple[Design, Scatter]:
    """Seeds of every cell, and the scatter assumed."""
    fit, points = question.fit, _points(question, spec, cells)
    scatter = measured_scatter(fit, question.columns[fit.y], question.columns[question.cluster])
    k = len(next(iter(question.places.values())))
    both = {name: np.concatenate([question.places[name], points[name]]) for name in points}
    draws = curve_draws(fit, both)
    costs = np.array([cell.flops for cell in cells])
    return choose(draws[:, :k], draws[:, k:], costs, scatter, budget, spec.seeds_at_most), scatter


def _after(
    spec: PlanSpec,
    question: Question,
    cells: list[Cell],
    counts: np.ndarray,
    scatter: Scatter,
) -> After:
    """The interval that the study would give after these runs: median over played-out futures."""
    used = np.flatnonzero(counts)
    points = _points(question, spec, [cells[i] for i in used])
    found = forecast(
        question.fit, question.columns, question.cluster, points, counts[used], scatter,
        question.refit, question.measure, spec.futures, spec.seed,
    )  # fmt: skip
    if not found:
        return After(0, None, None, None, None)
    widths = np.array([each.width for each in found])
    narrow, middle, wide = np.quantile(widths, [0.1, 0.5, 0.9], method="inverted_cdf")
    return After(
        futures=len(found),
        width=finite(middle),
        narrow=finite(narrow),
        wide=finite(wide),
        out_of_reach=float(np.median([each.out_of_reach for each in found])),
    )


def _before(found: Outlook) -> Before:
    ends = (finite(found.lower), finite(found.upper))
    return Before(finite(found.point), ends, finite(found.width), found.out_of_reach)
