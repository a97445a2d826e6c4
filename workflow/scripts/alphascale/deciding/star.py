"""N* of a target, which of several targets asks for most, and what no law can tell."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .. import laws
from ..auditing.chance import NONE as NO_RUN
from ..fitting.describe import estimate, finite
from ..fitting.joint import REACH
from ..records.bootstrap import BootstrapRecord, FractionDraws
from ..records.data import Meta
from ..records.decision import Beside, Star
from ..records.runs import good, largest, tested, undefined
from ..records.specs import DecisionSpec, Target
from ..records.typed import Refused
from .ranges import FAR
from .run_warnings import constant, warning_codes

if TYPE_CHECKING:
    import pandas

# What larger sizes may mend, of all why no law answers.
NOTHING_LEARNT = "there is nothing to extrapolate"


def binding(
    spec: DecisionSpec, bootstrap: BootstrapRecord, frame: pandas.DataFrame, meta: Meta
) -> tuple[DecisionSpec, list[Beside]]:
    """The spec with the target that asks for most as its own, and the others: one without a law
    before one out of reach, that before one that no size is sure of, that before any other."""
    if not spec.others:
        return spec, []
    asked = []
    for target in (spec.target, *spec.others):
        draws = bootstrap.of(target.law).fractions
        why = untold(target, frame, meta)  # first: the engine refuses what cannot be told
        star = Refused(why) if why else star_of(draws[largest(draws)], target, spec.level)
        least: tuple[float, ...] = (2.0,)
        if not isinstance(star, Refused):
            ends = (math.inf if n is None else n for n in (star.confident, star.n_star))
            least = (float(star.n_star is None), *ends)
        asked.append((least, Beside(target, star)))
    # The first of equals, as max gives it.
    _, most = max(asked, key=lambda each: each[0])
    rest = [each for _, each in asked if each is not most]
    return replace(spec, metric=most.target.law, target=most.target), rest


def untold(target: Target, frame: pandas.DataFrame, meta: Meta) -> str | None:
    """Why no law can answer for these observations, whatever it fits."""
    measured = good(frame)[f"test_{target.law}"]
    if len(measured) and measured.isna().all():
        return undefined(target.law)
    if target.law == "error" and NO_RUN in set().union(*warning_codes(frame)):
        # Errors that all equal the share of the other classes fit any law, and say nothing.
        return f"no run beats the commonest class: {NOTHING_LEARNT}"
    if len(measured) and not (measured < constant(target, meta)).any():
        return f"no run beats a constant answer: {NOTHING_LEARNT}"
    samples = tested(frame, target.law)
    if samples and target.fitted * samples < 1:
        return (
            f"the target is less than one error in the {samples:,} test samples, which cannot be "
            "told from none: test on more"
        )
    return None


def star_of(draws: FractionDraws | Refused, target: Target, level: float) -> Star | Refused:
    """N*, its interval and the probability that the target is out of reach, at one fraction."""
    if isinstance(draws, Refused):
        return draws
    fit = laws.read(draws.fit)
    samples = fit.solve_samples(target.fitted)
    known = samples[~np.isnan(samples)]
    lower, upper = fit.solve_interval(target.fitted, level)
    even, sure = (fit.solve(target.fitted, each) for each in (0.5, target.confidence))
    sure = max(even, sure)
    return Star(
        n_star=finite(even),
        # Farther out the size that is sure is the prior's: one that was built 43 × beyond missed.
        confident=finite(sure) if sure <= max(FAR * fit.x_range[0][1], even) else None,
        # No model has less than one parameter, however steep a resample's law.
        interval=(finite(max(lower, 1.0)), finite(upper)),
        out_of_reach=float(np.isinf(known).mean()),
        draws=len(known),
        failed_resamples=draws.failed_resamples,
        floor=fit.params.get("E"),
        best_reachable=estimate(fit.band({"params": [fit.x_range[0][1] * REACH]}, level)),
    )
