"""A law as the calculator sees it: published, or saved by a fit of one's own; what it needs, what
it counts, where it comes from, and its curve.

Two sources that disagree are two laws. Names are those of `alphascale.literature.published`, with
hyphens or underscores, and the aliases below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

from alphascale.columns import PREDICTORS
from alphascale.errors import UserError
from alphascale.fitting.saved import load
from alphascale.grids.allocation import FLOPS_PER
from alphascale.laws import FORMS, AutoLaw, Fit, Fits, get_form
from alphascale.laws.form import predict
from alphascale.literature.published import PF_DAY, PUBLISHED, Published, form_vector

# Symbol and unit of every variable a law may ask for; the order is that of the tables.
VARIABLES = {
    "params": ("N", "parameters"),
    "tokens": ("D", "tokens"),
    "unique": ("U", "unique tokens"),
    "flops": ("C", "FLOP"),
    "min_flops": ("C_min", "FLOP"),
    "min_steps": ("S_min", "steps"),
    "steps": ("S", "steps"),
    "batch": ("B", "tokens per step"),
}
ALIASES = {
    "chinchilla-unrounded": "chinchilla",
    "chinchilla-1": "chinchilla-approach1",
    "chinchilla-2": "chinchilla-approach2",
    "chinchilla-3": "chinchilla-approach3",
}
CLOSED_FORM = "kaplan-closed-form"

# Which variable a predictor of a published law is, by form.
_PREDICTORS = {
    "kaplan_n": ("params",),
    "kaplan_d": ("tokens",),
    "kaplan_c": ("min_flops",),
    "kaplan_nd": ("params", "tokens"),
    "kaplan_ns": ("params", "min_steps"),
    "chinchilla": ("params", "tokens"),
    "data_constrained": ("params", "tokens", "unique"),
}
# What the published laws were fitted on; beyond it a prediction is an extrapolation, and says so.
_KAPLAN_RANGE = {"params": (768.0, 1.5e9), "tokens": (2.2e7, 2.3e10)}  # section 3
_HOFFMANN_RANGE = {"params": (7e7, 1.6e10), "tokens": (5e9, 5e11)}  # abstract
INFINITE = 1e290  # a predictor's "infinity": far beyond any run, within a double's range
TINY = 1e-6
LARGEST = 1e100  # of what is asked: powers of it stay within a double
# Nats per token above which no published law is asked: guessing among 50,257 tokens (GPT-2's) costs
# ln 50257 = 10.8, among a million 13.8.
UNTRAINED = 14.0


@dataclass(frozen=True)
class Law:
    """One law, ready to be evaluated."""

    name: str  # with hyphens
    # what its curve takes, in order (keys of VARIABLES); empty for a rule that only allocates
    variables: tuple[str, ...]
    counts: str  # what its N counts
    source: str  # paper and equation, or the file
    form: str = ""  # entry of FORMS, or ''
    constants: Mapping[str, float] = field(default_factory=dict)  # by the source's own names
    response: str = "loss"  # what the curve gives: "loss", or the column that was fitted
    # variable → (low, high) of the points it was fitted on, where known
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    limits: tuple[float, float] = (0.0, UNTRAINED)  # of the response
    # the user's own fit: its answers are those of `alphascale optimum`, none below its points
    fit: Fit | AutoLaw | None = field(default=None, repr=False)
    # (roles, n) -> (n,)
    curve: Callable[[np.ndarray], np.ndarray] | None = field(default=None, repr=False)

    def value(self, **at: float) -> float:
        """The curve at one point given by its variables."""
        return float(self.values(**at)[0])

    def values(self, **at) -> np.ndarray:
        """The curve (n,) at points given by variables: scalars or (n,) arrays."""
        if self.curve is None:
            raise UserError(f"law {self.name} only allocates a budget: it predicts no loss")
        rows = np.broadcast_arrays(*(np.atleast_1d(at[v]).astype(float) for v in self.variables))
        with np.errstate(all="ignore"):
            return self.curve(np.stack(rows))

    @property
    def floor(self) -> float:
        """The response with every variable infinite: E, or 0 for a law without one."""
        if "E" in self.constants:
            return float(self.constants["E"])
        return self.limit({}) if self.form and "E" in FORMS[self.form].names else 0.0

    def limit(self, known: Mapping[str, float]) -> float:
        """The response as every variable that is not in `known` grows without end."""
        return self.value(**{v: known.get(v, INFINITE) for v in self.variables})

    def solve(self, variable: str, target: float, known: Mapping[str, float]) -> float:
        """The value of `variable` at which the curve equals `target`, the others being `known`.

        Raises UserError if the variable is not one of the law's, or no value of it will do.
        """
        if variable not in self.variables:
            raise UserError(
                f"law {self.name} has no {variable}; it takes {', '.join(self.variables)}"
            )
        check_target(self, target)
        if self.form == "isoflop":
            raise UserError(
                f"law {self.name}: an isoFLOP parabola has a least {self.response} at N_opt = "
                f"{self.constants['N_opt']:.5g}; it has no one size for a given {self.response}"
            )
        symbol = VARIABLES[variable][0]
        if self.fit is not None and len(self.variables) == 1:
            return self._measured(variable, self.fit.solve(target), target)
        rest = {v: known[v] for v in self.variables if v != variable}

        def miss(log_x: float) -> float:
            return self.value(**rest, **{variable: math.exp(log_x)}) - target

        best = self.limit(rest)
        if target <= best:
            held = ", ".join(f"{VARIABLES[v][0]} = {x:.4g}" for v, x in rest.items())
            raise UserError(
                f"law {self.name}: {symbol} alone cannot reach {self.response} {target:.5g}: with "
                f"{held or 'any ' + symbol} it stays above {best:.5g}; ask for more than that"
            )
        if miss(math.log(TINY)) <= 0:
            raise UserError(
                f"law {self.name}: {self.response} {target:.5g} is reached at any {symbol}; "
                "ask for a lower one"
            )
        low, high = math.log(TINY), math.log(INFINITE)
        found = math.exp(brentq(miss, low, high, xtol=1e-14, rtol=1e-15))
        if self.fit is not None:
            return self._measured(variable, found, target)
        if found < 1:
            raise UserError(
                f"law {self.name}: {self.response} {target:.5g} takes {found:.3g} "
                f"{VARIABLES[variable][1]}, less than one: outside any use of the law; ask for a "
                "lower one"
            )
        return found

    def _measured(self, variable: str, found: float, target: float) -> float:
        """`found` where it lies above the smallest that was fitted, and is anywhere."""
        smallest = self.ranges[variable][0]
        if found <= smallest:
            raise UserError(
                f"law {self.name}: {self.response} {target:.5g} is met by the smallest {variable} "
                f"fitted, {smallest:.5g}; what lies below was not measured: ask for a lower one"
            )
        if math.isinf(found):
            raise UserError(
                f"law {self.name}: {self.response} {target:.5g} is out of reach; ask for more than "
                "that"
            )
        return found


def check_target(law: Law, target: float) -> float:
    """`target` if the law can reach it at some size; UserError naming the floor otherwise."""
    positive(law.response, target)
    if target > law.limits[1]:
        untrained = " nats, what guessing among a million tokens costs"
        raise UserError(
            f"{law.response} {target:.5g} is above {law.limits[1]:g}"
            f"{untrained if law.limits[1] == UNTRAINED else ', the most that it can be'}: no "
            "training is needed for it; ask for less"
        )
    if target <= law.floor and law.fit is not None:
        raise UserError(
            f"{law.response} {target:.5g} is not above {law.floor:.5g}, where the fitted curve "
            f"levels off: no size reaches it by that curve; `alphascale optimum {law.name} "
            f"--target {target:g}` says how sure that is"
        )
    if target <= law.floor:
        raise UserError(
            f"{law.response} {target:.5g} is not above the irreducible {law.response} "
            f"{law.floor:.5g} of law {law.name}: no size reaches it; ask for more than that"
        )
    return target


def positive(name: str, value: float) -> float:
    """`value` as a float if it is finite and positive; UserError naming it otherwise."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UserError(f"{name} must be a number, got {value!r}") from None
    if not 1 / LARGEST < number < LARGEST:
        raise UserError(f"{name} must be a number above 0 and below {LARGEST:g}, got {number:g}")
    return number


