"""Fits and decisions as lines for a person; the error on withheld sizes comes first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphascale.deciding.ranges import FAR
from alphascale.errors import UserError
from alphascale.grids.allocation import Optimum
from alphascale.grids.front import Front
from alphascale.laws.auto_law import AutoLaw
from alphascale.laws.groups import Fits
from alphascale.laws.result import Fit
from alphascale.laws.scoring import log_rmse, log_rmse_error
from alphascale.laws.withheld import NAIVE
from alphascale.units import probability

if TYPE_CHECKING:
    from alphascale.grids.regimes import Axis


def summary_lines(fitted: Fit | Fits) -> list[str]:
    """What `alphascale fit` prints."""
    if isinstance(fitted, Fits):
        out = []
        for key, one in fitted.fits.items():
            out += [f"== {' / '.join(key)}", *_one(one)]
        out += [f"== {' / '.join(key)}: not fitted: {why}" for key, why in fitted.refused.items()]
        return out
    return _one(fitted)


def _one(fit: Fit | AutoLaw) -> list[str]:
    if isinstance(fit, AutoLaw):
        return _auto(fit)
    out = [_withheld(fit), f"law: {fit.law}   {fit.y} = {fit.expression}"]
    intervals = fit.interval() if fit.has_interval else {}
    for name, value in fit.params.items():
        out.append(f"  {name} = {value:.6g}{_between(intervals.get(name), fit.level)}")
    out += [f"  {name} = {value:.6g}" for name, value in fit.derived.items()]
    s = fit.in_sample
    out.append(
        f"description of the {s['n']:.0f} points ({s['clusters']:.0f} configurations), no evidence "
        f"of prediction: R² {_or_undefined(s['r2'])}, mean absolute error {s['mae']:.4g}, "
        f"AIC {s['aic']:.1f}"
    )
    out.append(
        f"search: objective {fit.objective:.8g} ({fit.loss}), {fit.starts_agree} of "
        f"{fit.starts} starts agree; intervals: {fit.method}, {len(fit.theta_samples)} resamples, "
        f"{fit.failed_resamples} failed"
    )
    return out + [f"warning: {w}" for w in fit.warnings]


def _or_undefined(r2: float) -> str:
    return "undefined, for the response is constant" if math.isnan(r2) else f"{r2:.4f}"


def _auto(fit: AutoLaw) -> list[str]:
    """A law auto: what it predicted, what it is made of, what it says of the limit."""
    w, s = fit.withheld, fit.in_sample
    if isinstance(w, str):
        out = [f"withheld sizes: {w}"]
    else:
        naive = ", ".join(f"{NAIVE[name]} {w[name]:.4g}" for name in NAIVE)
        product = " in compute" if len(fit.columns) > 1 else ""
        out = [
            f"withheld sizes: log-RMSE {w['law']:.4g} over {w['origins']:.0f} origin(s), up to "
            f"{w['beyond']:.3g} times beyond the rest{product}; {naive}"
        ]
    forms = ", ".join(f"{k} {100 * v:.0f} %" for k, v in fit.params.items() if v >= 0.005)
    out.append(
        f"law auto on {s['n']:.0f} points ({s['clusters']:.0f} configurations); forms by weight: "
        f"{forms}"
    )
    for name, (value, *ends) in fit.exponents().items():
        out.append(f"  local exponent of {name} = {value:.4g}{_between(tuple(ends), fit.level)}")
    value, *ends = fit.floor()
    out.append(f"  floor = {value:.4g}{_between(tuple(ends), fit.level)}")
    out.append(f"  noise of a new run {100 * float(np.median(fit.noise)):.3g} % (1 sd)")
    return out + [f"warning: {w}" for w in fit.warnings]


def _withheld(fit: Fit) -> str:
    w = fit.withheld
    if isinstance(w, str):
        return f"withheld sizes: {w}"
    unit = "log-RMSE" if fit.log_noise else "RMSE"
    naive = ", ".join(f"{NAIVE[name]} {w[name]:.4g}" for name in NAIVE)
    beats = all(w["law"] <= w[name] for name in NAIVE)
    return (
        f"withheld sizes: {unit} {w['law']:.4g} on the largest {w['levels']:.0f} level(s), "
        f"{w['points']:.0f} run(s), up to {w['beyond']:.3g} times beyond the rest; {naive}"
        + ("" if beats else ": THE LAW DOES NOT BEAT THESE")
    )


def error_lines(predicted: np.ndarray, observed: np.ndarray, name: str) -> list[str]:
    """How far predictions (n,) are from what was observed (n,), where there is a prediction."""
    there = np.isfinite(predicted) & (predicted > 0)
    if not there.any():
        return ["no row has a prediction to compare"]
    predicted, observed = predicted[there], observed[there]
    error = log_rmse_error(predicted, observed)
    sure = "" if math.isnan(error) else f", standard error {error:.2g}"
    return [
        f"root mean square of log(predicted / {name}) over {len(observed)} row(s): "
        f"{log_rmse(predicted, observed):.4g}{sure}"
    ]


def target_lines(fit: Fit | AutoLaw, target: float, confidence: float = 0.9) -> list[str]:
    """The smallest x that reaches a target, with even chance and its interval, and with more; none
    below the points."""
    if not 0.5 <= confidence < 1:
        raise UserError(f"confidence must lie between .5 and 1, e.g. .9; got {confidence:g}")
    x, name, smallest = fit.solve(target), fit.columns[0], fit.x_range[0][0]
    if x <= smallest:
        value, low, high = (float(each[0]) for each in fit.predict({name: [smallest]}))
        ends = _between((low, high), fit.level)
        return [
            f"{fit.y} = {target:g} is met by the smallest {name} fitted: {name} = "
            f"{_number(smallest)} reaches {value:.4g}{ends}; what lies below was not measured"
        ]
    if not fit.has_interval:
        between = "   (no interval: no resample could be fitted)"
    else:
        low, high = fit.solve_interval(target)
        below = "" if low > smallest else ", the smallest fitted, or less"
        between = f"   ({100 * fit.level:g} %: {_number(low, 4)}{below} … {_number(high, 4)})"
    out = [f"{fit.y} = {target:g} at {name} = {_number(x)} with even chance{between}"]
    if fit.has_interval and confidence > 0.5:
        sure = fit.solve(target, confidence)
        at = "at no size" if math.isinf(sure) else f"at {name} = {_number(sure)}"
        out.append(f"one run reaches it with {probability(confidence)} {at}")
    share = fit.out_of_reach(target) if fit.has_interval else 0.0
    if share:
        kind = "draws" if isinstance(fit, AutoLaw) else "resamples"
        out.append(f"out of reach in {probability(share)} of the {kind}")
    if math.isinf(x):
        out.append(f"the fitted curve never reaches {target:g} up to e^30 times the largest {name}")
    elif x > FAR * fit.x_range[0][1]:
        out.append(
            f"warning: this is {x / fit.x_range[0][1]:.3g} times the largest fitted {name}: a guess"
        )
    return out


def far_lines(fitted: Fit | AutoLaw | Fits, points: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each predictor with points far from what was fitted."""
    fits = list(fitted.fits.values()) if isinstance(fitted, Fits) else [fitted]
    out = []
    for i, name in enumerate(fits[0].columns):
        low, high = min(f.x_range[i][0] for f in fits), max(f.x_range[i][1] for f in fits)
        x = np.array(points[name], float)
        beyond = np.maximum(x / high, low / x)
        if (beyond > FAR).any():
            out.append(
                f"{int((beyond > FAR).sum())} of {len(x)} points lie more than {FAR:g} × outside "
                f"the fitted {name} ({low:.4g} … {high:.4g}), the farthest {beyond.max():.3g} ×: a "
                "guess"
            )
    return out


