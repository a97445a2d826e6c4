"""Loss against training compute: every cell, the front, and the law of the loss along it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..laws import read
from ..records.regimes import ComputeFront
from ..records.typed import Refused
from ..units import prefixed, significant
from . import style

FURTHER = 10.0  # the law is drawn this many times beyond the dearest cell


@style.styled
def draw(domain: str, found: ComputeFront | Refused, level: float, unit: str) -> Figure:
    """Cells as dots, those on the front filled, the law with its band."""
    figure, axes = style.canvas()
    says, notes = [], []
    if isinstance(found, Refused):
        style.say(axes, f"No law in compute: {found.refused}.")
    else:
        says, notes = _front(axes, found, level, unit)
    axes.set_xlabel("Training compute of one run C (FLOPs, forward and backward, all epochs)")
    axes.set_ylabel(f"Test loss ({unit})")
    title = f"{domain}: loss against training compute"
    style.compose(figure, title, says, notes, columns=2)
    return figure


def _front(axes, found: ComputeFront, level: float, unit: str) -> tuple[list[str], list[str]]:
    flops, losses = np.array(found.flops), np.array(found.losses)
    on = np.array(found.on)
    off = np.setdiff1d(np.arange(len(flops)), on)
    axes.plot(
        flops[off], losses[off], "o", markerfacecolor="white", color=style.GREY, linestyle="none",
        label="cell that another beats for no more compute", zorder=3,
    )  # fmt: skip
    axes.plot(
        flops[on], losses[on], "o", color=style.LAW, linestyle="none", label="cell on the front",
        zorder=5,
    )  # fmt: skip
    axes.step(flops[on], losses[on], where="post", color=style.GREY, linewidth=1.2, zorder=2)
    law = read(found.law)
    largest = flops[on].max()
    c = np.geomspace(flops[on].min(), FURTHER * largest, 160)
    mean, lower, upper = law.band({"flops": c}, level=level)
    axes.fill_between(
        c, lower, upper, color=style.SKY, alpha=0.35, linewidth=0, label=f"{100 * level:g} % band"
    )
    axes.plot(c[c <= largest], mean[c <= largest], color=style.LAW, label="law of the front")
    axes.plot(c[c >= largest], mean[c >= largest], color=style.LAW, linestyle=(0, (5, 2)))
    style.log_axis(axes, "x", np.append(flops, c[-1]), powers=True)
    style.log_axis(axes, "y", np.concatenate([losses, lower[lower > 0][-1:]]))
    says = [
        f"Along the front the loss falls as C^−{found.exponent:.2f} ({found.lower:.2f} to "
        f"{found.upper:.2f}) at {prefixed(float(largest), 'FLOP')}; the law's floor is "
        f"{significant(found.floor)} {unit} ({significant(found.floor_lower)} to "
        f"{significant(found.floor_upper)})."
    ]
    notes = [
        "A cell is one size on one amount of data, its loss the mean over seeds. The front's "
        "cells are the best of many: their mean lies a little below what a new run would reach.",
        f"Dashed: up to {FURTHER:g} × the dearest cell.",
    ]
    return says, notes
