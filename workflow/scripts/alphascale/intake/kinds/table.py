"""Any CSV or parquet: a row a run, or, with columns `run` and `step` or `epoch`, a row a value."""

from __future__ import annotations

from pathlib import Path

from ...errors import UserError, first_line, quoted
from ...tables.reading import Table, read_csv
from ..descriptor import (
    QUANTITIES,
    UNFINISHED,
    Kind,
    Point,
    Run,
    library,
    number,
    number_or_percent,
)
from ..files import AGAIN, begins
from ..names import is_result

RUN = ("run", "run_name", "run_id", "name", "model", "id")
TEXT, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")


def _find(files: list[Path], root: Path) -> list[Path]:
    if not root.is_file():
        return []  # which of a folder's tables are runs, only a person knows
    return [root] if root.suffix.lower() in TEXT + PARQUET or begins(root, 4) == b"PAR1" else []


def _read(unit: Path, root: Path) -> list[Run]:
    table = _parquet(unit) if begins(unit, 4) == b"PAR1" else read_csv(unit)
    if not table.lines:
        raise UserError(f"{unit}: has no rows below its head")
    lower = {name.lower(): name for name in table.columns}
    by = next((lower[name] for name in RUN if name in lower), None)
    names = [cell.strip() for cell in table.columns[by]] if by else []
    step, epoch = (lower.get(name) for name in ("step", "epoch"))
    if by and (step or epoch) and len(set(names)) < len(names):
        return _long(table, names, by, step, epoch)
    runs = []
    for row, line in enumerate(table.lines):
        name = names[row] if by and names[row] else f"line {line}"
        run = Run(name, f"{unit} line {line}")
        _cells(run, table, row, {by})
        runs.append(run)
    return runs


def _long(
    table: Table, names: list[str], by: str, step: str | None, epoch: str | None
) -> list[Run]:
    runs: dict[str, Run] = {}
    for row, name in enumerate(names):
        line = Run(name, table.path)
        _cells(line, table, row, {by, step, epoch})
        run = runs.setdefault(name, line)
        run.config |= line.config
        at = [number(table.columns[c][row]) if c else None for c in (step, epoch)]
        run.points.append(Point(*at, dict(line.values)))
    for run in runs.values():
        run.values = {}
    return list(runs.values())


def _cells(run: Run, table: Table, row: int, besides: set[str | None]) -> None:
    for name, cells in table.columns.items():
        cell = cells[row].strip()
        if not cell or name in besides:
            continue
        result = name not in QUANTITIES and is_result(name)
        value = number_or_percent(cell, cells) if result else number(cell)
        if name == "status":
            if cell.lower() not in ("ok", "finished", "complete", "completed", "done"):
                run.status = cell.lower() if cell.lower() == "diverged" else UNFINISHED
                run.why = f"its status is {cell}"
        elif result and value is not None:
            run.values[name] = value
        elif result:
            run.notes.append(f"{name}: {quoted(cell)} is no number: left empty")
        else:
            run.config[name] = cell


def _parquet(path: Path) -> Table:
    with library("pyarrow"):
        import pyarrow.parquet as parquet
        from pyarrow import ArrowException
    try:
        columns = parquet.read_table(path).to_pydict()
    except (ArrowException, OSError, ValueError) as fault:
        raise UserError(f"{path}: is no whole parquet ({first_line(fault)}); {AGAIN}") from None
    if not columns:
        raise UserError(f"{path}: has no columns")
    cells = {n: ["" if v is None else str(v) for v in values] for n, values in columns.items()}
    return Table(str(path), cells, list(range(1, len(next(iter(cells.values()))) + 1)))


KIND = Kind(
    name="table",
    title="a table",
    seeks="one CSV or parquet file",
    find=_find,
    read=_read,
    place=90,
)
