"""What the model costs to keep, in words and as columns of the table."""

from __future__ import annotations

from ..config import Serving
from ..records.decision import CheapestPair, DecisionRecord, Lifetime, Limit, Served, Serves
from ..records.fit import Estimate
from ..records.specs import Target
from ..records.typed import Refused
from ..units import count, energy, mass, money, percent, prefixed, probability, significant
from .lifetime import LIMITS, QUANTITIES, broken
from .shown import metric_text

# Share of the machine's CPU time by others from which a latency is said to be theirs too.
BUSY = 0.1
LIMIT_UNIT = {"latency_ms": "ms", "memory_mb": "MB"}


def serving_text(decision: DecisionRecord) -> str:
    """What a batch takes, what the requests cost, what is saved; empty where it is not asked."""
    found = decision.serving
    if found is None:
        return ""
    if isinstance(found, Refused):
        return f"not told: {found.refused}"
    parts = []
    for life, name in ((found.build, "what to build"), (found.naive, "the naive model")):
        if life is not None:
            parts.append(f"{name} {_life_text(decision, found, life)}")
    if found.excluded:
        parts.append("a limit excludes what the target asks for")
    elif found.limit is not None and found.build is not None:
        parts += [f"within {_limits(found.asked)}", *_doubts(found.asked, found.build.serves)]
    if found.limit is not None and found.naive is not None:
        binding, size = found.limit, decision.naive.params[decision.counted]
        most, takes = binding.params or 0, found.naive.serves
        if keys := broken(found.asked, binding.limit, most, size, takes):
            names = " and ".join(_limit(found.asked, key) for key in keys)
            parts.append(f"the naive model is beyond {names}")
    low, high = found.measured
    parts += [
        _saved_text(found),
        f"measured at {count(low)} to {count(high)} parameters, joules {found.energy_how}",
        _busy_text(found),
    ]
    return "; ".join(filter(None, parts))


def _life_text(decision: DecisionRecord, found: Served, life: Lifetime) -> str:
    serves, asked, level = life.serves, found.asked, percent(decision.level)
    many = "answers a request" if asked.batch == 1 else f"answers {asked.batch} requests at once"
    within = _interval(serves.seconds_95, lambda value: prefixed(value, "s"))
    sure = f" ({level} interval {within})" if within else ""
    words = (
        f"{many} in {prefixed(serves.seconds.mean, 's')}, 95 % within "
        f"{prefixed(serves.seconds_95.mean, 's')}{sure}, "
        f"{prefixed(serves.memory_bytes.mean, 'B')}, {prefixed(serves.joules.mean, 'J')}"
    )
    if serves.beyond:
        words += ", farther than any size measured"
    if not asked.requests:
        return words
    many = requests_text(asked.requests)
    currency = decision.costs.currency
    if life.kwh is None:
        return (
            f"{words}; {many} take {energy(life.serving_kwh)}, "
            f"{mass(life.serving_co2_g)} CO₂, {money(life.serving_money, currency)}, beside a "
            "training that the jobs' times do not carry"
        )
    return (
        f"{words}; one training and {many} take {energy(life.kwh)}, "
        f"{mass(life.co2_g)} CO₂, {money(life.money, currency)}"
    )


def _interval(found: Estimate, shown) -> str:
    return "" if found.lower is None else f"{shown(found.lower)} – {shown(found.upper)}"


def _saved_text(found: Served) -> str:
    if not found.asked.requests:
        return ""
    told = [
        f"{name} {percent(share)}"
        for name, share in (("energy", found.energy), ("money", found.money))
        if share is not None
    ]
    return f"saved over the life, the study counted: {', '.join(told)}" if told else ""


def _busy_text(found: Served) -> str:
    if found.others is None or found.others < BUSY:
        return ""
    return (
        f"the machine was busy: {percent(found.others, 2)} of its CPU time was other processes', "
        "and latencies may be the longer for it"
    )


