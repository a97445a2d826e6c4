"""A comparison of families as people read it, and as rows of a table."""

from __future__ import annotations

import math

from ..metrics import metric
from ..records.compare import CompareRecord, Comparison, FamilyLaw, Odds, Pair, Ratio
from ..records.specs import Target
from ..records.typed import Refused
from ..units import count, energy, money, percent, prefixed, probability, significant, wrapped
from .ranges import FAR
from .summary import NOT_CARRIED, target_value
from .summary_table import TableCell

NONE = "no domain names another with `compare`\n"


def text(records: list[CompareRecord]) -> str:
    """All groups, a block a group and target, led by the answer; at most 96 columns."""
    blocks = [_block(record, each) for record in records for each in record.comparisons]
    return "\n".join(blocks) if blocks else NONE


def _block(record: CompareRecord, found: Comparison) -> str:
    title = f"{', '.join(found.names)}: families compared{_on(found)}"
    lines = [title, "-" * len(title)]
    for name, words in (
        ("cheaper", [answer(record, found), *other_answers(found)]),
        ("each costs", [cost_text(record, found, name) for name in found.names]),
        ("exponents", [exponents_text(record, found, name) for name in found.names[1:]]),
        ("like costs", [ratio_text(record, found, name) for name in found.names[1:]]),
        ("warning", warnings(found)),
    ):
        for at, said in enumerate(filter(None, words)):
            lines += wrapped(said, f"  {name if at == 0 else '':<11}", " " * 13)
    return "\n".join(lines) + "\n"


def _on(found: Comparison) -> str:
    return f" on target {target_value(found.target)}" if found.shared else ""


def answer(record: CompareRecord, found: Comparison) -> str:
    """Which family reaches the target at less cost, in FLOPs, and with what probability."""
    if isinstance(found.odds, Refused):
        return f"not told: {found.odds.refused}"
    odds = found.odds["flops"]
    if odds.neither == 1:
        return "none of them reaches the target by its law"
    return f"{_leader(record, found, odds)}, in FLOPs of one training{_rest(odds)}"


def other_answers(found: Comparison) -> list[str]:
    """The same in energy and money, or that the times do not carry it."""
    if isinstance(found.odds, Refused) or found.odds["flops"].neither == 1:
        return []
    if "kwh" not in found.odds:
        return [f"{NOT_CARRIED} for all of them"]
    energy_odds, money_odds = found.odds["kwh"], found.odds["money"]
    rests = "by the study's own times"
    if energy_odds == money_odds:
        return [f"in energy and money, {rests}: least {_shares(found, energy_odds)}"]
    return [
        f"in {what}, {rests}: least {_shares(found, odds)}"
        for what, odds in (("energy", energy_odds), ("money", money_odds))
        if odds.tied < 1 - odds.neither  # where an hour costs nothing, all pay the same
    ]


def _leader(record: CompareRecord, found: Comparison, odds: Odds) -> str:
    """The one that is likeliest to cost least, named as such where that is sure enough."""
    best, *others = _ranked(found, odds)
    if odds.least[best] >= record.level:
        return (
            f"{label(found, best)} reaches the target at less cost than "
            f"{' and '.join(label(found, each) for each in others)}, with probability "
            f"{_chance(odds.least[best])}"
        )
    return f"which of them costs least cannot be told yet: {_shares(found, odds)}"


def _shares(found: Comparison, odds: Odds) -> str:
    return ", ".join(
        f"{label(found, each)} with {_chance(odds.least[each])}" for each in _ranked(found, odds)
    )


def _ranked(found: Comparison, odds: Odds) -> list[str]:
    """The likeliest to cost least first; of equals the study's first."""
    known = [name for name in found.names if name in odds.least]
    return sorted(known, key=odds.least.get, reverse=True)


def _rest(odds: Odds) -> str:
    said = []
    if odds.neither > 0:
        said.append(f"none reaches it in {probability(odds.neither)}")
    if odds.tied > 0:
        said.append(f"they cost the same in {probability(odds.tied)}")
    return f" ({'; '.join(said)})" if said else ""


