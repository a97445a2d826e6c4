"""From SOURCE to runs: whose files they are, reading each, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError, quoted
from .descriptor import OK, UNFINISHED, Kind, Run, number
from .files import SQLITE, begins, listed, located, tables_of
from .kinds import kinds

LISTED = 3


@dataclass(frozen=True)
class Gathered:
    """What SOURCE holds."""

    kind: Kind
    runs: list[Run]
    told: list[str]  # what a person should know of it, a sentence each


def gather(source: str, chosen: str | None, skip: bool) -> Gathered:
    """The runs of SOURCE, read as the kind `chosen`, else as what its files show.

    Raises UserError where it holds none, where it holds those of several kinds, and for a file that
    is damaged, which is left out instead, and named, where `skip`.
    """
    root = located(source)
    files = listed(root)
    kind, units, told = _whose(source, root, files, chosen)
    runs: list[Run] = []
    for unit in units:
        try:
            runs += kind.read(unit, root)
        except UserError as fault:
            if len(units) == 1 or not skip:
                hint = " (or leave such out: --skip-invalid)" if len(units) > 1 else ""
                raise UserError(f"{fault}{hint}") from None
            told.append(f"left out: {fault}")
    if not runs:
        raise UserError(f"{source}: no run of {kind.title} could be read; {'; '.join(told)}")
    if kind.joins:
        runs = _joined(runs, told)
    _name_apart(runs)
    told += kind.finish(runs) if kind.finish else []
    return Gathered(kind, runs, [f"{source}: {len(runs)} run(s) of {kind.title}", *told])


def _whose(
    source: str, root: Path, files: list[Path], chosen: str | None
) -> tuple[Kind, list[Path], list[str]]:
    """The kind whose files these are, its units, and what is left to others."""
    if chosen:
        kind = kinds()[chosen]
        units = kind.find(files, root)
        if not units and root.is_file():
            units = [root]  # its own reading says what is wrong with it
        if not units:
            raise UserError(f"{source}: holds nothing of {kind.title} ({kind.seeks})")
        return kind, units, []
    found = {kind: units for kind in kinds().values() if (units := kind.find(files, root))}
    if not found:
        raise UserError(f"{source}: {_nothing(root, files)}")
    first, *others = found
    if root.is_file():  # of several that could read it, the most particular
        return first, found[first], []
    told = []
    for other in others:
        own = [u for u in found[other] if not _inside(u, found[first])]
        if own:
            said = "; ".join(
                f"{len(units)} of {kind.title} (--from {kind.name}), as {units[0]}"
                for kind, units in found.items()
            )
            raise UserError(f"{source}: holds several kinds: {said}; choose one by --from")
        told.append(
            f"{len(found[other])} of {other.title} lie with the same runs and are not read "
            f"(--from {other.name} reads them instead)"
        )
    return first, found[first], told


def _inside(unit: Path, others: list[Path]) -> bool:
    return any(unit == other or other in unit.parents or other == unit.parent for other in others)


def _nothing(root: Path, files: list[Path]) -> str:
    """Why no kind knows it, and what to do."""
    known = "; ".join(f"{kind.title}: {kind.seeks}" for kind in kinds().values())
    if root.is_dir():
        if any(path.suffix == ".wandb" for path in files):
            return "is wandb's own format; export a CSV from the project's page and name that"
        tables = [p.name for p in files if p.suffix in (".csv", ".parquet")][:LISTED]
        hint = f" (it has tables, as {', '.join(tables)}: name one)" if tables else ""
        empty = "is an empty folder" if not files else f"no runs among its {len(files):,} file(s)"
        return f"{empty}{hint}; known are {known}"
    if begins(root) == SQLITE:
        tables = sorted(tables_of(root))
        return (
            "is SQLite, but neither MLflow's nor Optuna's (its tables: "
            f"{', '.join(tables[:8]) or 'none'}); name theirs, or export a CSV"
        )
    if root.suffix == ".json":
        try:
            json.loads(root.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as fault:
            return f"is no whole JSON ({fault}); copy it again from where it was made"
    return f"is nobody's file of runs (it begins {quoted(begins(root, 12))}); known are {known}"


def _joined(runs: list[Run], told: list[str]) -> list[Run]:
    """Runs of one name from several files as one; the later file's value stands, and is told."""
    by_name: dict[str, Run] = {}
    for run in runs:
        first = by_name.get(run.name)
        if not first or _file(first) == _file(run):
            by_name[run.name if not first else f"{run.name} {run.source}"] = run
            continue
        clash = [k for k, v in run.values.items() if first.values.get(k, v) != v]
        if clash:
            told.append(
                f"{run.name}: {', '.join(clash[:LISTED])} differs between {first.source} and "
                f"{run.source}: the latter is taken"
            )
        first.values |= run.values
        first.config |= run.config
        first.points += run.points
        first.known |= run.known
        if run.status != OK:
            first.status, first.why = run.status, run.why
        first.source = f"{first.source}, {run.source}"
    for run in by_name.values():
        # A summary repeats the history's last value.
        logged = {name for point in run.points for name in point.values}
        run.values = {k: v for k, v in run.values.items() if k not in logged}
        run.points.sort(key=lambda p: (p.step is None, p.step or 0.0, p.epoch or 0.0))
    return list(by_name.values())


