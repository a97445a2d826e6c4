"""A user's own texts: columns joined, rows without any left out, which a note says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import UserError, quoted
from .labels import as_text, labels_or_read
from .pool import Pool
from .user_tables import Table

if TYPE_CHECKING:
    import numpy as np

    from ..records.data import DataSpec, Origin


def text_pool(
    table: Table,
    spec: DataSpec,
    source: Origin,
    labels: tuple[np.ndarray, list[str]] | None = None,
    own_test: np.ndarray | None = None,
    notes: list[str] | None = None,
) -> Pool:
    """A pool of texts: the columns that `text` names joined by line ends, missing ones left out.

    labels: y and names where they were read before; own_test: as in Pool; notes: what is to be told
    already.
    """
    texts = joined_texts(table, spec.text or ["text"])
    notes = list(notes or ())
    y, names = labels_or_read(labels, spec, table, notes)
    kept = [row for row, text in enumerate(texts) if text.strip()]
    if len(kept) < len(texts):
        notes.append(f"dropped {len(texts) - len(kept)} of {len(texts)} rows that have no text")
    task = spec.task or "classes"
    # Whose every text is empty, a class is gone: it must not stay in the list of names.
    if task != "numbers":
        held = set(y[kept].tolist()) if task == "classes" else set(y[kept].any(0).nonzero()[0])
        gone = sorted(set(range(len(names))) - held)
        if gone:
            name = quoted(names[gone[0]])
            raise UserError(f"text: class {name} has no row with any text in {table.path}")
    if own_test is not None:
        own_test = own_test[kept]
    texts = [texts[row] for row in kept]
    return Pool("text", texts, y[kept], names, source, own_test, task=task, notes=notes)


def joined_texts(table: Table, columns: list[str]) -> list[str]:
    """The columns of each row joined by line ends, missing ones left out."""
    plain = [
        [_plain(cell, column, row, table) for row, cell in enumerate(table.columns[column])]
        for column in columns
    ]
    return ["\n".join(filter(None, row)) for row in zip(*plain, strict=True)]


def _plain(cell: Any, column: str, row: int, table: Table) -> str:
    """A value as text: null is empty, a list or an object is an error."""
    if isinstance(cell, (list, dict, bytes)):
        raise UserError(
            f"text: {table.path}, {table.place(row)}: {column!r} is a {type(cell).__name__}, not a "
            "text"
        )
    return as_text(cell, strip=False)
