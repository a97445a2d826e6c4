"""Tables: numbers standardised, categories one-hot, gaps filled, all from the training part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import UserError, quoted
from .labels import DECIMAL_COMMA, as_text, labels_or_read
from .pool import Encoded, Pool, is_missing
from .user_tables import Table, features

if TYPE_CHECKING:
    from ..records.data import DataSpec, Origin

# A categorical column becomes at most this many 0/1 columns; the rarest values share the last one.
CATEGORIES = 32
MISSING = "(missing)"
# A column with more numbers than this that still holds other words deserves a note.
MOSTLY = 0.9


def table_pool(
    table: Table,
    spec: DataSpec,
    source: Origin,
    labels: tuple[np.ndarray, list[str]] | None = None,
    own_test: np.ndarray | None = None,
    notes: list[str] | None = None,
) -> Pool:
    """A pool of a table: labels as the task reads them, the other columns by `typed`.

    labels: y and names where they were read before; own_test: as in Pool; notes: what is to be told
    already.
    """
    notes = list(notes or ())
    y, names = labels_or_read(labels, spec, table, notes)
    wanted = features(list(table.columns), spec)
    frame = pd.DataFrame({column: typed(table, column, notes) for column in wanted})
    task = spec.task or "classes"
    return Pool("tabular", frame, y, names, source, own_test, task=task, notes=notes)


def typed(table: Table, column: str, notes: list[str]) -> pd.Series:
    """A column as float64 if all its values are finite numbers, else as text; NaN where missing.

    Raises UserError for infinite numbers, and for numbers with a decimal comma: as categories they
    would say nothing of more and less.
    """
    cells = table.columns[column]
    words = None
    if isinstance(cells, np.ndarray):
        numbers = pd.Series(cells.astype(np.float64))
    else:
        words = pd.Series(_words(cells, column, table), dtype=object)
        numbers = pd.to_numeric(words, errors="coerce").astype(np.float64)
    wild = np.flatnonzero(np.isinf(numbers))
    if len(wild):
        raise UserError(
            f"path: {table.path}, {table.place(wild[0])}: column {quoted(column)} holds "
            f"{len(wild)} infinite value(s); mend them, leave them empty, or name the column in "
            "`drop`"
        )
    if words is None:
        return numbers
    present, valid = words.notna(), numbers.notna()
    if valid.sum() == present.sum():
        return numbers
    wrong = words[present & ~valid]
    commas = wrong[wrong.str.fullmatch(DECIMAL_COMMA)]
    if len(commas) and valid.sum() + len(commas) > MOSTLY * present.sum():
        raise UserError(
            f"path: {table.path}, {table.place(commas.index[0])}: column {quoted(column)} holds "
            f"numbers with a comma, as {quoted(commas.iloc[0])}, {len(commas)} of "
            f"{int(present.sum())}: write them with a decimal point (1.5), or name the column in "
            "`drop`"
        )
    if valid.sum() > MOSTLY * present.sum():
        notes.append(
            f"column {quoted(column)}: {len(wrong)} of {int(present.sum())} values are no numbers "
            f"(as {quoted(wrong.iloc[0])} in {table.place(wrong.index[0])}), so all are taken as "
            "categories"
        )
    return words


def _words(cells: Sequence[Any], column: str, table: Table) -> list[str | None]:
    """Values as text, None where missing; true and false as 1 and 0, which CSV has no word for."""
    words: list[str | None] = []
    for row, cell in enumerate(cells):
        if isinstance(cell, (list, dict, bytes)):
            raise UserError(
                f"path: {table.path}, {table.place(row)}: column {quoted(column)} holds a "
                f"{type(cell).__name__}, of which a table makes nothing: name it in `drop`"
            )
        text = str(int(cell)) if isinstance(cell, bool) else as_text(cell)
        words.append(None if is_missing(text) else text)
    return words


def encode(pool: Pool, rows: dict[str, np.ndarray], spec: DataSpec) -> Encoded:
    """Turn the pool's DataFrame into float32 [n, F] per split.

    Numeric columns: missing values become the training median, and where training has any, a 0/1
    column says which; then (v − mean)/std, except that columns of only 0 and 1 stay so. Other
    columns: one 0/1 column per value seen in training, `(missing)` being a value; above CATEGORIES
    values the rarest share one, which also takes values never seen in training (all zeros where
    there is no such column).
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table: pd.DataFrame = pool.x
    train = table.iloc[rows["train"]]
    notes = []
    kinds: dict[str, list[str]] = {"numeric": [], "binary": [], "category": []}
    for name in table.columns:
        kind, note = _kind(train[name])
        if note:
            notes.append(f"column {quoted(name)}: {note}")
        if kind:
            kinds[kind].append(name)
    if not any(kinds.values()):
        raise UserError(
            "path: no column is left to learn from: each is the label, dropped, or empty"
        )
    for name in kinds["numeric"] + kinds["binary"]:
        gaps = int(table[name].isna().sum())
        if gaps and not train[name].isna().any():
            notes.append(
                f"column {name!r}: {gaps} missing value(s), none in training: filled with the "
                "training median, without a column that says so"
            )
    category = table[kinds["category"]].astype(object)
    table = table.assign(**category.where(category.notna(), MISSING))
    encoder = ColumnTransformer(
        [
            (
                "numeric",
                make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
                kinds["numeric"],
            ),
            ("binary", SimpleImputer(strategy="median"), kinds["binary"]),
            (
                "missing",
                MissingIndicator(error_on_new=False),
                kinds["numeric"] + kinds["binary"],
            ),
            (
                "category",
                OneHotEncoder(
                    max_categories=CATEGORIES,
                    handle_unknown="infrequent_if_exist",
                    sparse_output=False,
                    dtype=np.float32,
                ),
                kinds["category"],
            ),
        ],
        verbose_feature_names_out=False,
        sparse_threshold=0,
    )
    encoder.fit(table.iloc[rows["train"]])
    with np.errstate(over="ignore"):  # what overflows is refused by name below
        x = {part: encoder.transform(table.iloc[r]).astype(np.float32) for part, r in rows.items()}
    columns = [str(name) for name in encoder.get_feature_names_out()]
    for values in x.values():
        wild = np.flatnonzero(~np.isfinite(values).all(axis=0))
        if len(wild):
            raise UserError(
                f"path: column {columns[wild[0]]!r} holds numbers too large to standardise; "
                "rescale it or name it in `drop`"
            )
    return Encoded(x, (len(columns),), columns=columns, notes=notes)


def _kind(train: pd.Series) -> tuple[str | None, str | None]:
    """What a column is, judged by its training rows, and a note where that is worth one."""
    values = train.dropna()
    if values.empty:
        return None, "no value in training; left out"
    distinct = values.nunique()
    # A constant column stays, so that a model's width follows from the file, not from the split.
    note = None
    if distinct == 1 and len(values) == len(train):
        note = (
            f"one value in all of training ({quoted(str(values.iloc[0]))}): nothing to learn from"
        )
    if pd.api.types.is_numeric_dtype(values):
        return ("binary" if set(values.unique()) <= {0, 1} else "numeric"), note
    if distinct > CATEGORIES:
        note = (
            f"{distinct} different values in training: the {CATEGORIES - 1} most frequent keep a "
            "column each, the others share one"
        )
        if distinct > len(values) / 2:
            note += "; it looks like an identifier: name it in `drop` if it is one"
    return "category", note
