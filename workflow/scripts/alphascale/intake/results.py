"""Which logged name is which result, and which of a history's values is a run's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from ..errors import UserError
from ..metrics import TABLE
from .descriptor import DIVERGED, OK, UNFINISHED, Kind, Run, finite, number
from .names import Named, is_housekeeping, named, rises

Take = Literal["best", "last"]
MAIN = ("validation", "test", "", "train")  # what a result is taken from, the first that there is
LISTED = 8


@dataclass
class Results:
    """What was found of results. rows: by column; None where a run has none."""

    columns: list[str] = field(default_factory=list)
    origins: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # column → run → names
    rows: list[dict[str, float]] = field(default_factory=list)
    curves: list[list[tuple[float | None, float | None, dict[str, float]]]] = field(
        default_factory=list
    )
    told: list[str] = field(default_factory=list)

    def only(self, places: list[int]) -> Results:
        """The same of some runs."""
        rows, curves = ([each[i] for i in places] for each in (self.rows, self.curves))
        return replace(self, rows=rows, curves=curves)


def results(runs: list[Run], kind: Kind, asked: list[str], take: Take | None) -> Results:
    """The results of all runs under common names. `asked`: names, ours or the tool's, or
    OURS=THEIRS; none for all that look like results. May set a run's status to diverged."""
    out = Results()
    chosen = _asked(runs, kind, asked) if asked else _found(runs, kind, out)
    out.columns = list(chosen)
    if not any(chosen.values()):
        raise UserError(_nothing(runs))
    for column, names in chosen.items():
        out.origins[column] = {
            run.name: [n for n in names if n in have][:1]
            for run in runs
            if (have := run.raw_names())
        }
    for run in runs:
        _judge(run, out)
    _choose(runs, out, take, bool(asked), kind)
    _say(runs, out)
    return out


def _found(runs: list[Run], kind: Kind, out: Results) -> dict[str, list[str]]:
    """By column, the tool's names that hold it, the best known first."""
    apart: dict[str, dict[str, list[tuple[int, str]]]] = {}
    beside: dict[str, None] = {}
    for run in runs:
        for raw in run.raw_names():
            if raw in kind.housekeeping or is_housekeeping(raw):
                beside[raw] = None
                continue
            each: Named = named(raw, kind.bare_is_train)
            entry = (each.rank, raw)
            entries = apart.setdefault(each.common, {}).setdefault(each.split, [])
            if entry not in entries:
                entries.append(entry)
    chosen: dict[str, list[str]] = {}
    for common, by_split in apart.items():
        by = {split: [raw for _, raw in sorted(e)] for split, e in by_split.items()}
        if "" in by and ("validation" in by or "test" in by):
            # Keras and who follows it call that of training by the bare name.
            by.setdefault("train", [])
            by["train"] += by.pop("")
        main = next(split for split in MAIN if split in by)
        for split, names in by.items():
            column = f"train_{common}" if split == "train" else common
            if split == "test" and main == "validation":
                column = f"test_{common}"
            chosen.setdefault(column, names)
    for column in chosen:
        names = chosen[column]
        both = [n for n in names[1:] if any({n, names[0]} <= set(run.raw_names()) for run in runs)]
        if both:
            out.told.append(
                f"{column}: {names[0]} is taken, and {', '.join(both)} left out where both are; "
                f"--metric {column}={both[0]} takes the other"
            )
    if beside:
        out.told.append(f"no results, left out: {_some(list(beside))}")
    return {column: chosen[column] for column in sorted(chosen, key=_place)}


def _place(column: str) -> tuple[int, int, str]:
    """Where a column stands: known results first, in the order of their table, then those of tests,
    then those of training; the same whatever order things were logged in."""
    begins = next((i for i, b in enumerate(("test_", "train_"), 1) if column.startswith(b)), 0)
    common = column.removeprefix("train_").removeprefix("test_")
    known = list(TABLE)
    return begins, known.index(common) if common in known else len(known), common


def _asked(runs: list[Run], kind: Kind, asked: list[str]) -> dict[str, list[str]]:
    everything = _found(runs, kind, Results())
    for theirs in [(each.partition("=")[2] or each).strip() for each in asked]:
        # A table does not say which of its columns are results; who asks does.
        for run in runs:
            value = number(run.config.get(theirs))
            if value is not None and theirs not in run.raw_names():
                run.values[theirs] = value
    logged: dict[str, None] = {}
    for run in runs:
        logged |= run.raw_names()
    chosen: dict[str, list[str]] = {}
    for each in asked:
        ours, given, theirs = each.partition("=")
        ours, theirs = ours.strip(), theirs.strip()
        if given and theirs in logged:
            chosen[ours] = [theirs]
        elif not given and ours in everything:
            chosen[ours] = everything[ours]
        elif not given and ours in logged:
            column = next((c for c, names in everything.items() if ours in names), ours)
            chosen[column] = [ours]
        else:
            raise UserError(f"--metric {each}: no run has it; {_have(runs)}")
    return chosen


def _nothing(runs: list[Run]) -> str:
    return f"no result found in {len(runs)} run(s); name one by --metric: {_have(runs)}"


def _have(runs: list[Run]) -> str:
    """What runs have by name, as a person may ask for it."""
    names: dict[str, None] = {}
    for run in runs:
        names |= run.raw_names()
    for run in runs:
        names |= {k: None for k, v in run.config.items() if number(v) is not None}
    return f"they have {_some(list(names), 20) if names else 'nothing by name'}"


def _series(run: Run, raw: str) -> list[tuple[int, float]]:
    """The places in a run's history where a name has a value, and the values."""
    return [(i, p.values[raw]) for i, p in enumerate(run.points) if raw in p.values]


