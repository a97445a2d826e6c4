"""Figures of the published laws: loss over N and over D, strategies at one cost, the frontier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from alphascale.calculator.allocation import allocate
from alphascale.calculator.historical import HISTORICAL, Model
from alphascale.calculator.known_laws import get_law
from alphascale.calculator.strategies import Strategy, strategies, training_curve
from alphascale.literature.published import PF_DAY
from alphascale.plots import style
from alphascale.units import count

LOSS = "Predicted loss (nats per token)"
LOSS_LAWS = (
    "kaplan-nd",
    "kaplan-nd-separate",
    "chinchilla-rounded",
    "chinchilla",
    "chinchilla-epoch",
)
FRONTIER_LAWS = (
    "kaplan-table6",
    "kaplan-closed-form",
    "chinchilla-rounded",
    "chinchilla",
    "chinchilla-epoch",
    "chinchilla-1",
)
GOPHER_BUDGET = 5.76e23  # FLOP, Hoffmann et al. 2022
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@style.styled
def loss_over_params(tokens: Sequence[float] = (1e10, 3e11)) -> Figure:
    """L(N) of every law at each D in `tokens`, side by side."""
    return _loss_panels("params", "tokens", tokens, np.geomspace(1e7, 1e12, 120))


@style.styled
def loss_over_tokens(params: Sequence[float] = (1e9, 1e11)) -> Figure:
    """L(D) of every law at each N in `params`, side by side."""
    return _loss_panels("tokens", "params", params, np.geomspace(1e9, 1e13, 120))


@style.styled
def training_curves(flops: float = GOPHER_BUDGET) -> Figure:
    """L(N, S) of the default strategies at one true cost, over steps and over FLOP spent."""
    figure, (left, right) = style.canvas(9.2, 3.6, columns=2, sharey=True)
    plans = strategies(flops)
    # The ends are what matters; half a nat above them the law is hardly past the warm-up.
    top = max(plan.loss for plan in plans) + 0.5
    steps_seen, flops_seen = [], []
    for plan, look in zip(plans, style.SERIES, strict=False):
        steps, loss = training_curve(plan)
        shown = loss < top
        steps, loss = steps[shown], loss[shown]
        spent = flops * steps / plan.steps
        for axes, x in ((left, steps), (right, spent)):
            axes.plot(x, loss, label=_plan_label(plan), markevery=[-1], **look)
        steps_seen += [steps[0], steps[-1]]
        flops_seen += [spent[0], spent[-1]]
    style.log_axis(left, "x", np.array(steps_seen))
    style.log_axis(right, "x", np.array(flops_seen), powers=True)
    left.set_xlabel("Steps S")
    right.set_xlabel("Compute spent 6·N·B·S (FLOP)")
    left.set_ylabel(LOSS)
    best = min(plans, key=lambda plan: plan.loss)
    style.compose(
        figure,
        f"{len(plans)} ways to spend one budget: {flops / PF_DAY:,.0f} PF-days "
        f"({flops:.3g} FLOP)".replace("e+", "e"),
        [f"Lowest loss: {best.name}, {best.loss:.3f}."],
        [
            "Kaplan et al. 2020, eqs. 1.4, 1.6, 5.4: loss after S steps at batch B (tokens), with "
            "the critical batch at that loss. A curve ends, at its marker, with the budget spent."
        ],
        columns=1,
    )
    return figure


@style.styled
def frontier(models: Sequence[Model] = HISTORICAL) -> Figure:
    """Compute-optimal N and D over C of each law, with models as points."""
    figure, (left, right) = style.canvas(9.2, 4.2, columns=2)
    budgets = np.geomspace(1e19, 1e26, 60)
    for law, look in zip(FRONTIER_LAWS, style.SERIES, strict=False):
        found = [allocate(law, c) for c in budgets]
        line = {"color": look["color"], "linestyle": look["linestyle"], "label": get_law(law).name}
        left.plot(budgets, [a.params for a in found], **line)
        right.plot(budgets, [a.tokens for a in found], **line)
    for model, marker in zip(models, _MARKERS, strict=False):
        point = {"marker": marker, "color": "white", "markeredgecolor": style.BLACK}
        point |= {"markersize": 8, "markeredgewidth": 1.4, "linestyle": "none", "zorder": 6}
        left.plot(model.budget, model.params, label=model.name, **point)
        right.plot(model.budget, model.tokens, label=model.name, **point)
    left.set_ylabel("Compute-optimal parameters N")
    right.set_ylabel("Compute-optimal training tokens D")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("Training compute C = 6·N·D (FLOP)")
    style.compose(
        figure,
        "The compute-optimal frontier of each law, and models as they were trained",
        notes=[
            "Kaplan's N leaves embeddings out, Chinchilla's counts them; kaplan-table6 and "
            "kaplan-closed-form are at the critical batch, C = 2·C_min. Models are at C = 6·N·D.",
            *(f"{model.name}: {model.source}." for model in models),
        ],
        columns=5,
    )
    return figure


FIGURES = {
    "loss_over_params": loss_over_params,
    "loss_over_tokens": loss_over_tokens,
    "training_curves": training_curves,
    "frontier": frontier,
}


def _loss_panels(variable: str, held: str, values: Sequence[float], x: np.ndarray) -> Figure:
    figure, panels = style.canvas(9.2, 3.8, columns=len(values), sharey=True)
    symbol = {"params": "N", "tokens": "D"}
    for axes, value in zip(panels, values, strict=True):
        for law, look in zip(LOSS_LAWS, style.SERIES, strict=False):
            loss = get_law(law).values(**{variable: x, held: value})
            axes.plot(x, loss, color=look["color"], linestyle=look["linestyle"], label=law)
        axes.set_xscale("log")
        axes.set_xlabel("Parameters N" if variable == "params" else "Training tokens D")
        axes.text(
            0.97, 0.95, f"{symbol[held]} = {count(value)}",
            transform=axes.transAxes, ha="right", va="top", fontsize=10,
        )  # fmt: skip
    panels[0].set_ylabel(LOSS)
    what = "model size" if variable == "params" else "data"
    fixed = "data" if variable == "params" else "model size"
    style.compose(
        figure,
        f"Loss over {what} at fixed {fixed}, by {len(LOSS_LAWS)} sets of constants",
        notes=[
            "Kaplan et al. 2020, eq. 1.5 (N without embeddings); Hoffmann et al. 2022, eq. 10, "
            "rounded and unrounded; Besiroglu et al. 2024.",
            "Kaplan's text and tokenizer are not Hoffmann's: compare shapes, not levels.",
        ],
        columns=5,
    )
    return figure


def _plan_label(plan: Strategy) -> str:
    size = f"N {count(plan.params)}, B {count(plan.batch)}, S {count(plan.steps)}"
    return f"{plan.name}: {size}, loss {plan.loss:.3f}"
