"""Weights & Biases: the CSV that its page exports, of the table of runs or of a panel's history.

The folder `wandb/` that a training leaves is in a format of its own, which wandb writes and does
not read back: export the CSV from the project's page.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from ...errors import UserError
from ...tables.reading import Table, read_csv
from ..descriptor import UNFINISHED, Kind, Point, Run, number, number_or_percent
from ..files import begins
from ..names import is_result

# Columns of the table of runs that are neither configuration nor result.
ABOUT = {"Name", "ID", "State", "Notes", "User", "Tags", "Created", "Runtime", "Sweep", "Group",
         "Job Type", "Updated", "End Time", "Hostname", "Description", "Commit"}  # fmt: skip
FINISHED = {"finished", ""}
ENDS = re.compile(r"__(MIN|MAX)$")


def _find(files: list[Path], root: Path) -> list[Path]:
    return [p for p in files if p.suffix == ".csv" and _shape(_head(p))]


def _head(path: Path) -> list[str]:
    text = begins(path, 200_000).decode("utf-8-sig", "replace").split("\n")[0]
    try:
        return next(csv.reader([text]), [])
    except csv.Error:
        return []


def _shape(head: list[str]) -> str:
    """`history` of a panel, `runs` of the table, or nothing."""
    rest = [name for name in head[1:] if not ENDS.search(name)]
    if rest and len(rest) < len(head) - 1 and all(" - " in name for name in rest):
        return "history"
    if (
        rest
        and head[0] in ("Step", "trainer/global_step", "train/global_step")
        and all(" - " in name for name in rest)
    ):
        return "history"
    return "runs" if "Name" in head and len(ABOUT & set(head)) >= 3 else ""


def _read(unit: Path, root: Path) -> list[Run]:
    table = read_csv(unit)
    if not table.lines:
        raise UserError(f"{unit}: has no rows below its head; export it again")
    shape = _shape(list(table.columns))
    if not shape:
        raise UserError(
            f"{unit}: is neither W&B's table of runs nor a panel's history; leave --from out"
        )
    return _history(table) if shape == "history" else _runs(table)


def _history(table: Table) -> list[Run]:
    axis, *names = table.columns
    runs: dict[str, Run] = {}
    for column in names:
        if ENDS.search(column):
            continue
        name, _, metric = column.rpartition(" - ")
        run = runs.setdefault(name, Run(name, table.path))
        for row, cell in enumerate(table.columns[column]):
            value = number(cell)
            if value is not None:
                at = number(table.columns[axis][row])
                step, epoch = (None, at) if axis.lower().endswith("epoch") else (at, None)
                if "time" in axis.lower():
                    step = None
                run.points.append(Point(step, epoch, {metric: value}))
    return list(runs.values())


def _runs(table: Table) -> list[Run]:
    runs = []
    columns = table.columns
    for row, line in enumerate(table.lines):
        run = Run(columns["Name"][row].strip(), f"{table.path} line {line}")
        for name, cells in columns.items():
            if name in ABOUT or not cells[row].strip():
                continue
            value = number_or_percent(cells[row].strip(), cells)
            if value is not None and is_result(name):
                run.values[name] = value
            else:
                run.config[name] = cells[row].strip()
        seconds = number(columns["Runtime"][row]) if "Runtime" in columns else None
        if seconds:
            run.known["seconds"] = (seconds, "Runtime")
        state = columns["State"][row].strip().lower() if "State" in columns else ""
        if state not in FINISHED:
            run.status, run.why = UNFINISHED, f"its state is {state}"
        runs.append(run)
    return runs


KIND = Kind(
    name="wandb",
    title="Weights & Biases CSV",
    seeks="*.csv as its page exports",
    find=_find,
    read=_read,
    joins=True,
    place=45,
)
