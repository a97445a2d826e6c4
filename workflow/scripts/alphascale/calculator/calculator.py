"""The calculator: numbers and allocations from one law, published or one's own.

    calculator = Calculator("chinchilla")
    calculator.loss(params=7e10, tokens=1.4e12)      # any two of params, tokens, flops
    calculator.allocate(5.76e23).params
    calculator.solve("params", loss=2.0, tokens=1e12)
    calculator.factors(params=7e10, tokens=1.4e12, loss=1.9)

C is the compute of one training, 6·N·D FLOP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from scipy.optimize import brentq

from alphascale.calculator import strategies
from alphascale.calculator.allocation import (
    Allocation,
    allocate,
    cheapest,
    outside,
)
from alphascale.calculator.kaplan import DEFAULT, Names
from alphascale.calculator.known_laws import (
    CLOSED_FORM,
    VARIABLES,
    Law,
    check_target,
    get_law,
    positive,
)
from alphascale.errors import UserError
from alphascale.grids.allocation import FLOPS_PER
from alphascale.laws import Fit
from alphascale.literature.published import PF_DAY

AGREE = 1e-3  # relative difference up to which three given quantities fulfil C = 6·N·D


def run_of(
    params: float | None = None, tokens: float | None = None, flops: float | None = None
) -> dict[str, float]:
    """The given ones of N, D and C, and the third by C = 6·N·D where two are known.

    Raises UserError if one is not positive, or if three disagree.
    """
    given = {"params": params, "tokens": tokens, "flops": flops}
    known = {name: positive(name, value) for name, value in given.items() if value is not None}
    for name in ("params", "tokens"):
        if known.get(name, 1) < 1:
            raise UserError(f"{name} must be at least 1, got {known[name]:g}")
    k = FLOPS_PER
    if len(known) == 3:
        product = k * known["params"] * known["tokens"]
        if abs(product / known["flops"] - 1) > AGREE:
            raise UserError(
                f"params and tokens cost 6·N·D = {product:.5g} FLOP, but flops is "
                f"{known['flops']:.5g}: give any two of the three"
            )
    elif len(known) == 2:
        if "flops" not in known:
            known["flops"] = k * known["params"] * known["tokens"]
        else:
            missing, other = ("tokens", "params") if "params" in known else ("params", "tokens")
            known[missing] = known["flops"] / (k * known[other])
            if known[missing] < 1:
                raise UserError(
                    f"flops {known['flops']:.4g} with {other} {known[other]:.4g} leaves "
                    f"{known[missing]:.3g} {missing}: give a larger budget"
                )
    return known


@dataclass(frozen=True)
class Evaluation:
    """A law at one point."""

    # law, response: the law's name, and what it predicts
    law: str
    response: str
    value: float  # nats, or the unit of the fitted column
    at: dict[str, float]  # every quantity that was given or follows from what was, by name
    notes: tuple[str, ...] = ()  # what a reader should know

    def as_dict(self) -> dict:
        found = dict(self.at)
        for name in ("flops", "min_flops"):
            if name in found:
                found[name.replace("flops", "pf_days")] = found[name] / PF_DAY
        return {"law": self.law, self.response: self.value, **found, "notes": list(self.notes)}


@dataclass(frozen=True)
class Calculator(Names):
    """Numbers from one law: a name of `law_names()`, an alias, a saved fit's path, a Fit or a Law;
    none named, Kaplan's. UserError if it is none of these."""

    law: Law | Fit | str | Path = field(default=DEFAULT)

    def __post_init__(self) -> None:
        object.__setattr__(self, "law", get_law(self.law))

    def loss(self, **given: float | None) -> float:
        """The law's prediction, nats; see `evaluate`."""
        return self.evaluate(**given).value

    def evaluate(
        self,
        *,
        params: float | None = None,
        tokens: float | None = None,
        flops: float | None = None,
        unique: float | None = None,
        batch: float | None = None,
        steps: float | None = None,
        min_steps: float | None = None,
        min_flops: float | None = None,
    ) -> Evaluation:
        """The law at a point given by what it takes, or by quantities that fix that.

        Any two of params, tokens and flops give the third. A law of C_min takes min_flops, or
        flops: C = C_min·(1 + B/B_crit) with a batch, 2·C_min (B = B_crit) without. A law of S_min
        takes min_steps, or a batch with steps (or tokens, or flops). Raises UserError naming what
        is missing, and for what the law has no use for.
        """
        law = self.law
        if not law.variables:
            raise UserError(f"law {law.name} predicts no loss; it takes part in {_use(law)}")
        extra = {
            "unique": unique,
            "batch": batch,
            "steps": steps,
            "min_steps": min_steps,
            "min_flops": min_flops,
        }
        self._refuse_unused({k for k, v in extra.items() if v is not None})
        if steps is not None and batch is not None:
            seen = positive("steps", steps) * positive("batch", batch)
            if tokens is not None and abs(seen / positive("tokens", tokens) - 1) > AGREE:
                raise UserError(
                    f"steps and batch process {seen:.5g} tokens, but tokens is {tokens:.5g}: give "
                    "any two of the three"
                )
            tokens = seen
        at = run_of(params, tokens, flops)
        at |= {k: positive(k, v) for k, v in extra.items() if v is not None}
        notes: list[str] = []
        if "min_flops" in law.variables and "min_flops" not in at and "flops" in at:
            at["min_flops"], note = self._min_flops(at["flops"], at.get("batch"))
            notes.append(note)
        if "min_steps" in law.variables and "min_steps" not in at:
            at |= _min_steps(at)
        self._need(at)
        value = law.value(**{v: at[v] for v in law.variables})
        notes += self.cautions(at)
        return Evaluation(law.name, law.response, value, at, tuple(notes))

    def solve(self, variable: str, loss: float, **known: float) -> float:
        """The value of `variable` (params, tokens, flops, …) that gives `loss`.

        For flops beside params or tokens, the other follows from C = 6·N·D; flops alone is the
        least budget whose own allocation reaches the loss. Raises UserError where none does.
        """
        known = {k: positive(k, v) for k, v in known.items() if v is not None}
        law = self.law
        if variable in known:
            raise UserError(f"{variable} is what is asked for: leave its value out")
        of_budget = ("params", "tokens") if variable == "flops" else ("flops",)
        if other := sorted(set(known) - {*law.variables, *of_budget}):
            raise UserError(f"law {law.name} takes no {other[0]}: leave it out")
        if variable == "flops" and "flops" not in law.variables:
            held = [v for v in ("params", "tokens") if v in known]
            if not held and law.variables == ("min_flops",):
                return 2 * law.solve("min_flops", loss, {})
            if not held:
                return cheapest(law, loss, known.get("unique")).flops
            if len(held) == 2:
                raise UserError(
                    "params and tokens fix flops and the loss already: give one of them"
                )
            other = "tokens" if held == ["params"] else "params"
            found = self.solve(other, loss, **known)
            return FLOPS_PER * found * known[held[0]]
        if variable in law.variables:
            if "flops" in known and "flops" not in law.variables:
                raise UserError(
                    f"with flops held, {variable} trades against the other variable: allocate the "
                    "budget, or give the other variable in place of flops"
                )
            missing = [v for v in law.variables if v != variable and v not in known]
            if missing:
                raise UserError(
                    f"law {law.name} needs {' and '.join(missing)} to solve for {variable}"
                )
        return law.solve(variable, loss, known)

    def allocate(self, flops: float, unique: float | None = None) -> Allocation:
        """The compute-optimal N and D for a budget of C FLOP; 6·N·D = C."""
        return allocate(self.law, flops, unique)

    def factors(self, *, loss: float, **at: float | None) -> dict[str, dict]:
        """By what factor N, D or C must grow, each alone, to come from the run `at` down to `loss`.

        Returns {variable: {"factor", "value"}} or {variable: {"refused": why}}; C is the budget of
        the law's own allocation at `loss`, over the run's own 6·N·D. Raises UserError if the law
        cannot reach `loss` at all or the run is not fixed by `at`.
        """
        here = self.evaluate(**at)
        check_target(self.law, loss)
        out: dict[str, dict] = {}
        known = {v: here.at[v] for v in self.law.variables}
        names = list(self.law.variables)
        if "flops" in here.at and not set(names) & {"flops", "min_flops", "min_steps"}:
            names.append("flops")
        for name in names:
            rest = {v: x for v, x in known.items() if v != name}
            if name == "flops" and name not in known:
                rest = {v: x for v, x in rest.items() if v == "unique"}
            try:
                value = self.solve(name, loss, **rest)
            except UserError as fault:
                out[name] = {"refused": str(fault)}
            else:
                out[name] = {"factor": value / here.at[name], "value": value}
        return out

    def _min_flops(self, flops: float, batch: float | None) -> tuple[float, str]:
        if batch is None:
            return flops / 2, "C_min = C/2: trained at the critical batch"

        def miss(low: float) -> float:
            critical = strategies.critical_batch(self.law.value(min_flops=low))
            return low * (1 + batch / critical) / flops - 1

        # C_min lies between 0 and C, and C rises with it: B/B_crit falls slower than 1/C_min.
        found = brentq(miss, flops * 1e-12, flops, xtol=flops * 1e-15)
        return found, "C_min = C/(1 + B/B_crit) at the batch given"

    def _refuse_unused(self, given: set[str]) -> None:
        used = set(self.law.variables)
        if "min_flops" in used:
            used.add("batch")
        if "min_steps" in used:
            used |= {"batch", "steps"}
        if given - used:
            raise UserError(
                f"law {self.law.name} has no use for {' and '.join(sorted(given - used))}: it "
                f"takes {', '.join(self.law.variables)}; leave that out"
            )

    def _need(self, at: dict[str, float]) -> None:
        missing = [v for v in self.law.variables if v not in at]
        if missing:
            said = " and ".join(f"{v} ({VARIABLES[v][0]})" for v in missing)
            raise UserError(f"law {self.law.name} needs {said}; {_ways(self.law, missing)}")

    def cautions(self, at: dict[str, float]) -> tuple[str, ...]:
        """What a reader should know of a point: where overfitting is expected, and where it lies
        outside what the law was fitted on."""
        law, said = self.law, []
        whole = {"params", "tokens"} <= set(at)
        if whole and law.form == "kaplan_nd" and law.counts == "non-embedding":
            enough = 5e3 * at["params"] ** 0.74
            if at["tokens"] < enough:
                said.append(
                    f"D is below 5e3·N^.74 = {enough:.3g}: expect overfitting (Kaplan, eq. 4.4)"
                )
        return (*said, *outside(law, {v: at[v] for v in law.variables if v in at}))


def _min_steps(at: dict[str, float]) -> dict[str, float]:
    """S_min, S and B of a run given by params, batch and tokens (B·S); {} if that is not given."""
    if not {"params", "tokens", "batch"} <= set(at):
        return {}
    steps = at["tokens"] / at["batch"]
    loss = strategies.loss_after(at["params"], at["batch"], steps)
    critical = strategies.critical_batch(loss)
    return {"steps": steps, "min_steps": steps / (1 + critical / at["batch"])}


def _ways(law: Law, missing: list[str]) -> str:
    ways = {
        "params": "give params, or tokens and flops",
        "tokens": "give tokens, or params and flops",
        "flops": "give flops, or params and tokens",
        "unique": "give unique",
        "min_flops": "give min_flops, or flops, or params and tokens",
        "min_steps": "give min_steps, or a batch and steps (or tokens, or flops)",
    }
    if {"params", "tokens"} <= set(law.variables) and set(missing) & {"params", "tokens"}:
        return "give any two of params, tokens and flops"
    return "; ".join(ways[name] for name in missing)


def _use(law: Law) -> str:
    if law.name == "kaplan-bcrit":
        return "critical-batch and steps"
    return f"allocate; for a loss use {CLOSED_FORM}, kaplan-nd or chinchilla"
