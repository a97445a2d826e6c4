"""What a scaling-law form is, and how one is evaluated; the forms are in `alphascale.laws.forms`.

Most laws of the literature are sums of products of powers. Such a form is a table of `Term`s and
one evaluator serves them all; the few others name a curve of `alphascale.laws.curves`. Everything
is evaluated in batches: B parameter vectors at n points at once, which is what multi-start fits
and bootstraps need.

Coordinates. Inside a fit, predictors are divided by their geometric mean and the response by its
median absolute value, so that amplitudes are of order one and a fit is invariant under a change of
units; `unscale` gives parameters in the user's own units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

FloatArray = np.ndarray


@dataclass(frozen=True)
class Param:
    """One parameter: its name, bounds in the user's units, and the values its search starts from.

    `starts` is empty for an amplitude: amplitudes are solved for, linearly, at every start.
    scales_with_y: the bounds are in units of the response (a floor) and move with its scale.
    per_x: they are in units of one over the predictor.
    position: a place on the predictor's axis (a break, an optimum). It is searched as a logarithm
    inside the range of the points, and its starts are fractions of that range.
    """

    name: str
    low: float = 0.0
    high: float = np.inf
    starts: tuple[float, ...] = ()
    scales_with_y: bool = False
    position: bool = False
    per_x: bool = False


@dataclass(frozen=True)
class Term:
    """amplitude · sign · Π role^(−exponent); an empty mapping makes it a constant."""

    amplitude: str
    exponents: Mapping[str, str] = field(default_factory=dict)
    sign: float = 1.0


@dataclass(frozen=True)
class Form:
    """A law as data.

    name, expression: what the user types and reads. source: where the form comes from. roles: the
    predictors, in the order of `fit`'s x, x2, x3. params: in the order of every vector. terms: the
    sum of powers, or empty where `curve` evaluates the form. levels: least number of distinct
    values of each predictor, and `rule` the sentence that says why. loss: the one used when the
    caller names none (`alphascale.laws.losses`). increasing: whether a larger x makes the response
    larger (accuracy). allocates: whether a budget can be divided between N and D. same_unit: roles
    measured in the unit of another (unique tokens in that of tokens). derived: further quantities
    of the literature from the parameters (N_c of Kaplan's laws).

    curve(logs, P) -> (Y (B, n), J (B, p, n)). unscale(P, x_scales, y_scale) -> P in the user's
    units. seeds(logs, y, low, high) -> (S, p), within bounds (p,). features(logs, T) -> (B, k, n):
    see `design`. target(y, T) -> (B, n): what the amplitudes enter linearly, where that is not y
    itself.
    """

    name: str
    expression: str
    source: str
    params: tuple[Param, ...]
    terms: tuple[Term, ...] = ()
    roles: tuple[str, ...] = ("x",)
    levels: int = 3
    loss: str = "squared_log"
    increasing: bool = False
    allocates: bool = False
    same_unit: Mapping[str, str] = field(default_factory=dict)
    why_levels: str = ""
    curve: Callable | None = None
    features: Callable | None = None
    unscale: Callable | None = None
    seeds: Callable | None = None
    target: Callable | None = None
    derived: Mapping[str, Callable[[Mapping[str, float]], float]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.params)

    @cached_property
    def index(self) -> dict[str, int]:
        """Positions of the parameters, by name."""
        return {name: i for i, name in enumerate(self.names)}

    @property
    def amplitudes(self) -> tuple[int, ...]:
        """Positions of the parameters found by linear least squares when a search starts."""
        return tuple(i for i, p in enumerate(self.params) if not p.starts)

    @property
    def exponents(self) -> tuple[int, ...]:
        """Positions of the parameters the search runs over."""
        return tuple(i for i, p in enumerate(self.params) if p.starts)

    @property
    def rule(self) -> str:
        if self.why_levels:
            return self.why_levels
        kind = "a power term with a floor" if self.levels > 3 else "a power term"
        return f"{kind} needs at least {self.levels} distinct values of its predictor"


def evaluate(form: Form, logs: FloatArray, P: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Predictions Y (B, n) and their derivatives J (B, p, n) at B parameter vectors.

    logs: (roles, n), natural logarithms of the predictors; P: (B, p).
    """
    if form.curve is not None:
        return form.curve(logs, P)
    index = form.index
    Y = np.zeros((len(P), logs.shape[1]))
    J = np.zeros((len(P), len(form.params), logs.shape[1]))
    for term in form.terms:
        a = index[term.amplitude]
        J[:, a] = _powers(form, term, logs, P)
        part = J[:, a] * P[:, a, None]
        Y += part
        for role, exponent in term.exponents.items():
            J[:, index[exponent]] -= part * logs[form.roles.index(role)]
    return Y, J


def predict(form: Form, logs: FloatArray, P: FloatArray) -> FloatArray:
    """Predictions Y (B, n) alone: `evaluate` without the derivatives. With logs (roles, B, n) each
    parameter vector has its own points."""
    if form.curve is not None:
        return form.curve(logs, P)[0]
    Y = np.zeros((len(P), logs.shape[-1]))
    for term in form.terms:
        Y += P[:, form.index[term.amplitude], None] * _powers(form, term, logs, P)
    return Y


def _powers(form: Form, term: Term, logs: FloatArray, P: FloatArray) -> FloatArray:
    """What the term's amplitude multiplies (B, n), its sign included."""
    power = np.zeros((len(P), logs.shape[-1]))
    if not term.exponents:
        return power + term.sign
    for role, exponent in term.exponents.items():
        power -= P[:, form.index[exponent], None] * logs[form.roles.index(role)]
    np.exp(power, out=power)
    return power if term.sign == 1 else term.sign * power


def design(form: Form, logs: FloatArray, T: FloatArray) -> FloatArray:
    """Columns (B, k, n) that the k amplitudes multiply, at B settings T (B, m) of the other
    parameters: the derivatives by the amplitudes, unless the form has its own.
    """
    if form.features is not None:
        return form.features(logs, T)
    P = np.ones((len(T), len(form.params)))
    P[:, form.exponents] = T
    return evaluate(form, logs, P)[1][:, form.amplitudes]


def unscale(form: Form, P: FloatArray, x_scales: FloatArray, y_scale: float) -> FloatArray:
    """Parameters (B, p) in the user's units, from those of the scaled problem.

    An amplitude beyond the range of a double becomes inf or 0; predictions never go through it.
    """
    if form.unscale is not None:
        return form.unscale(P, x_scales, y_scale)
    index, out = form.index, P.copy()
    for term in form.terms:
        power = np.zeros(len(P))
        for role, exponent in term.exponents.items():
            power += P[:, index[exponent]] * np.log(x_scales[form.roles.index(role)])
        with np.errstate(over="ignore"):
            out[:, index[term.amplitude]] *= y_scale * np.exp(power)
    return out
