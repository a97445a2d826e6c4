"""The next runs of a domain: which cells (size, fraction, seeds) narrow its answer most per FLOP.

The answer is a `questions.Question`, the runs are picked by `design.choose`; here is what could be
run: sizes that can be built, the fractions that the answer's law sees, and what each costs. A run
is counted with all its members: every seed at every learning rate, to the last epoch.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..fitting.describe import finite
from ..fitting.joint import predictors
from ..networks.count import count_flops, count_params
from ..networks.search import smallest_with
from ..records.data import Meta
from ..records.fit import FitRecord
from ..records.plan import After, AssumedNoise, Before, PlannedRun, PlanRecord
from ..records.runs import jobs, largest
from ..records.specs import PlanSpec, Size
from .design import Design, Outlook, Scatter, choose, curve_draws, forecast, measured_scatter
from .questions import QUESTIONS, Question

if TYPE_CHECKING:
    import pandas

# Candidate sizes: a dozen a decade, as far as the family can be built so finely.
PER_DECADE = 12


@dataclass(frozen=True)
class Cell:
    """A run that could be made."""

    # size, params: the architecture, and its parameters by group
    size: Size
    params: dict[str, int]
    # fraction, samples: of the data
    fraction: str
    samples: int
    flops: float  # of one seed at every learning rate, trained to the last epoch
    used: frozenset[int]  # seeds that it was trained with before


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
        cells = _cells(spec, frame, meta, shares)
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
        runs=[_run(spec, cells[i], int(counts[i])) for i in np.flatnonzero(counts)],
        flops=design.flops,
        ratio=design.ratio,
        noise=AssumedNoise(math.sqrt(scatter.run), math.sqrt(scatter.offset)),
        before=_before(question.measure(question.fit)),
        after=_after(spec, question, cells, counts, scatter),
    )


def _cells(
    spec: PlanSpec, frame: pandas.DataFrame, meta: Meta, shares: dict[str, int]
) -> list[Cell]:
    """What could be trained: sizes from the smallest to `reach` × the largest, at each fraction
    that the goal's law sees. A size that was trained may be trained again with other seeds, but for
    the largest, withheld: a second scale of that size would let the law see it."""
    rungs, counted = list(spec.ladder.values()), spec.params
    counts = [count_params(spec.family, size, meta) for size in rungs]
    known = sorted({count[counted] for count in counts})
    most = known[-1] * spec.reach
    withheld = known[len(known) - spec.withhold :]
    built = {count["total"]: (s, count) for s, count in zip(rungs, counts, strict=True)}
    steps = max(2, math.ceil(PER_DECADE * math.log10(most / known[0])) + 1)
    for params in np.geomspace(known[0], most, steps):
        try:
            size, count = smallest_with(spec.family, params, rungs, meta, counted)
        except UserError:
            continue  # a family of the user's own may not be built so large
        if count[counted] <= most:
            built.setdefault(count["total"], (size, count))
    wanted = sorted(shares, key=float) if spec.goal == "cheapest" else [largest(shares)]
    cells = []
    for total, (size, count) in sorted(built.items()):
        if count[counted] in withheld:
            continue
        per_sample = count_flops(spec.family, size, meta)["training"] * spec.epochs
        for fraction in wanted:
            here = frame[(frame["params"] == total) & (frame["fraction"] == fraction)]
            used = frozenset(int(seed) for seed in here["seed"])
            flops = float(per_sample * shares[fraction] * spec.rates)
            cells.append(Cell(size, count, fraction, shares[fraction], flops, used))
    return cells


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


def _run(spec: PlanSpec, cell: Cell, count: int) -> PlannedRun:
    """One planned cell: a scale of its own, its size, fraction and seeds.

    Seeds are the domain's own, then others, but for those that the size was trained with before and
    those that `snakemake verify` would take.
    """
    own = spec.seeds
    after = itertools.count(max(own) + 1 + len(own))
    fresh = (seed for seed in itertools.chain(own, after) if seed not in cell.used)
    name = f"p{cell.params['total']}"
    if spec.goal == "cheapest":
        name += f"-{cell.fraction}"
    names = itertools.chain([name], (f"{name}-{again}" for again in itertools.count(2)))
    return PlannedRun(
        scale=next(name for name in names if name not in spec.ladder),
        size=cell.size,
        params=cell.params["total"],
        fraction=cell.fraction,
        samples=cell.samples,
        seeds=list(itertools.islice(fresh, count)),
        flops=cell.flops * count,
    )


def _before(found: Outlook) -> Before:
    ends = (finite(found.lower), finite(found.upper))
    return Before(finite(found.point), ends, finite(found.width), found.out_of_reach)
