"""All domains' decisions as table rows, and as the page printed when a study ends."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from ..units import (
    NO_BREAK,
    bind,
    count,
    energy,
    mass,
    money,
    percent,
    prefixed,
    significant,
    spread,
)

WIDTH = 96
RUNS = ("architecture", "naive", "study")
# A choice far beyond the ladder rests on the law alone; ladders in the literature stop near 10 ×.
FAR = 10.0


def table_rows(decisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One flat row a domain, unrounded: shares as fractions of one, kWh, g CO₂; None if unknown."""
    return [_row(decision) for decision in decisions]


def _row(decision: dict[str, Any]) -> dict[str, Any]:
    withheld = decision.get("withheld") or {}
    mae = withheld.get("mae") or {}
    lower, upper = decision.get("interval") or (None, None)
    star = decision.get("architecture") or {}
    gains = decision.get("saving") or {}
    predicted = star.get("predicted") or {}
    row = {
        "domain": decision["domain"],
        "target_metric": decision["target"]["metric"],
        "target": decision["target"]["value"],
        "fraction": decision["fraction"],
        "withheld_mae_law": mae.get("law"),
        "withheld_mae_carry": mae.get("carry"),
        "withheld_mae_line": mae.get("line"),
        "law_beats_both": withheld.get("beats_naive"),
        "law": decision["law"],
        "n_star": decision.get("n_star"),
        "n_star_lower": lower,
        "n_star_upper": upper,
        "level": decision["level"],
        "out_of_reach": decision.get("out_of_reach"),
        "resamples": decision["resamples"],
        "counted": decision["counted"],
        "largest_trained": decision["ladder"]["largest"],
        "build": json.dumps(star["size"]) if star else None,
        "build_params": (star.get("params") or {}).get("total"),
        "build_non_embedding": (star.get("params") or {}).get("non_embedding"),
        "predicted": predicted.get("mean"),
        "predicted_lower": predicted.get("lower"),
        "predicted_upper": predicted.get("upper"),
    }
    for run in RUNS:
        cost = _cost(decision, run) or {}
        name = "n_star" if run == "architecture" else run
        for key in ("flops", "kwh", "co2_g", "money", "measured"):
            row[f"{name}_{key}"] = cost.get(key)
    row["currency"] = decision["costs"]["currency"]
    for key in ("net", "gross", "net_flops", "gross_flops"):
        row[f"saving_{key}"] = gains.get(key)
    row["pays_after_runs"] = gains.get("pays_after_runs")
    row["warnings"] = "; ".join(warnings(decision))
    return row


def text(decisions: list[dict[str, Any]]) -> str:
    """The summary as people read it, about ten lines a domain, at most 96 columns."""
    return "\n".join(_domain(decision) for decision in decisions)


def _domain(decision: dict[str, Any]) -> str:
    title = f"{decision['domain']}: {target_text(decision)}"
    lines = [title, "-" * len(title)]
    for name, words in (
        ("withheld", withheld_text(decision)),
        ("N*", star_text(decision)),
        ("build", build_text(decision)),
        ("less data", joint_text(decision)),
        *((label, cost_text(decision, run)) for label, run in
          (("its cost", "architecture"), ("naive", "naive"), ("the study", "study"))),
        ("saving", saving_text(decision)),
        *(("warning", warning) for warning in warnings(decision)),
    ):  # fmt: skip
        if words:
            lines += textwrap.wrap(
                bind(words), WIDTH, initial_indent=f"  {name:<10}", subsequent_indent=" " * 12,
                break_on_hyphens=False,
            )  # fmt: skip
    return "\n".join(lines).replace(NO_BREAK, " ") + "\n"


def target_text(decision: dict[str, Any]) -> str:
    metric, value = decision["target"]["metric"], decision["target"]["value"]
    shown = f"{value:g} nats" if metric == "loss" else percent(value)
    several = len(decision.get("fractions") or {}) > 1
    data = f", at fraction {decision['fraction']} of the training data" if several else ""
    return f"target {metric} {shown}{data}"


