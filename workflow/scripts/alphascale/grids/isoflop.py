"""IsoFLOP profiles: the best size at each budget, and how it grows (Hoffmann et al. 2022, approach
2).

A parabola in log N is only the first terms of the true profile, so its minimum is biased even
without noise, the more the wider the sizes spread around it. What can be demanded is demanded: a
convex parabola whose minimum lies between sizes that were run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.api import fit
from alphascale.laws.result import Fit, column

FloatArray = np.ndarray


@dataclass(frozen=True)
class Frontier:
    """N_opt = scale·C^exponent through the minima. flops, params, loss (k,): the budgets kept and
    their minima; refused: {budget: reason}.
    """

    exponent: float
    scale: float
    flops: FloatArray
    params: FloatArray
    loss: FloatArray
    refused: dict[float, str]


def isoflop(frame, flops: str, x: str, y: str) -> Frontier:
    """Fit one parabola per distinct budget in column `flops` and a power law through their minima.

    Budgets whose parabola is not convex, or not bracketed, are refused by name; UserError if fewer
    than two remain.
    """
    budget, size, loss = (column(frame, c) for c in (flops, x, y))
    kept, refused = [], {}
    for value in np.unique(budget):
        rows = budget == value
        try:
            one = fit(
                {x: size[rows], y: loss[rows]}, x, y, law="isoflop", resamples=0, withhold=False
            )
        except UserError as error:
            refused[float(value)] = str(error)
            continue
        reason = _unusable(one, x)
        if reason:
            refused[float(value)] = reason
        else:
            kept.append((value, one.params["N_opt"], one.params["E"]))
    if len(kept) < 2:
        told = "; ".join(f"{c:.3g}: {why}" for c, why in refused.items())
        raise UserError(f"isoFLOP: {len(kept)} usable budget(s), 2 are needed ({told})")
    C, N, L = np.array(kept).T
    exponent, intercept = np.polyfit(np.log(C), np.log(N), 1)
    return Frontier(float(exponent), float(np.exp(intercept)), C, N, L, refused)


def _unusable(one: Fit, x: str) -> str | None:
    if one.params["k"] <= 0:
        return "the profile is not convex"
    low, high = one.x_range[0]
    if not low * (1 + 1e-9) < one.params["N_opt"] < high * (1 - 1e-9):
        return f"its minimum is not bracketed by the sizes run ({low:.3g} … {high:.3g} {x})"
    return None
