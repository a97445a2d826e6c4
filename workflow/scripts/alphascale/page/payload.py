"""What the page holds of a domain: the draws of its laws, prices, architectures, measured runs.

Everything is what the records say; the page works out the rest (`assets/decide.js`), so that each
position of a slider is a decision of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import laws
from ..deciding import summary
from ..deciding.costs import power
from ..deciding.run_warnings import constant
from ..deciding.star import untold
from ..metrics import metric
from ..records.audit import AuditRecord
from ..records.bootstrap import BootstrapRecord, JointDraws
from ..records.decision import BARE, DecisionRecord, Lifetime, PricedRun, Served
from ..records.fit import FitRecord, WithheldFit
from ..records.runs import COUNT_COLUMN, tested
from ..records.specs import DecisionSpec, Target
from ..records.typed import Refused, as_json
from .packing import stored

if TYPE_CHECKING:
    import pandas

    from ..records.data import Meta

# What a row of measured runs tells; the last two are made here.
RUN_COLUMNS = (
    "scale", "fraction", "seed", "role", "status", "params", "samples", "learning_rate",
    "best_epoch", "epochs_run", "test_loss", "flops", "warnings", "withheld", "value",
)  # fmt: skip


@dataclass(frozen=True)
class Stages:
    """What the stages left of one domain."""

    spec: DecisionSpec
    frame: pandas.DataFrame  # observations
    # fit, bootstrap, decision, audit: the records of these stages; audit None where there is none
    fit: FitRecord
    bootstrap: BootstrapRecord
    decision: DecisionRecord
    audit: AuditRecord | None
    # scale → its curves at the decision's fraction, as `curves_of` gives them
    curves: dict[str, list[dict[str, Any]]]
    along: str = "epoch"  # or `step`, what they go along
    # how a run can be made again, with {domain}, {scale} and {fraction}; empty where it cannot
    command: str = ""


def domain_payload(stages: Stages, meta: Meta | None) -> dict[str, Any]:
    """One domain as JSON-ready values; meta: of its data, None for a table of somebody's runs."""
    spec, decision = stages.spec, stages.decision
    bootstrap = stages.bootstrap.of(decision.metric)
    here = stages.fit.fractions[decision.fraction]
    cost = sample_flops(stages.frame, decision.counted)
    # What no target could be told from is refused at every position, as `decide` refuses it.
    far = replace(decision.target, value=metric(decision.target.metric).falling(1.0 - 1e-9))
    why = None if meta is None else untold(far, stages.frame, meta)
    blind = Refused(why) if why else None
    return {
        "name": decision.domain,
        "family": decision.family,
        "metric": _metric(decision.target),
        "target": _target(decision.target),
        "guess": _guess(decision.target, meta),
        "level": decision.level,
        "counted": decision.counted,
        "fraction": decision.fraction,
        "samples": here.samples,
        # Whether FLOPs are those of one sample: a table may tell no more.
        "each": decision.samples is None,
        "epochs": spec.epochs,
        "batch_size": spec.batch_size,
        "ladder": as_json(decision.ladder),
        "withheld": _withheld(decision),
        "words": _words(decision),
        # Errors are told from none where one in so many would show; None of what is no count.
        "tested": tested(stages.frame, decision.metric),
        "law": _law(blind or bootstrap.fractions[decision.fraction], decision),
        "joint": _joint(blind or bootstrap.joint, stages, cost),
        "data": _data(decision),
        "others": [
            {"target": summary.target_value(each.target), "asks": each.asks}
            for each in decision.others
        ],
        "architectures": _architectures(stages, meta),
        "naive": None if decision.naive is None else _known(decision.naive, stages, meta),
        # The naive model's price where some of its steps were timed, else null.
        "timed": as_json(decision.naive.price)
        if decision.naive is not None and decision.naive.price.timed
        else None,
        "serving": _serving(decision),
        "rate": as_json(decision.throughput),
        "watts": power(stages.frame, spec.costs).watts,
        "costs": as_json(spec.costs),
        "study": as_json(decision.study),
        "runs": _runs(stages),
        "curves": stages.curves,
        "along": stages.along,
        "audit": [] if stages.audit is None else as_json(stages.audit)["checks"],
        "command": stages.command.replace("{domain}", decision.domain),
        # What was asked: two studies are compared by it.
        "asked": as_json(spec),
    }


def _metric(target: Target) -> dict[str, Any]:
    known = metric(target.named)
    return {
        "name": known.name, "title": known.title, "rises": known.rises, "share": known.share,
        "unit": known.unit, "fitted": target.law,
    }  # fmt: skip


def _guess(target: Target, meta: Meta | None) -> float | None:
    """What is reached without a look at any sample, as laws are fitted to it; None if not told."""
    if meta is None:
        return None
    reached = constant(target, meta)
    if target.metric in ("accuracy", "error") and meta.task == "classes":
        reached = min(reached, 1 - 1 / meta.classes)
    return reached if math.isfinite(reached) else None


def _target(target: Target) -> dict[str, Any]:
    return {"given": target.given, "fitted": target.fitted, "confidence": target.confidence}


def _withheld(decision: DecisionRecord) -> dict[str, Any] | None:
    found = decision.withheld
    if not isinstance(found, WithheldFit):
        return None
    return {
        "errors": as_json(found.errors),
        "beats": found.beats_naive,
        "cells": [as_json(cell) for cell in found.predictions],
    }


