"""CO₂ of N*, of the naive model and of the study itself."""

from __future__ import annotations

from matplotlib.figure import Figure

from ..deciding.summary import NOT_CARRIED, energy_saving_text, pays_text
from ..records.decision import DecisionRecord, Price
from ..records.typed import Refused
from ..units import PREFIXES, count, mass, percent, prefix_power
from . import style
from .records import Records


@style.styled
def draw(records: Records) -> Figure:
    """Three bars in grams, hatched where energy is an estimate, with its 95 % factor; none where
    the study's timings do not carry it. Savings net of the study first."""
    figure, axes = style.canvas()
    decision = records.decision
    bars = _bars(records)
    power = prefix_power(max((price.co2_g for _, price, _ in bars), default=0.0))
    for place, (_, price, color) in enumerate(bars):
        height = price.co2_g / 10**power
        how = "measured" if price.measured else "estimated"
        axes.bar(
            place, height, width=0.6, color=color, edgecolor="black", linewidth=0.8,
            hatch=None if price.measured else "///", alpha=0.85
        )  # fmt: skip
        if price.factor > 1.005:
            ends = [[height - height / price.factor], [height * (price.factor - 1)]]
            axes.errorbar(place, height, ends, color="black", linewidth=1, capsize=4)
            height *= price.factor
        axes.annotate(
            f"{mass(price.co2_g)}\n{how}", (place, height), xytext=(0, 3),
            textcoords="offset points", ha="center", va="bottom", fontsize=8.5,
        )  # fmt: skip
    axes.set_xticks(range(len(bars)), [name for name, _, _ in bars])
    axes.set_xlim(-0.7, max(len(bars), 2) - 0.3)
    axes.margins(y=0.2)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel(f"CO₂ ({PREFIXES[power]}g CO₂)")
    intensity, source = decision.costs.carbon_g_per_kwh, f", {decision.costs.carbon_source}"
    style.compose(
        figure, f"{records.domain}: CO₂ of N*, naive and study", [saving_line(decision)],
        [
            f"At {intensity:g} g CO₂ per kWh{source}. {_how(bars)} "
            f"The study: all {decision.study.members} members "
            "(seeds × learning rates × cells).",
            _missing(decision),
        ],
    )  # fmt: skip
    return figure


def saving_line(decision: DecisionRecord) -> str:
    """The saving in a sentence: with the study's cost first, without it beside."""
    gains = decision.saving
    if gains is None:
        if decision.naive is None:
            return "No naive model is named in the study, so nothing is said to be saved."
        return "No N*, so nothing is saved: the study's cost is spent."
    return (
        f"FLOPs saved with the study counted: {percent(gains.net)} (net); without it: "
        f"{percent(gains.gross)} (gross). {style.sentence(pays_text(gains.pays_after_runs))} "
        f"{style.sentence(energy_saving_text(gains))}"
    )


def _bars(records: Records) -> list[tuple[str, Price, str]]:
    """(label, price, colour) of what there is a price of."""
    bars = []
    for run, name, colour in (
        (records.decision.architecture, "to build", style.LAW),
        (records.decision.naive, "naive", style.NAIVE),
    ):
        if run and run.price.factor is not None:
            label = f"{name}, once\n({count(records.counted(run))} parameters)"
            bars.append((label, run.price, colour))
    return [*bars, ("the study\n(whole ladder)", records.decision.study, style.PURPLE)]


def _how(bars: list[tuple[str, Price, str]]) -> str:
    estimates = [price.how for _, price, _ in bars if not price.measured]
    if not estimates:
        return "Energy measured."
    known = any(price.factor > 1.005 for _, price, _ in bars)
    whiskers = " Whiskers: 95 %, as far as the jobs' times tell." if known else ""
    return f"Hatched: energy not measured but {estimates[0]}.{whiskers}"


def _missing(decision: DecisionRecord) -> str:
    untold = [
        name for name, run in (("what to build", decision.architecture), ("naive", decision.naive))
        if run and run.price.factor is None
    ]  # fmt: skip
    if untold:
        return f"No bar for {' and '.join(untold)}: {NOT_CARRIED}."
    if decision.architecture is not None:
        return ""
    star = decision.star
    reason = star.refused if isinstance(star, Refused) else decision.unbuildable
    reason = reason or "the target is out of the law's reach"
    return f"No bar for N*: {reason}."
