"""A round in words: what is known of each domain, what is trained next and what that costs."""

from __future__ import annotations

from ..planning.text import run_text
from ..progress.table import duration
from ..records.rounds import Cost, DomainRound, Limits, RoundRecord, RoundSpec
from ..units import count, percent, prefixed, significant, spread, wrapped
from .amounts import total


def text(record: RoundRecord, spec: RoundSpec) -> str:
    """A page: a paragraph a domain, and the whole against the budget."""
    parts = [_domain(each, spec.limits) for each in record.domains]
    return "\n".join([*parts, _whole(record, spec)])


def _domain(found: DomainRound, limits: Limits) -> str:
    title = f"{found.domain}: after {found.number} round{'s' * (found.number > 1)}"
    lines = [title, "-" * len(title)]
    pairs = [("known", _known(found))]
    share = ""
    if found.naive is not None and found.naive.flops:
        of_naive = percent(found.spent.flops / found.naive.flops)
        share = f", {of_naive} of one training of the naive model"
        if limits.naive is not None:
            share += f" ({percent(limits.naive)} allowed)"
    pairs.append(("taken", f"{prefixed(found.spent.flops, 'FLOP')}{share}"))
    if found.runs:
        pairs += [("next", run_text(run)) for run in found.runs]
        hoped = ""
        if found.ratio is not None:
            hoped = f"; should leave {percent(found.ratio)} of the uncertainty where N* may lie"
        pairs.append(("for", f"{_cost(found.next)}{hoped}; {found.why}"))
    else:
        pairs.append(("ended", found.why))
    for name, words in pairs:
        lines += wrapped(words, f"  {name:<8}")
    return "\n".join(lines) + "\n"


def _known(found: DomainRound) -> str:
    if found.interval is None:
        return "no law yet"
    out = f"out of reach in {percent(found.out_of_reach)} of draws"
    if found.n_star is None:
        return f"no N*: {out}"
    return f"N* {count(found.n_star)} ({spread(*found.interval)}); {out}"


def _cost(cost: Cost) -> str:
    return f"{prefixed(cost.flops, 'FLOP')}, about {duration(cost.seconds)}"


def _whole(record: RoundRecord, spec: RoundSpec) -> str:
    """What was taken of the budget, and what the next round takes."""
    taken = total(each.spent for each in record.domains)
    words = [f"taken so far: {_of(taken, spec.limits, spec.costs.currency)}"]
    if record.runs:
        coming = total(each.next for each in record.domains if each.next is not None)
        words.append(f"next round: {_cost(coming)} of devices")
    return "\n".join(words) + "\n"


def _of(taken: Cost, limits: Limits, currency: str) -> str:
    """The amounts that a budget limits, beside their limits; FLOPs in any case."""
    shown = (
        lambda flops: prefixed(flops, "FLOP"),
        duration,
        lambda kwh: f"{significant(kwh)} kWh",
        lambda grams: f"{significant(grams)} g CO₂",
        lambda money: f"{significant(money)} {currency}",
    )
    parts = []
    for write, used, limit in zip(shown, taken.amounts, limits.amounts, strict=True):
        if limit is not None:
            parts.append(f"{write(used)} of {write(limit)}")
        elif not parts:
            parts.append(write(used))
    return ", ".join(parts)
