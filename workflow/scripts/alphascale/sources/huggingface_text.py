"""Texts of a data set of Hugging Face: by name, or a file or folder of the user's own."""

from __future__ import annotations

from ..data import huggingface
from ..data.pool import Pool
from ..data.user_tables import text_columns
from ..records.data import DataSpec
from .descriptor import Source


def read(spec: DataSpec) -> Pool:
    """Label and text columns of its splits; others are not looked at."""
    from ..data.user_texts import text_pool

    wanted = text_columns(spec)
    with huggingface.opened(spec, wanted) as found:
        table = huggingface.table_of(found, list(dict.fromkeys(c for _, c in wanted)))
        labels = huggingface.labels_of(found, table, spec)
        own_test = huggingface.tests_own(found)
        return text_pool(table, spec, found.source, labels, own_test, found.notes)


SOURCE = Source(
    name="huggingface_text",
    kind="text",
    origin="downloaded",
    description="texts of Hugging Face `datasets`, by `name` on the hub or by `path`: a file or "
    "folder of parquet, arrow, json or csv, or what `save_to_disk` left",
    read=read,
    keys=("name", "subset", "path", "task", "label", "separator", "text"),
    check=huggingface.check,
    files=huggingface.files,
    state=huggingface.state,
)
