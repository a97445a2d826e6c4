"""One step of a study by rounds: what is known, whether it is enough, and what to train next.

A domain has ended where N*'s interval is as narrow as asked, where its draws say that the target is
out of reach, where the budget is used up, or where nothing that could be trained tells more. Else
`policy` picks its next runs.

Where a joint law of N and D was fitted, runs are chosen by its draws: runs on less of the data then
count for what they tell of the curve at all of it. Its cells never lie on one line of log N and
log D, from which neither exponent could be told: the first round trains each of its sizes at each
fraction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .. import laws
from ..deciding.star import NOTHING_LEARNT
from ..fitting.joint import predictors
from ..fitting.ladder import ladder_columns
from ..planning.candidates import Cell, candidates, planned_run
from ..planning.design import Design
from ..records.bootstrap import BootstrapRecord
from ..records.data import Meta
from ..records.decision import DecisionRecord, Ends, Star
from ..records.rounds import UNITS, Cost, DomainRound, RoundDomain, RoundRecord, RoundSpec
from ..records.runs import good, largest
from ..records.specs import Size
from ..records.typed import Refused, digest_of
from ..units import percent
from .amounts import amounts, pricing, scaled, spent, total
from .policy import GIVEN_UP, pick, places, stalled, width

if TYPE_CHECKING:
    import pandas

# Of what is left of a budget in hours, energy or money, which are estimates, a round of several
# jobs may be planned for so much: should they take twice as long, the budget still holds.
CAUTION = 0.5


@dataclass(frozen=True)
class Known:
    """What the stages made of a domain's runs."""

    frame: pandas.DataFrame
    decision: DecisionRecord
    bootstrap: BootstrapRecord
    meta: Meta


def next_round(spec: RoundSpec, known: list[Known]) -> RoundRecord:
    """The next runs of all domains; none where all have ended. known: in the spec's order."""
    now = [_assessed(spec, own, each) for own, each in zip(spec.domains, known, strict=True)]
    taken = total(each.spent for each in now)
    left = [
        None if limit is None else limit - used
        for limit, used in zip(spec.limits.amounts, taken.amounts, strict=True)
    ]
    found = list(now)
    going = [i for i, each in enumerate(now) if each.state == "goes_on"]

    def plan(i: int, among: int) -> None:
        shares = [None if each is None else each / among for each in left]
        found[i] = _planned(spec, spec.domains[i], known[i], now[i], shares)

    # Each domain that goes on may take its part of what is left, so that none waits for another;
    # one that has nothing more to train leaves its own to those.
    some = going
    while some:
        for i in some:
            plan(i, len(some))
        fewer = [i for i in some if found[i].runs]
        if fewer == some:
            break
        some = fewer
    # What buys nothing in parts may still buy a run of one of them.
    for i in going:
        if not any(each.runs for each in found):
            plan(i, 1)
    return RoundRecord(digest_of(spec), found)


def _assessed(spec: RoundSpec, own: RoundDomain, known: Known) -> DomainRound:
    """What is known of a domain, and whether that is enough."""
    star, level = known.decision.star, f"{known.decision.level:.0%}"
    naive = known.decision.naive
    record = DomainRound(
        domain=own.plan.domain,
        number=own.number,
        made_of=own.made_of,
        state="goes_on",
        why="",
        n_star=known.decision.n_star,
        interval=None if isinstance(star, Refused) else star.interval,
        out_of_reach=None if isinstance(star, Refused) else star.out_of_reach,
        target=known.decision.target.fitted,
        spent=spent(known.frame, spec.costs),
        naive=None if naive is None else amounts(naive.price),
    )
    if isinstance(star, Refused):
        return replace(record, why=f"there is no law yet: {star.refused}")
    wide = math.exp(_width(star))
    if wide <= spec.interval * (1 + 1e-9):
        why = f"the upper end of N*'s {level} interval is {wide:.3g} times the lower"
        return replace(record, state="sure", why=f"{why}, {spec.interval:g} was asked")
    earlier = [each for each in own.before if each.target == record.target]
    gone = max((each.out_of_reach or 0.0 for each in earlier), default=0.0)
    if min(star.out_of_reach, gone) >= GIVEN_UP:
        why = f"the target is out of reach in {percent(star.out_of_reach)} of draws"
        return replace(record, state="out_of_reach", why=f"{why}, as it was a round before")
    before = [(each.flops, _wide(each.interval)) for each in earlier]
    shown = "open above" if math.isinf(wide) else f"{wide:.3g} times from end to end"
    then = stalled(before, record.spent.flops, _width(star))
    if then is not None:
        why = (
            f"N*'s {level} interval is {shown}, and was {math.exp(then):.3g} times at half the "
            f"cost or less: more runs do not narrow it to the {spec.interval:g} asked"
        )
        return replace(record, state="stalled", why=why)
    if own.number >= spec.most:
        return replace(record, state="exhausted", why=f"study.rounds: {spec.most} were made")
    return replace(record, why=f"N*'s {level} interval is {shown}, {spec.interval:g} is asked")