def withheld_text(decision: dict[str, Any]) -> str:
    """By how much the law missed sizes it had not seen, beside predictors that know no law."""
    found = decision.get("withheld")
    if found is None:
        reason = "no law could be fitted" if decision.get("refused") else "no size was withheld"
        return f"not tested on unseen sizes: {reason}"
    if "refused" in found:
        return f"not tested on unseen sizes: {found['refused']}"
    mae, sizes = found["mae"], len(found["predictions"])
    which = "the largest size" if sizes == 1 else f"the {sizes} largest sizes"
    line = "" if mae["line"] is None else f", a log-log line {gap(decision, mae['line'])}"
    lost = " nor ".join(unbeaten(mae)).upper()
    verdict = f"THE LAW DOES NOT BEAT {lost}" if lost else "the law beats them"
    return (
        f"the law missed {which}, unseen, by {gap(decision, mae['law'])}; repeating the last size "
        f"would miss by {gap(decision, mae['carry'])}{line}: {verdict}"
    )


def unbeaten(mae: dict[str, float | None]) -> list[str]:
    """The predictors without a law that missed the withheld sizes by less than the law did."""
    names = {"carry": "repeating the last size", "line": "a log-log line"}
    return [
        name for key, name in names.items() if mae[key] is not None and mae[key] < mae["law"]
    ]  # fmt: skip


def gap(decision: dict[str, Any], value: float) -> str:
    """A difference in the fitted metric: percentage points, or nats."""
    if decision["metric"] == "loss":
        return f"{significant(value, 2)} nats"
    return f"{100 * value:.2f} points"


def star_text(decision: dict[str, Any]) -> str:
    """N* with interval, level and the probability that the target is out of reach."""
    if decision.get("refused"):
        return f"none: no law could be fitted ({decision['refused']})"
    share = percent(decision["out_of_reach"])
    kind = "quantiles of the curve" if decision["law"] == "auto" else "resamples"
    reach = f"out of reach in {share} of {decision['draws']:,} {kind}"
    counted = "" if decision["counted"] == "total" else ", embeddings not counted"
    lower, upper = decision["interval"]
    interval = f"{percent(decision['level'])} interval {spread(lower, upper)}"
    if decision["n_star"] is None:
        if lower is None:
            interval = f"{interval.split(' interval')[0]} interval wholly out of reach"
        best = best_text(decision)
        return f"none: the fitted law never reaches the target; {interval}; {reach}{best}"
    return f"{count(decision['n_star'])} parameters{counted}; {interval}; {reach}"


def best_text(decision: dict[str, Any]) -> str:
    """What the law says of models without end, as the target names it; empty if not known."""
    best, metric = decision.get("best_reachable"), decision["target"]["metric"]
    return f"; the best the law can see is {metric_text(metric, best)}" if best else ""


def joint_text(decision: dict[str, Any]) -> str:
    """The cheapest size and data together, by the joint law; empty where there is none."""
    found = decision.get("joint") or {}
    if found.get("law") is None:
        return ""
    share = percent(found["reached"])
    if found["params"] is None:
        return f"the joint law of N and D never reaches the target ({share} of resamples do)"
    low, high = found["interval"]["flops"]
    return (
        f"{count(found['params'])} parameters on {found['samples']:,} samples "
        f"({percent(found['fraction'])} of the data) is the cheapest pair by the joint law: "
        f"{prefixed(found['flops'], 'FLOP')} (interval "
        f"{prefixed(low, 'FLOP') if low else '∞'} – {prefixed(high, 'FLOP') if high else '∞'}); "
        f"reached in {share} of resamples"
    )


