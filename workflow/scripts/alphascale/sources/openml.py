"""Tables of OpenML, by name or number, through scikit-learn."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.fetch import fetch, folder_of
from ..data.pool import Pool, origin_of, own_source
from ..data.textfiles import need_columns
from ..data.user_tables import from_arrow, table_columns
from ..errors import UserError, first_line
from ..records.data import DataSpec, Origin
from .descriptor import Source

if TYPE_CHECKING:
    import pandas as pd


def read(spec: DataSpec) -> Pool:
    """A table with the target that OpenML names, or the column `label`.

    Of `path`, an .arff file; else of `NAME.arff` in downloads/openml/, or what scikit-learn keeps
    there of an earlier download, or the network.
    """
    import pyarrow as pa

    from ..data.tables import table_pool

    frame, targets, source, notes = _found(spec)
    if spec.label is None:
        if len(targets) != 1:
            said = ", ".join(targets) or "no column"
            raise UserError(
                f"label: {source.name} names {said} as its target: give the column of yours, or "
                "with `task: labels` a list of columns"
            )
        spec = replace(spec, label=targets[0])
    elif left := [t for t in targets if t not in spec.label and t not in (spec.drop or ())]:
        notes.append(f"column {left[0]!r}, the target that OpenML names, is one to learn from here")
    need_columns(table_columns(spec), list(frame.columns))
    table = from_arrow(pa.Table.from_pandas(frame, preserve_index=False), source.name)
    return table_pool(table, spec, source, notes=notes)


def _found(spec: DataSpec) -> tuple[pd.DataFrame, list[str], Origin, list[str]]:
    """The whole table, the names of its targets, where it is from, and notes."""
    if spec.path is not None and os.path.isfile(spec.path):
        return *_arff(spec.path), own_source(spec.path), []
    folder = folder_of(spec.path, "openml")
    by_hand = folder / f"{spec.name}.arff"
    if by_hand.is_file():
        return *_arff(str(by_hand)), own_source(str(by_hand)), []
    folder.mkdir(parents=True, exist_ok=True)

    def load() -> Any:
        from sklearn.datasets import fetch_openml

        which = {"data_id": spec.name} if isinstance(spec.name, int) else {"name": spec.name}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of several versions it takes the oldest: noted below
            return fetch_openml(
                **which,
                data_home=str(folder.parent),
                as_frame=True,
                parser="pandas",
                n_retries=1,
                target_column=None,
            )

    bunch = _of_cache(folder, load) or fetch(
        f"data set {spec.name}",
        "https://www.openml.org",
        f"put it as {spec.name}.arff into {folder}/, or give its .arff file by `path`",
        load,
        key="name",
    )
    about = bunch.details
    held = sorted((folder / "openml.org").rglob(f"*{about['id']}*"))
    name = f"{about['name']} (OpenML {about['id']})"
    address = f"https://www.openml.org/d/{about['id']}"
    origin = origin_of(
        name, address, about.get("licence") or "none stated", [p for p in held if p.is_file()]
    )
    notes = [f"OpenML's data set {about['id']}, version {about['version']} of {about['name']}"]
    # Said with a comma between them where there are several.
    targets = [t.strip() for t in str(about.get("default_target_attribute") or "").split(",")]
    return bunch.frame, [t for t in targets if t in bunch.frame.columns], origin, notes


def _of_cache(folder: Path, load: Any) -> Any:
    """What was fetched before, without network; None if it is not there, or not whole."""
    if not (folder / "openml.org").is_dir():
        return None
    import socket

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5)
    try:
        return load()
    except Exception:  # whatever it met, the network is the way out, and then a message
        return None
    finally:
        socket.setdefaulttimeout(before)


def _arff(path: str) -> tuple[pd.DataFrame, list[str]]:
    """An .arff file, whose target is by custom its last column; UserError if it is damaged."""
    import pandas as pd
    from sklearn.externals import _arff as liac  # scipy's reader does not know quotes or text

    try:
        with open(path, encoding="utf-8") as stream:
            found = liac.load(stream)
    except (liac.ArffException, ValueError, TypeError, OSError) as fault:
        why = first_line(fault)
        raise UserError(f"path: {path} cannot be read as .arff ({why})") from None
    names = [name for name, _ in found["attributes"]]
    if len(set(names)) < len(names) or not found["data"]:
        fault = "no rows" if not found["data"] else "two columns of one name"
        raise UserError(f"path: {path} has {fault}")
    return pd.DataFrame(found["data"], columns=names), names[-1:]


def check(spec: DataSpec) -> None:
    if spec.name is None and not (spec.path or "").lower().endswith(".arff"):
        raise UserError(
            "name: source `openml` needs the `name` of a data set, its number there, or the `path` "
            "of an .arff file"
        )
    if spec.name is None and not os.path.isfile(spec.path or ""):
        raise UserError(f"path: {spec.path!r} does not exist: give an .arff file")
    if isinstance(spec.name, str) and {"/", "\\"} & set(spec.name):
        raise UserError(f"name: {spec.name!r} is no name that OpenML has: it holds a slash")


def files(spec: DataSpec) -> list[str]:
    return [spec.path] if spec.path and os.path.isfile(spec.path) else []


SOURCE = Source(
    name="openml",
    kind="tabular",
    origin="downloaded",
    description="a table of OpenML by `name` or number (scikit-learn), or an .arff file by `path`",
    read=read,
    keys=("name", "path", "task", "label", "separator", "drop"),
    check=check,
    files=files,
)