def _width(star: Star) -> float:
    """As `policy.width`, of the decision's N*."""
    return math.inf if star.n_star is None else _wide(star.interval)


def _wide(interval: Ends | None) -> float:
    """As `policy.width`, of ends as records have them."""
    if interval is None or None in interval:
        return math.inf
    return width(interval)


def _planned(
    spec: RoundSpec, own: RoundDomain, known: Known, now: DomainRound, shares: list[float | None]
) -> DomainRound:
    """The domain with its next runs, or why it has none."""
    plan = replace(own.plan, metric=known.decision.metric, target=known.decision.target)
    if spec.limits.naive is not None and now.naive is not None:
        mine = spec.limits.naive * now.naive.flops - now.spent.flops
        shares = [mine if shares[0] is None else min(mine, shares[0]), *shares[1:]]
    joint, fit = _law(known)
    fractions = {
        fraction: int(part["samples"].iloc[0])
        for fraction, part in known.frame.groupby("fraction")
        if joint or fraction == largest(known.frame["fraction"])
    }
    cells = candidates(plan, known.frame, known.meta, fractions, list(own.pool.values()))
    rate = pricing(known.frame, spec.costs, plan.epochs, own.batch_size)
    prices = [rate.of(cell.flops, cell.samples, plan.rates) for cell in cells]
    upper = np.array([most.amounts for _, most in prices])
    whole = _share(upper, shares)
    if fit is None and not _may_learn(known):
        return replace(now, state="exhausted", why=now.why)
    if not (whole <= 1).any():
        return _ended(spec, now, cells, upper, shares)
    if fit is None:
        return _climbed(own, known, now, cells, prices, whole)
    if known.decision.star.out_of_reach >= GIVEN_UP:
        return _probed(own, known, now, cells, prices, whole)
    careful = [
        each if each is None or unit == 0 else each * CAUTION for unit, each in enumerate(shares)
    ]
    before = max(now.spent.flops, 1.0)

    def cost(growth: float) -> np.ndarray:
        return np.maximum(_share(upper, careful), upper[:, 0] / (growth * before))

    # Of several jobs none may fit with caution: then one that fits without.
    for allowed in (cost, lambda growth: np.where(whole <= 1, 1.0, 2.0)):
        design = _design(spec, plan, known, fit, cells, allowed)
        if design.counts.any():
            return _with(plan, own, now, cells, prices, design.counts, design.ratio)
    why = "no run that could be trained would narrow the answer by 0.1 %"
    if (whole > 1).any():
        return replace(now, state="budget", why=f"{why} within what is left of the budget")
    return replace(now, state="exhausted", why=why)


def _law(known: Known) -> tuple[bool, laws.Fit | laws.AutoLaw | None]:
    """Whether the law that runs are chosen by is the joint one, and it; else that of the largest
    fraction, None where there is none."""
    draws = known.bootstrap.of(known.decision.metric)
    if isinstance(known.decision.star, Refused):
        return False, None
    if not isinstance(draws.joint, Refused):
        return True, laws.read(draws.joint.fit)
    return False, laws.read(draws.fractions[largest(draws.fractions)].fit)


def _share(upper: np.ndarray, left: list[float | None]) -> np.ndarray:
    """What each candidate takes of what is left, (n,): the largest share over the limits. upper:
    (n, units)."""
    shares = [np.zeros(len(upper))]
    for unit, each in enumerate(left):
        if each is not None:
            shares.append(upper[:, unit] / each if each > 0 else np.full(len(upper), np.inf))
    return np.max(shares, axis=0)


def _design(spec, plan, known: Known, fit, cells: list[Cell], cost) -> Design:
    """The runs of every candidate that `policy.pick` takes."""
    metric, top = plan.metric, largest(known.frame["fraction"])
    part = known.frame[known.frame["fraction"] == top]
    columns, samples = ladder_columns(part, metric, plan.params), float(part["samples"].iloc[0])
    law = laws.read(known.bootstrap.of(metric).fractions[top].fit)
    at = places(law.solve_samples(plan.target.fitted), columns["params"].max() * plan.reach)
    params = np.array([cell.params[plan.params] for cell in cells], float)
    on = np.array([cell.samples for cell in cells], float)
    return pick(
        fit,
        predictors(at, samples, plan.epochs),
        predictors(params, on, plan.epochs),
        (columns[metric], columns["scale"]),
        cost,
        plan.seeds_at_most,
        _width(known.decision.star),
        math.log(spec.interval),
    )