def build_text(decision: dict[str, Any]) -> str:
    """The architecture, its parameter count and what the law predicts for one run of it."""
    star = decision.get("architecture")
    if star is None:
        return f"none: {decision['unbuildable']}" if decision.get("unbuildable") else ""
    parts = [f"{size_text(star['size'])}: {star['params']['total']:,} parameters"]
    if star["params"].get("embedding"):
        parts.append(f"{star['params']['non_embedding']:,} without embeddings")
    family = f"{decision['family']} " if decision.get("family") else ""
    return f"{family}{', '.join(parts)}; predicted {predicted_text(decision)}"


def size_text(size: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in size.items())


def predicted_text(decision: dict[str, Any]) -> str:
    """Predicted metric of one run of N*, as the target names it, with its interval."""
    return metric_text(decision["target"]["metric"], decision["architecture"]["predicted"])


def metric_text(metric: str, found: dict[str, float]) -> str:
    """A prediction of error or loss, with its interval, as the target's metric."""
    mean, lower, upper = found["mean"], found["lower"], found["upper"]
    if metric == "loss":
        return f"loss {mean:.3f} ({lower:.3f} – {upper:.3f}) nats"
    if metric == "accuracy":
        mean, lower, upper = 1 - mean, 1 - upper, 1 - lower
    return f"{metric} {100 * mean:.1f} % ({100 * lower:.1f} – {100 * upper:.1f} %)"


def cost_text(decision: dict[str, Any], run: str) -> str:
    """Energy, CO₂ and money of a run, and how the energy was got."""
    cost = _cost(decision, run)
    if cost is None:
        return ""
    how = "measured" if cost["measured"] else "estimated"
    size = ""
    if run == "naive":
        size = f" (once, {count(decision[run]['params']['total'])} parameters, not run)"
    if run == "architecture":
        size = " (once)"
    return f"{cost_line(decision, cost)}, {how}{size}"


def cost_line(decision: dict[str, Any], cost: dict[str, Any]) -> str:
    currency = decision["costs"]["currency"]
    return f"{energy(cost['kwh'])}, {mass(cost['co2_g'])} CO₂, {money(cost['money'], currency)}"


def saving_text(decision: dict[str, Any]) -> str:
    """Net saving, gross beside it, and when the study is paid back."""
    gains = decision.get("saving")
    if gains is None:
        if decision.get("naive") is None:
            return "not reported: the study names no naive model to save against"
        why = "N* cannot be built" if decision.get("unbuildable") else "there is no N*"
        return f"none: {why}, and the study's cost is spent"
    return (
        f"net {percent(gains['net'])} with the study counted, gross {percent(gains['gross'])} "
        f"without it; {pays_text(gains['pays_after_runs'])}"
    )


def pays_text(runs: float | None) -> str:
    """After how many trainings of N* in place of the naive model the study is paid back."""
    if runs is None:
        return "the study never pays off: N* costs no less than the naive model"
    if runs <= 1:
        return "the study pays off with the first training"
    return f"the study pays off after {int(-(-runs // 1)):,} trainings"


def extrapolation(decision: dict[str, Any]) -> float | None:
    """N* as a multiple of the largest size trained."""
    star = decision.get("n_star")
    return None if star is None else star / decision["ladder"]["largest"]


def warnings(decision: dict[str, Any]) -> list[str]:
    """What a reader must know before trusting the numbers, a sentence each."""
    found = []
    factor = extrapolation(decision)
    if factor is not None and factor > 1:
        far = ", far from what was measured" if factor > FAR else ""
        found.append(f"N* is {significant(factor, 2)} × the largest size trained{far}")
    if decision.get("failed_resamples"):
        failed, all_ = decision["failed_resamples"], decision["resamples"]
        found.append(f"{failed:,} of {all_:,} resamples could not be fitted")
    found += decision.get("fit_warnings") or []
    found += decision.get("run_warnings") or []
    return found


def _cost(decision: dict[str, Any], run: str) -> dict[str, Any] | None:
    if run == "study":
        return decision["study"]
    found = decision.get(run)
    return found and found["price"]