def optimum_lines(fit: Fit, best: Optimum) -> list[str]:
    """The best split of a budget, with intervals."""
    names = {fit.columns[0]: best.params, fit.columns[1]: best.tokens, fit.y: best.loss}
    names["flops"] = best.flops
    out = [
        # What was asked for has no interval.
        f"{name} = {_number(value)}" + ("" if low == high else _between((low, high), fit.level))
        for name, (value, low, high) in names.items()
    ]
    if best.never:
        kind = "draws" if isinstance(fit, AutoLaw) else "resamples"
        out.append(f"out of reach in {probability(best.never)} of the {kind}")
    if best.smallest:
        out.append(
            f"the smallest {fit.columns[0]} and {fit.columns[1]} fitted are enough; what lies "
            "below was not measured"
        )
    if math.isfinite(best.params[0]):
        ratio = best.tokens[0] / best.params[0]
        out.append(f"{fit.columns[1]} per {fit.columns[0]}: {ratio:.4g}")
    return out + [f"warning: {w}" for w in best.warnings]


def front_lines(found: Front, flops: str, y: str) -> list[str]:
    """The runs on the front, then the law along it."""
    out = [
        f"front: {len(found.on)} of {len(found.flops)} configurations; no other reaches their {y} "
        f"for no more {flops}"
    ]
    out += [
        f"  {flops} {_number(float(found.flops[i]), 4)}   {y} {_number(float(found.losses[i]), 4)}"
        for i in found.on
    ]
    return out + _one(found.law)


def regime_lines(found: Mapping[str, Axis], level: float) -> list[str]:
    """The verdict on each axis, and below it what it rests on."""
    out = []
    for axis in found.values():
        exponent = ""
        if not math.isnan(axis.exponent):
            ends = _between((axis.lower, axis.upper), level)
            exponent = f"   exponent {axis.exponent:.4g}{ends}"
        out.append(f"{axis.name}: {axis.regime}{exponent}")
        out += [f"  {sentence}" for sentence in axis.evidence]
    return out


def _between(interval: tuple[float, float] | None, level: float) -> str:
    if interval is None or any(math.isnan(v) for v in interval):
        return ""
    low, high = interval
    return f"   ({100 * level:g} %: {_number(low, 4)} … {_number(high, 4)})"


def _number(value: float, digits: int = 6) -> str:
    return "out of reach" if math.isinf(value) else f"{value:.{digits}g}"
