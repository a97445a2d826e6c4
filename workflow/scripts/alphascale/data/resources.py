"""Data that ship with alphascale, in `resources/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..records.data import Origin
from ..records.files import sha256_file
from .pool import origin_of

if TYPE_CHECKING:
    import pandas

# The repository: this file is workflow/scripts/alphascale/data/resources.py in it.
ROOT = Path(__file__).resolve().parents[4]


def resource(name: str) -> Path:
    """The file of an embedded data set."""
    return ROOT / "resources" / f"{name}.csv.gz"


def resource_state(name: str) -> str:
    """The file's content as a digest: where the project lies makes no difference."""
    return sha256_file(resource(name)) if resource(name).exists() else "missing"


def read_resource(name: str, citation: str) -> tuple[pandas.DataFrame, Origin]:
    """The table and where it is from; all of them are under CC BY 4.0."""
    import pandas as pd

    path = resource(name)
    if not path.exists():
        raise UserError(
            f"source: {path} is missing: the embedded data lie in resources/ of the repository; "
            "restore it with git"
        )
    return pd.read_csv(path), origin_of(name, citation, "CC BY 4.0", [path])
