"""Loss against parameters and against samples, on log axes."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..records.runs import good
from ..records.typed import Refused
from ..units import count
from . import style
from .records import Records, curve

if TYPE_CHECKING:
    import pandas

# Sizes beyond the seven series of the style share a panel less well than they share a legend.
SIZES_SHOWN = 7


@style.styled
def draw(records: Records) -> Figure:
    """Mean test loss of a cell over its seeds: by N with a line a fraction, by D a line a size."""
    figure, (left, right) = style.canvas(8.4, 4.1, columns=2, sharey=True)
    cells = records.cells
    if cells.empty:
        style.say(left, "Every run diverged: there is no loss to draw.")
        style.say(right, "Every run diverged: there is no loss to draw.")
    else:
        _against_params(left, records)
        _against_samples(right, records)
        style.log_axis(left, "y", cells["loss"].to_numpy())
    left.set_xlabel(records.n_label)
    right.set_xlabel("Training samples D (unique)")
    left.set_ylabel(f"Test loss ({records.loss_unit})")
    for axes in (left, right):
        if axes.get_legend_handles_labels()[1]:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, handlelength=3.2)
    refused = {
        fraction: f"no law ({found.refused})"
        for fraction in records.fractions
        if isinstance(found := records.fitted(fraction, "loss"), Refused)
    }
    how = (
        "Points: means over seeds, bars from the lowest to the highest seed. Lines at left: the "
        "law fitted to each fraction; at right they only join points."
    )
    style.compose(
        figure, f"{records.domain}: loss against parameters and against data",
        notes=[how, *records.by_reason(refused), records.diverged_note], legend=False,
    )  # fmt: skip
    return figure


def _against_params(axes: Axes, records: Records) -> None:
    cells = records.cells
    for fraction, look in zip(records.fractions, _looks(len(records.fractions)), strict=True):
        part = cells[cells["fraction"] == fraction]
        if part.empty:
            continue
        samples = count(part["samples"].iloc[0])
        _points(axes, records, part, "count", look, f"fraction {fraction} ({samples} samples)")
        fit = records.fitted(fraction, "loss")
        if not isinstance(fit, Refused):
            n = np.geomspace(part["count"].min(), part["count"].max(), 80)
            axes.plot(
                n, curve(fit, n), color=look["color"],
                linestyle=look["linestyle"], linewidth=1.3,
            )  # fmt: skip
    style.log_axis(axes, "x", cells["count"].to_numpy())
    axes.set_title("at each fraction of the data", loc="left")


def _against_samples(axes: Axes, records: Records) -> None:
    cells = records.cells
    sizes = cells.drop_duplicates("scale").sort_values("count")
    shown = sizes.iloc[
        np.unique(np.linspace(0, len(sizes) - 1, min(SIZES_SHOWN, len(sizes))).round().astype(int))
    ]
    for (_, size), look in zip(shown.iterrows(), _looks(len(shown)), strict=True):
        part = cells[cells["scale"] == size["scale"]].sort_values("samples")
        _points(axes, records, part, "samples", look, f"N = {count(size['count'])}")
        axes.plot(
            part["samples"], part["loss"], color=look["color"], linestyle=look["linestyle"],
            linewidth=1.0,
        )  # fmt: skip
    if cells["samples"].nunique() == 1:
        axes.set_xlim(cells["samples"].iloc[0] / 3, cells["samples"].iloc[0] * 3)
    style.sample_ticks(axes, "x", cells["samples"].tolist())
    title = "at each size"
    if len(shown) < len(sizes):
        title += f" ({len(sizes) - len(shown)} sizes between are not shown)"
    if cells["samples"].nunique() == 1:
        title += ": one fraction only, so nothing is known of more or less data"
    axes.set_title("\n".join(textwrap.wrap(title, 56)), loc="left")


def _points(
    axes: Axes, records: Records, part: pandas.DataFrame, x: str, look: style.Look, label: str
) -> None:
    runs = good(records.frame).groupby(["fraction", "scale"])
    ends = runs["test_loss"].agg(["min", "max"]).loc[
        list(zip(part["fraction"], part["scale"], strict=True))
    ]  # fmt: skip
    loss = part["loss"].to_numpy()
    axes.errorbar(
        part[x], loss, yerr=style.around(loss, ends["min"], ends["max"]),
        fmt="none", ecolor=look["color"], elinewidth=1, capsize=2,
    )  # fmt: skip
    # The legend shows marker and line style together.
    axes.plot(part[x], loss, look["marker"], color=look["color"], linestyle="none")
    axes.plot([], [], label=label, **look)


def _looks(number: int) -> list[style.Look]:
    return [style.SERIES[i % len(style.SERIES)] for i in range(number)]
