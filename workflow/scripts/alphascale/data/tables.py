"""Tables: numbers standardised, categories one-hot, gaps filled, all from the training part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import UserError, quoted
from .pool import Encoded, Pool

if TYPE_CHECKING:
    from ..records.data import DataSpec

# A categorical column becomes at most this many 0/1 columns; the rarest values share the last one.
CATEGORIES = 32
MISSING = "(missing)"


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
        note = f"one value in all of training ({quoted(values.iloc[0])}): nothing to learn from"
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