def requests_text(number: float) -> str:
    """So many requests, in full: 1 B reads like bytes."""
    return f"{number:,.0f} requests"


def _limit(asked: Serving, key: str) -> str:
    return f"{getattr(asked, key):g} {LIMIT_UNIT[key]}"


def _limits(asked: Serving) -> str:
    """`20 ms and 500 MB`: the limits that are asked for."""
    return " and ".join(_limit(asked, key) for key in LIMITS if getattr(asked, key) is not None)


def _inside(asked: Serving, key: str, serves: Serves) -> bool:
    """Whether the interval of what a size takes holds a limit: it may as well break it, or keep it,
    as not."""
    quantity, unit = LIMITS[key]
    found, limit = getattr(serves, quantity), getattr(asked, key) * unit
    return found.lower is not None and found.lower <= limit <= found.upper


def _doubts(asked: Serving, serves: Serves) -> list[str]:
    """What there is to say of a size that keeps the limits, and nearly does not."""
    told = []
    keys = [key for key in LIMITS if getattr(asked, key) is not None]
    for key in keys:
        quantity, unit = LIMITS[key]
        of = f" of {_limit(asked, key)}" if len(keys) > 1 else ""
        if getattr(serves, quantity).mean > getattr(asked, key) * unit:
            told.append(f"a larger size was measured to keep the limit{of}")
        if _inside(asked, key, serves):
            told.append(f"the limit{of} lies within its interval")
    return told


def excluded_text(
    target: Target, asked: Serving, params: float, serves: Serves, broken: list[str],
    limit: Limit | None,
) -> str:  # fmt: skip
    """Why nothing is recommended: the size that the target asks for breaks a limit."""
    takes = []
    for key in broken:
        quantity, unit = LIMITS[key]
        value = getattr(serves, quantity).mean / unit
        notes = [f"{key}: {getattr(asked, key):g}"]
        if value <= getattr(asked, key):
            notes.append("which a smaller size was measured to break")
        if _inside(asked, key, serves):
            notes.append("the limit lies within its interval")
        takes.append(f"{significant(value)} {LIMIT_UNIT[key]} ({', '.join(notes)})")
    words = f"{count(params)} parameters, which the target asks for, take {' and '.join(takes)}"
    if limit is None:
        return words
    if limit.params is None:
        return f"{words}; even the smallest size measured is beyond {limit.limit}"
    words += f"; the largest that keeps the limit has {count(limit.params)}"
    if limit.predicted is not None:
        words += (
            f": {metric_text(target.named, limit.predicted)} by the law, and one run reaches the "
            f"target with {probability(limit.chance)}"
        )
    return words


def serving_columns(decision: DecisionRecord) -> dict[str, float | bool | None]:
    """What `summary.csv` says, unrounded: of a batch, and of training and all requests."""
    told = decision.serving if isinstance(decision.serving, Served) else None
    pair = decision.joint if isinstance(decision.joint, CheapestPair) else None
    build, naive = (told and told.build, told and told.naive)
    limit = told and told.limit
    row = {
        "serving_requests": told and told.asked.requests,
        "serving_batch": told and told.asked.batch,
        "serving_excluded": told and told.excluded,
        "serving_largest": limit and limit.params,
        "serving_measured": build and build.serves.measured,
    }
    for name in QUANTITIES:
        each = build and getattr(build.serves, name)
        row[f"serving_{name}"] = each and each.mean
    for run, life in (("build", build), ("naive", naive)):
        for key in ("kwh", "co2_g", "money"):
            row[f"{run}_serving_{key}"] = life and getattr(life, f"serving_{key}")
            row[f"{run}_lifetime_{key}"] = life and getattr(life, key)
    row["cheapest_serving_money"] = pair and pair.money and pair.money.serving
    row["saving_lifetime_energy"] = told and told.energy
    row["saving_lifetime_money"] = told and told.money
    return row