def _may_learn(known: Known) -> bool:
    """Whether a larger size may bring the law that there is none of yet: where none has learnt
    anything, or a size has no run that ended well. Too few samples to tell the target, or a metric
    that rises, no size mends."""
    ended = set(good(known.frame)["scale"]) == set(known.frame["scale"])
    return not ended or known.decision.star.refused.endswith(NOTHING_LEARNT)


def _climbed(
    own: RoundDomain, known: Known, now: DomainRound, cells: list[Cell],
    prices: list[tuple[Cost, Cost]], whole: np.ndarray,
) -> DomainRound:  # fmt: skip
    """Where there is no law, as of runs that all learnt nothing: the next size of the ladder."""
    trained, seeds = known.frame["params"].max(), len(own.plan.seeds)
    sizes = {_key(size) for size in own.pool.values()}
    top = largest(known.frame["fraction"])
    for i, cell in enumerate(cells):
        larger = cell.params["total"] > trained and cell.fraction == top
        if not larger or _key(cell.size) not in sizes:
            continue
        if whole[i] * seeds > 1:
            why = f"{now.why}; the next size of the ladder takes more than is left of the budget"
            return replace(now, state="budget", why=why)
        counts = np.zeros(len(cells), int)
        counts[i] = seeds
        return _with(own.plan, own, now, cells, prices, counts, None)
    return replace(now, state="exhausted", why=f"{now.why}; no larger size of the ladder is left")


def _probed(
    own: RoundDomain, known: Known, now: DomainRound, cells: list[Cell],
    prices: list[tuple[Cost, Cost]], whole: np.ndarray,
) -> DomainRound:  # fmt: skip
    """Before a target is given up: one run of the largest size beyond those that were trained that
    what is left buys, for no more than all rounds before it. Runs that narrow the curve where it
    is known say nothing of whether it is right where it is not."""
    trained, top = known.frame["params"].max(), largest(known.frame["fraction"])
    most = max(now.spent.flops, 1.0)
    larger = [
        i
        for i, cell in enumerate(cells)
        if cell.params["total"] > trained and cell.fraction == top
        and whole[i] <= 1 and prices[i][0].flops <= most
    ]  # fmt: skip
    if not larger:
        why = f"the target is out of reach in {percent(known.decision.star.out_of_reach)} of draws"
        why = f"{why}, and no larger size is within what is left and what was spent so far"
        return replace(now, state="out_of_reach", why=why)
    counts = np.zeros(len(cells), int)
    counts[max(larger, key=lambda i: cells[i].params["total"])] = 1
    return _with(own.plan, own, now, cells, prices, counts, None)


def _key(size: Size) -> str:
    """The same for equal sizes, whatever the order of their keys."""
    return str(sorted(size.items()))


def _with(plan, own, now, cells, prices, counts, ratio) -> DomainRound:
    """The domain with these runs: a size of the study's own ladder keeps its name."""
    named = {_key(size): name for name, size in own.pool.items()}
    runs, costs = [], []
    for i in np.flatnonzero(counts):
        run = planned_run(plan, cells[i], int(counts[i]), parted=True)
        name = named.get(_key(run.size))
        free = name is not None and name not in plan.ladder
        if free and name not in {each.scale for each in runs}:
            run = replace(run, scale=name)
        runs.append(run)
        costs.append([scaled(cost, int(counts[i])) for cost in prices[i]])
    return replace(
        now,
        runs=runs,
        next=total(mean for mean, _ in costs),
        at_most=total(most for _, most in costs),
        ratio=ratio,
    )


def _ended(spec, now, cells, upper, shares) -> DomainRound:
    """The budget buys no further run: which limit it is."""
    cheap = int(upper[:, 0].argmin())
    for unit, each in enumerate(shares):
        if each is not None and upper[cheap, unit] > each:
            by = UNITS[unit]
            if unit == 0 and spec.limits.flops is None:
                by = "naive"
            return replace(
                now,
                state="budget",
                why=f"study.budget.{by}: what is left buys no further run ({now.why})",
            )
    return replace(now, state="budget", why=f"the budget buys no further run ({now.why})")
