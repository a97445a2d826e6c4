"""The front of runs that no other beats for its compute, and the law of the loss in compute.

The lower envelope of loss over training FLOPs is what the compute-optimal law L(C) is fitted to
(Kaplan et al. 2020, section 6; Hoffmann et al. 2022, approach 1): off the front a run spent its
FLOPs on too large or too small a model, and says nothing of what C can buy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.api import fit
from alphascale.laws.auto_law import AutoLaw
from alphascale.laws.result import Fit, column

LEAST = 3  # places on the front: fewer do not tell a power


def pareto(cost: np.ndarray, value: np.ndarray, higher_is_better: bool) -> np.ndarray:
    """Indices of the points on the front, by rising cost.

    cost, value: (n,). A point is on the front if no other costs no more and is at least as good,
    one of the two strictly; of equal points one stays.
    """
    worth = np.asarray(value, float) if higher_is_better else -np.asarray(value, float)
    order = np.lexsort((-worth, cost))
    best = np.maximum.accumulate(worth[order])
    rises = np.append(True, best[1:] > best[:-1]) if len(order) else np.array([], bool)
    return order[rises]


@dataclass(frozen=True)
class Front:
    """The front of a study and its law.

    flops, losses: (n,) of every cell, a cell being the runs of equal FLOPs and configuration, whose
    mean counts. on: indices of those on the front, by rising FLOPs. law: of the front's loss in C.
    """

    flops: np.ndarray
    losses: np.ndarray
    on: np.ndarray
    law: Fit | AutoLaw


def front(
    frame,
    flops: str,
    y: str,
    *,
    cells: list[str] | None = None,
    law: str = "auto",
    level: float = 0.95,
    seed: int = 0,
) -> Front:
    """The front of `frame`'s runs and the law of the column y along it.

    cells: columns that name a configuration; without them, runs with equal FLOPs are one. law: as
    in `laws.fit`; `power` is Kaplan's (C_c/C)^alpha. Raises UserError for values that are not
    positive and for a front of fewer than 3 places.
    """
    C, L = column(frame, flops), column(frame, y)
    for name, values in ((flops, C), (y, L)):
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if len(bad):
            raise UserError(
                f"front: {name} must be finite and positive; row {bad[0] + 1} holds "
                f"{values[bad[0]]:g}: mend or leave out"
            )
    labels = C.astype(str)
    for name in cells or ():
        if name not in list(frame.keys()):
            raise UserError(f"column {name!r} is missing; it should name each run's configuration")
        labels = np.char.add(np.char.add(labels, "/"), np.asarray(frame[name]).astype(str))
    _, index = np.unique(labels, return_inverse=True)
    runs = np.bincount(index)
    costs, losses = np.bincount(index, C) / runs, np.bincount(index, L) / runs
    on = pareto(costs, losses, higher_is_better=False)
    if len(on) < LEAST:
        raise UserError(
            f"front: {len(on)} of {len(costs)} configurations lie on it (no other reaches their "
            f"{y} for no more {flops}), and a law in compute needs {LEAST}: add sizes or data"
        )
    points = {flops: costs[on], y: losses[on]}
    resamples = {} if law == "auto" else {"resamples": 1000}
    fitted = fit(points, flops, y, law=law, level=level, seed=seed, **resamples)
    return Front(costs, losses, on, fitted)
