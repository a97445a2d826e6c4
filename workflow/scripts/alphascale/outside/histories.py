"""Histories beside a table of runs, as `alphascale import` leaves them, as curves of the page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..intake.writing import curves_path
from ..tables.reading import Table, read_csv
from .observed import Observed

RUN, LOSS, TRAIN = "run", "loss", "train_loss"


def curves_beside(table: Table, made: Observed, fraction: str) -> tuple[dict[str, Any], str]:
    """Scale → the curves of its runs at a fraction, and what they go along (`epoch` or `step`);
    nothing where no histories lie beside the table or its rows name no runs."""
    path = curves_path(table.path)
    if not Path(path).is_file() or RUN not in table.columns:
        return {}, "epoch"
    try:
        told = read_csv(path)
    except UserError:  # somebody's own file of that name
        return {}, "epoch"
    if not {RUN, "step", "epoch", LOSS} <= set(told.columns):
        return {}, "epoch"
    along = "epoch" if any(told.columns["epoch"]) else "step"
    names = dict(zip(table.lines, table.columns[RUN], strict=True))
    rows: dict[str, list[int]] = {}
    for i, run in enumerate(told.columns[RUN]):
        rows.setdefault(run, []).append(i)
    curves: dict[str, Any] = {}
    for line, row in zip(made.lines, made.rows, strict=True):
        mine = rows.get(names.get(line, ""), [])
        if row.fraction == fraction and mine:
            curves.setdefault(row.scale, []).append(_curve(told, mine, along, row.seed))
    return curves, along


def _curve(told: Table, rows: list[int], along: str, seed: int) -> dict[str, Any]:
    at, loss = _points(told, rows, along, LOSS)
    train_at, train = _points(told, rows, along, TRAIN)
    best = loss.index(min(loss)) + 1 if loss else None
    return {
        "seed": seed, "best": best, "validation": loss, "at": at, "train": train,
        "trainAt": train_at,
    }  # fmt: skip


def _points(told: Table, rows: list[int], along: str, name: str) -> tuple[list[float], list[float]]:
    """Where a column has numbers, and these, four digits each."""
    if name not in told.columns:
        return [], []
    x, y = told.columns[along], told.columns[name]
    pairs = [(_number(x[i]), _number(y[i])) for i in rows]
    known = [(x, y) for x, y in pairs if x is not None and y is not None]
    return [x for x, _ in known], [y for _, y in known]


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return float(f"{value:.4g}") if math.isfinite(value) else None
