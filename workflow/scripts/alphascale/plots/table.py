"""The study's summary as a picture: a column a domain."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure

from ..deciding import summary
from ..records.decision import DecisionRecord
from ..records.typed import Refused
from ..units import bind, count, percent, spread
from . import style

COLUMN = 30  # characters of a domain's column


@style.styled
def draw(decisions: list[DecisionRecord]) -> Figure:
    """Facts as rows, domains as columns; withheld error leads, as in the printed summary."""
    rows = [
        (name, [textwrap.wrap(bind(cell(d)), COLUMN) or ["–"] for d in decisions])
        for name, cell in CELLS.items()
    ]
    names = [textwrap.wrap(name, 24) for name, _ in rows]
    tall = [
        max(len(name), *(len(lines) for lines in cells))
        for name, (_, cells) in zip(names, rows, strict=True)
    ]
    line, pad = 0.165, 0.11
    height = sum(t * line + pad for t in tall) + 0.75
    width = 1.9 + 2.3 * len(decisions)
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.text(0.12, height - 0.24, "The study in numbers", fontsize=10.5, fontweight="bold")
    y = height - 0.45
    for column, decision in enumerate(decisions):
        axes.text(1.9 + 2.3 * column, y, decision.domain, fontweight="bold", va="top", fontsize=9.5)
    y -= line + pad / 2
    axes.plot([0.1, width - 0.1], [y, y], color="black", linewidth=1)
    for index, ((_, cells), name, lines) in enumerate(zip(rows, names, tall, strict=True)):
        deep = lines * line + pad
        if index % 2 == 0:
            axes.axhspan(y - deep, y, color="#F2F2F2", linewidth=0)
        for column, words in enumerate([name, *cells]):
            x = 0.12 if column == 0 else 1.9 + 2.3 * (column - 1)
            for i, words_line in enumerate(words):
                axes.text(x, y - pad / 2 - 0.125 - i * line, words_line, fontsize=8.5)
        y -= deep
    axes.plot([0.1, width - 0.1], [y, y], color="black", linewidth=1)
    return figure


def _missed(which: str):
    def cell(decision: DecisionRecord) -> str:
        found = decision.withheld
        error = None if isinstance(found, Refused) else getattr(found.errors, which)
        if error is not None:
            return summary.gap(decision, error)
        return "not tested" if which == "law" else "–"

    return cell


def _cost(run: str):
    def cell(decision: DecisionRecord) -> str:
        cost = summary.price_of(decision, run)
        if cost is None:
            return "none"
        line = summary.cost_line(decision, cost)
        return line if cost.factor is None else f"{line} ({summary.how(cost)})"

    return cell


def _star(decision: DecisionRecord) -> str:
    if isinstance(decision.star, Refused):
        return "none: no law"
    if decision.n_star is None:
        return "none: out of reach"
    return f"{count(decision.n_star)} parameters"


def _interval(decision: DecisionRecord) -> str:
    if isinstance(decision.star, Refused):
        return "–"
    lower, upper = decision.star.interval
    shown = "wholly out of reach" if lower is None else spread(lower, upper)
    return f"{shown} ({percent(decision.level)})"


def _reach(decision: DecisionRecord) -> str:
    star = decision.star
    return "–" if isinstance(star, Refused) else percent(star.out_of_reach)


def _build(decision: DecisionRecord) -> str:
    built = decision.architecture
    if built is None:
        return "–"
    return f"{summary.size_text(built.size)} ({count(built.params['total'])} parameters)"


def _predicted(decision: DecisionRecord) -> str:
    return summary.predicted_text(decision) if decision.architecture else "–"


def _chance(decision: DecisionRecord) -> str:
    built = decision.architecture
    return "–" if built is None or built.chance is None else percent(built.chance, 2)


def _saving(key: str):
    def cell(decision: DecisionRecord) -> str:
        gains = decision.saving
        return "–" if gains is None else percent(getattr(gains, key))

    return cell


def _energy_saved(decision: DecisionRecord) -> str:
    gains = decision.saving
    if gains is None:
        return "–"
    return summary.energy_saving_text(gains).removeprefix("of energy ")


def _pays(decision: DecisionRecord) -> str:
    gains = decision.saving
    if gains is None:
        return "–"
    return summary.pays_text(gains.pays_after_runs).removeprefix("the study ")


CELLS = {
    "Target": lambda decision: summary.target_text(decision).removeprefix("target "),
    "Law missed unseen sizes by": _missed("law"),
    "… repeating the last size": _missed("carry"),
    "… a log-log line": _missed("line"),
    "N*": _star,
    "Interval of N*": _interval,
    "Target out of reach": _reach,
    "To build": _build,
    "Predicted": _predicted,
    "One run reaches the target": _chance,
    "To build, trained once": _cost("architecture"),
    "Naive, trained once": _cost("naive"),
    "The study": _cost("study"),
    "FLOPs saved, net of the study": _saving("net"),
    "FLOPs saved, gross": _saving("gross"),
    "Energy saved": _energy_saved,
    "Pay-back": _pays,
}
