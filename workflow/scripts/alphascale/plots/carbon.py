"""CO₂ of N*, of the naive model and of the study itself."""

from __future__ import annotations

from matplotlib.figure import Figure

from ..units import PREFIXES, count, mass, percent, prefix_power
from . import style
from .records import Records


@style.styled
def draw(records: Records) -> Figure:
    """Three bars in grams, hatched where energy is an estimate; savings net of the study first."""
    figure, axes = style.canvas()
    decision = records.decision
    bars = [
        (name, price, color)
        for name, price, color in _bars(records)
        if price is not None
    ]  # fmt: skip
    power = prefix_power(max((price["co2_g"] for _, price, _ in bars), default=0.0))
    for place, (_, price, color) in enumerate(bars):
        height = price["co2_g"] / 10**power
        how = "measured" if price["measured"] else "estimated"
        axes.bar(
            place, height, width=0.6, color=color, edgecolor="black", linewidth=0.8,
            hatch=None if price["measured"] else "///", alpha=0.85
        )  # fmt: skip
        axes.annotate(
            f"{mass(price['co2_g'])}\n{how}", (place, height), xytext=(0, 3),
            textcoords="offset points", ha="center", va="bottom", fontsize=8.5,
        )  # fmt: skip
    axes.set_xticks(range(len(bars)), [name for name, _, _ in bars])
    axes.set_xlim(-0.7, max(len(bars), 2) - 0.3)
    axes.margins(y=0.2)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel(f"CO₂ ({PREFIXES[power]}g CO₂)")
    intensity = decision["costs"]["carbon_g_per_kwh"]
    style.compose(
        figure, f"{records.domain}: CO₂ of N*, naive and study", [saving_line(decision)],
        [
            f"At {intensity:g} g CO₂ per kWh{_source(decision)}. {_how(bars, decision)} "
            f"The study: all {decision['study']['members']} members "
            "(seeds × learning rates × cells).",
            _missing(records),
        ],
    )  # fmt: skip
    return figure


def _source(decision: dict) -> str:
    source = decision["costs"].get("carbon_source")
    return f", {source}" if source else ""


def saving_line(decision: dict) -> str:
    """The saving in a sentence: with the study's cost first, without it beside."""
    gains = decision.get("saving")
    if gains is None:
        if decision.get("naive") is None:
            return "No naive model is named in the study, so nothing is said to be saved."
        return "No N*, so nothing is saved: the study's cost is spent."
    line = f"Saved with the study counted: {percent(gains['net'])} (net); "
    line += f"without it: {percent(gains['gross'])} (gross). "
    return line + pays_line(gains["pays_after_runs"])


def pays_line(runs: float | None) -> str:
    """After how many trainings of N* in place of the naive model the study is paid back."""
    if runs is None:
        return "The study never pays off: N* costs no less than the naive model."
    if runs <= 1:
        return "The study pays off with the first training."
    whole = int(-(-runs // 1))
    return f"The study pays off after {whole:,} trainings."


def _bars(records: Records) -> list[tuple[str, dict | None, str]]:
    decision = records.decision
    star, naive = decision.get("architecture"), decision.get("naive")
    key = records.count_key
    return [
        (
            f"N* as built, once\n({count(star['params'][key])} parameters)" if star else "N*",
            star and star["price"],
            style.LAW,
        ),
        (
            f"naive, once\n({count(naive['params'][key])} parameters)" if naive else "naive",
            naive and naive["price"],
            style.NAIVE,
        ),
        ("the study\n(whole ladder)", decision["study"], style.PURPLE),
    ]


def _how(bars: list, decision: dict) -> str:
    if all(price["measured"] for _, price, _ in bars):
        return "Energy measured."
    watts = decision["costs"]["watts"]
    how = next(price.get("how") for _, price, _ in bars if not price["measured"])
    return f"Hatched: energy not measured but {how or f'estimated: {watts:g} W × training time'}."


def _missing(records: Records) -> str:
    if records.decision.get("architecture") is None:
        reason = records.decision.get("refused") or "the target is out of the law's reach"
        return f"No bar for N*: {reason}."
    return ""
