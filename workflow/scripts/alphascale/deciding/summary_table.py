"""All domains' decisions as table rows: a row a domain, a column a number."""

from __future__ import annotations

import json

from ..records.decision import CheapestPair, DataNeeded, DecisionRecord
from ..records.fit import ShownForm
from ..records.typed import Refused
from .serving_text import serving_columns
from .shown import as_accuracy, as_named, formula
from .summary import labels_money, labels_share, price_of, warnings

RUNS = ("architecture", "naive", "study")
TIMED = ("kwh", "co2_g", "money")  # of a price, what rests on time

TableCell = str | float | bool | None


def table_rows(decisions: list[DecisionRecord]) -> list[dict[str, TableCell]]:
    """One flat row a domain, unrounded: shares as fractions of one, kWh, g CO₂; None if unknown."""
    return [_row(decision) for decision in decisions]


def _row(decision: DecisionRecord) -> dict[str, TableCell]:
    withheld = None if isinstance(decision.withheld, Refused) else decision.withheld
    errors = withheld and withheld.errors
    star = None if isinstance(decision.star, Refused) else decision.star
    lower, upper = star.interval if star else (None, None)
    built, gains = decision.architecture, decision.saving
    predicted = built and built.predicted
    predicted = predicted and as_named(decision.target.named, predicted)
    data = decision.data if isinstance(decision.data, DataNeeded) else None
    row = {
        "domain": decision.domain,
        "target_metric": decision.target.named,
        "target": decision.target.given,
        "fraction": decision.fraction,
        "withheld_mae_law": errors and errors.law,
        "withheld_mae_carry": errors and errors.carry,
        "withheld_mae_line": errors and errors.line,
        "law_beats_both": withheld and withheld.beats_naive,
        "law": decision.law,
        **_fit_columns(decision),
        "n_star": decision.n_star,
        "n_star_lower": lower,
        "n_star_upper": upper,
        "confidence": decision.target.confidence,
        "n_confident": star and star.confident,
        "level": decision.level,
        "out_of_reach": star and star.out_of_reach,
        "resamples": decision.resamples,
        "counted": decision.counted,
        "largest_trained": decision.ladder.largest,
        "build": built and json.dumps(built.size),
        "build_params": built and built.params["total"],
        "build_non_embedding": built and built.params["non_embedding"],
        "predicted": predicted and predicted.mean,
        "predicted_lower": predicted and predicted.lower,
        "predicted_upper": predicted and predicted.upper,
        "chance": built and built.chance,
        "data_factor": data and data.needs,
        "data_factor_lower": data and data.interval[0],
        "data_factor_upper": data and data.interval[1],
    }
    for run in RUNS:
        cost = price_of(decision, run)
        name = "build" if run == "architecture" else run
        told = cost and cost.factor is not None
        for key in ("flops", "kwh", "co2_g", "money", "measured", "factor"):
            shown = told if key in TIMED else cost
            row[f"{name}_{key}"] = getattr(cost, key) if shown else None
    row["currency"] = decision.costs.currency
    for key in ("net", "gross"):
        row[f"saving_{key}_flops"] = gains and getattr(gains, key)
    built_cost, naive_cost = (price_of(decision, run) for run in ("architecture", "naive"))
    both = gains and built_cost and naive_cost
    row["saved_flops"] = naive_cost.flops - built_cost.flops if both else None
    timed = both and None not in (built_cost.factor, naive_cost.factor)
    row["saved_co2_g"] = naive_cost.co2_g - built_cost.co2_g if timed else None
    row["pays_after_runs"] = gains and gains.pays_after_runs
    of_energy = gains and gains.energy
    for key in ("net", "gross"):
        low, high = getattr(of_energy, f"{key}_interval") if of_energy else (None, None)
        row[f"saving_{key}_energy"] = of_energy and getattr(of_energy, key)
        row[f"saving_{key}_energy_lower"], row[f"saving_{key}_energy_upper"] = low, high
    if decision.costs.price_per_label is not None or decision.serving is not None:
        row |= _label_columns(decision)
    if decision.serving is not None:
        row |= serving_columns(decision)
    row["warnings"] = "; ".join(warnings(decision))
    return row


def _label_columns(decision: DecisionRecord) -> dict[str, TableCell]:
    """What labels cost, where they have a price, and the cheapest pair in money."""
    pair = decision.joint if isinstance(decision.joint, CheapestPair) else None
    paid = pair and pair.money
    low, high = paid.interval if paid else (None, None)
    told = paid and paid.training is not None
    return {
        "build_labels_money": labels_money(decision) if decision.architecture else None,
        "cheapest_params": pair and pair.params,
        "cheapest_samples": pair and pair.samples,
        "cheapest_labels_money": paid and paid.labels,
        "cheapest_training_money": paid and paid.training,
        "cheapest_money": paid.total if told else None,
        "cheapest_money_lower": low if told else None,
        "cheapest_money_upper": high if told else None,
        "cheapest_labels_share": labels_share(paid) if told else None,
    }


def _fit_columns(decision: DecisionRecord) -> dict[str, TableCell]:
    found = as_accuracy(decision.shown) if isinstance(decision.shown, ShownForm) else None
    return {
        "form": found and formula(found),
        "form_parameters": found
        and json.dumps({name: value.mean for name, value in found.params.items()}),
        **{f"form_{key}": found and found.in_sample[key] for key in ("r2", "mae", "aic")},
        "form_failed_resamples": found and found.failed_resamples,
    }