def _words(decision: DecisionRecord) -> dict[str, Any]:
    """Sentences of the summary that hold whatever the sliders say."""
    return {
        "target": summary.target_text(decision),
        "withheld": summary.withheld_text(decision),
        "warnings": summary.warnings(decision),
        "fit": summary.fit_text(decision),
        "star": summary.star_text(decision),
        "settle": summary.settling_text(decision),
        "how": decision.throughput.how,
    }


def _law(draws: JointDraws | Refused, decision: DecisionRecord) -> dict[str, Any]:
    """The law of one predictor; one that is no law auto carries what was decided, and no more."""
    if isinstance(draws, Refused):
        return {"refused": draws.refused}
    law = laws.read(draws.fit)
    if isinstance(law, laws.AutoLaw):
        return {"law": stored(law)}
    built, star = decision.architecture, decision.star
    return {
        "named": decision.law,
        "decided": None if isinstance(star, Refused) else as_json(star),
        "ofBuilt": built and {
            "predicted": as_json(built.predicted) if built.predicted else None,
            "chance": built.chance,
        },
        "band": as_json(draws.band),
    }  # fmt: skip


def _joint(
    draws: JointDraws | Refused, stages: Stages, cost: tuple[list[float], list[float]]
) -> dict[str, Any]:
    if isinstance(draws, Refused):
        return {"refused": draws.refused}
    law = laws.read(draws.fit)
    if not isinstance(law, laws.AutoLaw) or len(law.columns) != 2:
        return {"refused": f"law {stages.decision.law}: the plane is told under fit.law: auto"}
    samples = [each.samples for each in stages.fit.fractions.values()]
    return {
        "law": stored(law),
        "samples": [min(samples), max(samples)],
        "cost": cost,
    }


def sample_flops(frame: pandas.DataFrame, counted: str) -> tuple[list[float], list[float]]:
    """Logarithms of the sizes and of their training FLOPs per sample, smallest first."""
    column = COUNT_COLUMN[counted]
    table = frame.drop_duplicates(column).sort_values(column)
    return tuple([math.log(value) for value in table[each]] for each in (column, "step_flops"))


def _data(decision: DecisionRecord) -> dict[str, Any] | None:
    found = decision.data
    return None if isinstance(found, Refused) else {"params": found.params, "have": found.have,
                                                    "least": found.least}  # fmt: skip


def _architectures(stages: Stages, meta: Meta | None) -> dict[str, Any]:
    spec, decision = stages.spec, stages.decision
    if decision.family == BARE:
        return {"kind": "bare", "cost": sample_flops(stages.frame, decision.counted)}
    from .architectures import architectures  # torch

    also = [each.size for each in (decision.architecture, decision.naive) if each is not None]
    return architectures(spec.family, list(spec.ladder.values()), also, meta)


def _known(run: PricedRun, stages: Stages, meta: Meta | None) -> dict[str, Any]:
    if stages.decision.family == BARE:
        return {"size": run.size}
    from .architectures import counted  # torch

    return counted(stages.spec.family, run.size, meta)


def _serving(decision: DecisionRecord) -> dict[str, Any] | None:
    """What answering requests takes: curves against N, and what was measured of the size to build
    and of the naive one; the limit that binds first."""
    found = decision.serving
    if not isinstance(found, Served):
        return None

    def measured(life: Lifetime | None) -> dict[str, float]:
        serves = life and life.serves
        if not serves or not serves.measured:
            return {}
        return {name: getattr(serves, name).mean for name in found.curves}

    return {
        "asked": as_json(found.asked),
        "curves": found.curves,
        "most": found.measured[1],
        "limit": as_json(found.limit),
        "naive": measured(found.naive),
        "built": {"size": decision.architecture.size, **takes}
        if (takes := measured(found.build))
        else None,
        "how": found.energy_how,
    }


def _runs(stages: Stages) -> dict[str, Any]:
    """Every measured run, a row each; `value` is the target's metric as it is fitted."""
    frame, decision = stages.frame, stages.decision
    tests = decision.withheld
    cells = tests.predictions if isinstance(tests, WithheldFit) else []
    held_out = {(cell.scale, cell.fraction) for cell in cells}
    params, value = COUNT_COLUMN[decision.counted], f"test_{decision.metric}"
    rows = []
    for row in frame.to_dict("records"):
        row |= {
            "params": row[params],
            "value": row[value],
            "withheld": (row["scale"], row["fraction"]) in held_out,
            "learning_rate": row["learning_rate"] or None,  # 0 of a table that tells none
        }
        rows.append([_plain(row[name]) for name in RUN_COLUMNS])
    return {"columns": RUN_COLUMNS, "rows": rows}


def _plain(value: Any) -> Any:
    """A cell of the observations as JSON has it, six digits of a measured number."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else float(f"{value:.6g}")
    return value


def curves_of(record: Any) -> list[dict[str, Any]]:
    """The curves of a training record, one entry a seed: four digits by epoch."""
    return [
        {
            "seed": run.seed,
            "best": run.best_epoch,
            "train": [float(f"{value:.4g}") for value in run.curves.train_loss],
            "validation": [float(f"{value:.4g}") for value in run.curves.validation_loss],
        }
        for run in record.seeds
    ]
