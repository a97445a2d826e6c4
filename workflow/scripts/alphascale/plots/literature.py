"""Figures of the published laws: loss over N and over D, strategies at one cost, the frontier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from alphascale.calculator.allocation import allocate
from alphascale.calculator.historical import BERT, HISTORICAL, MEASURED, Model
from alphascale.calculator.known_laws import get_law, positive
from alphascale.calculator.strategies import Strategy, strategies, training_curve
from alphascale.grids.allocation import FLOPS_PER
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
MEASURED_LAWS = ("kaplan-nd", "kaplan-nd-separate", "chinchilla", "chinchilla-epoch")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@style.styled
def loss_over_params(tokens: Sequence[float] | float = (1e10, 3e11)) -> Figure:
    """L(N) of every law at each D in `tokens` (or at the one given), side by side."""
    return _loss_panels("params", "tokens", tokens, np.geomspace(1e7, 1e12, 120))


@style.styled
def loss_over_tokens(params: Sequence[float] | float = (1e9, 1e11)) -> Figure:
    """L(D) of every law at each N in `params` (or at the one given), side by side."""
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


@style.styled
def plane(models: Sequence[Model] = (BERT, *HISTORICAL)) -> Figure:
    """N against D: every law's compute-optimal pairs from 1e17 to 1e26 FLOP, lines of equal compute
    6·N·D, and models where they were trained."""
    figure, axes = style.canvas(7.2, 5.2)
    budgets = np.geomspace(1e17, 1e26, 60)
    for law, look in zip(FRONTIER_LAWS, style.SERIES, strict=False):
        found = np.array([tuple(allocate(law, c)) for c in budgets])
        axes.plot(
            found[:, 1], found[:, 0], color=look["color"], linestyle=look["linestyle"], label=law
        )
    low, high = (1e8, 3e13), (1e6, 3e13)
    for c in 10.0 ** np.arange(18, 27, 2):
        d = np.array(low)
        axes.plot(d, c / (FLOPS_PER * d), color=style.GREY, lw=0.6, ls=(0, (1, 3)), zorder=1)
        at = max(c / (FLOPS_PER * 4e12), low[0] * 1.5)
        n = c / (FLOPS_PER * at)
        if high[0] < n < high[1] and low[0] < at < low[1]:
            text = f"$10^{{{np.log10(c):.0f}}}$ FLOP"
            axes.text(at, n, text, fontsize=7, color=style.GREY, backgroundcolor="white")
    for model, marker in zip(models, _MARKERS, strict=False):
        axes.plot(
            model.tokens, model.params, marker=marker, color="white", ms=8, mew=1.4, zorder=6,
            markeredgecolor=style.BLACK, linestyle="none",
        )  # fmt: skip
        below = any(1 < m.params / model.params < 4 and m.tokens == model.tokens for m in models)
        axes.annotate(
            model.name, (model.tokens, model.params), xytext=(8, -11 if below else 4),
            textcoords="offset points", fontsize=8.5, zorder=7,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"},
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlim=low, ylim=high)
    axes.set_xlabel("Training tokens D")
    axes.set_ylabel("Parameters N")
    says = [_verdicts(models)]
    style.compose(
        figure,
        "The compute-optimal frontier in N and D, and models as trained",
        says,
        [
            "Dotted: equal compute 6·N·D. Kaplan's N leaves embeddings out, Chinchilla's counts "
            "them; kaplan-table6 and kaplan-closed-form are at the critical batch, C = 2·C_min.",
            *(f"{model.name}: {model.source}." for model in models),
        ],
        columns=3,
    )
    return figure


def _verdicts(models: Sequence[Model], law: str = "chinchilla-epoch") -> str:
    """Each model's D over what the law would take for the same compute."""
    ratios = [f"{m.name} {m.tokens / allocate(law, m.budget).tokens:.2g}" for m in models]
    return f"D over the optimum of {law} at the same compute: {', '.join(ratios)}."


@style.styled
def measured(models: Sequence[Model] = MEASURED) -> Figure:
    """Losses that were published beside what the laws predict at the same N and D, a panel a
    family (the name up to its last word)."""
    families = dict.fromkeys(model.name.rpartition(" ")[0] for model in models)
    figure, panels = style.canvas(9.2, 3.8, columns=len(families), sharey=True)
    says, shown = [], []
    for axes, family in zip(np.atleast_1d(panels), families, strict=True):
        own = [m for m in models if m.name.rpartition(" ")[0] == family]
        n, d, loss = (np.array([getattr(m, k) for m in own]) for k in ("params", "tokens", "loss"))
        for law, look in zip(MEASURED_LAWS, style.SERIES, strict=False):
            predicted = get_law(law).values(params=n, tokens=d)
            axes.plot(n, predicted, color=look["color"], linestyle=look["linestyle"], label=law)
            shown += [*predicted]
            if law == MEASURED_LAWS[0]:
                off = f"{np.mean(predicted - loss):+.2f}".replace("-", "−")
                says.append(f"{family}: {law} is {off} nats off on average.")
        axes.plot(n, loss, "o", color=style.BLACK, label="measured", zorder=6)
        shown += [*loss]
        axes.set_title(family)
        style.log_axis(axes, "x", n)
        axes.set_xlabel("Parameters N")
    for axes in np.atleast_1d(panels):
        style.log_axis(axes, "y", np.array(shown))
    np.atleast_1d(panels)[0].set_ylabel("Loss (nats per token)")
    style.compose(
        figure,
        "Losses that were measured, and what the laws predict at the same N and D",
        [" ".join(says)],
        [*dict.fromkeys(f"{m.name.rpartition(' ')[0]}: {m.source}." for m in models),
         "Other text than the laws were fitted on: compare shapes, not levels."],
        columns=5,
    )  # fmt: skip
    return figure


FIGURES = {
    "loss_over_params": loss_over_params,
    "loss_over_tokens": loss_over_tokens,
    "training_curves": training_curves,
    "frontier": frontier,
    "plane": plane,
    "measured": measured,
}


def _loss_panels(
    variable: str, held: str, values: Sequence[float] | float, x: np.ndarray
) -> Figure:
    values = [positive(held, value) for value in np.atleast_1d(values)]
    width = 9.2 if len(values) > 1 else 6.4
    figure, panels = style.canvas(width, 3.8, columns=len(values), sharey=True, squeeze=False)
    panels, shown = panels[0], []
    symbol = {"params": "N", "tokens": "D"}
    for axes, value in zip(panels, values, strict=True):
        for law, look in zip(LOSS_LAWS, style.SERIES, strict=False):
            loss = get_law(law).values(**{variable: x, held: value})
            axes.plot(x, loss, color=look["color"], linestyle=look["linestyle"], label=law)
            shown += [loss.min(), loss.max()]
        style.log_axis(axes, "x", x, powers=True)
        axes.set_xlabel("Parameters N" if variable == "params" else "Training tokens D")
        axes.text(
            0.97, 0.95, f"{symbol[held]} = {count(value)}",
            transform=axes.transAxes, ha="right", va="top", fontsize=10,
        )  # fmt: skip
    for axes in panels:
        style.log_axis(axes, "y", np.array(shown))
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
        columns=5 if len(values) > 1 else 3,
    )
    return figure


def _plan_label(plan: Strategy) -> str:
    size = f"N {count(plan.params)}, B {count(plan.batch)}, S {count(plan.steps)}"
    return f"{plan.name}: {size}, loss {plan.loss:.3f}"