def _file(run: Run) -> str:
    return run.source.partition(" line ")[0]


def _name_apart(runs: list[Run]) -> None:
    """Give runs of one name each its own: their name and a number."""
    seen: dict[str, int] = {}
    taken = {run.name for run in runs}
    for run in runs:
        seen[run.name] = seen.get(run.name, 0) + 1
        if seen[run.name] > 1:
            count = seen[run.name]
            while (name := f"{run.name} #{count}") in taken:
                count += 1
            taken.add(name)
            run.name = name


def duplicates(runs: list[Run], rows: list[dict[str, float]]) -> list[str]:
    """Sentences on runs that are one configuration at one seed."""
    same: dict[str, list[str]] = {}
    unseeded: dict[str, list[str]] = {}
    for run, row in zip(runs, rows, strict=True):
        config = {k: v if (n := number(v)) is None else n for k, v in run.config.items()}
        quantities = {k: v for k, v in row.items() if k not in ("seconds", "steps", "epochs")}
        key = json.dumps([config, quantities], sort_keys=True, default=str)
        if "seed" in row:
            same.setdefault(key, []).append(run.name)
        else:
            history = [(p.step, p.epoch, p.values) for p in run.points]
            whole = json.dumps([key, history, run.values], sort_keys=True, default=str)
            unseeded.setdefault(whole, []).append(run.name)
    told = [
        f"the same configuration and seed: {_few(names)}; all are rows, leave out what is twice by "
        "--where"
        for names in same.values() if len(names) > 1
    ]  # fmt: skip
    return told + [
        f"the same in every number: {_few(names)}; all are rows, leave out what is twice by --where"
        for names in unseeded.values() if len(names) > 1
    ]  # fmt: skip


def states(runs: list[Run]) -> list[str]:
    """Sentences on runs that are rows without a number, and on what runs say of themselves."""
    told = []
    for status in ("diverged", UNFINISHED):
        which = [run for run in runs if run.status == status]
        if which:
            why = "; ".join(f"{run.name}: {run.why}" for run in which[:LISTED])
            more = f"; and {len(which) - LISTED} more" if len(which) > LISTED else ""
            told.append(f"{status}, a row without a result: {len(which)} run(s) ({why}{more})")
    notes: dict[str, list[str]] = {}
    for run in runs:
        for note in run.notes:
            notes.setdefault(note, []).append(run.name)
    return told + [f"{_few(names)}: {note}" for note, names in notes.items()]


def _few(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
