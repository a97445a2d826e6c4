"""What could be trained next: sizes that can be built, fractions of the data, their costs."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..networks.count import count_flops, count_params
from ..networks.search import smallest_with
from ..records.data import Meta
from ..records.plan import PlannedRun
from ..records.specs import PlanSpec, Size

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


def candidates(
    spec: PlanSpec,
    frame: pandas.DataFrame,
    meta: Meta,
    shares: dict[str, int],
    rungs: list[Size],
    withhold: int = 0,
) -> list[Cell]:
    """What could be trained at fractions (→ their samples): `rungs`, which show the shape of larger
    ones, and sizes from the ladder's smallest to `reach` × its largest. A size that was trained may
    be trained again with other seeds, but for the `withhold` largest."""
    counted = spec.params
    trained = [count_params(spec.family, size, meta) for size in spec.ladder.values()]
    known = sorted({count[counted] for count in trained})
    most = known[-1] * spec.reach
    withheld = known[len(known) - withhold :]
    counts = [count_params(spec.family, size, meta) for size in rungs]
    built = {count["total"]: (s, count) for s, count in zip(rungs, counts, strict=True)}
    steps = max(2, math.ceil(PER_DECADE * math.log10(most / known[0])) + 1)
    for params in np.geomspace(known[0], most, steps):
        try:
            size, count = smallest_with(spec.family, params, rungs, meta, counted)
        except UserError:
            continue  # a family of the user's own may not be built so large
        if count[counted] <= most:
            built.setdefault(count["total"], (size, count))
    cells = []
    for total, (size, count) in sorted(built.items()):
        if count[counted] in withheld:
            continue
        per_sample = count_flops(spec.family, size, meta)["training"] * spec.epochs
        for fraction in sorted(shares, key=float):
            here = frame[(frame["params"] == total) & (frame["fraction"] == fraction)]
            used = frozenset(int(seed) for seed in here["seed"])
            flops = float(per_sample * shares[fraction] * spec.rates)
            cells.append(Cell(size, count, fraction, shares[fraction], flops, used))
    return cells


def planned_run(spec: PlanSpec, cell: Cell, count: int, parted: bool = False) -> PlannedRun:
    """One planned cell: a scale of its own, its size, fraction and seeds.

    Seeds are the domain's own, then others, but for those that the size was trained with before and
    those that `snakemake verify` would take. parted: its name says its fraction.
    """
    own = spec.seeds
    after = itertools.count(max(own) + 1 + len(own))
    fresh = (seed for seed in itertools.chain(own, after) if seed not in cell.used)
    name = f"p{cell.params['total']}"
    if spec.goal == "cheapest" or parted:
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
