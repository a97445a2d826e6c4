"""Which column of somebody's table holds what, and its cells as numbers; what cannot be is said."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import UserError, quoted
from ..metrics import TABLE, Metric, metric
from ..records.specs import Target
from ..tables.reading import LISTED, Table, with_numbers

# What a column holds → the names by which it is found where none is given, in lower case.
NAMES = {
    "params": ("params", "parameters", "n_params", "num_params", "total_params", "n"),
    "samples": ("samples", "tokens", "examples", "n_samples", "n_tokens", "train_samples", "d"),
    "seed": ("seed", "random_seed"),
    "flops": ("flops", "training_flops", "train_flops", "compute"),
    "seconds": ("seconds", "train_seconds", "training_seconds"),
    "epochs": ("epochs",),
    "steps": ("steps",),
    "learning_rate": ("learning_rate", "lr"),
    "status": ("status",),
    "non_embedding": ("non_embedding", "non_embedding_params"),
}
# Those of which a cell may be empty.
OTHERS = ("seed", "flops", "seconds", "epochs", "steps", "learning_rate", "non_embedding")
UNFINISHED = "unfinished"  # a status, as `import` writes it
NONE = "none"  # said of a column that is not to be used

# Below this a result is none that anybody measured, and powers of it leave a double's range.
LEAST_VALUE = 1e-100


@dataclass(frozen=True)
class Runs:
    """Rows of a table as numbers: every array (n,), NaN where a cell is empty.

    lines: of the file. ok: whether a run ended well. metrics: metric of `metrics.TABLE` → values;
    of a run that diverged NaN. Of what the table does not tell, None.
    """

    path: str
    lines: np.ndarray
    ok: np.ndarray
    params: np.ndarray
    samples: np.ndarray | None
    # the samples of each run where all runs are one ladder whatever they are (`--samples none`)
    along: np.ndarray | None
    metrics: dict[str, np.ndarray]
    others: dict[str, np.ndarray | None]  # seed, flops, seconds, epochs, steps, learning_rate, …
    cells: list[str] | None  # names of the configurations, where the user gave columns for them
    status: bool  # whether the table says how runs ended


def find(table: Table, what: str, given: str | None) -> str | None:
    """The column that holds something: the one given, or one of its usual names that is not empty;
    None where there is none. UserError for a given one that is not there."""
    if given == NONE:
        return None
    if given is not None:
        if given not in table.columns:
            close = difflib.get_close_matches(given, table.columns, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            flag = "--" + what.replace("_", "-")
            raise UserError(
                f"{table.path}: {flag}: column {given!r} is missing; {hint}the columns are "
                f"{', '.join(table.columns)}"
            )
        return given
    by_name = {name.lower(): name for name in reversed(table.columns)}
    for name in NAMES[what]:
        if name in by_name and any(cell.strip() for cell in table.columns[by_name[name]]):
            return by_name[name]
    return None


def metric_column(table: Table, name: str, given: Mapping[str, str]) -> tuple[str, Metric] | None:
    """(column, the metric that it holds) for a metric: the one given, one of its name, or one of
    what is fitted as it is (the error of an accuracy, the loss of a perplexity)."""
    if name in given:
        if given[name] not in table.columns:
            raise UserError(
                f"{table.path}: --metric {name}={given[name]}: column {given[name]!r} is missing; "
                f"the columns are {', '.join(table.columns)}"
            )
        return given[name], TABLE[name]
    fitted = metric(name).fitted
    names = [name, *(other for other, each in TABLE.items() if each.fitted == fitted)]
    for other in dict.fromkeys(names):
        for column in (other, f"test_{other}"):
            if column in table.columns and any(cell.strip() for cell in table.columns[column]):
                return column, TABLE[other]
    return None


def read_runs(
    table: Table,
    targets: Sequence[Target],
    given: Mapping[str, str | None],
    metrics: Mapping[str, str],
    cell: Sequence[str],
    skip: bool,
) -> tuple[Runs, list[str]]:
    """The rows as numbers, and what is said of those left out.

    given: what a column holds → its name, `none` to leave it, None to look for it; of `samples` a
    number too, which every run then has. metrics: metric → column, where its name differs.
    Raises UserError with file, line and column for what is no number or none that can be, unless
    `skip`.
    """
    if not table.lines:
        raise UserError(f"{table.path}: has no rows below its first line; give one row a run")
    status = find(table, "status", given.get("status"))
    table, told = _finished(table, status)
    params = find(table, "params", given.get("params"))
    if params is None:
        raise UserError(
            f"{table.path}: no column of parameters was found; name it: --params COLUMN (the "
            f"columns are {', '.join(table.columns)})"
        )
    fixed = _fixed_samples(table, given.get("samples"))
    samples = None if fixed is not None else find(table, "samples", given.get("samples"))
    along = find(table, "samples", None) if given.get("samples") == NONE else None
    wanted = _metrics_of(table, targets, metrics)
    ended = [True] * len(table.lines) if status is None else _ended(table, status)
    positive = [params] + ([samples] if samples else [])
    kept: set[int] = set()
    for well in (True, False):  # of a run that diverged no result is asked
        part = table.without({i for i, each in enumerate(ended) if each != well})
        results = dict.fromkeys(column for column, _ in wanted.values()) if well else ()
        if part.lines:
            part, said = with_numbers(part, positive, list(results), skip)
            told, kept = told + said, kept | set(part.lines)
    gone = {i for i, line in enumerate(table.lines) if line not in kept}
    ok = np.array([well for i, well in enumerate(ended) if i not in gone], bool)
    table = table.without(gone)
    if not ok.any():
        raise UserError(f"{table.path}: no row is left whose cells are numbers")

    def numbers(column: str) -> np.ndarray:
        return np.array([float(cell) for cell in table.columns[column]])

    def results_of(column: str) -> np.ndarray:
        cells = zip(table.columns[column], ok, strict=True)
        return np.array([float(cell) if well else math.nan for cell, well in cells])

    others: dict[str, np.ndarray | None] = {}
    for what in OTHERS:
        name = find(table, what, given.get(what))
        others[what] = None if name is None else _optional(table, name, what, skip, told)
    runs = Runs(
        path=table.path,
        lines=np.array(table.lines),
        ok=ok,
        params=numbers(params),
        samples=numbers(samples) if samples else None if fixed is None else np.full(len(ok), fixed),
        along=None if along is None else _optional(table, along, "samples", skip, told),
        metrics={name: results_of(column) for name, (column, _) in wanted.items()},
        others=others,
        cells=_named(table, cell),
        status=status is not None,
    )
    _check_counts(runs, params)
    for name, (column, _) in wanted.items():
        _check_values(runs, name, column)
    return replace(runs, metrics=runs.metrics | _further(table, runs, results_of)), told


def _named(table: Table, columns: Sequence[str]) -> list[str] | None:
    """The names of the rows' configurations."""
    for column in columns:
        if column not in table.columns:
            raise UserError(
                f"{table.path}: --cell: column {column!r} is missing; the columns are "
                f"{', '.join(table.columns)}"
            )
    cells = [[cell.strip() for cell in table.columns[column]] for column in columns]
    return ["/".join(each) for each in zip(*cells, strict=True)] if columns else None