def _chance(share: float) -> str:
    """A share of draws: that it is none or all of them makes nothing certain."""
    return {0: "< 0.1 %", 1: "> 99.9 %"}.get(share, probability(share))


def label(found: Comparison, name: str) -> str:
    """`letter_deep (mlp)`: a domain and its family."""
    return f"{name} ({found.domains[name].family})"


def cost_text(record: CompareRecord, found: Comparison, name: str) -> str:
    """What one family needs for the target, and what one training of that costs."""
    law = found.domains[name].law
    head = f"{label(found, name)}: "
    if isinstance(law, Refused):
        return f"{head}no law ({law.refused})"
    if not found.shared:
        return ""
    reach = f"out of reach in {_chance(law.out_of_reach)} of {law.draws:,} {_drawn(record)}"
    ends = _flops(law.interval[0]), _flops(law.interval[1])
    interval = f"{percent(record.level)} interval {ends[0]} – {ends[1]}"
    if law.params is None:
        return f"{head}its law never reaches the target; {interval}; {reach}"
    least = "at most " if law.at_smallest else ""
    smallest = ", the smallest size trained" if law.at_smallest else ""
    paid = _paid(record, law)
    return (
        f"{head}{least}{_flops(law.flops)} a training ({interval}){paid}, N* {count(law.params)} "
        f"parameters{smallest}; {reach}"
    )


def _paid(record: CompareRecord, law: FamilyLaw) -> str:
    if law.price is None or law.price.factor is None:
        return ""
    return f", {energy(law.price.kwh)}, {money(law.price.money, record.costs.currency)}"


def _flops(value: float | None) -> str:
    return "∞" if value is None else prefixed(value, "FLOP")


def _drawn(record: CompareRecord) -> str:
    return "draws of the posterior" if record.law == "auto" else "resamples"


def exponents_text(record: CompareRecord, found: Comparison, name: str) -> str:
    """Whether two laws' exponents differ, and where that was asked."""
    pair = found.pairs[name]
    if isinstance(pair, Refused):
        first = found.names[0]
        return f"whether {name} scales as {first} does could not be tested: {pair.refused}"
    each, (low, high) = pair.exponents, pair.exponents.interval
    one, other = (label(found, domain) for domain in pair.domains)
    values = [f"{each.values[domain]:.3f}" for domain in pair.domains]
    said = (
        f"at {where(found, pair)}, {one} minus {other}: local exponent {each.difference:+.3f} "
        f"({percent(record.level)} interval {low:+.3f} to {high:+.3f}; {values[0]} against "
        f"{values[1]})"
    ).replace(" -", " −")
    if each.differ:
        return f"the exponents differ; {said}"
    return f"the exponents are not told apart, which does not make them equal; {said}"


def where(found: Comparison, pair: Pair) -> str:
    """At which error: the target, or one that both ladders reached."""
    value = value_text(found.target, pair.error)
    if pair.of_target:
        return f"the target, {value}"
    if found.shared and found.target.fitted > pair.error:
        return f"{value}, the nearest to the target that both ladders span"
    return f"{value}, the best that both ladders reached"


def value_text(target: Target, fitted: float) -> str:
    """A value of the law in words, as the target names its metric."""
    known = metric(target.named)
    if target.perplexity is not None:
        return known.text(float(f"{math.exp(fitted):.4g}"))
    return known.text(float(f"{known.falling(fitted):.4g}"))


def ratio_text(record: CompareRecord, found: Comparison, name: str) -> str:
    """What one family pays over the other at that error."""
    pair = found.pairs[name]
    if isinstance(pair, Refused):
        return ""
    one, other = (label(found, domain) for domain in pair.domains)
    small = ""
    if pair.below:
        small = (
            f"; at most, for {' and '.join(pair.below)}, whose smallest size is better already: "
            "no smaller was trained"
        )
    return (
        f"at {where(found, pair)}, one training of {one} takes {_times(pair.ratio.value)} the "
        f"FLOPs of {other} ({percent(record.level)} interval {_ends(pair.ratio)}){small}"
    )


