"""MLflow: a tracking database (SQLite), or a folder `mlruns/`.

Both are read plainly. mlflow opens a database only of its own version's schema and migrates what it
opens; a folder it opens only under an environment variable (3.17), and makes `.trash` in it. The
tables runs, metrics, params, tags and experiments, and the one line a value of the folder, have
been the same since 1.0.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

from ...errors import UserError, first_line
from ..descriptor import UNFINISHED, Kind, Point, Run, number
from ..files import AGAIN, read_only, tables_of, text_of

TABLES = {"experiments", "runs", "metrics", "params", "tags"}
SUFFIXES = (".db", ".sqlite", ".sqlite3")
LARGEST = 1.7976931348623157e308  # what MLflow writes into a database for infinity
# As mlruns/ numbers them.
STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


def _find(files: list[Path], root: Path) -> list[Path]:
    found: dict[Path, None] = {}
    for path in files:
        if path == root or path.suffix in SUFFIXES:
            if tables_of(path) >= TABLES:
                found[path] = None
        # mlruns/{experiment}/{run}/meta.yaml beside params, metrics and tags
        elif path.name == "meta.yaml" and _is_run(path):
            found[path.parent] = None
    return list(found)


def _is_run(meta: Path) -> bool:
    if (meta.parent / "metrics").is_dir():
        return True
    try:
        return "run_id:" in text_of(meta) or "run_uuid:" in text_of(meta)
    except UserError:
        return False


def _read(unit: Path, root: Path) -> list[Run]:
    return _from_database(unit) if unit.is_file() else _from_folder(unit, root)


def _from_database(path: Path) -> list[Run]:
    with read_only(path) as base:
        named = base.execute(
            "select r.run_uuid, r.name, r.status, r.start_time, r.end_time, r.lifecycle_stage,"
            " e.name from runs r join experiments e on r.experiment_id = e.experiment_id"
            " order by r.start_time, r.run_uuid"
        ).fetchall()
        params = _by_run(base.execute("select run_uuid, key, value from params"))
        tags = _by_run(base.execute("select run_uuid, key, value from tags"))
        logged: dict[str, list[tuple]] = {}
        for uuid, *rest in base.execute(
            "select run_uuid, key, value, step, is_nan, timestamp from metrics"
            " order by step, timestamp"
        ):
            logged.setdefault(uuid, []).append(tuple(rest))
    several = len({row[6] for row in named if row[5] != "deleted"}) > 1
    runs, deleted = [], 0
    for uuid, name, status, start, end, stage, experiment in named:
        if stage == "deleted":
            deleted += 1
            continue
        name = name or tags.get(uuid, {}).get("mlflow.runName") or uuid[:8]
        run = Run(f"{experiment}/{name}" if several else name, f"{path} run {uuid}")
        values = [
            (key, math.nan if is_nan else _infinite(value), step)
            for key, value, step, is_nan, _ in logged.get(uuid, ())
        ]
        _fill(run, params.get(uuid, {}), tags.get(uuid, {}), values, status, (start, end))
        runs.append(run)
    if deleted and runs:
        runs[0].notes.append(f"{deleted} run(s) that were deleted in MLflow are left out")
    if not runs:
        what = f"holds no runs{f' but {deleted} deleted ones' * bool(deleted)}"
        raise UserError(f"{path}: {what}; name the database that the runs were logged to")
    return runs


def _by_run(rows: Any) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for uuid, key, value in rows:
        found.setdefault(uuid, {})[key] = value
    return found


def _infinite(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) >= LARGEST else value


def _from_folder(folder: Path, root: Path) -> list[Run]:
    path = folder / "meta.yaml"
    try:
        meta = yaml.safe_load(text_of(path))
    except yaml.YAMLError as fault:
        raise UserError(f"{path}: is no YAML ({first_line(fault)}); {AGAIN}") from None
    if not isinstance(meta, dict) or "status" not in meta:
        raise UserError(f"{path}: is not as MLflow writes it for a run; {AGAIN}")
    if meta.get("lifecycle_stage") == "deleted":
        return []
    tags = _texts(folder / "tags")
    uuid = str(meta.get("run_id") or meta.get("run_uuid") or folder.name)
    run = Run(str(meta.get("run_name") or tags.get("mlflow.runName") or uuid[:8]), str(folder))
    values = []
    for file in sorted(p for p in (folder / "metrics").rglob("*") if p.is_file()):
        key = file.relative_to(folder / "metrics").as_posix()
        for line, text in enumerate(text_of(file).splitlines(), 1):
            parts = text.split()  # timestamp, value, step, and later versions more
            value, step = (number(p) for p in (*parts[1:3], "0", "0")[:2])
            if len(parts) < 2 or value is None or step is None:
                raise UserError(f"{file}, line {line}: not `timestamp value step`; {AGAIN}")
            values.append((key, value, step))
    status = STATUS.get(meta["status"], str(meta["status"]))
    _fill(run, _texts(folder / "params"), tags, values, status,
          (meta.get("start_time"), meta.get("end_time")))  # fmt: skip
    return [run]


def _texts(folder: Path) -> dict[str, str]:
    """The one-value files of a folder of params or tags, by name."""
    if not folder.is_dir():
        return {}
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): text_of(p) for p in files}


def _fill(
    run: Run, params: dict[str, str], tags: dict[str, str],
    values: list[tuple[str, float, float]], status: str, times: tuple[Any, Any],
) -> None:  # fmt: skip
    own = {k: v for k, v in tags.items() if not k.startswith("mlflow.")}
    run.config = own | params
    by_step: dict[float, dict[str, float]] = {}
    for key, value, step in values:
        by_step.setdefault(float(step), {})[key] = value
    for step, logged in sorted(by_step.items()):
        run.points.append(Point(step, number(logged.get("epoch")), logged))
    start, end = times
    if start and end and end > start:
        run.known["seconds"] = ((end - start) / 1000, "end_time − start_time")
    if status != "FINISHED":
        run.status, run.why = UNFINISHED, f"its status is {status}"


KIND = Kind(
    name="mlflow",
    title="MLflow",
    seeks="a database (mlflow.db) or mlruns/*/*/meta.yaml",
    find=_find,
    read=_read,
    place=10,
)
