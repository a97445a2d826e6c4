"""All domains' plans as a page, and as YAML that can be pasted under `domains:`."""

from __future__ import annotations

import math
from pathlib import Path

from ..deciding.summary import metric_text, size_text
from ..records.fit import Estimate
from ..records.plan import PlannedRun, PlanRecord
from ..units import percent, prefixed, significant, spread, wrapped

NARROWS = {
    "n_star": "N*",
    "cheapest_flops": "the cheapest (N, D)",
    "best_reachable": "the best that the law can see",
}


def nothing_planned(plans: list[PlanRecord]) -> str | None:
    """Why no domain has a run to make, in one line; None where one has."""
    if any(plan.runs for plan in plans):
        return None
    reasons = "; ".join(f"{plan.domain}: {plan.empty}" for plan in plans)
    return f"the plan is empty: {reasons}"


def fragment(plans: list[PlanRecord], path: Path) -> str:
    """The planned runs as a study's YAML, those of a plan that was adopted before among them."""
    import yaml

    domains = {}
    for plan in plans:
        runs = {
            name: (each.size, each.fractions, each.seeds) for name, each in plan.adopted.items()
        } | {each.scale: (each.size, [each.fraction], each.seeds) for each in plan.runs}
        if runs:
            domains[plan.domain] = {
                "ladder": {name: size for name, (size, *_) in runs.items()},
                "runs": {
                    name: {"fractions": fractions, "seeds": seeds}
                    for name, (_, fractions, seeds) in runs.items()
                },
            }
    body = yaml.safe_dump({"domains": domains}, sort_keys=False, default_flow_style=None, width=90)
    return (
        f"# The next runs, by `snakemake plan`. To train them: --config plan=apply, or\n"
        f"# --configfile YOUR.yaml {path}, or copy the lines into your study's domains.\n{body}"
    )


def text(plans: list[PlanRecord], path: Path, command: str) -> str:
    """A paragraph a domain: what would be run, what it costs, before and after; and the command
    that trains it."""
    parts = [_domain(plan) for plan in plans]
    total = sum(plan.flops for plan in plans)
    parts.append(
        f"{prefixed(total, 'FLOP')} in all. Train these runs, and only these:\n"
        f"  {command}      (they are in {path})\n"
    )
    return "\n".join(parts)


def _domain(plan: PlanRecord) -> str:
    title = f"{plan.domain}: next runs"
    lines = [title, "-" * len(title)]
    if plan.empty:
        pairs = [("none", plan.empty)]
    else:
        pairs = [("run", run_text(run)) for run in plan.runs]
        pairs += [
            ("cost", cost_text(plan)),
            ("now", before_text(plan)),
            ("after", after_text(plan)),
        ]
    for name, words in pairs:
        lines += wrapped(words, f"  {name:<10}")
    return "\n".join(lines) + "\n"


def run_text(run: PlannedRun) -> str:
    seeds = len(run.seeds)
    return (
        f"{run.scale} ({size_text(run.size)}) on {percent(float(run.fraction))} of the "
        f"data, {seeds} seed{'s' * (seeds > 1)}: {prefixed(run.flops, 'FLOP')}"
    )


def cost_text(plan: PlanRecord) -> str:
    rates = plan.members_per_seed
    return (
        f"{prefixed(plan.flops, 'FLOP')}, every seed at {rates} learning "
        f"rate{'s' * (rates > 1)}, of {prefixed(plan.budget_flops, 'FLOP')} allowed; the study "
        f"so far took {prefixed(plan.spent_flops, 'FLOP')}"
    )


def before_text(plan: PlanRecord) -> str:
    """The interval that the plan narrows, as it is."""
    before = plan.before
    lower, upper = before.interval
    if plan.narrows == "n_star":
        shown = spread(lower, upper)
    elif plan.narrows == "cheapest_flops":
        shown = f"{prefixed(lower, 'FLOP')} – {prefixed(upper, 'FLOP') if upper else '∞'}"
    else:
        at = Estimate(before.point, lower, upper)
        shown = metric_text(plan.target.named, at)
    out = f"; out of reach in {percent(before.out_of_reach)} of draws"
    why = ""
    if plan.narrows == "best_reachable":
        why = "the fitted law never reaches the target, so there is no N* to narrow; "
    level = percent(plan.level)
    return f"{why}{level} interval of {NARROWS[plan.narrows]} {shown}{factor(before.width)}{out}"


def after_text(plan: PlanRecord) -> str:
    """The width to expect: the median over the futures that were played out, and their spread."""
    after = plan.after
    if not after.futures:
        return "not known: the law could not be fitted to any future that was played out"
    if after.width is None:
        middle = "an interval that stays open above in most futures"
    else:
        wide = after.wide
        wide = "∞" if wide is None else times(wide)
        middle = (
            f"upper end {times(after.width)} × the lower one (median of "
            f"{after.futures} futures played out; 80 % lie within "
            f"{times(after.narrow)} – {wide} ×)"
        )
    wider = plan.before.width is not None and (
        after.width is None or after.width >= plan.before.width
    )
    worth = "; NOT NARROWER than now: these runs are not worth their cost" if wider else ""
    return f"{middle}; out of reach in {percent(after.out_of_reach)} of draws{worth}"


def times(width: float) -> str:
    """A width in logarithms as upper end over lower."""
    return significant(math.exp(width))


def factor(width: float | None) -> str:
    return ", open above" if width is None else f", upper end {times(width)} × the lower"
