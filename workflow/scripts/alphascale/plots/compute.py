"""Accuracy against training compute, and the front of runs that no other run beats on both."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..grids.front import pareto
from ..units import count
from . import style
from .records import Records


@style.styled
def draw(records: Records) -> Figure:
    """Seed means of every cell against the FLOPs of one training; N* as predicted."""
    figure, axes = style.canvas()
    quantity, cells = records.quantity, records.cells
    values = quantity.show(cells[quantity.stored])
    flops = cells["flops"].to_numpy(float)
    for i, fraction in enumerate(records.fractions):
        part = (cells["fraction"] == fraction).to_numpy()
        look = style.SERIES[i % len(style.SERIES)]
        axes.plot(
            flops[part], values[part], look["marker"], color=look["color"], linestyle="none",
            label=f"fraction {fraction}", zorder=4,
        )  # fmt: skip
    front = pareto(flops, values, quantity.higher_is_better)
    if len(front):
        axes.step(
            flops[front], values[front], where="post", color=style.GREY, linewidth=1.2, zorder=2,
            label="Pareto front",
        )  # fmt: skip
    else:
        style.say(axes, "Every run diverged: there is nothing to draw.")
    axes.axhline(records.target, color=style.TARGET, linestyle="-.", label=records.target_label)
    priced = _decided(axes, records)
    style.log_axis(axes, "x", np.append(flops, priced), powers=True)
    axes.set_xlabel("Training compute of one run (FLOPs, forward and backward, all epochs)")
    axes.set_ylabel(quantity.label)
    says = (
        f"{len(front)} of {len(cells)} cells lie on the Pareto front: no other is at least as good "
        "for no more compute."
    )
    style.compose(
        figure, f"{records.domain}: {quantity.name} against training compute",
        [says] if len(front) else [],
        [
            "Points: means over seeds of one training; the study trained more (every seed and "
            "learning rate): see the figure of CO₂.",
            "" if records.decision.architecture else "No architecture was chosen: no star.",
            records.diverged_note,
        ],
        columns=3,
    )  # fmt: skip
    return figure


def _decided(axes, records: Records) -> list[float]:
    """The chosen architecture with its predicted interval, and the naive model's compute."""
    drawn = []
    star, naive = records.decision.architecture, records.decision.naive
    if star:
        flops = star.price.flops
        mean = float(records.quantity.show(star.predicted.mean))
        bottom, top = records.quantity.show_interval(star.predicted.lower, star.predicted.upper)
        axes.errorbar(
            flops, mean, yerr=style.around(mean, bottom, top), fmt="*",
            color=style.STAR, markersize=13, capsize=4, markeredgecolor="white", ecolor=style.STAR,
            zorder=6,
        )  # fmt: skip
        axes.plot([], [], "*", color=style.STAR, markersize=11, label=f"to build ({records.level})")
        drawn.append(flops)
    if naive:
        flops = naive.price.flops
        size = count(records.counted(naive))
        axes.axvline(
            flops, color=style.NAIVE, linestyle=(0, (2, 2)), label=f"naive model, {size}: not run"
        )
        drawn.append(flops)
    return drawn