def law_names() -> list[str]:
    """Every published law, with hyphens, in the order of the literature, and the closed form."""
    names = [name.replace("_", "-") for name in PUBLISHED]
    names.insert(names.index("kaplan-table6") + 1, CLOSED_FORM)
    return names


def get_law(law: str | Path | Fit | AutoLaw | Law) -> Law:
    """The law called `law`: a published name, an alias, a saved fit's path, or a Fit in hand.

    Raises UserError naming the known laws.
    """
    if isinstance(law, Law):
        return law
    if isinstance(law, (Fit, AutoLaw)):
        return from_fit(law, "a fit in memory")
    text = str(law)
    name = text.replace("_", "-").lower()
    name = ALIASES.get(name, name)
    if name == CLOSED_FORM or name.replace("-", "_") in PUBLISHED:
        return _published(name)
    if text.endswith(".json") or Path(text).is_file():
        return from_fit(_load(text), text)
    known = ", ".join([*law_names(), *ALIASES])
    raise UserError(f"law {text!r} is not known; choose one of {known}, or a saved fit (fit.json)")


def _load(path: str) -> Fit | AutoLaw:
    """The saved fit at `path`; UserError naming the file if it is not one."""
    fit = load(path)
    if isinstance(fit, Fits):
        groups = ", ".join("/".join(key) for key in fit.fits)
        raise UserError(
            f"{path}: holds one fit per group ({groups}); the calculator takes one: fit the rows "
            "of one group"
        )
    return fit


