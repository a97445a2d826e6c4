"""A user's own texts with a class, labels or a number each: CSV, JSON lines, parquet, feather."""

from __future__ import annotations

from ..data.pool import Pool, own_source
from ..data.user_tables import check_table, read_table, text_columns
from ..records.data import DataSpec
from .descriptor import Source
from .inspect import path_file


def read(spec: DataSpec) -> Pool:
    """A user's own texts: label and text columns of a file, others are not looked at."""
    from ..data.user_texts import text_pool

    table = read_table(spec.path, text_columns(spec), every=False)
    return text_pool(table, spec, own_source(spec.path))


def check(spec: DataSpec) -> None:
    check_table(spec.path, text_columns(spec))


SOURCE = Source(
    name="text",
    kind="text",
    origin="own",
    description="texts in a file: CSV, or by its ending JSON lines, parquet or feather",
    read=read,
    keys=("path", "task", "label", "separator", "text"),
    check=check,
    files=path_file,
)
