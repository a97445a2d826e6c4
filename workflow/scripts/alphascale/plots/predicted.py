"""Predicted against measured: what a fit had seen, and what it had not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..records.typed import Refused
from . import style
from .records import Records, curve


@dataclass(frozen=True)
class Points:
    """Sizes of one fraction as drawn, each (k,)."""

    n: np.ndarray  # parameters, as counted
    measured: np.ndarray  # mean over the seeds
    predicted: np.ndarray  # by the fit
    # lower, upper: interval of a single run; the prediction itself for sizes the fit has seen
    lower: np.ndarray
    upper: np.ndarray
    withheld: bool  # whether it has not


@style.styled
def draw(records: Records) -> Figure:
    """Left: predicted against measured. Right: by how much each size was missed, against N."""
    figure, (left, right) = style.canvas(8.4, 3.8, columns=2)
    several = len(records.fractions) > 1
    reasons, drawn, cut = {}, [], False
    for i, fraction in enumerate(records.fractions):
        marker = style.SERIES[i % len(style.SERIES)]["marker"]
        for points in (seen(records, fraction), unseen(records, fraction)):
            if points is not None:
                label = "withheld" if points.withheld else "seen by the fit"
                label += f", fraction {fraction}" if several else ""
                _against(left, points.measured, points, 0 * points.measured, marker, label)
                # Fractions share their sizes: step aside, so that no bar hides another.
                aside = points.n * 1.07 ** (i - (len(records.fractions) - 1) / 2)
                _against(right, aside, points, points.measured, marker, label)
                drawn.append(points)
        missing = records.withheld(fraction)
        if isinstance(missing, Refused) and fraction != records.fraction:
            reasons[fraction] = f"not tested on withheld sizes: {missing.refused}"
    label = records.quantity.label[0].lower() + records.quantity.label[1:]
    if drawn:
        _diagonal(left, drawn)
        right.axhline(0, color=style.GREY, linewidth=1, zorder=1)
        style.log_axis(right, "x", np.concatenate([points.n for points in drawn]))
        cut = _frame_misses(right, drawn)
    else:
        style.say(left, "No law could be fitted: there is no prediction to compare.")
        style.say(right, "No law could be fitted: there is no prediction to compare.")
    left.set_xlabel(f"Measured {label}, mean over seeds")
    left.set_ylabel(f"Predicted {label}")
    right.set_xlabel(records.n_label)
    right.set_ylabel(f"Predicted − measured ({records.quantity.gap_unit})")
    notes = []
    if drawn:
        notes.append("Hollow: sizes the fit has seen, no evidence of prediction.")
    if any(points.withheld for points in drawn):
        notes[0] += (
            " Filled: withheld sizes, predicted by the fit without them, with its 95 % interval of "
            "a single run" + (" (cut at the frame where it has no end there)." if cut else ".")
        )
    style.compose(
        figure, f"{records.domain}: predicted against measured", [records.withheld_line()],
        [*notes, *records.by_reason(reasons), records.diverged_note], columns=4 if several else 3,
    )  # fmt: skip
    return figure


def seen(records: Records, fraction: str) -> Points | None:
    """Sizes behind the fit without the withheld ones (behind the full fit, if none are)."""
    found = records.withheld(fraction)
    tested = not isinstance(found, Refused)
    law = found if tested else records.fitted(fraction)
    points = [p for p in records.points(fraction) if not (tested and p.withheld)]
    if isinstance(law, Refused) or not points:
        return None
    n = np.array([records.counted(p) for p in points], float)
    predicted = records.quantity.show(curve(law, n))
    measured = records.quantity.show([records.stored(p).mean() for p in points])
    return Points(n, measured, predicted, predicted, predicted, withheld=False)


def unseen(records: Records, fraction: str) -> Points | None:
    """Withheld sizes with what the fit that has not seen them predicted for a run."""
    found = records.withheld(fraction)
    if isinstance(found, Refused):
        return None
    rows = [(p.params, p.measured, p.predicted, p.lower, p.upper) for p in found.predictions]
    n, measured, predicted, *ends = np.array(rows, float).T
    lower, upper = records.quantity.show_interval(*ends)
    show = records.quantity.show
    return Points(n, show(measured), show(predicted), lower, upper, withheld=True)


def _against(
    axes: Axes, x: np.ndarray, points: Points, minus: np.ndarray, marker: str, label: str
) -> None:
    y = points.predicted - minus
    if not points.withheld:
        axes.plot(
            x, y, marker, linestyle="none", markerfacecolor="none", markeredgecolor=style.LAW,
            markeredgewidth=1.3, label=label, zorder=3,
        )  # fmt: skip
        return
    axes.errorbar(
        x, y, yerr=style.around(points.predicted, points.lower, points.upper), fmt=marker,
        color=style.WITHHELD, markeredgecolor="black",
        markersize=7, capsize=4, linewidth=1.2, label=label, zorder=4,
    )  # fmt: skip


def _frame_misses(axes: Axes, drawn: list[Points]) -> bool:
    """Frame the misses, not their widest interval; True if an interval had to be cut."""
    misses = np.concatenate([p.predicted - p.measured for p in drawn])
    ends = np.concatenate([e - p.measured for p in drawn for e in (p.lower, p.upper)])
    largest = np.nanmax(np.abs(misses))
    reach = min(5 * largest, np.nanmax(np.abs(ends)))
    if reach > 0:
        axes.set_ylim(-1.1 * reach, 1.1 * reach)
    return bool(np.nanmax(np.abs(ends)) > 1.1 * reach)


def _diagonal(axes: Axes, drawn: list[Points]) -> None:
    values = np.concatenate([v for p in drawn for v in (p.measured, p.predicted)])
    values = values[np.isfinite(values)]
    room = 0.06 * np.ptp(values) or 1.0
    ends = (values.min() - room, values.max() + room)
    axes.plot(ends, ends, color=style.GREY, linewidth=1, label="predicted = measured", zorder=1)
    axes.set_xlim(ends)
    axes.set_ylim(ends)
