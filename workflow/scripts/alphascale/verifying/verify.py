"""Predicted against measured: the promise made before a training, and what the training showed.

A promise is the prediction of one architecture by laws that have not seen it; it is kept beside the
record of that training. The record joins the observations of the next fit, so a later prediction
of the same architecture is no test any more: only promises are judged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..deciding.summary import metric_text, size_text
from ..errors import UserError
from ..records.files import SCHEMA, digest, read_json, read_record
from ..slices import promised


def promises(decision: dict[str, Any], spec: dict[str, Any]) -> list[dict[str, Any]]:
    """What the decision promises of the models to train: recommended, and naive if asked.

    spec is `study.verify_slice`. None where there is no architecture to build.
    """
    wanted = [("recommended", decision["architecture"])]
    if spec["naive"] is not None:
        wanted.append(("naive", decision["naive"]))
    return [
        {
            "role": role,
            "scale": f"v{run['params']['total']}",
            "fraction": decision["fraction"],
            "size": run["size"],
            "params": run["params"]["total"],
            "metric": spec["metric"],
            "target": decision["target"],
            "level": decision["level"],
            "predicted": run["predicted"],
            "largest_trained": decision["ladder"]["largest"],
            "law": decision["law"],
        }
        for role, run in wanted
        if run and run.get("predicted")
    ]


def usable(path: Path, spec: dict[str, Any], code: str, data_sha256: str) -> bool:
    """Whether a record of this very training, on this data, is there."""
    if not path.exists():
        return False
    try:
        read_record(path, digest(spec), code, data_sha256)
    except UserError:
        return False
    return True


def judge(
    decision: dict[str, Any], spec: dict[str, Any], folder: Path, code: str, data_sha256: str
) -> dict[str, Any]:
    """Every promise of a domain beside its record, JSON-ready; the newest fit plays no part."""
    runs = []
    for path in sorted(folder.glob("*.promise.json")):
        promise = read_json(path)
        record = path.with_name(path.name.replace(".promise.", "."))
        trained = promised(spec["train"], promise)
        if usable(record, trained, code, data_sha256):
            runs.append(_judged(promise, read_json(record)))
    runs.sort(key=lambda run: run["params"])
    reason = None
    if decision["architecture"] is None:
        reason = decision.get("refused") or "the target is out of the law's reach"
    return {
        "schema": SCHEMA,
        "domain": decision["domain"],
        "runs": runs,
        "nothing_to_build": reason,
    }


def _judged(promise: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """A promise and its measurement; `inside`: the mean of the runs within the interval of one."""
    predicted = promise["predicted"]
    values = [
        member["test"][promise["metric"]] for member in record["seeds"] if member["status"] == "ok"
    ]
    found = {
        "measured": None,
        "values": values,
        "diverged": len(record["seeds"]) - len(values),
        "inside": False,
        "runs_inside": sum(predicted["lower"] <= v <= predicted["upper"] for v in values),
        "reached": False,
        "flops": record["flops"]["job"],
        "seconds": record["time"]["train_s"],
        "energy": record["energy"],
    }
    if values:
        mean = float(np.mean(values))
        goal = promise["target"]["value"]
        goal = 1 - goal if promise["target"]["metric"] == "accuracy" else goal
        found |= {
            "measured": mean,
            "inside": predicted["lower"] <= mean <= predicted["upper"],
            "reached": mean <= goal,
        }
    return promise | found


def table_rows(reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One flat row a run, in the fitted metric (error or loss)."""
    return [
        {
            "domain": report["domain"],
            "role": run["role"],
            "size": size_text(run["size"]),
            "params": run["params"],
            "fraction": run["fraction"],
            "metric": run["metric"],
            "level": run["level"],
            **{key: run["predicted"][key] for key in ("mean", "lower", "upper")},
            "measured": run["measured"],
            "runs": len(run["values"]),
            "diverged": run["diverged"],
            "inside": run["inside"],
            "runs_inside": run["runs_inside"],
            "reached": run["reached"],
            "flops": run["flops"],
            "seconds": run["seconds"],
            "joules": run["energy"]["joules"],
        }
        for report in reports
        for run in report["runs"]
    ]


def text(reports: list[dict[str, Any]]) -> str:
    """A line or two for each run, as people read it."""
    lines = ["predicted against measured"]
    for report in reports:
        for run in report["runs"]:
            lines += ["", *_lines(report["domain"], run)]
        if report["nothing_to_build"]:
            lines += ["", f"{report['domain']}: nothing to build: {report['nothing_to_build']}"]
    return "\n".join(lines) + "\n"


def _lines(domain: str, run: dict[str, Any]) -> list[str]:
    metric = run["target"]["metric"]
    head = f"{domain}, {run['role']} ({size_text(run['size'])}: {run['params']:,} parameters)"
    predicted = f"  predicted {metric_text(metric, run['predicted'])} for one run"
    if run["measured"] is None:
        return [head, predicted, f"  measured  nothing: all {run['diverged']} runs diverged"]
    values = run["values"]
    shown = {"mean": run["measured"], "lower": min(values), "upper": max(values)}
    verdict = "INSIDE the interval" if run["inside"] else "OUTSIDE the interval"
    target = "the target is reached" if run["reached"] else "the target is missed"
    gone = f", {run['diverged']} diverged" if run["diverged"] else ""
    return [
        head,
        predicted,
        f"  measured  {metric_text(metric, shown)}, mean and range of {len(values)} runs{gone}",
        f"  {verdict} ({run['runs_inside']} of {len(values)} runs are); {target}",
    ]