def _ends(found: Ratio) -> str:
    return " – ".join("∞" if end is None else significant(end) for end in found.interval)


def _times(value: float | None) -> str:
    return "∞ ×" if value is None else f"{significant(value)} ×"


def warnings(found: Comparison) -> list[str]:
    """What a reader must know before trusting the answer, a sentence each."""
    said = []
    data = {(each.fraction, each.samples) for each in found.domains.values()}
    if len(data) > 1:
        shares = ", ".join(
            f"{name} on {found.domains[name].samples:,} samples" for name in found.names
        )
        said.append(f"they were not trained on as much data: {shares}")
    for name in found.names:
        law = found.domains[name].law
        if isinstance(law, Refused):
            continue
        if law.unbeaten:
            said.append(
                f"the law of {name} did not beat {' nor '.join(law.unbeaten)} on the sizes that it "
                "had not seen"
            )
        if not found.shared:
            continue
        if law.multiple is not None and law.multiple > 1:
            far = ", far from what was measured" if law.multiple > FAR else ""
            said.append(f"N* of {name} is {significant(law.multiple, 2)} × its largest size{far}")
        if law.at_smallest and _loses(found, name):
            said.append(
                f"{name} meets the target with its smallest size: a smaller one, not trained, may "
                "cost less than the others"
            )
    return said


def _loses(found: Comparison, name: str) -> bool:
    return isinstance(found.odds, dict) and found.odds["flops"].least[name] < 0.5


def table_rows(records: list[CompareRecord]) -> list[dict[str, TableCell]]:
    """One flat row a group, target and domain, unrounded; None where it is not known."""
    return [
        _row(record, found, name)
        for record in records
        for found in record.comparisons
        for name in found.names
    ]


def _row(record: CompareRecord, found: Comparison, name: str) -> dict[str, TableCell]:
    first, each = found.names[0], found.domains[name]
    law = None if isinstance(each.law, Refused) or not found.shared else each.law
    pair = found.pairs.get(name)
    pair = pair if isinstance(pair, Pair) else None
    cost = law and law.price
    odds = {} if isinstance(found.odds, Refused) else found.odds
    row = {
        "group": first,
        "domain": name,
        "family": each.family,
        "target_metric": found.target.named,
        "target": found.target.given if found.shared else None,
        "level": record.level,
        "fraction": each.fraction,
        "n_star": law and law.params,
        "flops": law and law.flops,
        "flops_lower": law and law.interval[0],
        "flops_upper": law and law.interval[1],
        "out_of_reach": law and law.out_of_reach,
        "at_smallest": law and law.at_smallest,
    }
    told = cost is not None and cost.factor is not None
    for measure in ("kwh", "money"):
        row[measure] = getattr(cost, measure) if told else None
    for measure in ("flops", "kwh", "money"):
        of = odds.get(measure)
        row[f"least_{measure}"] = of and of.least.get(name)
    row |= {
        "none_reaches": odds["flops"].neither if odds else None,
        "tied": odds["flops"].tied if odds else None,
        "error_compared": pair and pair.error,
        "exponent": pair and pair.exponents.values[name],
        "exponent_of_first": pair and pair.exponents.values[first],
        "exponent_difference": pair and pair.exponents.difference,
        "exponent_lower": pair and pair.exponents.interval[0],
        "exponent_upper": pair and pair.exponents.interval[1],
        "exponents_differ": pair and pair.exponents.differ,
        "cost_ratio": pair and pair.ratio.value,
        "cost_ratio_lower": pair and pair.ratio.interval[0],
        "cost_ratio_upper": pair and pair.ratio.interval[1],
        "currency": record.costs.currency,
        "refused": each.law.refused if isinstance(each.law, Refused) else None,
    }
    return row
