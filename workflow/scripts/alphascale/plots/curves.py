"""Figures of the benchmark of learning curves: errors by law, what a prediction looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from alphascale.laws.learning_curve import LearningCurve
from alphascale.laws.selection import auto
from alphascale.literature.learning_curves import Task, log_rmse
from alphascale.plots import style

SHOWN = 9  # example curves, evenly spaced among all tasks in the order of auto's error
DOMAIN_COLOURS = {
    "image": style.BLUE, "NMT": style.VERMILLION, "LM": style.GREEN, "BB": style.PURPLE,
}  # fmt: skip
MARKERS = {"image": "o", "NMT": "s", "LM": "^", "BB": "D"}


@style.styled
def errors(rows: Sequence[dict]) -> Figure:
    """Every task's log-RMSE by law, and the mean over all tasks."""
    figure, axes = style.canvas(7.6, 3.6)
    laws = list(dict.fromkeys(row["law"] for row in rows))
    laws.sort(key=lambda law: -np.mean([r["log_rmse"] for r in rows if r["law"] == law]))
    spread = np.random.default_rng(0)
    for domain, colour in DOMAIN_COLOURS.items():
        own = [row for row in rows if row["domain"] == domain]
        y = [laws.index(row["law"]) for row in own] + spread.uniform(-0.25, 0.25, len(own))
        x = [row["log_rmse"] for row in own]
        axes.plot(x, y, MARKERS[domain], ms=3.2, alpha=0.55, color=colour, label=domain)
    means = [np.mean([r["log_rmse"] for r in rows if r["law"] == law]) for law in laws]
    axes.plot(
        means, range(len(laws)), "|", ms=20, mew=2.2, color=style.BLACK, label="mean of all tasks"
    )
    axes.set_xscale("log")
    axes.set_yticks(range(len(laws)), laws)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("Error on withheld points (rms of log predicted / observed)")
    says = [f"{laws[-1]} has the lowest mean error, {min(means):.4f}; next is {laws[-2]}, "
            f"{means[-2]:.4f}."]  # fmt: skip
    style.compose(
        figure, "Extrapolation of learning curves to about twice the data", says, columns=5
    )
    return figure


@style.styled
def examples(tasks: Sequence[Task]) -> Figure:
    """Curves with what `auto` predicts: every eleventh task in the order of its error."""
    fits = [auto(task.x, task.y) for task in tasks]
    scores = [
        log_rmse(fit.curve(task.test_x), task.test_y) for fit, task in zip(fits, tasks, strict=True)
    ]
    order = np.argsort(scores, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)]
    figure = Figure(figsize=(9.2, 7.2), layout="constrained")
    for axes, i in zip(figure.subplots(3, 3).ravel(), chosen, strict=False):
        task, fit = tasks[i], fits[i]
        recent = task.x >= task.x[-1] / 16
        x = np.geomspace(task.x[-1], task.test_x.max(), 60)
        band = fit.predict(x)
        axes.fill_between(
            x, band.lower, band.upper, color=style.SKY, alpha=0.35, lw=0, label="95 % interval"
        )
        axes.plot(task.test_x, task.test_y, ".", ms=2.5, color=style.WITHHELD, label="withheld")
        axes.plot(task.x[recent], task.y[recent], "o", ms=3, color=style.BLACK, label="fitted")
        axes.plot(x, band.mean, color=style.LAW, label="auto")
        shown = np.concatenate([task.y[recent], task.test_y])
        style.log_axis(axes, "x", np.append(task.x[recent], task.test_x))
        style.log_axis(axes, "y", shown)
        axes.set_title(f"{task.name}: {scores[i]:.4f}")
        axes.set_xlabel("Examples seen")
        axes.set_ylabel("Error rate or loss")
    says = ["Nine tasks evenly spaced from the smallest error to the largest (number: rms of log)."]
    style.compose(figure, "What law auto predicts", says, columns=4)
    return figure


@style.styled
def of_one_task(task: Task, found: Mapping[str, LearningCurve]) -> Figure:
    """One curve with what each law, fitted to its first part, predicts, to three times its end."""
    figure, panels = style.canvas(9.2, 2.8, columns=len(found), sharey=True, squeeze=False)
    x = np.geomspace(task.x[0], 3 * task.test_x.max(), 200)
    for axes, (name, law) in zip(panels[0], found.items(), strict=True):
        axes.plot(task.x, task.y, "o", ms=3, color=style.BLACK, label="fitted")
        axes.plot(task.test_x, task.test_y, ".", ms=3, color=style.WITHHELD, label="withheld")
        axes.plot(x, law.predict_loss(x), color=style.LAW, label="law")
        rmse, error = law.error(task.test_x, task.test_y)
        sure = "" if np.isnan(error) else f" ± {error:.4f}"
        axes.set_title(f"{name}: {rmse:.4f}{sure}")
        style.log_axis(axes, "x", x, powers=True)
        axes.set_xlabel("Examples seen")
    panels[0][0].set_ylabel("Error rate or loss")
    says = ["Numbers: root mean square of log(predicted / withheld), and its standard error."]
    style.compose(figure, task.name, says, columns=3)
    return figure


@style.styled
def coverage_by_level(rows: Sequence[dict], levels: Sequence[float]) -> Figure:
    """Share of withheld points inside auto's intervals against their nominal level."""
    figure, axes = style.canvas(4.6, 3.6)
    axes.plot([0, 1], [0, 1], color=style.GREY, lw=1, label="as nominal")
    own = [row for row in rows if row["law"] == "auto"]
    for domain, colour in DOMAIN_COLOURS.items():
        part = [row for row in own if row["domain"] == domain]
        if part:
            share = [np.mean([r[f"inside_{100 * level:.0f}"] for r in part]) for level in levels]
            axes.plot(levels, share, marker=MARKERS[domain], color=colour, label=domain)
    share = [np.mean([r[f"inside_{100 * level:.0f}"] for r in own]) for level in levels]
    axes.plot(levels, share, "--", color=style.BLACK, marker="*", ms=9, label="all tasks")
    axes.set_xlim(0.4, 1.01)
    axes.set_ylim(0.4, 1.01)
    axes.set_xlabel("Nominal level of the interval")
    axes.set_ylabel("Share of withheld points inside")
    says = [f"Nominal {100 * levels[-1]:.0f} % intervals hold {100 * share[-1]:.1f} % of points."]
    style.compose(figure, "Coverage of law auto's intervals", says, columns=3)
    return figure
