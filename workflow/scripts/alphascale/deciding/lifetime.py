"""What a size costs over its life: one training, its labels, and all requests that it answers.

Every part grows with N at given data, so the cheapest size that reaches the target is the smallest,
unless a limit on latency or memory excludes it. A smaller size on more data may be cheaper still,
or a larger one on less: that is asked of the joint law, whose pair is the cheapest over its life.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..config import Serving
from ..records.decision import Lifetime, Limit, PricedRun, Served, Serves, StudyPrice
from ..records.fit import Estimate
from ..records.serving import Answering, ServedSize, ServingRecord
from ..records.specs import Prices
from ..records.typed import Refused
from ..serving.model import Curve, through
from .costs import JOULES_PER_KWH

QUANTITIES = ("seconds", "seconds_95", "memory_bytes", "joules")
# A study's limits: key → (quantity that it bounds, the key's unit in the quantity's).
LIMITS = {"latency_ms": ("seconds_95", 1e-3), "memory_mb": ("memory_bytes", 1e6)}
# Share of the requests' cost up to which a training's may be added although the jobs' times do not
# carry it: were it tenfold, the whole would be a tenth more.
LITTLE = 0.01
# Of so many parameters: what one run reaches, and the probability that it reaches the target.
Reached = Callable[[float], tuple[Estimate | None, float | None]]


@dataclass(frozen=True)
class Keeping:
    """What serving takes, at any size."""

    asked: Serving
    record: ServingRecord
    costs: Prices
    level: float  # coverage of intervals
    curves: dict[str, Curve]

    def serves(self, size: dict, params: float) -> Serves:
        """What a size of N parameters, as counted, takes: as measured, else by the curves."""
        for each in _answered(self.record):
            if each.size == size:
                values = {
                    name: Estimate(float(getattr(each.answering, name)), None, None)
                    for name in QUANTITIES
                }
                return Serves(True, False, **values)
        values = {name: self.curves[name].predict(params, self.level) for name in QUANTITIES}
        return Serves(False, params > self.curves["seconds"].reach[1], **values)

    def broken(self, params: float, found: Serves) -> list[str]:
        """The limits that a size of N parameters, which takes so much, does not keep."""
        return broken(self.asked, *self.largest(), params, found)

    def largest(self) -> tuple[str | None, float]:
        """The limit that binds first, and the largest N that keeps it; (None, ∞) for none."""
        found: tuple[str | None, float] = (None, math.inf)
        for key, (quantity, unit) in LIMITS.items():
            if (most := getattr(self.asked, key)) is not None:
                params = self._largest(quantity, most * unit)
                if params < found[1]:
                    found = key, params
        return found

    def _largest(self, quantity: str, limit: float) -> float:
        """The largest whole N within a limit of one quantity: 0 for none, infinite for all.

        Nothing falls with N: what a measured size keeps every smaller one keeps, however a busy
        machine slowed that one, and what the next measured size breaks every larger one breaks.
        Between these two the curve says how far.
        """
        counted = self.record.spec.counted
        takes = [
            (each.params[counted], getattr(each.answering, quantity))
            for each in _answered(self.record)
        ]
        kept = max((n for n, value in takes if value <= limit), default=0)
        breaks = min((n for n, _ in takes if n > kept), default=math.inf)
        most = max(kept, min(self.curves[quantity].largest(limit), breaks - 1))
        return most if math.isinf(most) else math.floor(most)

    def limit(self, reached: Reached) -> Limit | None:
        """The largest size that keeps the limits, and what it reaches."""
        key, params = self.largest()
        if key is None:
            return None
        if params < self.curves["seconds"].reach[0]:
            return Limit(key, None, None, None)
        return Limit(key, params, *reached(params))

    def money(self, params: np.ndarray) -> np.ndarray:
        """Money of all requests to sizes of N parameters, by the curves."""
        return self.money_of(self.curves["seconds"].at(params), self.curves["joules"].at(params))

    def money_of(self, seconds, joules):
        """Money of all requests, of the seconds and joules of a batch."""
        if self.costs.price_per_hour is not None:
            return self.batches * seconds / 3600 * self.costs.price_per_hour
        return self._kwh(joules) * self.costs.price_per_kwh

    def _kwh(self, joules):
        return self.batches * joules / JOULES_PER_KWH * self.costs.pue

    @property
    def batches(self) -> float:
        """Batches that all requests come in."""
        return self.asked.requests / self.asked.batch

    def lifetime(self, run: PricedRun, counted: str, labels: float | None) -> Lifetime:
        """What one training of a run and its requests cost; labels: money of its labels."""
        serves = self.serves(run.size, run.params[counted])
        kwh = self._kwh(serves.joules.mean)
        grams = kwh * self.costs.carbon_g_per_kwh
        paid = self.money_of(serves.seconds.mean, serves.joules.mean)
        price = run.price
        told = price.factor is not None or (
            price.kwh <= LITTLE * kwh and price.money <= LITTLE * paid
        )
        return Lifetime(
            serves, kwh, grams, paid,
            kwh + price.kwh if told else None,
            grams + price.co2_g if told else None,
            paid + price.money + (labels or 0.0) if told else None,
        )  # fmt: skip


def broken(
    asked: Serving, binding: str | None, most: float, params: float, found: Serves
) -> list[str]:
    """The limits that a size of N parameters breaks, which takes so much.

    binding: the limit that binds first, and most: the largest N that keeps it (`Keeping.largest`).
    """
    if binding is None or params <= most:
        return []
    return [
        key
        for key, (quantity, unit) in LIMITS.items()
        if (limit := getattr(asked, key)) is not None
        and (key == binding or getattr(found, quantity).mean > limit * unit)
    ]


def keeping(
    asked: Serving, record: ServingRecord, costs: Prices, level: float
) -> Keeping | Refused:
    """What serving takes at any size, or why it is not known."""
    found = _answered(record)
    if not found:
        why = record.sizes[0].answering.refused if record.sizes else "no size was measured"
        return Refused(f"no size answered a batch: {why}")
    counted = record.spec.counted
    sizes = [each.params[counted] for each in found]
    curves = {
        name: through(sizes, [getattr(each.answering, name) for each in found])
        for name in QUANTITIES
    }
    return Keeping(asked, record, costs, level, curves)


def served(
    kept: Keeping,
    build: PricedRun | None,
    naive: PricedRun | None,
    study: StudyPrice,
    labels: float | None,
    reached: Reached,
    excluded: bool,
) -> Served:
    """The decision's entry. labels: money of the labels of one training."""
    counted = kept.record.spec.counted
    lives = [each and kept.lifetime(each, counted, labels) for each in (build, naive)]
    saved = [None, None]
    if all(each and each.kwh is not None for each in lives) and study.factor is not None:
        built, other = lives
        saved = [
            1 - (getattr(study, name) + getattr(built, name)) / whole if whole else None
            for name, whole in (("kwh", other.kwh), ("money", other.money))
        ]
    # Why it was not measured stands in the record of serving.
    hows = dict.fromkeys(
        each.answering.energy_how.partition(" (")[0] for each in _answered(kept.record)
    )
    return Served(
        asked=kept.asked,
        device=kept.record.device.name,
        energy_how=" or ".join(hows),
        measured=kept.curves["seconds"].reach,
        curves={
            name: (curve.constant, curve.factor, curve.power) for name, curve in kept.curves.items()
        },
        others=kept.record.others,
        build=lives[0],
        naive=lives[1],
        limit=kept.limit(reached),
        excluded=excluded,
        energy=saved[0],
        money=saved[1],
    )


def _answered(record: ServingRecord) -> list[ServedSize]:
    return [each for each in record.sizes if isinstance(each.answering, Answering)]
