"""Options of the learning-curve laws M1–M4, by the names of the code published with them.

An option `update_…` that is false holds its parameter at the value given, or at the published
default. One that is true (all are, by default) leaves it to the fit, which then also searches from
the value given. c is the exponent of x: below 0 for M1, M2 and M4, above for M3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.fitting import ITERATIONS

MARGIN = 1e-3  # between a limit and the largest response, as published

# Option → law's parameter; c is its negative for M1, M2, M4.
_PARAMETER = {"c": "c", "err_inf": "err_inf", "err_0": "err_0", "gamma": "gamma", "alpha": "alpha"}
# What is held where no value is given; of err_0 the largest response and a margin.
_HELD = {"c": -0.5, "err_inf": 0.0, "gamma": 0.0, "alpha": 1.0}
OPTIONS = {
    "m1": ("c", "update_c"),
    "m2": ("c", "update_c", "err_inf", "update_err_inf", "lo_bound"),
    "m3": ("c", "update_c", "gamma", "update_gamma"),
    "m4": (
        "c", "update_c", "err_inf", "update_err_inf", "err_0", "update_err_0", "alpha",
        "update_alpha", "lo_bound", "up_bound",
    ),
}  # fmt: skip
OPTIONS = {law: (*names, "max_iterations") for law, names in OPTIONS.items()}
MEANING = {
    "c": "exponent of x to start from, or to hold (m1, m2, m4: below 0)",
    "update_c": "whether c is fitted",
    "err_inf": "limit with unlimited data to start from, or to hold",
    "update_err_inf": "whether err_inf is fitted",
    "err_0": "limit without data (of guessing) to start from, or to hold",
    "update_err_0": "whether err_0 is fitted",
    "alpha": "m4's exponent of err_0 − y to start from, or to hold",
    "update_alpha": "whether alpha is fitted (else it is 1, or the value given)",
    "gamma": "m3's gamma to start from, or to hold",
    "update_gamma": "whether gamma is fitted",
    "lo_bound": "the least err_inf can be (default 0)",
    "up_bound": "the most err_0 can be (1 for an error rate)",
    "max_iterations": f"of each search (default {ITERATIONS})",
}


@dataclass(frozen=True)
class Settings:
    """What options mean for a fit: bounds and start by the form's names, and max_iterations."""

    bounds: Mapping[str, tuple[float, float]]
    start: Mapping[str, float]
    max_iterations: int = ITERATIONS


def settings(law: str, options: Mapping[str, float | bool | None], y=None) -> Settings:
    """The bounds, starts and iterations that `options` ask for of `law`; None leaves one as it is.

    y (n,): the responses, above which err_0 must lie; without them that is not looked at. Raises
    UserError for an option that the law lacks, and for a value that cannot be.
    """
    given = {name: value for name, value in options.items() if value is not None}
    known = OPTIONS.get(law)
    if given and known is None:
        raise UserError(f"law {law} takes no {next(iter(given))}: it is an option of m1 to m4")
    for name in given:
        if name not in known:
            raise UserError(f"law {law} has no option {name!r}; it has {', '.join(known)}")
    for name, value in given.items():
        _check(law, name, value)
    iterations = int(given.pop("max_iterations", ITERATIONS))
    low, high = given.get("lo_bound", 0.0), given.get("up_bound")
    if high is not None and high <= low:
        raise UserError(f"up_bound {high:g} must be above lo_bound {low:g}")
    top = None if y is None else float(np.max(y))
    bottom = None if y is None else float(np.min(y))
    if bottom is not None and "lo_bound" in given and low >= bottom:
        raise UserError(f"lo_bound {low:g} must lie below the smallest response, {bottom:g}")
    if high is not None and top is not None and top > high:
        raise UserError(f"up_bound {high:g} lies below the largest response, {top:g}")
    bounds, start = {}, {}
    if low > 0:
        bounds["err_inf"] = (float(low), math.inf)
    if high is not None:
        bounds["err_0"] = (0.0, high + MARGIN)
    for name in (n for n in _PARAMETER if known and n in known):
        value = given.get(name)
        free = given.get(f"update_{name}", True)
        if free and value is None:
            continue
        if value is None:
            if name == "err_0" and top is None:
                continue
            value = top + MARGIN if name == "err_0" else _default(law, name)
        if name == "err_0" and not free and top is not None and value <= top:
            raise UserError(f"err_0 {value:g} must lie above the largest response, {top:g}")
        if name == "err_inf" and bottom is not None and value >= bottom:
            raise UserError(
                f"err_inf {value:g} must lie below the smallest response, {bottom:g}: it is where "
                "the curve ends"
            )
        limits = {"err_inf": (low, math.inf), "err_0": (low, high or math.inf)}.get(name)
        # Where nothing is said of err_0 it lies a margin above the largest response, published so.
        if limits and name in given and not limits[0] <= value <= limits[1]:
            bound = "lo_bound" if value < limits[0] else "up_bound"
            raise UserError(f"{name} {value:g} lies outside {bound}: give one that does not")
        value = -value if name == "c" and law != "m3" else float(value)
        if free:
            start[name] = value
        else:
            bounds[name] = (value, value)
    return Settings(bounds, start, iterations)


def _default(law: str, name: str) -> float:
    return 0.5 if (law, name) == ("m3", "c") else _HELD[name]


def _check(law: str, name: str, value: float | bool) -> None:
    if name.startswith("update_"):
        if not isinstance(value, bool):
            raise UserError(f"{name} must be true or false, got {value!r}")
        return
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise UserError(f"{name} must be a number, got {value!r}")
    if name == "max_iterations":
        if value < 1 or value != int(value):
            raise UserError(f"max_iterations must be a whole number, 1 or more; got {value:g}")
        return
    if not math.isfinite(value):
        raise UserError(f"{name} must be a finite number, got {value:g}")
    if name == "c" and law != "m3":
        if not -5 <= value < 0:
            raise UserError(f"c must lie between −5 and 0: {law} falls as x^c; got {value:g}")
    elif value < 0 or (name in ("err_0", "up_bound") and value == 0):
        raise UserError(f"{name} must not be negative, nor err_0 or up_bound 0; got {value:g}")
