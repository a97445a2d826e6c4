"""A user's own table: CSV, JSON lines, parquet or feather."""

from __future__ import annotations

from ..data.pool import Pool, own_source
from ..data.user_tables import check_table, features, read_table, table_columns
from ..records.data import DataSpec
from .descriptor import Source
from .inspect import path_file


def read(spec: DataSpec) -> Pool:
    """A user's own table: columns with names, one or more of them the label, others to learn from.

    See `textfiles.read_rows` for the format of CSV and `tables.typed` for what is a number.
    """
    from ..data.tables import table_pool

    return table_pool(read_table(spec.path, table_columns(spec)), spec, own_source(spec.path))


def check(spec: DataSpec) -> None:
    header = check_table(spec.path, table_columns(spec))
    if header:
        features(header, spec)


SOURCE = Source(
    name="csv",
    kind="tabular",
    origin="own",
    description="a table in a file with a header: CSV, or by its ending JSON lines, parquet or "
    "feather",
    read=read,
    keys=("path", "task", "label", "separator", "drop"),
    check=check,
    files=path_file,
)
