"""What would settle a decision that cannot be trusted yet: the next size to train, and its price.

A run at a size tells as much of the curve at the size to build as the two are correlated over the
law's draws. With the curve's variance v at the size, noise variance σ² of a run and correlation ρ,
a mean of s runs leaves √(1 − ρ²·v/(v + σ²/s)) of the standard deviation there (conditioning of a
normal). `snakemake plan` weighs more runs, and plays them out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import laws
from ..errors import UserError
from ..records.decision import PricedRun, Settling, Star
from ..records.fit import WithheldFit
from ..records.typed import Refused

STEPS = (2.0, 4.0, 8.0)  # sizes that are thought of, as multiples of the largest trained
ENOUGH = 0.5  # the smallest size that leaves so much of the standard deviation is named
LITTLE = 0.9  # what leaves more than this settles nothing, and is not named
FARTHEST = 100.0  # where N* is farther than so many times the largest, or nowhere


def untrusted(star: Star | Refused, withheld: WithheldFit | Refused) -> str | None:
    """Why a decision cannot be trusted yet, None where it can."""
    if isinstance(star, Refused):
        return None
    reasons = []
    if star.n_star is None:
        reasons.append("the law does not reach the target")
    elif star.interval[1] is None:
        reasons.append("N*'s interval is open above")
    elif star.confident is None:
        reasons.append("no size is sure enough")
    if isinstance(withheld, WithheldFit) and not withheld.beats_naive:
        reasons.append("the law does not beat a naive predictor")
    return " and ".join(reasons) or None


def settling(
    law: laws.AutoLaw,
    star: Star,
    largest: float,
    seeds: int,
    members: int,
    run_of: Callable[[float], PricedRun],
    why: str,
) -> Settling | None:
    """The next size to train; None where none can be built, or none would tell anything.

    law: of N. largest: the largest size trained, as counted. seeds: runs of a size; members:
    trainings that they take, learning rates included. run_of: a size's architecture and price.
    """
    goal = min(star.confident or star.n_star or np.inf, FARTHEST * largest)
    places = largest * np.array([*STEPS, goal / largest])
    drawn = np.log(law.curves(places))
    covariance = np.cov(drawn.T)
    v, at_goal = np.diag(covariance)[:-1], max(covariance[-1, -1], 1e-300)
    explained = covariance[:-1, -1] ** 2 / (at_goal * (v + np.median(law.noise**2) / seeds))
    left = np.sqrt(np.clip(1 - explained, 0, 1))
    enough = np.flatnonzero(left <= ENOUGH)
    chosen = int(enough[0]) if len(enough) else int(left.argmin())
    if left[chosen] > LITTLE:
        return None
    try:
        run = run_of(places[chosen])
    except UserError:  # the family has no such size
        return None
    return Settling(why, run, STEPS[chosen], members, float(left[chosen]))
