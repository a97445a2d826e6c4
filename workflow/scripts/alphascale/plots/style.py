"""How every figure looks: colours, markers, units, notes, files.

Colours are Okabe and Ito's (2008), safe for the colour-blind; every series also has its own marker
and line style, so that a grey print says the same.
"""

from __future__ import annotations

import functools
import math
import os
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogFormatterSciNotation,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)
from numpy.typing import ArrayLike

from ..records.files import replacing
from ..units import bind, count, significant

BLACK, GREY = "#000000", "#6E6E6E"
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

# What a colour means, the same in every figure.
LAW, WITHHELD, TARGET, STAR, NAIVE = BLUE, VERMILLION, GREEN, BLACK, ORANGE

# A series: colour, marker and line style, as matplotlib takes them.
Look = dict[str, str | tuple]
SERIES: tuple[Look, ...] = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": VERMILLION, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PURPLE, "marker": "D", "linestyle": ":"},
    {"color": BLACK, "marker": "v", "linestyle": (0, (6, 1, 1, 1, 1, 1))},
    {"color": ORANGE, "marker": "P", "linestyle": (0, (8, 2))},
    {"color": SKY, "marker": "X", "linestyle": (0, (3, 1))},
)

KINDS = ("png", "svg")
MARGIN = 0.12  # inches at left and right of words
RC = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 8.5,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 6,
    "legend.frameon": False,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    # Words stay words (searchable, small), and equal figures give equal files.
    "svg.fonttype": "none",
    "svg.hashsalt": "alphascale",
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorate a function that draws a figure: the style holds inside it and nowhere else."""

    @functools.wraps(draw)
    def inside(*args, **kwargs):
        with matplotlib.rc_context(RC):
            return draw(*args, **kwargs)

    return inside


def canvas(width: float = 6.4, height: float = 3.5, columns: int = 1, **options):
    """A figure whose axes get `width` × `height` inches, and its axes (an array if several).

    `compose` adds the height of the words around them.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06, wspace=0.04)
    return figure, figure.subplots(1, columns, **options)


def compose(
    figure: Figure,
    title: str,
    says: Sequence[str] = (),
    notes: Sequence[str] = (),
    columns: int = 2,
    legend: bool = True,
) -> None:
    """Put the words around the axes: title and what the picture says above, legend and notes below.

    says, notes: sentences, empty ones left out. columns: of the legend, which stands under the
    axes, where it can hide no point; equal entries appear once, none if not `legend`. Call it last:
    the figure grows by what the words need, so that nothing overlaps however many there are.
    """
    width, body = figure.get_size_inches()
    above = _wrap(says, (width - 2 * MARGIN) * 15.5)
    below = _wrap(notes, (width - 2 * MARGIN) * 17.5)
    entries: dict[str, object] = {}
    for axes in figure.axes if legend else ():
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    rows = math.ceil(len(entries) / columns)
    head = 0.38 + 0.165 * len(above)
    foot = 0.1 + 0.15 * len(below)
    room = 0.185 * rows + (0.1 if rows else 0)
    height = head + body + room + foot
    figure.set_size_inches(width, height)
    figure.get_layout_engine().set(rect=(0, (foot + room) / height, 1, body / height))
    x = MARGIN / width
    figure.text(x, 1 - 0.1 / height, title, va="top", fontsize=10.5, fontweight="bold")
    lines = [(line, 0.35 + 0.165 * i, 8.5) for i, line in enumerate(above)]
    lines += [(line, height - foot + 0.05 + 0.15 * i, 7.5) for i, line in enumerate(below)]
    for line, depth, size in lines:
        figure.text(x, 1 - depth / height, line, va="top", fontsize=size, color="#333333")
    if entries:
        figure.legend(
            entries.values(), entries.keys(), loc="lower center", ncols=columns,
            bbox_to_anchor=(0.5, foot / height), handlelength=2.8, columnspacing=1.6,
            borderaxespad=0.2, borderpad=0.2, labelspacing=0.35,
        )  # fmt: skip


def around(mean: ArrayLike, low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Error bars (2, n) from `mean` to its ends; what lies beyond it by rounding is no error."""
    mean, low, high = (np.atleast_1d(np.asarray(each, float)) for each in (mean, low, high))
    return np.maximum(np.stack([mean - low, high - mean]), 0)


def sentence(words: str) -> str:
    """Words with a capital, a full stop and true minus signs."""
    return f"{words[0].upper()}{words[1:]}.".replace(" -", " −")


def _wrap(sentences: Sequence[str], width: float) -> list[str]:
    return [part for each in sentences if each for part in textwrap.wrap(bind(each), int(width))]


def say(axes: Axes, text: str, height: float = 0.5, empty: bool = True) -> None:
    """Words in the axes where a picture cannot be drawn; empty axes lose their made-up ticks."""
    if empty:
        axes.set_xticks([])
        axes.set_yticks([])
    axes.text(
        0.5, height, textwrap.fill(text, 48), transform=axes.transAxes, ha="center", va="center",
        fontsize=10, zorder=9,
        bbox={"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": GREY},
    )  # fmt: skip


def log_axis(axes: Axes, which: str, values: np.ndarray, powers: bool = False) -> None:
    """A log axis with labels people read (10 k, 1 M), enough of them even within one decade.

    powers: powers of ten instead, for FLOPs.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values) & (values > 0)]
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    decades = np.log10(values.max() / values.min()) if len(values) else 2.0
    if powers:
        axis.set_major_formatter(
            LogFormatterSciNotation(labelOnlyBase=False, minor_thresholds=(9, 9))
        )
        axis.set_minor_formatter(NullFormatter())
        return
    axis.set_major_formatter(FuncFormatter(_compact))
    if decades < 0.5:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_minor_formatter(NullFormatter())
    elif decades < 2.5:
        axis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_minor_formatter(NullFormatter())


def sample_ticks(axes: Axes, which: str, samples: Sequence[int]) -> None:
    """A log axis of training samples with its ticks on the fractions that were trained."""
    log_axis(axes, which, np.array(samples))
    axis = axes.xaxis if which == "x" else axes.yaxis
    ordered = np.sort(np.unique(samples))
    if len(ordered) <= 8 and (ordered[1:] / ordered[:-1] > 1.25).all():
        axis.set_ticks(ordered, [count(each) for each in ordered])
        axis.set_minor_locator(NullLocator())


def _compact(value: float, _position: int | None = None) -> str:
    return count(value) if value >= 1 else significant(value)


def save(figure: Figure, path: str | os.PathLike) -> None:
    """Write a figure as the kind its suffix names, whole or not at all, byte-equal if redrawn."""
    kind = Path(path).suffix[1:]
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with replacing(path) as temporary, matplotlib.rc_context(RC):
        # What is drawn as pixels inside an svg (the surface) is smooth: half the resolution does.
        dpi = 100 if kind == "svg" else RC["savefig.dpi"]
        figure.savefig(temporary, format=kind, metadata=metadata, dpi=dpi)
