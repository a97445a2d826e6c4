"""Percentages as shares, and the error that an accuracy is the rest of."""

from __future__ import annotations

from ..errors import UserError
from .descriptor import Run
from .names import is_share
from .results import Results


def shares(runs: list[Run], out: Results, asked: list[str]) -> list[str]:
    """Percentages of shares as shares, where that is past doubt; else the column goes. Sentences.

    Raises UserError for a column that was asked for and is neither.
    """
    told = []
    for column in list(out.columns):
        if not is_share(column.removeprefix("train_").removeprefix("test_")):
            continue
        have = [
            (row[column], run.name)
            for run, row in zip(runs, out.rows, strict=True)
            if column in row
        ]
        if not have or (min(have)[0] >= 0 and max(have)[0] <= 1):
            continue
        (low, first), (high, last) = min(have), max(have)
        if low > 1 and high <= 100:
            told.append(f"{column}: is in percent ({low:g} to {high:g}), divided by 100")
            for values in (*out.rows, *(v for curve in out.curves for *_, v in curve)):
                if column in values:
                    values[column] /= 100
            continue
        if low < 0 or high > 100:
            value, name = (low, first) if low < 0 else (high, last)
            fault = f"{value:g} ({name}) is no share"
        else:
            fault = f"holds shares and percentages, as {low:g} ({first}) and {high:g} ({last})"
        if asked:
            raise UserError(f'{column}: {fault}; take one kind by --where "{column} <= 1"')
        told.append(f"{column}: {fault}: column left out")
        out.columns.remove(column)
    if not out.columns:
        raise UserError(f"no result is left: {'; '.join(told)}")
    return told


def with_error(out: Results) -> list[str]:
    """Beside an accuracy the error, what laws are fitted to; a sentence where it was not there."""
    if "accuracy" not in out.columns or "error" in out.columns:
        return []
    out.columns.insert(out.columns.index("accuracy") + 1, "error")
    for values in (*out.rows, *(v for curve in out.curves for *_, v in curve)):
        if "accuracy" in values:
            values["error"] = round(1 - values["accuracy"], 12)  # .285, not .28500000000000003
    return ["error: 1 − accuracy, which laws are fitted to"]
