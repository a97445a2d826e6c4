"""Whether a budget buys the first round at all: said before anything trains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..data.store import prefix
from ..deciding.costs import Power, estimated
from ..errors import UserError
from ..networks.count import count_flops
from ..progress.pace import ROUGH_CPU, ROUGH_GPU
from ..progress.table import duration
from ..records.data import Meta
from ..records.decision import Throughput
from ..records.rounds import UNITS, Cost, RoundDomain, RoundSpec
from ..records.specs import Prices
from ..units import energy, mass, prefixed, significant
from .amounts import amounts, scaled, total

# Scale, fraction and members of a cell: trainings, as so many whole ones.
Cell = tuple[str, str, float]
# Before a training has run, its time is known to a factor of several: a budget of hours, energy or
# money is refused where a machine of so many times the rough pace would not keep it either.
FASTER = 10.0


def check_budget(
    spec: RoundSpec, cells: Mapping[str, Sequence[Cell]], metas: Mapping[str, Meta], gpu: bool
) -> Cost:
    """The cost of the first round, of all domains, roughly in all but its FLOPs, which are the most
    that it may take.

    cells: of each domain. Raises UserError, one line, where the budget does not buy it.
    """
    costs = []
    for own in spec.domains:
        meta, name = metas[own.plan.domain], own.plan.domain
        cost = total(_cell(own, meta, spec.costs, gpu, *cell) for cell in cells[name])
        costs.append(cost)
        if spec.limits.naive is None or own.naive is None:
            continue
        samples = meta.sizes["train"]
        naive = count_flops(own.plan.family, own.naive, meta)["training"]
        limit = spec.limits.naive * naive * samples * own.plan.epochs
        if cost.flops > limit:
            raise UserError(
                f"study.budget.naive: {significant(spec.limits.naive)} of one training of the "
                f"naive model of {name} is {prefixed(limit, 'FLOP')}, and the first round alone "
                f"takes {prefixed(cost.flops, 'FLOP')}: {CHEAPER}"
            )
    prices = spec.costs
    if spec.limits.money is not None and not (prices.price_per_kwh or prices.price_per_hour):
        raise UserError(
            "study.budget.money: energy and hours cost nothing here, so it would limit nothing: "
            "give costs.price_per_kwh or costs.price_per_hour, or limit hours, kwh or flops"
        )
    if spec.limits.co2_g is not None and not prices.carbon_g_per_kwh:
        raise UserError(
            "study.budget.co2_g: costs.carbon_g_per_kwh is 0, so it would limit nothing: limit "
            "hours, kwh or flops"
        )
    whole = total(costs)
    for unit, shown, used, limit in zip(
        UNITS,
        (_flops, duration, energy, mass, lambda n: f"{significant(n)} {spec.costs.currency}"),
        (whole.flops, *scaled(whole, 1 / FASTER).amounts[1:]),
        spec.limits.amounts,
        strict=True,
    ):
        if limit is not None and used > limit:
            least = "" if unit == "flops" else f", on a machine {FASTER:g} × as fast as most,"
            raise UserError(
                f"study.budget.{unit}: it is {shown(limit)}, and the first round alone takes"
                f"{least} {shown(used)}: {CHEAPER}"
            )
    return whole


CHEAPER = (
    "raise the budget, or have the first round train less (fewer seeds, rates or fractions, "
    "smaller sizes, study.start)"
)


def _cell(
    own: RoundDomain,
    meta: Meta,
    costs: Prices,
    gpu: bool,
    scale: str,
    fraction: str,
    members: float,
) -> Cost:
    """Of one job."""
    plan, samples = own.plan, prefix(meta.sizes["train"], fraction)
    per_sample = count_flops(plan.family, plan.ladder[scale], meta)["training"]
    step, rate, watts = ROUGH_GPU if gpu else ROUGH_CPU
    pace = Throughput(step, costs.flops_per_second or rate, "a rough figure")
    steps = plan.epochs * math.ceil(samples / own.batch_size)
    drawn = Power(costs.watts or watts, "a rough figure")
    one = estimated(per_sample * samples * plan.epochs, steps, pace, costs, drawn)
    return scaled(amounts(one), members)


def _flops(value: float) -> str:
    return prefixed(value, "FLOP")
