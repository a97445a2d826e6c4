"""Families on the same data against training compute, from their comparison's record alone."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..deciding import families_text as words
from ..records.compare import CompareRecord, Comparison, FamilyLaw
from ..records.typed import Refused
from . import style
from .records import Quantity, quantity


@style.styled
def draw(found: CompareRecord) -> Figure:
    """A panel a target: each family's sizes, its law with band, the target, N* as a star."""
    panels = len(found.comparisons)
    figure, axes = style.canvas(6.4 if panels == 1 else 4.4 * panels, 3.8, columns=panels)
    for panel, each in zip(np.atleast_1d(axes), found.comparisons, strict=True):
        _panel(panel, found, each)
    first = found.comparisons[0]
    style.compose(
        figure,
        f"{', '.join(first.names)}: families against training compute",
        [
            # A domain's name that begins it is left as it is.
            f"{line}." if line.startswith(tuple(each.names)) else style.sentence(line)
            for each in found.comparisons
            for line in (words.answer(found, each), *_said(found, each))
        ],
        [
            f"Points: means over runs of one size at all its data. Lines: each law with its "
            f"{100 * found.level:g} % band, thin beyond the sizes trained; a star is N*, at even "
            "chance. Compute: one training, forward and backward, all epochs."
        ],
        columns=3,
    )
    return figure


# The figures of COMPARE_FIGURES, by name; in no table with a domain's, which do not hang on them.
DRAW = {"families": draw}


def _said(found: CompareRecord, each: Comparison) -> list[str]:
    return [
        line
        for name in each.names[1:]
        for line in (
            words.exponents_text(found, each, name), words.ratio_text(found, each, name)
        )
        if line
    ]  # fmt: skip


def _panel(axes: Axes, found: CompareRecord, each: Comparison) -> None:
    shown = quantity(each.target.named)
    flops, values = [], []
    for at, name in enumerate(each.names):
        family = each.domains[name]
        look = style.SERIES[at % len(style.SERIES)]
        axes.plot([], [], label=words.label(each, name), **look)
        x = [cell.flops for cell in family.measured]
        y = shown.show([float(np.mean(cell.values)) for cell in family.measured])
        axes.plot(
            x, y, look["marker"], color=look["color"], linestyle="none", markersize=7,
            markeredgecolor="white", zorder=5 + at,
        )  # fmt: skip
        flops += x
        values += y.tolist()
        if not isinstance(family.law, Refused):
            flops += _law(axes, shown, family.law, look)
            flops += _star(axes, each, family.law, look)
    if each.shared:
        target = float(shown.show(each.target.fitted))
        axes.axhline(
            target, color=style.GREY, linestyle=(0, (1, 1)), zorder=1,
            label=f"target {words.target_value(each.target)}",
        )  # fmt: skip
        values.append(target)
    if not values:
        style.say(axes, "Every run diverged: there is nothing to draw.")
        return
    style.log_axis(axes, "x", np.array(flops), powers=True)
    axes.set_xlabel("Training compute of one run (FLOPs)")
    axes.set_ylabel(shown.label)
    room = 0.08 * (max(values) - min(values)) or 1.0
    axes.set_ylim(min(values) - room, max(values) + room)


def _law(axes: Axes, shown: Quantity, law: FamilyLaw, look: style.Look) -> list[float]:
    """The curve and its band; returns the ends of what it was fitted to."""
    band = law.band
    x, mean = np.array(band.flops), shown.show(band.mean)
    low, high = shown.show_interval(band.lower, band.upper)
    axes.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0, zorder=2)
    inside = x <= band.trained * (1 + 1e-9)
    style_ = {"color": look["color"], "linestyle": look["linestyle"], "zorder": 3}
    axes.plot(x[inside], mean[inside], **style_)
    axes.plot(x[~inside], mean[~inside], linewidth=0.8, **style_)
    # The band's edges tell two families apart where their greys are one.
    for edge in (low, high):
        axes.plot(x, edge, linewidth=0.5, alpha=0.7, **style_)
    return [band.flops[0], band.flops[-1]]


def _star(axes: Axes, each: Comparison, law: FamilyLaw, look: style.Look) -> list[float]:
    if not each.shared or law.flops is None:
        return []
    target = float(quantity(each.target.named).show(each.target.fitted))
    # A line to the edge with the family's own marker at its foot: it tells two stars apart in grey.
    foot = axes.get_xaxis_transform()
    axes.axvline(
        law.flops, color=look["color"], linestyle=look["linestyle"], linewidth=0.9, zorder=1
    )
    axes.plot(
        law.flops, 0.0, look["marker"], transform=foot, color=look["color"], markersize=7,
        markeredgecolor="white", clip_on=False, zorder=8,
    )  # fmt: skip
    axes.plot(
        law.flops, target, "*", color=look["color"], markersize=15, markeredgecolor="black",
        markeredgewidth=0.8, zorder=9,
    )  # fmt: skip
    return [law.flops]
