"""Which N and D a budget buys: the compute-optimal allocation of every law that has one.

Every allocation spends its own budget: 6·N·D = C. Kaplan's rules are in C_min, the compute that a
batch far below the critical one would need; trained at B_crit a run costs C = 2·C_min, and that is
the C asked for here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from alphascale.calculator.known_laws import CLOSED_FORM, Law, check_target, get_law, positive
from alphascale.errors import UserError
from alphascale.grids.allocation import (
    FLOPS_PER,
    Optimum,
    optimum_for_flops,
    optimum_for_target,
)
from alphascale.literature.published import PF_DAY, PUBLISHED


@dataclass(frozen=True)
class Allocation:
    """How one law would spend a budget."""

    law: str
    flops: float  # C, FLOP
    params: float  # N as the law counts it
    tokens: float  # D, tokens processed
    loss: float | None  # predicted, None for a rule that predicts none
    how: str  # closed form, numerical, or the paper's rule
    # batch, steps: B, tokens, and S, of laws that know batches, else None
    batch: float | None = None
    steps: float | None = None
    # min_flops, min_steps: C_min, FLOP, and S_min, of the same laws
    min_flops: float | None = None
    min_steps: float | None = None
    notes: tuple[str, ...] = ()  # what a reader should know

    def __iter__(self) -> Iterator[float]:
        """N, D: `N, D = …`."""
        return iter((self.params, self.tokens))

    @property
    def tokens_per_param(self) -> float:
        return self.tokens / self.params

    @property
    def spent(self) -> float:
        """6·N·D, FLOP: equal to `flops`."""
        return FLOPS_PER * self.params * self.tokens

    def as_dict(self) -> dict:
        return {
            **asdict(self),
            "notes": list(self.notes),
            "tokens_per_param": self.tokens_per_param,
            "pf_days": self.flops / PF_DAY,
        }


def allocate(law, flops: float, unique: float | None = None) -> Allocation:
    """The allocation of `flops` (C, FLOP) by `law` (a name, a saved fit's path, a Fit or a Law).

    unique: unique tokens, for the data-constrained law alone. Raises UserError for a law without
    an optimum (one variable, or no interior minimum), for a budget that is not positive, and for
    one that buys less than a parameter or a token.
    """
    found = _split(get_law(law), flops, unique)
    if min(found.params, found.tokens) < 1:
        raise UserError(
            f"flops {flops:g} is outside the use of law {found.law}: it would buy "
            f"{found.params:.3g} parameters and {found.tokens:.3g} tokens; give a larger budget"
        )
    return found


def _split(law: Law, flops: float, unique: float | None) -> Allocation:
    flops = positive("flops", flops)
    known = {}
    if "unique" in law.variables:
        if unique is None:
            raise UserError(f"law {law.name} needs the number of unique tokens too: give unique")
        known["unique"] = positive("unique", unique)
    elif unique is not None:
        raise UserError(f"law {law.name} knows no unique tokens; leave them out")
    rule = _RULES.get(law.name)
    if rule:
        return rule(law, flops)
    if not {"params", "tokens"} <= set(law.variables):
        raise UserError(f"law {law.name} cannot allocate: {_why_not(law)}")
    if law.fit is not None:
        best = optimum_for_flops(law.fit, flops, unique=unique, draws=False)
        return _of_fit(law, best, known)
    closed = _CLOSED.get(law.form)
    params = closed(law, flops) if closed else None
    how = "closed form"
    if params is None:
        params, how = _numerical(law, flops, known), "numerical minimum on 6·N·D = C"
    tokens = flops / (FLOPS_PER * params)
    loss = law.value(params=params, tokens=tokens, **known)
    notes = outside(law, {"params": params, "tokens": tokens, **known})
    return Allocation(law.name, flops, params, tokens, loss, how, notes=notes)


def _of_fit(law: Law, best: Optimum, known: dict[str, float]) -> Allocation:
    """What `alphascale optimum` answers, as an allocation."""
    (params, *_), (tokens, *_), (loss, *_), (flops, *_) = (
        best.params, best.tokens, best.loss, best.flops
    )  # fmt: skip
    at = {"params": params, "tokens": tokens, **known}
    return Allocation(
        law.name, flops, params, tokens, loss, "as alphascale optimum", notes=outside(law, at)
    )


def cheapest(law, loss: float, unique: float | None = None) -> Allocation:
    """The least compute whose own allocation reaches `loss`. Raises UserError below the floor."""
    law = get_law(law)
    check_target(law, loss)
    if law.fit is not None and {"params", "tokens"} <= set(law.variables):
        return _cheapest_of_fit(law, loss, unique)

    def miss(log_flops: float) -> float:
        found = _split(law, math.exp(log_flops), unique).loss
        if found is None:
            raise UserError(f"law {law.name} only allocates a budget: it predicts no loss")
        return found - loss

    # From one parameter seeing a handful of tokens to far beyond what the earth could run.
    low, high = math.log(1e2), math.log(1e80)
    if miss(high) > 0:
        raise UserError(
            f"law {law.name}: {law.response} {loss:.5g} takes more than 1e80 FLOP; "
            "ask for a higher one"
        )
    if miss(low) <= 0:
        raise UserError(
            f"law {law.name}: {law.response} {loss:.5g} takes less than 100 FLOP, outside any use "
            "of the law; ask for a lower one"
        )
    return allocate(law, math.exp(brentq(miss, low, high, xtol=1e-13, rtol=1e-14)), unique)


def _cheapest_of_fit(law: Law, loss: float, unique: float | None) -> Allocation:
    best = optimum_for_target(law.fit, loss, unique=unique, draws=False)
    if math.isinf(best.flops[0]):
        raise UserError(f"law {law.name}: {law.response} {loss:.5g} is out of reach of any budget")
    if best.smallest:
        raise UserError(
            f"law {law.name}: {law.response} {loss:.5g} is met by the smallest params and tokens "
            f"fitted, {best.params[0]:.5g} and {best.tokens[0]:.5g}; what lies below was not "
            "measured: ask for a lower one"
        )
    return _of_fit(law, best, {} if unique is None else {"unique": unique})


def around(law, flops: float, factor: float = 3.0) -> dict[str, Allocation]:
    """The allocation of `flops`, and the same budget with `factor` times its N and 1/`factor` of
    its D, and the other way round. UserError as `allocate`, and for a factor that is not above 1
    or a rule without a loss."""
    law, best = get_law(law), allocate(law, flops)
    if positive("factor", factor) <= 1:
        raise UserError(f"factor must be above 1, got {factor:g}")
    if best.loss is None or not {"params", "tokens"} == set(law.variables):
        raise UserError(
            f"law {law.name} predicts no loss beside its optimum: name one of params and tokens, "
            "such as kaplan-nd or chinchilla"
        )
    out = {"optimal": best}
    for name, k in ((f"N × {factor:g}", factor), (f"D × {factor:g}", 1 / factor)):
        at = {"params": best.params * k, "tokens": best.tokens / k}
        if min(at.values()) < 1:
            raise UserError(f"factor {factor:g} leaves less than a parameter or a token: take less")
        out[name] = Allocation(
            law.name, best.flops, **at, loss=law.value(**at), how=name, notes=outside(law, at)
        )
    return out


def outside(law: Law, at: dict[str, float]) -> tuple[str, ...]:
    """A sentence for each variable beyond the points a law was fitted on."""
    said = []
    for name, value in at.items():
        low, high = law.ranges.get(name, (0.0, math.inf))
        if value > high:
            said.append(
                f"extrapolates: {name} is {value / high:.3g} × the largest fitted ({high:.4g})"
            )
        elif value < low:
            said.append(
                f"extrapolates: {name} is 1/{low / value:.3g} of the least fitted ({low:.4g})"
            )
    return tuple(said)


def can_allocate(law: Law) -> bool:
    """Whether the law has an optimum on 6·N·D = C without further facts (unique tokens)."""
    return law.name in _RULES or set(law.variables) == {"params", "tokens"}


def _why_not(law: Law) -> str:
    rule = "an allocation needs a law of both params and tokens, or a rule such as kaplan-table6"
    if law.variables == ("params", "min_steps"):
        return f"its optimum in C is the law {CLOSED_FORM}; use that"
    if law.variables:
        return f"it is a law of {' and '.join(law.variables)} alone; {rule}"
    return f"it says how large a batch may be, not how to share a budget; {rule}"


def _chinchilla(law: Law, flops: float) -> float | None:
    """N = G·(C/6)^(beta/(alpha+beta)), G = (alpha·A/(beta·B))^(1/(alpha+beta)); Hoffmann, eq. 4."""
    c = law.constants
    A, B, alpha, beta = c["A"], c["B"], c["alpha"], c["beta"]
    if min(A, B, alpha, beta) <= 0:
        raise UserError(_no_minimum(law))
    if not (math.isfinite(A) and math.isfinite(B)):
        return None
    log_g = math.log(alpha * A / (beta * B)) / (alpha + beta)
    return math.exp(log_g + beta / (alpha + beta) * math.log(flops / FLOPS_PER))


def _kaplan_nd(law: Law, flops: float) -> float | None:
    """The minimum of (N_c/N)^r + D_c/D, r = alpha_N/alpha_D, on 6·N·D = C: where r times the
    first term is the second. The derivative in N set to zero; eq. 1.5 of Kaplan et al."""
    c = law.constants
    if min(c["N_c"], c["D_c"], c["alpha_N"], c["alpha_D"]) <= 0:
        raise UserError(_no_minimum(law))
    if not (math.isfinite(c["N_c"]) and math.isfinite(c["D_c"])):
        return None
    r = c["alpha_N"] / c["alpha_D"]
    rise = FLOPS_PER * c["D_c"] / flops
    return math.exp((math.log(r / rise) + r * math.log(c["N_c"])) / (1 + r))


def _numerical(law: Law, flops: float, known: dict[str, float]) -> float:
    """N at the least loss on 6·N·D = C, between one parameter and one token."""
    top = math.log(flops / FLOPS_PER)
    if top <= 0:
        raise UserError(f"flops {flops:g} does not train one parameter on one token (6 FLOP)")

    def loss(log_n):
        return law.values(params=np.exp(log_n), tokens=np.exp(top - log_n), **known)

    grid = np.linspace(0, top, 400)
    values = loss(grid)
    best = int(np.argmin(values))
    if best in (0, len(grid) - 1):
        raise UserError(_no_minimum(law))
    found = minimize_scalar(
        lambda u: float(loss(np.array([u]))[0]),
        bounds=(grid[best - 1], grid[best + 1]),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return math.exp(found.x)


def _no_minimum(law: Law) -> str:
    return (
        f"law {law.name} has no optimum between N and D: one of its terms vanishes (a parameter on "
        "its bound?), so one side of the budget would take all"
    )


def _closed_form(law: Law, flops: float) -> Allocation:
    """Kaplan's optimum of eq. 1.6 at C_min = C/2, from Table 3; see `closed_form_entry`."""
    ns, critical = PUBLISHED["kaplan_ns"].constants, PUBLISHED["kaplan_bcrit"].constants
    loss = law.value(min_flops=flops / 2)
    share = law.constants["size_share"]
    params = ns["N_c"] * (share * loss) ** (-1 / ns["alpha"])
    batch = critical["B_star"] / loss ** (1 / critical["alpha_B"])
    return _at_critical_batch(law, flops, params, batch, loss, "closed form", ())


def _table6(law: Law, flops: float) -> Allocation:
    """Kaplan's empirical powers of C_min. D and S follow from the budget; the printed are noted."""
    c, pf_days = law.constants, flops / 2 / PF_DAY
    printed = {k: c[k] * pf_days ** c[f"{k}_exponent"] for k in ("N", "B", "S", "D")}
    tokens = flops / (FLOPS_PER * printed["N"])
    notes = (
        f"D and S from the budget; Table 6 itself prints D = {printed['D']:.4g} "
        f"({printed['D'] / tokens:.3g} of that) and S_min = {printed['S']:.4g}",
    )
    return _at_critical_batch(
        law, flops, printed["N"], printed["B"], None, "powers of C_min as printed", notes
    )


def _at_critical_batch(law, flops, params, batch, loss, how, notes) -> Allocation:
    tokens = flops / (FLOPS_PER * params)
    steps = tokens / batch
    return Allocation(
        law.name, flops, params, tokens, loss, how, batch, steps, flops / 2, steps / 2,
        (
            "trained at B_crit: C = 2·C_min, S = 2·S_min",
            *notes,
            *outside(law, {"params": params, "tokens": tokens}),
        ),
    )  # fmt: skip


def _approach(law: Law, flops: float) -> Allocation:
    """Hoffmann's N ∝ C^a through a size and budget that the paper prints."""
    c = law.constants
    params = c["N_0"] * (flops / c["C_0"]) ** c["a"]
    notes = (f"through N = {c['N_0']:.3g} at C = {c['C_0']:.3g}, as printed",)
    tokens = flops / (FLOPS_PER * params)
    notes += outside(law, {"params": params, "tokens": tokens})
    return Allocation(law.name, flops, params, tokens, None, "power of C", notes=notes)


_CLOSED: dict[str, Callable[[Law, float], float | None]] = {
    "chinchilla": _chinchilla,
    "kaplan_nd": _kaplan_nd,
}
_RULES: dict[str, Callable[[Law, float], Allocation]] = {
    CLOSED_FORM: _closed_form,
    "kaplan-table6": _table6,
    **{f"chinchilla-approach{i}": _approach for i in (1, 2, 3)},
}
