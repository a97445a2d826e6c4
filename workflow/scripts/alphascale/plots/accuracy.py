"""Accuracy against parameters: the law with its band, the target, N*, the withheld sizes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..deciding.summary import kind
from ..laws import read
from ..records.decision import Ends
from ..records.fit import LadderPoint
from ..records.typed import Refused
from ..units import count, percent, spread
from . import style
from .records import Records, curve

GRID = 200


@style.styled
def draw(records: Records) -> Figure:
    """The target's metric against N at the decision's fraction, as the fit and bootstrap say."""
    figure, axes = style.canvas()
    quantity = records.quantity
    points = records.points(records.fraction)
    low, high = _range(records)
    values = [_runs(axes, records, points)]
    values += _law(axes, records, low, high)
    values += _withheld(axes, records)
    axes.axhline(records.target, color=style.TARGET, linestyle="-.", label=records.target_label)
    _star(axes, records, high)
    values += _built(axes, records)
    naive = records.decision.naive
    if naive:
        size = records.counted(naive)
        axes.axvline(
            size, color=style.NAIVE, linestyle=(0, (2, 2)), label=f"naive model, {count(size)}"
        )
    style.log_axis(axes, "x", np.array([low, high]))
    axes.set_xlim(low, high)
    axes.set_ylim(*_limits(values, records))
    axes.set_xlabel(records.n_label)
    axes.set_ylabel(quantity.label)
    title = f"{records.domain}: {quantity.name} against parameters"
    style.compose(
        figure, title, [records.withheld_line(), star_line(records)],
        [_how(records), records.diverged_note],
    )  # fmt: skip
    return figure


def _how(records: Records) -> str:
    data = f"Fraction {records.fraction} of the training pool. " if records.fractions[1:] else ""
    if isinstance(records.decision.star, Refused):
        return data
    return (
        f"{data}Band: {records.level} interval of the curve, {records.decision.star.draws:,} "
        f"{kind(records.decision)}; the line is dashed beyond the measured sizes."
    )


def star_line(records: Records) -> str:
    """N* in a sentence: its interval, or that and why there is none."""
    star = records.decision.star
    if isinstance(star, Refused):
        # The sentence on withheld sizes, which stands before this one, may have the reason already.
        known = star.refused in records.withheld_line()
        return "No law, so no N*." if known else f"No law, so no N*: {star.refused}."
    reach = percent(star.out_of_reach)
    if star.n_star is None:
        limit = "" if star.floor is None else f" (its limit: {_limit(records, star.floor)})"
        return (
            f"The fitted law never reaches the {records.target_label}{limit}: out of reach; "
            f"so in {reach} of {kind(records.decision)}."
        )
    asked = percent(records.decision.target.confidence)
    sure = (
        f"no size is sure with {asked}" if star.confident is None
        else f"one run reaches the target with {asked} at {count(star.confident)}"
    )  # fmt: skip
    return (
        f"N* = {count(star.n_star)} at even chance ({records.level}: {spread(*star.interval)}); "
        f"{sure}; target out of reach in {reach} of {kind(records.decision)}."
    )


def _limit(records: Records, floor: float) -> str:
    return records.quantity.text(float(records.quantity.show(floor)))


def _range(records: Records) -> tuple[float, float]:
    """N from the smallest size to whatever must be seen: N*, the naive model, the interval."""
    sizes = [records.counted(point) for point in records.fit.fractions[records.fraction].points]
    decision = records.decision
    seen = [max(sizes) * 3]
    seen += [2 * decision.recommended] if decision.recommended else []
    if decision.naive:
        seen.append(1.6 * records.counted(decision.naive))
    _, upper = _interval(records)
    if upper is not None:
        # An interval may span decades; what it adds beyond a hundred ladders is empty paper.
        seen.append(min(1.5 * upper, 100 * max(sizes)))
    return min(sizes) / 1.3, max(seen)


def _interval(records: Records) -> Ends:
    """Ends of N*'s interval, None for one that is out of reach or where there is no law."""
    star = records.decision.star
    return (None, None) if isinstance(star, Refused) else star.interval


def _runs(axes: Axes, records: Records, points: list[LadderPoint]) -> np.ndarray:
    """Every seed as a dot, the mean of a size as a ring around them: a diamond if withheld."""
    drawn = []
    for point in points:
        n, runs = records.counted(point), records.quantity.show(records.stored(point))
        drawn += runs.tolist()
        marker, color, label = (
            ("D", style.WITHHELD, "withheld size: mean measured") if point.withheld
            else ("o", style.LAW, "size: mean measured")
        )  # fmt: skip
        axes.plot(
            n, runs.mean(), marker, markerfacecolor="white", markeredgecolor=color,
            markeredgewidth=1.6, markersize=8, label=label, zorder=5,
        )  # fmt: skip
        axes.plot(
            np.full(len(runs), n), runs, "o", color="black", markersize=2.2,
            linestyle="none", label="one run (seed)", zorder=6,
        )  # fmt: skip
    return np.array(drawn)