def _further(
    table: Table, runs: Runs, results_of: Callable[[str], np.ndarray]
) -> dict[str, np.ndarray]:
    """Metrics that no target asks for, where every run that ended well has one that can be: they
    are shown beside, and no law is fitted to them."""
    found = {}
    for name in TABLE:
        for column in (name, f"test_{name}"):
            if name in runs.metrics or name in found or column not in table.columns:
                continue
            try:
                values = results_of(column)
                _check_values(replace(runs, metrics={name: values}), name, column)
            except (ValueError, UserError):
                continue
            found[name] = values
    return found


def _fixed_samples(table: Table, given: str | None) -> float | None:
    """The number that --samples may be in place of a column."""
    if given is None or given in table.columns:
        return None
    try:
        number = float(given)
    except ValueError:
        return None
    if not (1 <= number < math.inf):
        raise UserError(f"--samples {given}: a column, or a number of samples of 1 or more")
    return number


def _metrics_of(
    table: Table, targets: Sequence[Target], given: Mapping[str, str]
) -> dict[str, tuple[str, Metric]]:
    """Metric as it is in the table → (its column, itself), for all targets, and for the loss."""
    wanted = {}
    for target in targets:
        found = metric_column(table, target.named, given)
        if found is None:
            raise UserError(
                f"{table.path}: no column of {target.named} was found; name it: --metric "
                f"{target.named}=COLUMN (the columns are {', '.join(table.columns)})"
            )
        wanted[found[1].name] = found
    return wanted


