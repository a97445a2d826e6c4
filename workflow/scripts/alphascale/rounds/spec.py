"""What the next round depends on, cut from a study and its rounds so far."""

from __future__ import annotations

from ..config import Study
from ..records.rounds import Limits, RoundDomain, RoundsLog, RoundSpec
from ..slices import plan_slice, prices
from .log import what_of


def round_spec(whole: Study, study: Study, log: RoundsLog) -> RoundSpec:
    """The slice of rule `round`; whole: the study with all its ladders, study: as far as its rounds
    have come."""
    asked = whole.study
    budget = asked.limits
    return RoundSpec(
        most=asked.rounds,
        interval=asked.until.interval,
        limits=Limits(
            flops=budget.flops,
            seconds=None if budget.hours is None else budget.hours * 3600.0,
            kwh=budget.kwh,
            co2_g=budget.co2_g,
            money=budget.money,
            naive=budget.naive,
        ),
        costs=prices(study),
        domains=[
            RoundDomain(
                plan=plan_slice(study, name, []),
                pool=whole.domains[name].ladder,
                naive=task.naive,
                batch_size=task.training.batch_size,
                number=max((run.round for run in log.domains[name].runs), default=1),
                made_of=what_of(whole, name),
                before=log.domains[name].known,
            )
            for name, task in sorted(study.domains.items())
        ],
    )
