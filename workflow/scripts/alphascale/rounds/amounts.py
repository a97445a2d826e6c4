"""What rounds have taken and will take, in every unit that a budget may be given in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..deciding.costs import Power, far, power, price, study_price, throughput
from ..records.decision import Price, Throughput
from ..records.rounds import Cost
from ..records.specs import Prices

if TYPE_CHECKING:
    import pandas

# Where a domain's own jobs do not tell a training's time to `costs.CARRIED`, this one is taken for
# the upper end of what follows from it, or `costs.far` where that is more.
UNTOLD = 4.0
NOTHING = Cost(0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Pricing:
    """What a domain's trainings cost, by its own jobs."""

    epochs: int
    batch_size: int
    rate: Throughput
    watts: Power
    costs: Prices

    def of(self, flops: float, samples: int, members: int) -> tuple[Cost, Cost]:
        """The cost of `members` trainings on so many samples that take `flops` together: as
        estimated, and its upper end. FLOPs are counted: of them both are the same."""
        steps = self.epochs * math.ceil(samples / self.batch_size)
        one = price(flops / members, steps, self.rate, self.costs, self.watts)
        most = max(UNTOLD, far(one.beyond)) if one.factor is None else one.factor
        found = scaled(amounts(one), members)
        upper = Cost(found.flops, *(each * most for each in found.amounts[1:]))
        return found, upper


def pricing(frame: pandas.DataFrame, costs: Prices, epochs: int, batch_size: int) -> Pricing:
    """By the observations of a domain."""
    rate = throughput(frame, batch_size, costs.flops_per_second)
    return Pricing(epochs, batch_size, rate, power(frame, costs), costs)


def spent(frame: pandas.DataFrame, costs: Prices) -> Cost:
    """What the trainings of a domain have taken."""
    return amounts(study_price(frame, costs))


def amounts(found: Price) -> Cost:
    """A price in the units of budgets."""
    return Cost(float(found.flops), found.seconds, found.kwh, found.co2_g, found.money)


def scaled(cost: Cost, times: float) -> Cost:
    return Cost(*(each * times for each in cost.amounts))


def total(costs: Iterable[Cost]) -> Cost:
    """Their sum."""
    return sum(costs, NOTHING)
