"""lm-evaluation-harness: `results_*.json`. Plain JSON, and lm_eval itself can only write it.

Its seeds and seconds are those of the evaluation, not of a training, and are left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...errors import UserError
from ..descriptor import Kind, Run, number
from ..files import AGAIN, json_of


def _find(files: list[Path], root: Path) -> list[Path]:
    return [p for p in files if p.suffix == ".json" and (p == root or "results" in p.name)
            and _is_evaluation(p)]  # fmt: skip


def _is_evaluation(path: Path) -> bool:
    """Whether it names itself so; one that is no whole JSON, but has the name, is for `read`."""
    try:
        value = json_of(path)
    except UserError:
        return re.fullmatch(r"results_\d{4}-\d\d-\d\dT.*\.json", path.name) is not None
    results = value.get("results")
    return isinstance(results, dict) and ("configs" in value or "versions" in value)


def _read(unit: Path, root: Path) -> list[Run]:
    value = json_of(unit)
    results, config = value.get("results"), value.get("config")
    if not isinstance(results, dict) or not results:
        raise UserError(f"{unit}: has no results as lm-evaluation-harness writes them; {AGAIN}")
    config = config if isinstance(config, dict) else {}
    run = Run(_model(value, config, unit), str(unit))
    args = config.get("model_args")
    if isinstance(args, str):
        args = dict(part.split("=", 1) for part in args.split(",") if "=" in part)
    run.config = {f"model_args/{k}": v for k, v in (args or {}).items()} | {
        k: v for k, v in config.items() if isinstance(v, (int, float, str)) and "seed" not in k
    }
    params = number(config.get("model_num_parameters"))
    if params and params > 0:
        run.known["params"] = (params, "model_num_parameters")
    run.no_params = "no model_num_parameters, as for models behind an API"
    tasks = [t for t, each in results.items() if isinstance(each, dict)]
    for task in tasks:
        for key, measured in results[task].items():
            metric, _, filter_name = key.partition(",")
            if metric.endswith("_stderr") or number(measured) is None or metric == "sample_len":
                continue
            name = metric if filter_name in ("", "none") else f"{metric}_{filter_name}"
            run.values[f"{task}/{name}"] = number(measured)
    if not run.values:
        raise UserError(f"{unit}: none of its tasks ({', '.join(tasks)}) has a number; {AGAIN}")
    return [run]


def _model(value: dict[str, Any], config: dict[str, Any], unit: Path) -> str:
    name = value.get("model_name")
    if not name:
        found = re.search(r"(?:pretrained|model)=([^,]+)", str(config.get("model_args", "")))
        name = found[1] if found else unit.parent.absolute().name
    return str(name)


def _finish(runs: list[Run]) -> list[str]:
    """Of one task, its metrics go by their own names; of several, which one counts must be said."""
    tasks = dict.fromkeys(name.rpartition("/")[0] for run in runs for name in run.values)
    if len(tasks) == 1:
        for run in runs:
            run.values = {name.rpartition("/")[2]: value for name, value in run.values.items()}
        return [f"of one task: {next(iter(tasks))}"]
    score = next((name for run in runs for name in run.values if name.endswith("/acc")), None)
    hint = f"; --metric accuracy={score} takes one of them for the accuracy" if score else ""
    return [f"of {len(tasks)} tasks, a column for each metric of each{hint}"]


KIND = Kind(
    name="lm-eval",
    title="lm-evaluation-harness",
    seeks="results_*.json",
    find=_find,
    read=_read,
    joins=True,
    finish=_finish,
    place=25,
)
