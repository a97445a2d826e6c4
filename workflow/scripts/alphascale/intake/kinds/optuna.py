"""Optuna's studies: an SQLite database or a journal file, read by optuna.

It writes into what it opens (its version, a lock), so that it is given a copy.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import UserError, first_line
from ..descriptor import DIVERGED, UNFINISHED, Kind, Point, Run, library, plain
from ..files import AGAIN, SQLITE, begins, sqlite_copy, tables_of

TABLES = {"studies", "trials", "trial_values", "trial_params"}
SUFFIXES = (".db", ".sqlite", ".sqlite3", ".log", ".journal", ".jsonl")


def _find(files: list[Path], root: Path) -> list[Path]:
    return [p for p in files if (p == root or p.suffix in SUFFIXES)
            and (tables_of(p) >= TABLES or _is_journal(p))]  # fmt: skip


def _is_journal(path: Path) -> bool:
    """Whether the first line is an operation of a journal."""
    try:
        first = json.loads(begins(path, 100_000).split(b"\n")[0])
    except ValueError:
        return False
    return isinstance(first, dict) and {"op_code", "worker_id"} <= set(first)


@contextmanager
def _storage(path: Path) -> Iterator[Any]:
    with library("optuna"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import optuna
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if begins(path) == SQLITE:
            with sqlite_copy(path) as copy:
                storage = optuna.storages.RDBStorage(
                    f"sqlite:///{copy}", skip_compatibility_check=True
                )
                if storage.get_current_version() != storage.get_head_version():
                    storage.upgrade()  # of the copy, made by an older optuna
                try:
                    yield storage
                finally:
                    storage.engine.dispose()
        else:
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder, "journal.log")
                shutil.copyfile(path, copy)
                yield optuna.storages.JournalStorage(JournalFileBackend(str(copy)))


def _read(unit: Path, root: Path) -> list[Run]:
    try:
        with _storage(unit) as storage:
            studies = [(s, storage.get_all_trials(s._study_id)) for s in storage.get_all_studies()]
            names = {s._study_id: storage.get_study_system_attrs(s._study_id) for s, _ in studies}
    except UserError:
        raise
    except Exception as fault:  # SQLAlchemy's, alembic's, JSON's: whatever a damaged store raises
        raise UserError(
            f"{unit}: cannot be read by optuna ({first_line(fault)}); {AGAIN}"
        ) from None
    runs = []
    for study, trials in studies:
        told = names[study._study_id].get("study:metric_names")
        for trial in trials:
            name = f"trial {trial.number}"
            runs.append(
                _run(trial, f"{study.study_name}/{name}" if len(studies) > 1 else name, told,
                     f"{unit} study {study.study_name} trial {trial.number}")
            )  # fmt: skip
    if not runs:
        raise UserError(f"{unit}: its {len(studies)} study(ies) hold no trials")
    return runs


def _run(trial: Any, name: str, told: list[str] | None, source: str) -> Run:
    config = plain(trial.params) | plain(trial.user_attrs)
    run = Run(name, source, config)
    values = trial.values or []
    names = told or (
        ["objective"] if len(values) < 2 else [f"objective_{i}" for i in range(len(values))]
    )
    run.values = {n: float(v) for n, v in zip(names, values, strict=False)}
    # What a trial reports on its way is its objective so far.
    for step, value in sorted(trial.intermediate_values.items()):
        run.points.append(Point(float(step), None, {names[0]: float(value)}))
    if trial.duration is not None:
        run.known["seconds"] = (trial.duration.total_seconds(), "duration of the trial")
    state = trial.state.name
    if state != "COMPLETE":
        last = run.points[-1].values[names[0]] if run.points else 0.0
        run.status = DIVERGED if state == "FAIL" and not math.isfinite(last) else UNFINISHED
        run.why = f"its state is {state}"
    run.no_params = "a study keeps what is searched over, unless user_attrs has it"
    return run


def _finish(runs: list[Run]) -> list[str]:
    if not any("objective" in run.values for run in runs):
        return []
    return [
        "the objective has no name of its own (study.set_metric_names gives it one): --metric "
        "loss=objective says what it is"
    ]


KIND = Kind(
    name="optuna",
    title="Optuna",
    seeks="a study's database (*.db) or journal (*.log)",
    find=_find,
    read=_read,
    finish=_finish,
    place=15,
)
