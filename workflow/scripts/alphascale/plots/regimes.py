"""What a verdict on the regimes rests on: the loss above its floor along each axis, log-log."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alphascale.fitting.regimes import axes_of
from alphascale.grids.regimes import Axis, Slice
from alphascale.plots import front, style
from alphascale.records.regimes import RegimesRecord
from alphascale.records.typed import Refused
from alphascale.units import count

SHOWN = len(style.SERIES)  # slices of an axis, evenly spaced among all: more are no longer told


@style.styled
def draw(
    found: Mapping[str, Axis], y: str, level: float = 0.95, domain: str | None = None
) -> Figure:
    """A panel an axis of `regimes`: mean losses less the fitted floor of their slice, in the unit
    of the column y, the fitted powers, and the slope that variance alone would give.
    """
    figure, panels = style.canvas(9.2, 3.6, columns=len(found))
    notes = [
        f"Dashed grey: the slope that means variance-limited. In brackets: {100 * level:g} % "
        "intervals. A floor is fitted to each slice; points are means of the runs at one place, "
        "bars their standard errors."
    ]
    for panel, axis in zip(np.atleast_1d(panels), found.values(), strict=True):
        hidden = _panel(panel, axis, y)
        if hidden:
            notes.append(f"Along {axis.name}, at or below the floor and not drawn: {hidden}.")
        if len(axis.slices) > SHOWN:
            notes.append(f"Along {axis.name}: {SHOWN} of {len(axis.slices)} slices are drawn.")
    says = [style.sentence(f"along {a.name}: {a.evidence[-1]}") for a in found.values()]
    title = "what limits the loss, variance or resolution?"
    title = f"{domain}: {title}" if domain else style.sentence(title).rstrip(".")
    style.compose(figure, title, says, notes)
    return figure


def draw_record(found: RegimesRecord, folder: str | os.PathLike) -> None:
    """Write both figures of a domain to `folder`: `regimes` and `front`, one file per kind."""
    if isinstance(found.axes, Refused):
        drawn = _refused(found.domain, found.axes)
    else:
        drawn = draw(axes_of(found.axes), f"test loss ({found.unit})", found.level, found.domain)
    of_compute = front.draw(found.domain, found.front, found.level, found.unit)
    figures = {"regimes": drawn, "front": of_compute}
    for name, figure in figures.items():
        for kind in style.KINDS:
            style.save(figure, Path(folder) / f"{name}.{kind}")


@style.styled
def _refused(domain: str, found: Refused) -> Figure:
    figure, axes = style.canvas()
    style.say(axes, f"Regimes were not asked: {found.refused}.")
    style.compose(figure, f"{domain}: variance or resolution")
    return figure


def _panel(panel: Axes, axis: Axis, y: str) -> int:
    """Draw one axis; how many points lie at or below the floor."""
    shared = "" if np.isnan(axis.exponent) else f", exponent {_interval(axis)}"
    panel.set_title(f"Along {axis.name}: {axis.regime}{shared}", loc="left")
    if not axis.slices:
        style.say(panel, axis.evidence[-1])
        return 0
    chosen = np.linspace(0, len(axis.slices) - 1, min(SHOWN, len(axis.slices))).round().astype(int)
    drawn, hidden = [], 0
    for look, one in zip(style.SERIES, (axis.slices[i] for i in chosen), strict=False):
        excess = one.losses - one.floor
        above = excess > 1e-12 * one.losses
        hidden += int(np.sum(~above))
        label = f"at {axis.other} = {count(one.fixed)}: {_interval(one)}, {one.verdict}"
        points = {"color": look["color"], "marker": look["marker"], "linestyle": "none"}
        panel.plot(one.values[above], excess[above], **points)
        if np.isfinite(one.errors).all():
            low = np.minimum(one.errors, 0.9 * excess)  # a log axis has no place for zero
            ends = excess + np.stack([-low, one.errors])
            panel.vlines(one.values[above], *ends[:, above], color=look["color"], linewidth=1.1)
        x = np.geomspace(one.values[0], one.values[-1], 50)
        power = one.gain * (x / one.values[-1]) ** -one.exponent
        if one.gain > 0:
            panel.plot(x, power, color=look["color"], linestyle=look["linestyle"])
            drawn.append(power)
        panel.plot([], [], label=label, **look)
        drawn.append(excess[above])
    values = np.concatenate(drawn)
    x = np.unique(np.concatenate([one.values for one in axis.slices]))
    if len(values):
        slope = values.max() * (x / x[0]) ** -axis.expected
        panel.plot(x, slope, color=style.GREY, linestyle=(0, (5, 3)), linewidth=1.1, zorder=1)
        values = np.append(values, slope[-1])
    style.log_axis(panel, "x", x)
    style.log_axis(panel, "y", values)
    panel.set_xlabel(axis.name)
    unit = "" if "(" in y else f" (unit of {y})"
    panel.set_ylabel(f"{y} above its floor{unit}")
    return hidden


def _interval(one: Axis | Slice) -> str:
    if np.isnan(one.lower):
        return f"{one.exponent:.2f} (no interval)"
    return f"{one.exponent:.2f} ({one.lower:.2f} – {one.upper:.2f})"
