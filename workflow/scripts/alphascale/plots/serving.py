"""The target's metric against what a model costs to keep: latency, energy, and money or memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..deciding.costs import power
from ..deciding.lifetime import Keeping, keeping
from ..deciding.ranges import FAR
from ..deciding.serving_text import requests_text, serving_text
from ..records.decision import Lifetime, Served
from ..records.fit import LadderPoint
from ..records.runs import jobs
from ..records.serving import ServingRecord
from ..records.typed import Refused
from ..units import significant
from . import style
from .records import Records, curve

GRID = 100
# A limit farther than so many times from all that is drawn is told at the panel's edge: one of
# 20 ms beside sizes of 0.2 ms left these a tenth of the axis.
NEAR = 3.0


@dataclass(frozen=True)
class Axis:
    """What one panel has along x."""

    label: str
    curve: str | None  # the curve of serving that gives it; None where none does
    unit: float  # of the curve's, in the label's
    limit: float | None = None  # in the label's unit


@style.styled
def draw(records: Records, serving: ServingRecord) -> Figure:
    """A panel each for latency, energy and money (memory where nothing is asked to be served):
    sizes measured, those that no other beats on both axes of the panel filled; the law's path
    through all sizes, dashed beyond the largest trained (none in money: what a training costs is
    known of those made); what to build, the naive model, target and limits."""
    decided = records.decision.serving
    kept = None
    if isinstance(decided, Served):
        kept = keeping(decided.asked, serving, records.decision.costs, records.decision.level)
    if not isinstance(kept, Keeping):
        figure, axes = style.canvas()
        why = kept if isinstance(kept, Refused) else decided
        style.say(axes, why.refused if isinstance(why, Refused) else "Serving was not asked for.")
        style.compose(figure, f"{records.domain}: what the model costs to keep")
        return figure
    shown = _axes(decided)
    priced = any(axis.curve is None for axis in shown)
    figure, panels = style.canvas(3.6 * len(shown), 3.4, columns=len(shown), sharey=True)
    for panel, axis in zip(panels, shown, strict=True):
        _panel(panel, records, kept, axis)
    panels[0].set_ylabel(records.quantity.label)
    style.compose(
        figure,
        f"{records.domain}: {records.quantity.name} against what the model costs to keep",
        [style.sentence(serving_text(records.decision))],
        [
            "Points: means over runs of one size at the decision's data, by what that size was "
            "measured to take; hollow where by this panel another size is better and takes no "
            "more. Line: the law's curve against the curve through what was measured, dashed "
            "beyond the largest size trained"
            + ("; none in money, since each training took its own time." if priced else "."),
            records.diverged_note,
        ],
        columns=3,
    )
    return figure


def _axes(decided: Served) -> list[Axis]:
    asked = decided.asked
    many = "a request" if asked.batch == 1 else f"{asked.batch} requests at once"
    every = "requests" if asked.batch == 1 else f"batches of {asked.batch} requests"
    found = [
        Axis(f"95 % of {every} answered within (ms)", "seconds_95", 1e3, asked.latency_ms),
        Axis(f"Energy of {many} (mJ)", "joules", 1e3),
    ]
    lives = [each.money for each in (decided.build, decided.naive) if each is not None]
    if asked.requests and any(lives):
        return [*found, Axis(f"One training and {requests_text(asked.requests)}", None, 1.0)]
    return [*found, Axis("Weights and activations (MB)", "memory_bytes", 1e-6, asked.memory_mb)]


def _panel(axes: Axes, records: Records, kept: Keeping, axis: Axis) -> None:
    quantity, decision = records.quantity, records.decision
    points = records.points(records.fraction)
    sizes = np.array([float(records.counted(point)) for point in points])
    x = _along(axis, records, kept, points, sizes)
    y = np.array([float(np.mean(quantity.show(records.stored(point)))) for point in points])
    seen = [*x]
    first = axes.get_subplotspec().colspan.start == 0
    named = (lambda words: words) if first else (lambda words: None)
    best = front(x, -y if quantity.higher_is_better else y)
    for which, face, label in ((best, style.LAW, "size trained"), (~best, "white", None)):
        axes.plot(
            x[which], y[which], "o", color=style.LAW, markerfacecolor=face, zorder=5,
            label=named(label) if label and which.any() else None,
        )  # fmt: skip
    law = records.fitted(records.fraction)
    if axis.curve and not isinstance(law, Refused):
        reach = sizes.max() * FAR
        n = np.geomspace(sizes.min(), reach, GRID)
        path = axis.unit * kept.curves[axis.curve].at(n)
        values = quantity.show(curve(law, n))
        trained = n <= sizes.max() * (1 + 1e-9)
        for part, line in ((trained, "-"), (~trained, "--")):
            axes.plot(path[part], values[part], line, color=style.LAW, linewidth=1.1, zorder=3)
    served = decision.serving
    for run, life, look, label in (
        (decision.architecture, served.build, ("*", style.STAR, 13), "what to build, predicted"),
        (decision.naive, served.naive, ("D", style.NAIVE, 7), "naive model, predicted"),
    ):
        at = None if life is None else _of_life(axis, life)
        if run is None or run.predicted is None or at is None:
            continue
        marker, colour, size = look
        value = float(quantity.show(run.predicted.mean))
        axes.plot(
            at, value, marker, color=colour, markersize=size, markeredgecolor="white", zorder=8,
            label=named(label), linestyle="none",
        )  # fmt: skip
        seen.append(at)
    axes.axhline(
        records.target, color=style.TARGET, linestyle="-.", zorder=1,
        label=named(records.target_label),
    )  # fmt: skip
    seen = np.array([each for each in seen if each and np.isfinite(each) and each > 0])
    if axis.limit is not None:
        seen = _limit(axes, axis.limit, seen)
    style.log_axis(axes, "x", seen)
    if len(seen):
        axes.set_xlim(seen.min() / 1.4, seen.max() * 1.4)
    axes.set_xlabel(axis.label if axis.curve else f"{axis.label} ({decision.costs.currency})")


def _limit(axes: Axes, limit: float, seen: np.ndarray) -> np.ndarray:
    """A limit above the panel's frame, where it hides nothing, and its line; at the frame's end
    where it is far off. What the axis must show then: seen (n,), and the limit unless it is far."""
    words, place, side = f"limit {significant(limit)}", limit, "center"
    if len(seen) and limit > NEAR * seen.max():
        words, place, side = f"{words} →", 1.0, "right"
    elif len(seen) and limit * NEAR < seen.min():
        words, place, side = f"← {words}", 0.0, "left"
    else:
        axes.axvline(limit, color=style.GREY, linestyle=(0, (1, 1)), zorder=1)
        seen = np.append(seen, limit)
    axes.annotate(
        words, (place, 1), (0, 2), textcoords="offset points", ha=side, va="bottom",
        xycoords=axes.get_xaxis_transform() if side == "center" else "axes fraction",
        fontsize=7.5, color=style.GREY,
    )  # fmt: skip
    return seen


def _along(
    axis: Axis, records: Records, kept: Keeping, points: list[LadderPoint], sizes: np.ndarray
) -> np.ndarray:
    """A panel's x of the sizes trained: as measured, where they were."""
    answered = {
        each.name: each.answering
        for each in kept.record.sizes
        if not isinstance(each.answering, Refused)
    }

    def takes(name: str) -> np.ndarray:
        fallback = kept.curves[name].at(sizes)
        return np.array([
            float(getattr(answered.get(point.scale), name, value))
            for point, value in zip(points, fallback, strict=True)
        ])  # fmt: skip

    if axis.curve:
        return axis.unit * takes(axis.curve)
    requests = kept.money_of(takes("seconds"), takes("joules"))
    return requests + np.array([_training_money(records, each.scale) for each in points])


def _training_money(records: Records, scale: str) -> float:
    """Money of one of the trainings that were made of a size, by the time it took."""
    costs, frame = records.decision.costs, records.frame
    here = frame[(frame["scale"] == scale) & (frame["fraction"] == records.fraction)]
    each = jobs(here)
    seconds = float((each["job_seconds"] / each["job_members"]).mean())
    if costs.price_per_hour is not None:
        return seconds / 3600 * costs.price_per_hour
    return power(frame, costs).watts * seconds / 3.6e6 * costs.pue * costs.price_per_kwh


def _of_life(axis: Axis, life: Lifetime) -> float | None:
    """A panel's x of what was decided on."""
    if axis.curve is None:
        return life.money
    return axis.unit * getattr(life.serves, axis.curve).mean


def front(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which of points (n,) no other beats: none has less of both, or less of one and the same of
    the other; less is better."""
    less = (x[None] <= x[:, None]) & (y[None] <= y[:, None])
    strictly = (x[None] < x[:, None]) | (y[None] < y[:, None])
    return ~(less & strictly).any(axis=1)


# The figures of SERVING_FIGURES, by name.
DRAW = {"serving": draw}
