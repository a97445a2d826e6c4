"""How to spend a budget of FLOPs: the N and D that a fitted law calls best, with intervals.

Training FLOPs are counted as C = 6·N·D unless told otherwise. Every law of N and D, every resample
and draw of it, is minimised along the line of constant C, to 1e-7 in log N: chinchilla, whose
optimum has a closed form (Hoffmann et al. 2022, eq. 4), too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alphascale.columns import PREDICTORS
from alphascale.errors import UserError
from alphascale.laws.auto_law import AutoLaw
from alphascale.laws.form import Form, predict
from alphascale.laws.forms import get_form
from alphascale.laws.result import Fit, interval_of

FloatArray = np.ndarray
FLOPS_PER = 6.0
SPAN_OF_TARGET = 120.0  # log C searched beyond the smallest N·D fitted
SPAN = 46.0  # log N searched to either side of the square root: twenty orders of magnitude
FIRST = 401  # points at first: of 41 the median of many draws has a valley between two
ROUNDS = 8  # zooms of 41 points: 46 · 1/200 · (1/18)^8 is far below 1e-7


@dataclass(frozen=True)
class Optimum:
    """Best split of a budget, each as (value, lower, upper): params N, tokens D, loss in the units
    of the fit; flops: the budget, or what the target costs. warnings: sentences. never: share of
    the draws that no budget brings down to the target. smallest: whether N and D are the smallest
    that were fitted.
    """

    params: tuple[float, float, float]
    tokens: tuple[float, float, float]
    loss: tuple[float, float, float]
    flops: tuple[float, float, float]
    warnings: tuple[str, ...]
    never: float
    smallest: bool


def allocate(
    along: Callable, flops: FloatArray, least: tuple[float, float] | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """N, D, L (B,) of lowest loss at N·D = flops (B,), in the units of `along`: losses (B, k) of B
    curves, each at its own log N, log D (B, k). least: log N and log D that are not gone below.
    """
    budget = np.log(flops)
    center, half = 0.5 * budget, np.full(len(flops), SPAN)
    rows = np.arange(len(flops))
    for points in (FIRST, *[41] * ROUNDS):
        ln = center[:, None] + half[:, None] * np.linspace(-1, 1, points)
        if least is not None:
            ln = np.clip(ln, least[0], np.maximum(budget - least[1], least[0])[:, None])
        value = along(ln, budget[:, None] - ln)
        best = np.argmin(value, axis=1)
        center, half = ln[rows, best], half * 2.2 / (points - 1)
    loss = along(center[:, None], (budget - center)[:, None])[:, 0]
    return np.exp(center), np.exp(budget - center), loss


def optimum_for_flops(
    fit: Fit | AutoLaw,
    flops: float,
    *,
    unique: float | None = None,
    flops_per: float = FLOPS_PER,
    draws: bool = True,
) -> Optimum:
    """The best N and D for `flops`; intervals over the fit's draws, NaN without them. unique:
    tokens, of a law of three predictors."""
    along, count = _surface(fit, flops, "flops", unique, flops_per, draws)
    found = allocate(along, np.full(count, flops / flops_per))
    best = _report(fit, found, np.full(count, float(flops)))
    if min(best.params[0], best.tokens[0]) < 1:
        raise UserError(
            f"flops {flops:g}: the best split would be {best.params[0]:.3g} {fit.columns[0]} and "
            f"{best.tokens[0]:.3g} {fit.columns[1]}, less than one; give a larger budget"
        )
    return best


def optimum_for_target(
    fit: Fit | AutoLaw,
    target: float,
    *,
    unique: float | None = None,
    flops_per: float = FLOPS_PER,
    draws: bool = True,
) -> Optimum:
    """The cheapest N and D that reach `target`, neither below the smallest fitted; inf where no
    budget does (bisection in log C)."""
    along, count = _surface(fit, fit.check_target(target), "target", unique, flops_per, draws)
    least = tuple(float(np.log(low)) for low, _ in fit.x_range[:2])
    low, high = np.full(count, sum(least)), np.full(count, sum(least) + SPAN_OF_TARGET)
    first = allocate(along, np.exp(low), least)[2] <= target
    reach = allocate(along, np.exp(high), least)[2] <= target
    for _ in range(45):
        middle = 0.5 * (low + high)
        enough = allocate(along, np.exp(middle), least)[2] <= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    high = np.where(first, sum(least), high)
    n, d, loss = allocate(along, np.exp(high), least)
    n, d = np.where(reach, n, np.inf), np.where(reach, d, np.inf)
    return _report(fit, (n, d, loss), np.where(reach, flops_per * n * d, np.inf))


def _surface(
    fit: Fit | AutoLaw,
    value: float,
    name: str,
    unique: float | None,
    flops_per: float,
    draws: bool,
):
    """Losses of every curve of a fit at its own places, and how many curves there are: the fitted
    one (of an `AutoLaw`, the median of its draws), then, with draws, those of its resamples or
    draws."""
    unlike_n_and_d(fit)
    for what, number in ((name, value), ("unique", unique), ("flops_per", flops_per)):
        if number is not None and not (np.isfinite(number) and number > 0):
            raise UserError(f"{what} must be positive and finite, got {number}")

    def rows(ln, ld):
        return [ln, ld] if unique is None else [ln, ld, np.full_like(ln, np.log(unique))]

    if isinstance(fit, AutoLaw):
        if len(fit.columns) < 2 or np.isfinite(fit.held).any():
            raise UserError("law auto of one predictor has no N and D to divide a budget between")
        if (len(fit.columns) == 3) != (unique is not None):
            raise UserError("unique tokens (--unique) belong to a law of three predictors")

        def of_draws(ln, ld):
            places = np.stack(rows(ln, ld), axis=1)
            everywhere = np.broadcast_to(places[0], (len(fit.P), *places.shape[1:]))
            middle = np.median(fit.at(everywhere), axis=0)
            each = [fit.at(places[1:])] if draws else []
            return np.exp(np.concatenate([middle[None], *each]))

        return of_draws, 1 + draws * len(fit.P)
    form = _check(fit, unique)
    # The fitted parameters, then those of every resample that was fitted, in the user's units.
    samples = fit.samples
    first = np.array([[fit.params[n] for n in form.names]])
    P = np.concatenate([first, samples[draws & np.isfinite(samples).all(axis=1)]])
    if not np.all(np.isfinite(first)):
        raise UserError("the fitted parameters are beyond the range of a double; change units")

    def of_parameters(ln, ld):
        with np.errstate(all="ignore"):
            value = predict(form, np.stack(rows(ln, ld)), P)
        return np.where(np.isfinite(value), value, np.inf)

    return of_parameters, len(P)


def _check(fit: Fit, unique: float | None) -> Form:
    form = get_form(fit.law)
    if not form.allocates:
        raise UserError(
            f"law {fit.law} has no N and D to divide a budget between; fit chinchilla, "
            "kaplan_nd or data_constrained with x the parameters, x2 the tokens"
        )
    if len(form.roles) == 3 and unique is None:
        raise UserError(f"law {fit.law} needs the number of unique tokens (--unique)")
    if len(form.roles) == 2 and unique is not None:
        raise UserError(f"law {fit.law} knows no unique tokens: leave --unique out")
    return form


def unlike_n_and_d(fit: Fit | AutoLaw) -> list[str]:
    """Sentences where the predictors' names do not say that they are parameters and tokens;
    UserError where they say that they are something else."""
    out = []
    for name, wanted in zip(fit.columns, ("params", "tokens"), strict=False):
        known = PREDICTORS.get(name.lower())
        if known not in (wanted, None):
            raise UserError(
                f"the law is of {' and '.join(fit.columns[:2])}, and {name} is no number of "
                f"{wanted}: a budget is divided between parameters and tokens (or samples)"
            )
        if known is None:
            out.append(f"{name} is taken for the number of {wanted}, in which FLOPs are counted")
        if name == "samples":
            out.append("FLOPs are of one pass over the samples: times the epochs for more")
    return out


def _report(fit: Fit | AutoLaw, split, flops: FloatArray) -> Optimum:
    triples = []
    n, d, loss = split
    for values in (n, d, np.clip(loss, *fit.limits), flops):
        point = float(values[0])
        low, high = interval_of(values[1:], fit.level)
        triples.append((point, min(low, point), max(high, point)))  # NaN where there is none
    warnings = unlike_n_and_d(fit)
    for name, (value, *_), (low, high) in zip(fit.columns[:2], triples, fit.x_range, strict=False):
        if np.isfinite(value) and not low / 10 <= value <= high * 10:
            warnings.append(
                f"{name} = {value:.3g} is more than ten times outside the fitted range "
                f"{low:.3g} … {high:.3g}: an extrapolation this far is a guess"
            )
    never = float(np.isinf(flops[1:]).mean()) if len(flops) > 1 else 0.0
    least = [low for low, _ in fit.x_range[:2]]
    smallest = bool(np.allclose(least, [triples[0][0], triples[1][0]]))
    return Optimum(*triples, tuple(warnings), never, smallest)