def _finished(table: Table, status: str | None) -> tuple[Table, list[str]]:
    """The rows of runs that came to an end, and a sentence on the others: they have no result, and
    what they took is not told."""
    words = [cell.strip().lower() for cell in table.columns[status]] if status else []
    gone = {i for i, word in enumerate(words) if word == UNFINISHED}
    if not gone:
        return table, []
    lines = ", ".join(f"line {table.lines[i]}" for i in sorted(gone)[:LISTED])
    more = f" and {len(gone) - LISTED} more" if len(gone) > LISTED else ""
    return table.without(gone), [
        f"{len(gone)} run(s) did not finish and are left out, their cost too: {lines}{more}"
    ]


def _ended(table: Table, status: str) -> list[bool]:
    """Whether each run ended well, by its cell: ok or nothing, or diverged."""
    ended = []
    for line, cell in zip(table.lines, table.columns[status], strict=True):
        word = cell.strip().lower()
        if word not in ("", "ok", "diverged", "chance"):
            raise UserError(
                f"{table.path}, line {line}: column {status!r}: {quoted(cell)} is neither ok nor "
                f"diverged nor {UNFINISHED}; write one of them, take rows by --where, or say "
                f"--status {NONE}"
            )
        ended.append(word in ("", "ok"))  # one at chance learnt nothing: its result is no number
    if not any(ended):
        raise UserError(f"{table.path}: column {status!r}: every run diverged: nothing to fit")
    return ended


def _optional(table: Table, name: str, what: str, skip: bool, told: list[str]) -> np.ndarray:
    """Numbers above 0 (a seed: any), NaN for an empty cell; a seed that is a name is numbered."""
    cells = [cell.strip() for cell in table.columns[name]]
    if what == "seed":
        try:
            return np.array([float(cell) if cell else math.nan for cell in cells])
        except ValueError:
            return np.unique(np.array(cells, str), return_inverse=True)[1].astype(float)
    values = []
    for line, cell in zip(table.lines, cells, strict=True):
        try:
            value = float(cell) if cell else math.nan
            if cell and not (0 < value < math.inf):
                raise ValueError
        except ValueError:
            if not skip:
                raise UserError(
                    f"{table.path}, line {line}: column {name!r}: {quoted(cell)} is not a number "
                    f"above 0; mend it, leave it empty, or --{what.replace('_', '-')} {NONE}"
                ) from None
            told.append(f"line {line}: column {name!r}: {quoted(cell)} is taken for an empty cell")
            value = math.nan
        values.append(value)
    return np.array(values, float)


def _check_counts(runs: Runs, column: str) -> None:
    """Parameters are counted: 1.3 of them is a column in millions or billions."""
    few = np.flatnonzero(np.zeros(0) if runs.samples is None else runs.samples < 1)
    if len(few):
        i = few[0]
        raise UserError(
            f"{runs.path}, line {runs.lines[i]}: {runs.samples[i]:g} samples: a run saw 1 or more; "
            "if the column is in millions or billions, multiply it out"
        )
    odd = np.flatnonzero((runs.params < 1000) & (runs.params % 1 != 0))
    if len(odd):
        i = odd[0]
        raise UserError(
            f"{runs.path}, line {runs.lines[i]}: column {column!r}: {runs.params[i]:g} is no "
            "number of parameters; if the column is in millions or billions, multiply it out"
        )


def _check_values(runs: Runs, name: str, column: str) -> None:
    """That each value of a metric is one that it can have."""
    known, values = TABLE[name], runs.metrics[name]
    low = -math.inf if name == "r2" else 0.0 if known.share else math.nextafter(0, 1)
    tiny = np.flatnonzero(runs.ok & (values > 0) & (values < LEAST_VALUE))
    if len(tiny):
        i = tiny[0]
        raise UserError(
            f"{runs.path}, line {runs.lines[i]}: column {column!r}: {values[i]:g} is too small to "
            f"be told from 0; the least is {LEAST_VALUE:g}: give the column in another unit"
        )
    low, high = (1.0, math.inf) if name == "perplexity" else (low, 1.0 if known.share else math.inf)
    odd = np.flatnonzero(runs.ok & ~((values >= low) & (values <= high)))
    if not len(odd):
        return
    i = odd[0]
    where = f"{runs.path}, line {runs.lines[i]}: column {column!r}: {values[i]:g}"
    if known.share and values[i] > 1:
        raise UserError(
            f"{where} is no share; is it percent? Divide the column by 100: {known.title} lies "
            "between 0 and 1"
        )
    least = "a number from 1" if name == "perplexity" else "a number above 0"
    bounds = least if not known.share else "a share between 0 and 1"
    raise UserError(f"{where} cannot be: {known.title} is {bounds}")
