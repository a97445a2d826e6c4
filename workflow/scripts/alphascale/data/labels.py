"""What a label column says of every sample: its class, its labels, or a number.

Everything that is wrong in one ends in a line that names the column and the first place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UserError, quoted
from .pool import index_labels, is_missing

if TYPE_CHECKING:
    import numpy as np

    from ..records.data import DataSpec
    from .user_tables import Table

SEPARATOR = ";"
# More whole numbers than this may be an amount rather than the names of classes.
MANY = 30
# 1,5 or 1.234,5 or 2,0E-3: how much of Europe writes numbers, in files separated by semicolons.
DECIMAL_COMMA = r"[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+)?,\d+(?:[eE][-+]?\d+)?"
YES_NO = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}


def label_columns(spec: DataSpec) -> list[str]:
    """The columns that `label` names."""
    return spec.label if isinstance(spec.label, list) else [spec.label or "label"]


def read_labels(spec: DataSpec, table: Table) -> tuple[np.ndarray, list[str], list[str]]:
    """y and the names, as in `pool.Pool` by task, and notes."""
    return READ[spec.task or "classes"](spec, table)


def labels_or_read(
    labels: tuple[np.ndarray, list[str]] | None, spec: DataSpec, table: Table, notes: list[str]
) -> tuple[np.ndarray, list[str]]:
    """y and the names: as they were read before, or from the table, its notes added to `notes`."""
    if labels is not None:
        return labels
    y, names, more = read_labels(spec, table)
    notes += more
    return y, names


def as_text(cell: Any, strip: bool = True) -> str:
    """A value as text, empty for none. Of half a surrogate pair, which JSON may escape and UTF-8
    cannot hold, a question mark."""
    if cell is None or cell != cell:  # NaN alone is not itself
        return ""
    text = str(cell).encode("utf-8", "replace").decode("utf-8")
    return text.strip() if strip else text


def classes(spec: DataSpec, table: Table) -> tuple[np.ndarray, list[str], list[str]]:
    """A class in every row."""
    (column,) = label_columns(spec)
    cells = table.columns[column]
    for row, cell in enumerate(cells):
        if isinstance(cell, (list, dict)):
            raise UserError(
                f"label: {table.path}, {table.place(row)}: {column!r} is a {type(cell).__name__}, "
                "not a class; for several labels a sample write `task: labels`"
            )
    labels = [as_text(cell) for cell in cells]
    _all_there(labels, column, table)
    y, names = index_labels(labels)
    notes = []
    if len(names) > MANY and all(name.lstrip("-").isdigit() for name in names):
        notes.append(
            f"column {quoted(column)} holds {len(names)} different whole numbers, taken as "
            "classes: to predict a number write `task: numbers`"
        )
    return y, names, notes


def numbers(spec: DataSpec, table: Table) -> tuple[np.ndarray, list[str], list[str]]:
    """A finite number in every row, float64 as Python reads it."""
    import numpy as np

    (column,) = label_columns(spec)
    cells = table.columns[column]
    texts = [as_text(cell) for cell in cells]
    _all_there(texts, column, table)
    values = [_number(cell, text) for cell, text in zip(cells, texts, strict=True)]

    def refuse(rows: list[int], what: str, way_out: str) -> None:
        if rows:
            raise UserError(
                f"label: {table.path}, {table.place(rows[0])}: column {quoted(column)} holds "
                f"{what}, as {quoted(texts[rows[0]])}, in {len(rows)} of {len(texts)} rows: "
                f"{way_out}"
            )

    wrong = [row for row, value in enumerate(values) if value is None]
    commas = [row for row in wrong if re.fullmatch(DECIMAL_COMMA, texts[row])]
    refuse(commas, "numbers with a comma", "write them with a decimal point (1.5)")
    words = "for a class as target leave `task: numbers` out; else mend these rows"
    refuse(wrong, "what is no number", words)
    wild = [row for row, value in enumerate(values) if not math.isfinite(value)]
    refuse(wild, "an infinite number", "mend these rows or take them out")
    return np.array(values, dtype=np.float64), [column], []


def several(spec: DataSpec, table: Table) -> tuple[np.ndarray, list[str], list[str]]:
    """Any number of labels in every row: of one column, or of a list of columns of 0 and 1."""
    import numpy as np

    columns = label_columns(spec)
    if isinstance(spec.label, list):
        y = np.stack([_yes_no(table, column) for column in columns], axis=1)
        names = columns
    else:
        separator = spec.separator or SEPARATOR
        found = [_names(cell, separator) for cell in table.columns[columns[0]]]
        each, names = index_labels(name for row in found for name in row)
        y = np.zeros((len(found), len(names)), dtype=bool)
        y[np.repeat(np.arange(len(found)), [len(row) for row in found]), each] = True
    notes = []
    if bare := int((~y.any(axis=1)).sum()):
        notes.append(f"{bare} of {len(y)} samples have no label")
    if not isinstance(spec.label, list) and y.sum(axis=1).max() <= 1:
        notes.append(
            f"no sample has more than one label: `separator` {separator!r} stands between none; "
            "say what does, or take `task: classes`"
        )
    return y, names, notes


def _names(cell: Any, separator: str) -> list[str]:
    """The labels of a sample, of a list or of a text; none where it holds no value."""
    if isinstance(cell, (list, tuple)):
        found = [as_text(name) for name in cell]
    else:
        text = as_text(cell)
        found = [] if is_missing(text) else [name.strip() for name in text.split(separator)]
    return [name for name in found if name]


def _yes_no(table: Table, column: str) -> np.ndarray:
    import numpy as np

    texts = [as_text(cell) for cell in table.columns[column]]
    _all_there(texts, column, table)
    for row, text in enumerate(texts):
        if text.lower() not in YES_NO:
            raise UserError(
                f"label: {table.path}, {table.place(row)}: column {quoted(column)} holds "
                f"{quoted(text)}: of a list of label columns each holds 0 or 1"
            )
    return np.array([YES_NO[text.lower()] for text in texts], dtype=bool)


def _number(cell: Any, text: str) -> float | None:
    """A number as it is stored, or as Python reads it from text, but without its underscores."""
    try:
        if hasattr(cell, "__float__"):
            return float(cell)
        return float(text) if "_" not in text else None
    except (ValueError, OverflowError):
        return None


def _all_there(texts: Sequence[str], column: str, table: Table) -> None:
    """Raise UserError where a row has no label."""
    missing = [row for row, text in enumerate(texts) if is_missing(text)]
    if missing:
        row = missing[0]
        place = table.place(row)
        data_row = f", data row {row + 1}" if table.lines is not None else ""
        raise UserError(
            f"label: column {column!r} of {table.path} has no value in {len(missing)} of "
            f"{len(texts)} rows (first: {place}{data_row}); label these rows or take them out"
        )


Read = Callable[["DataSpec", "Table"], "tuple[np.ndarray, list[str], list[str]]"]
READ: dict[str, Read] = {"classes": classes, "numbers": numbers, "labels": several}
