"""A table of a data set of Hugging Face: by name, or a file or folder of the user's own."""

from __future__ import annotations

from ..data import huggingface
from ..data.pool import Pool
from ..data.user_tables import table_columns
from ..records.data import DataSpec
from .descriptor import Source


def read(spec: DataSpec) -> Pool:
    """All columns of its splits but those of `drop`."""
    from ..data.tables import table_pool

    with huggingface.opened(spec, table_columns(spec)) as found:
        kept = [name for name in found.data.column_names if name not in (spec.drop or ())]
        table = huggingface.table_of(found, kept)
        labels = huggingface.labels_of(found, table, spec)
        own_test = huggingface.tests_own(found)
        return table_pool(table, spec, found.source, labels, own_test, found.notes)


SOURCE = Source(
    name="huggingface_table",
    kind="tabular",
    origin="downloaded",
    description="a table of Hugging Face `datasets`, by `name` on the hub or by `path`: a file or "
    "folder of parquet, arrow, json or csv, or what `save_to_disk` left",
    read=read,
    keys=("name", "subset", "path", "task", "label", "separator", "drop"),
    check=huggingface.check,
    files=huggingface.files,
    state=huggingface.state,
)