def _law(axes: Axes, records: Records, low: float, high: float) -> list[np.ndarray]:
    found = records.bootstrap.fractions[records.fraction]
    if isinstance(found, Refused):
        return []
    # From the saved fit, not the stored band: N*, its interval or the naive model may lie beyond.
    n = np.geomspace(low, high, GRID)
    band = read(found.fit).band({"params": n}, level=records.decision.level)
    mean = records.quantity.show(band.mean)
    bottom, top = records.quantity.show_interval(band.lower, band.upper)
    largest = records.decision.ladder.largest
    axes.fill_between(
        n, bottom, top, color=style.SKY, alpha=0.35, linewidth=0, label=f"{records.level} band"
    )
    axes.plot(n[n <= largest], mean[n <= largest], color=style.LAW, label="law, all sizes")
    axes.plot(n[n >= largest], mean[n >= largest], color=style.LAW, linestyle=(0, (5, 2)))
    return [mean, bottom[n <= largest], top[n <= largest]]


def _withheld(axes: Axes, records: Records) -> list[np.ndarray]:
    """The withheld sizes as measured, beside what the fit without them predicted."""
    found = records.withheld(records.fraction)
    if isinstance(found, Refused):
        return []
    drawn = []
    sizes = [records.counted(point) for point in records.points(records.fraction)]
    n = np.geomspace(min(sizes), max(sizes), 80)
    line = records.quantity.show(curve(found, n))
    axes.plot(
        n, line, color=style.WITHHELD, linestyle=":", linewidth=1.3,
        label="law fitted without the withheld", zorder=4,
    )  # fmt: skip
    for one in found.predictions:
        mean = float(records.quantity.show(one.predicted))
        bottom, top = records.quantity.show_interval(one.lower, one.upper)
        measured = float(records.quantity.show(one.measured))
        axes.errorbar(
            one.params, mean, yerr=style.around(mean, bottom, top), fmt="_", markersize=14,
            color=style.WITHHELD, capsize=6, linewidth=1.4, zorder=7,
            label="its prediction of a run there (95 %)",
        )  # fmt: skip
        drawn.append(np.array([mean, measured, bottom, top], float))
    return drawn


def _star(axes: Axes, records: Records, high: float) -> None:
    lower, upper = _interval(records)
    if lower is not None and lower < high:
        end = high if upper is None else min(upper, high)
        axes.plot([lower, end], [records.target] * 2, color=style.STAR, linewidth=2.2, zorder=8)
        axes.plot(lower, records.target, "|", color=style.STAR, markersize=10, zorder=8)
        mark = ">" if upper is None or upper > high else "|"
        axes.plot(
            end, records.target, mark, color=style.STAR, markersize=10 if mark == "|" else 7,
            zorder=8, clip_on=False,
        )  # fmt: skip
    if records.decision.n_star is not None:
        axes.plot(
            records.decision.n_star, records.target, "*", color=style.STAR, markersize=14,
            markeredgecolor="white", label=f"N* and its {records.level} interval", zorder=9,
        )  # fmt: skip


def _built(axes: Axes, records: Records) -> list[np.ndarray]:
    """What is recommended, with the interval of one run of it."""
    built = records.decision.architecture
    if built is None or built.predicted is None:
        return []
    mean = float(records.quantity.show(built.predicted.mean))
    bottom, top = records.quantity.show_interval(built.predicted.lower, built.predicted.upper)
    axes.errorbar(
        records.counted(built), mean, yerr=style.around(mean, bottom, top), fmt="s", markersize=7,
        markerfacecolor="white", color=style.STAR, capsize=5, linewidth=1.4, zorder=8,
        label=f"to build: one run ({records.level})",
    )  # fmt: skip
    return [np.array([mean, bottom, top], float)]


def _limits(values: list[np.ndarray], records: Records) -> tuple[float, float]:
    """Room for all that was measured and for the target; a wild band is cut, not followed."""
    runs = np.append(values[0], records.target)
    all_ = np.concatenate([*values, [records.target]])
    all_ = all_[np.isfinite(all_)]
    reach = np.ptp(runs) if np.ptp(runs) > 0 else 0.1 * records.target
    low = max(all_.min(), runs.min() - 0.6 * reach)
    high = min(all_.max(), runs.max() + 0.6 * reach)
    room = 0.06 * (high - low) or reach
    if records.quantity.unit == "%":
        return max(low - room, -1.0), min(high + room, 101.0)
    return max(low - room, 0.0), high + room
