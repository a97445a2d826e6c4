"""The (N, D) surface: the metric as colour over parameters and samples."""

from __future__ import annotations

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from ..records.fit import LadderFit
from ..units import count
from . import style
from .records import Records, curve

GRID = 120
OUTLINE = [patheffects.withStroke(linewidth=1.6, foreground="black")]


@style.styled
def draw(records: Records) -> Figure:
    """Laws of the fractions, joined along log D; measured cells as dots in their own colour.

    Nothing is drawn outside the measured range of N and D. With fewer than two fractions that
    have a law there is no surface, and the figure says so.
    """
    figure, axes = style.canvas(6.4, 4.0)
    quantity, cells = records.quantity, records.cells
    usable = [
        fraction
        for fraction in records.fractions
        if isinstance(records.fitted(fraction), LadderFit) and fraction in set(cells["fraction"])
    ]
    if cells.empty:
        style.say(axes, "Every run diverged: there is nothing to draw.")
    else:
        _cells_and_surface(figure, axes, records, usable)
    axes.set_xlabel(records.n_label)
    axes.set_ylabel("Training samples D (unique)")
    left_out = [fraction for fraction in records.fractions if fraction not in usable]
    how = (
        "Colour between the dots: each fraction's own law in N, joined linearly in log D, which is "
        "not the joint law of the decision; nothing is drawn beyond the measured range. Even steps "
        "of colour are even ratios of the "
        + ("loss." if quantity.stored == "loss" else "error.")
    )  # fmt: skip
    style.compose(
        figure, f"{records.domain}: {quantity.name} over parameters and data",
        notes=[
            how if len(usable) > 1 else "",
            _target_note(records, usable),
            f"Fractions without a law, left out: {', '.join(left_out)}." if left_out else "",
            records.diverged_note,
        ],
    )  # fmt: skip
    return figure


def surface(records: Records, fractions: list[str], n: np.ndarray, d: np.ndarray) -> np.ndarray:
    """The stored metric (len(d), len(n)) from the fractions' laws, joined linearly in log d."""
    cells = records.cells
    samples = [cells.loc[cells["fraction"] == f, "samples"].iloc[0] for f in fractions]
    laws = np.array([curve(records.fitted(f), n) for f in fractions])
    return np.array([np.interp(np.log(d), np.log(samples), law) for law in laws.T]).T


def _cells_and_surface(figure: Figure, axes: Axes, records: Records, usable: list[str]) -> None:
    quantity, cells = records.quantity, records.cells
    stored = cells[quantity.stored].to_numpy(float)
    norm, levels = _colours(stored)
    look = {"norm": norm, "cmap": "cividis_r"}
    if len(usable) > 1:
        _fill(axes, records, usable, levels, look)
    dots = axes.scatter(
        cells["count"], cells["samples"], c=stored, s=58, edgecolor="white", linewidth=1.6,
        zorder=5, **look,
    )  # fmt: skip
    axes.scatter(
        cells["count"], cells["samples"], s=72, facecolor="none", edgecolor="black",
        linewidth=0.8, zorder=6, label="measured cell, mean over seeds",
    )  # fmt: skip
    bar = figure.colorbar(dots, ax=axes, pad=0.02)
    bar.set_label(quantity.label)
    bar.set_ticks(levels, labels=[f"{quantity.show(level):.3g}" for level in levels])
    bar.minorticks_off()
    if quantity.higher_is_better:
        # Up is better, as on the axis of the other figures.
        bar.ax.invert_yaxis()
    _axes(axes, records)
    if len(usable) < 2:
        style.say(axes, _why_no_surface(records, usable), height=0.75, empty=False)


def _colours(stored: np.ndarray) -> tuple[Normalize, np.ndarray]:
    """Colour by ratio, so that the small errors near a target do not share one colour; and the
    levels of contours and colour bar: round numbers inside the range."""
    low, high = stored.min(), stored.max()
    if low == high:
        return Normalize(low - 0.5 * abs(low), high + 0.5 * abs(high) + 1e-9), np.array([low])
    norm = LogNorm(low, high) if low > 0 else Normalize(low, high)
    locators = [LogLocator(10, subs=subs) for subs in ((1.0, 2.0, 5.0), (1.0, 2.0, 3.0, 5.0, 7.0))]
    for locator in (*locators, MaxNLocator(7)):
        levels = locator.tick_values(max(low, 1e-9), high)
        levels = levels[(levels > low) & (levels < high)]
        if len(levels) > 3:
            return norm, levels
    return norm, np.linspace(low, high, 5)[1:-1]


def _fill(axes: Axes, records: Records, usable: list[str], levels: np.ndarray, look: dict) -> None:
    cells = records.cells
    inside = cells[cells["fraction"].isin(usable)]
    n = np.geomspace(inside["count"].min(), inside["count"].max(), GRID)
    d = np.geomspace(inside["samples"].min(), inside["samples"].max(), GRID)
    height = surface(records, usable, n, d)
    axes.pcolormesh(n, d, height, shading="gouraud", rasterized=True, zorder=1, **look)
    reached = records.decision.target.fitted
    others = levels[~np.isclose(levels, reached)]
    lines = axes.contour(n, d, height, levels=others, colors="white", linewidths=0.9, zorder=2)
    lines.set_path_effects([patheffects.withStroke(linewidth=1.8, foreground="black", alpha=0.5)])
    for words in axes.clabel(
        lines, fmt=lambda level: f"{records.quantity.show(level):.3g}", fontsize=8, colors="white"
    ):
        words.set_path_effects(OUTLINE)
    if np.nanmin(height) < reached < np.nanmax(height):
        axes.contour(
            n, d, height, levels=[reached], colors=style.VERMILLION, linewidths=2.4,
            linestyles="--", zorder=3,
        )  # fmt: skip
        axes.plot(
            [], [], color=style.VERMILLION, linewidth=2.4, linestyle="--",
            label=records.target_label,
        )  # fmt: skip


def _axes(axes: Axes, records: Records) -> None:
    cells = records.cells
    samples = sorted(cells["samples"].unique())
    style.log_axis(axes, "x", cells["count"].to_numpy())
    style.sample_ticks(axes, "y", samples)
    room = (samples[-1] / samples[0]) ** 0.08 if len(samples) > 1 else 2.0
    axes.set_ylim(samples[0] / room, samples[-1] * room)
    axes.set_xlim(cells["count"].min() / 1.4, cells["count"].max() * 1.4)
    axes.grid(visible=False)


def _target_note(records: Records, usable: list[str]) -> str:
    """Says so where the target is not among the values that the surface spans."""
    if len(usable) < 2:
        return ""
    n, d = records.cells["count"].to_numpy(float), records.cells["samples"].to_numpy(float)
    height = records.quantity.show(surface(records, usable, n, d))
    if height.min() < records.target < height.max():
        return ""
    return f"The {records.target_label} lies outside what this surface spans."


def _why_no_surface(records: Records, usable: list[str]) -> str:
    if len(records.fractions) == 1:
        samples = count(records.cells["samples"].iloc[0])
        return (
            f"One fraction was trained ({samples} samples): there is no surface over the data. "
            "Name two or more fractions in the study to see one."
        )
    return (
        f"A law could be fitted at {len(usable)} of {len(records.fractions)} fractions: no surface."
    )
