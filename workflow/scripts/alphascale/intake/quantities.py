"""How large, on how much, from which seed: found in what a run tells, or where a person says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import UserError, quoted
from ..tables.reading import read_csv
from .descriptor import QUANTITIES, Run, finite, number
from .names import IN_PATHS, in_path, quantity_key

LISTED = 12  # names listed in a message
# What a quantity may be: above 0 but for a seed, and for what a tool counts from nothing.
FROM_ZERO = {"seed", "epochs", "steps", "seconds"}

Found = tuple[float, str]  # the number, and in words from where


def resolve(
    runs: list[Run], asked: Mapping[str, str | None]
) -> tuple[list[dict[str, float]], list[str]]:
    """For each run its quantities by column, and lines that say where they are from.

    `asked` holds, by column, what a person gave: a number, a CSV of names and numbers, or a name of
    something that the runs logged or that stands before a number in their paths. Raises UserError
    where that is found in no run.
    """
    told, rows = [], [{} for _ in runs]
    for column in QUANTITIES:
        given = asked.get(column)
        finder = _asked(column, given, runs) if given else _own(column)
        origins: Counter[str] = Counter()
        for run, row in zip(runs, rows, strict=True):
            found = finder(run)
            if found and _possible(column, found[0]):
                row[column] = found[0]
                origins[found[1]] += 1
            elif found:
                value, origin = found
                told.append(
                    f"{column}: {value:g} ({origin}) in {run.name} is no such number: left empty"
                )
        if not origins and given:
            raise UserError(_not_there(column, given, runs))
        missing = len(runs) - sum(origins.values())
        if origins:
            said = "; ".join(
                origin if n == len(runs) else f"{origin} ({n} of {len(runs)} runs)"
                for origin, n in origins.most_common()
            )
            said += f"; unknown in {missing}" * bool(missing)
            told.append(f"{column}: {said}")
    unknown = [c for c in QUANTITIES if c != "params" and not any(c in row for row in rows)]
    if unknown:
        told.append(f"not found, left empty: {', '.join(unknown)}")
    return rows, told


def no_params(runs: list[Run], rows: list[dict[str, float]]) -> str:
    """A sentence that names the runs without a number of parameters, and says how to give it."""
    without = [run for run, row in zip(runs, rows, strict=True) if "params" not in row]
    why = next((run.no_params for run in without if run.no_params), "")
    return (
        f"{len(without)} of {len(runs)} run(s) have no number of parameters (first "
        f"{without[0].name}{': ' + why if why else ''}); give --params a number, the name of one "
        f"of what they have "
        f"({_names(runs)}), or a CSV with columns run,params"
    )


def _possible(column: str, value: float) -> bool:
    return finite(value) and (value > 0 or (value == 0 and column in FROM_ZERO))


def _own(column: str) -> Callable[[Run], Found | None]:
    """Finds a quantity in what a run tells by itself."""

    def found(run: Run) -> Found | None:
        if column in run.known:
            return run.known[column]
        for names, what in ((run.config, "configuration"), (run.raw_names(), "logged")):
            key = quantity_key(column, names)
            value = _value(run, key) if key else None
            if value is not None:
                return value, f"`{key}` ({what})"
        for word in IN_PATHS.get(column, ()):
            text = in_path(word, run.name)
            if text is not None:
                return number(text), f"`{word}` in the run's name"
        if column in ("steps", "epochs"):
            each = [p.step if column == "steps" else p.epoch for p in run.points]
            most = max((v for v in each if finite(v)), default=None)
            if most:
                return most, f"largest {column[:-1]} of the history"
        return None

    return found


def _asked(column: str, given: str, runs: list[Run]) -> Callable[[Run], Found | None]:
    """Finds a quantity where a person said."""
    value = number(given)
    if value is not None:
        if not _possible(column, value):
            raise UserError(f"--{column.replace('_', '-')} {given}: must be a number above 0")
        return lambda run: (value, f"{given} as given")
    if given.lower().endswith(".csv") and Path(given).is_file():
        return _from_csv(column, given, runs)

    def found(run: Run) -> Found | None:
        own = _value(run, given)
        if own is not None:
            return own, f"`{given}` as asked"
        text = in_path(given, run.name)
        return (number(text), f"`{given}` in the run's name") if text is not None else None

    return found


def _from_csv(column: str, path: str, runs: list[Run]) -> Callable[[Run], Found | None]:
    table = read_csv(path)
    for name in ("run", column):
        if name not in table.columns:
            raise UserError(
                f"{path}: column {name!r} is missing: it needs run (as {runs[0].name!r}) and "
                f"{column}"
            )
    cells = {}
    for line, name, cell in zip(
        table.lines, table.columns["run"], table.columns[column], strict=True
    ):
        value = number(cell)
        if value is None:
            raise UserError(f"{path}, line {line}: column {column!r}: {quoted(cell)} is no number")
        cells[name.strip()] = value
    return lambda run: (cells[run.name], f"{path} as given") if run.name in cells else None


def _value(run: Run, name: str) -> float | None:
    """What a run holds by a name: of its configuration, its results, its history's last value."""
    held = [*run.config.items(), *run.values.items()]
    # By its own name first: of what is nested, `teacher/params`, the last part is asked for later.
    for whole in (True, False):
        for key, value in held:
            if (key if whole else key.rpartition("/")[2]) != name:
                continue
            found = number(value)
            if found is not None:
                return found
    for point in reversed(run.points):
        if name in point.values and finite(point.values[name]):
            return point.values[name]
    return None


def _not_there(column: str, given: str, runs: list[Run]) -> str:
    if Path(given).is_file():
        return f"{given}: its column run names none of these runs, as {quoted(runs[0].name)}"
    return (
        f"--{column.replace('_', '-')} {given}: no run has a number by that name, and none of "
        f"their names holds it before a number; they have {_names(runs)}"
    )


def _names(runs: list[Run]) -> str:
    names: dict[str, None] = {}
    for run in runs:
        names |= {k: None for k, v in run.config.items() if number(v) is not None}
        names |= run.raw_names()
    listed = list(names)
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    return (", ".join(listed[:LISTED]) + more) or "nothing by name"