def _judge(run: Run, out: Results) -> None:
    """A run whose loss, or what it was asked for, ends in no number has diverged."""
    for column, by_run in out.origins.items():
        loss = rises(column.removeprefix("train_").removeprefix("test_")) is False
        for raw in by_run.get(run.name, ()):
            series = _series(run, raw)
            last = run.values.get(raw, series[-1][1] if series else None)
            if last is None or finite(last):
                continue
            if loss:
                run.status, run.why = DIVERGED, f"{raw} ends in {last}"
                return
            run.notes.append(f"{raw} is {last}: left empty")


def _choose(runs: list[Run], out: Results, take: Take | None, asked: bool, kind: Kind) -> None:
    """Fill rows and curves."""
    by = _selector(runs, out, asked)
    sense = rises(by.removeprefix("test_")) if by else None
    validated = by is not None and any(
        named(raw, kind.bare_is_train).split in ("validation", "test")
        for names in out.origins[by].values() for raw in names
    )  # fmt: skip
    best = by is not None and sense is not None and (take == "best" or (not take and validated))
    if best:
        word = "highest" if sense else "lowest"
        how = "" if take else "; --take last for the last"
        out.told.append(f"taken: all results at the step of each run's {word} {by}{how}")
    elif by is not None:
        why = (
            ""
            if take == "last"
            else f" ({by} does not say which way is better)" * (sense is None)
            or " (no history of a validation; --take best for the best)" * (not take)
        )
        out.told.append(f"taken: the last value of each history{why}")
    elif take == "best":
        out.told.append("taken: the only value of each run: there are no histories")
    without: list[str] = []
    alone: dict[str, list[str]] = {}
    for run in runs:
        at = None
        if best:
            series = [
                (v, i) for raw in out.origins[by].get(run.name, ()) for i, v in _series(run, raw)
                if finite(v)
            ]  # fmt: skip
            if series:
                top = max(v for v, _ in series) if sense else min(v for v, _ in series)
                at = next(i for v, i in series if v == top)
            elif run.points:
                without.append(run.name)
        row = {}
        for column in out.columns:
            for raw in out.origins[column].get(run.name, ()):
                if at is not None and raw in run.values:
                    alone.setdefault(column, []).append(run.name)
                value = run.values.get(raw, _at(run, raw, at))
                if finite(value):
                    row[column] = value
        out.rows.append(row)
        out.curves.append(_curve(run, out))
    for column, names in alone.items():
        out.told.append(f"{column}: has no history, its one value is taken: {_some(names)}")
    if without:
        out.told.append(f"of runs without a history of {by}, the last values: {_some(without)}")


def _selector(runs: list[Run], out: Results, asked: bool) -> str | None:
    """The result by which a step of the history is chosen: the first that was asked for, else the
    loss, else the first whose sense is known; None where nothing has a history."""
    with_history = [
        column for column, by_run in out.origins.items()
        if any(
            len(_series(run, raw)) > 1 and raw not in run.values
            for run in runs for raw in by_run.get(run.name, ())
        )
    ]  # fmt: skip
    if asked or not with_history:
        return with_history[0] if with_history else None
    mains = [c for c in with_history if not c.startswith("train_")] or with_history
    if "loss" in mains:
        return "loss"
    return next((c for c in mains if rises(c) is not None), mains[0])


def _at(run: Run, raw: str, place: int | None) -> float | None:
    """A name's value at a place of the history: what stands there, else the last before it, else
    the first after it; the last of all where no place is given."""
    series = [(i, v) for i, v in _series(run, raw) if finite(v)]
    if not series:
        return None
    if place is None:
        return series[-1][1] if finite(_series(run, raw)[-1][1]) else None
    step = run.points[place].step
    before = [
        v for i, v in series
        if i <= place or (step is not None and run.points[i].step is not None
                          and run.points[i].step <= step)
    ]  # fmt: skip
    return before[-1] if before else series[0][1]


def _curve(run: Run, out: Results) -> list[tuple[float | None, float | None, dict[str, float]]]:
    """The history under our names, what was logged at one step in one row."""
    rows: dict[tuple, dict[str, float]] = {}
    epochs: dict[tuple, float] = {}
    back = {raw: c for c in out.columns for raw in out.origins[c].get(run.name, ())}
    for i, point in enumerate(run.points):
        key = (point.step,) if point.step is not None else (None, point.epoch, i)
        values = {back[raw]: v for raw, v in point.values.items() if raw in back and finite(v)}
        if values:
            rows.setdefault(key, {}).update(values)
            if point.epoch is not None:
                epochs[key] = point.epoch
    return [(key[0], epochs.get(key), values) for key, values in rows.items()]


def _say(runs: list[Run], out: Results) -> None:
    lines = []
    for column, by_run in out.origins.items():
        counts = Counter(raw for names in by_run.values() for raw in names)
        total = sum(counts.values())
        said = ", ".join(raw if n == len(runs) else f"{raw} ({n} of {len(runs)} runs)"
                         for raw, n in counts.most_common())  # fmt: skip
        if total and not any(column in row for row, run in zip(out.rows, runs, strict=True)
                             if run.status == OK):  # fmt: skip
            said += ", no number of a finished run"
        lines.append(f"{column}: {said}")
    out.told[:0] = lines


def withheld(runs: list[Run], rows: list[dict[str, float]]) -> None:
    """Take the results from runs that diverged or did not finish: a row, no number."""
    for run, row in zip(runs, rows, strict=True):
        if run.status in (DIVERGED, UNFINISHED):
            row.clear()


def _some(names: list[str], most: int = LISTED) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