@lru_cache
def _published(name: str) -> Law:
    entry = closed_form_entry() if name == CLOSED_FORM else PUBLISHED[name.replace("-", "_")]
    common = {"counts": entry.counts, "source": entry.source, "constants": entry.constants}
    if name.startswith("kaplan"):
        common["ranges"] = _KAPLAN_RANGE
    elif name.startswith("chinchilla"):
        common["ranges"] = _HOFFMANN_RANGE
    if not entry.form:
        return Law(name, (), **common)
    vector = form_vector(entry)
    form = get_form(entry.form)
    # The one law of the literature whose predictor is in PF-days.
    scale = PF_DAY if entry.form == "kaplan_c" else 1.0

    def curve(x: np.ndarray) -> np.ndarray:
        return predict(form, np.log(x / scale), vector[None])[0]

    return Law(name, _PREDICTORS[entry.form], form=entry.form, curve=curve, **common)


def closed_form_entry() -> Published:
    """L(C_min) that follows from eq. 1.6 (Table 3) and eq. 1.4 of Kaplan et al.: their appendix B.

    At fixed C_min = 6·N·B_crit(L)·S_min the loss is least where the step term is alpha_N/alpha_S of
    the size term, so that L, N, S_min and B_crit are powers of C_min, with 1/alpha_C = 1/alpha_N +
    1/alpha_S + 1/alpha_B. C_c in PF-days.
    """
    ns, critical = PUBLISHED["kaplan_ns"].constants, PUBLISHED["kaplan_bcrit"].constants
    a_n, a_s, a_b = ns["alpha"], ns["beta"], critical["alpha_B"]
    size_share = 1 / (1 + a_n / a_s)
    params = ns["N_c"] * size_share ** (-1 / a_n)
    steps = ns["S_c"] * (1 - size_share) ** (-1 / a_s)
    constants = {
        "alpha": 1 / (1 / a_n + 1 / a_s + 1 / a_b),
        "C_c": FLOPS_PER * params * critical["B_star"] * steps / PF_DAY,
        "size_share": size_share,
    }
    return Published(
        "kaplan_closed_form",
        "kaplan_c",
        constants,
        "non-embedding",
        "x = C_min in PF-days, loss in nats",
        "Kaplan et al. 2020, arXiv:2001.08361, appendix B with Table 3 and eq. 1.4 (half the N of "
        "Table 6)",
    )


def from_fit(fit: Fit | AutoLaw, where: str) -> Law:
    """A saved fit as a law. Its columns must be named for what they hold; UserError otherwise."""
    variables = tuple(PREDICTORS.get(c.lower(), "") for c in fit.columns)
    if "" in variables or len(set(variables)) < len(variables):
        raise UserError(
            f"{where}: predictors {', '.join(fit.columns)} are not ones the calculator knows; name "
            f"the columns params, tokens, unique or flops and fit again"
        )
    one_form = isinstance(fit, Fit)
    if one_form and get_form(fit.law).increasing:
        raise UserError(
            f"{where}: {fit.y} by law {fit.law} rises with size; the calculator takes laws of a "
            "loss or an error: fit one of those"
        )
    return Law(
        name=where,
        variables=variables,
        counts=f"as in the column {fit.columns[0]} of the fitted points",
        source=f"{where}: {fit.expression} fitted to {fit.y}",
        form=fit.law if one_form else "",
        constants={**fit.params, **fit.derived} if one_form else {"E": fit.floor()[0]},
        response=fit.y,
        ranges=dict(zip(variables, fit.x_range, strict=True)),
        limits=fit.limits,
        fit=fit,
        curve=fit.curve,
    )
