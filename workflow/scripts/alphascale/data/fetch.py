"""Fetching by the ecosystem's own loaders, and what to tell a person where there is no network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import UserError

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")
DOWNLOADS = "downloads"
# Seconds until a silent network counts as none: the loaders themselves would try for minutes.
TIMEOUT = 15


def fetch(what: str, address: str, by_hand: str, load: Callable[[], T], key: str = "source") -> T:
    """Call `load`, which needs the network, if `address` answers; UserError with `by_hand` if not.

    what: the thing wanted, in the message; by_hand: what to put where instead.
    """
    reason = unreachable(address)
    if reason is None:
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(4 * TIMEOUT)
        try:
            return load()
        except Exception as fault:  # whatever the loader met, the way out is the same
            reason = f"{type(fault).__name__}: {(str(fault).strip() or '-').splitlines()[0]}"
        finally:
            socket.setdefaulttimeout(before)
    raise UserError(f"{key}: could not fetch {what} from {address} ({reason}); {by_hand}")


def unreachable(address: str) -> str | None:
    """Why no server answers at `address`, through the proxies of the environment; None if one does.

    An answer of refusal counts as one: some servers do not let a file's head be asked for.
    """
    import urllib.error
    import urllib.request

    try:
        request = urllib.request.Request(address, method="HEAD")
        with urllib.request.urlopen(request, timeout=TIMEOUT):
            return None
    except urllib.error.HTTPError:
        return None
    except (OSError, ValueError) as fault:
        return str(getattr(fault, "reason", fault))


def folder_of(path: str | None, name: str | None = None) -> Path:
    """The folder that the files of a downloaded source lie in or go to: `path`, or downloads/."""
    folder = Path(path or DOWNLOADS)
    return folder / name if name else folder


def from_hub(name: str, dataset: str, folder: Path, pattern: str, by_hand: str) -> None:
    """Fetch the files of a data set of the Hugging Face hub that fit a pattern into a folder."""
    from filelock import FileLock
    from huggingface_hub import constants, snapshot_download

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        fetch(
            name,
            f"{constants.ENDPOINT}/datasets/{dataset}",
            by_hand,
            lambda: snapshot_download(
                dataset, repo_type="dataset", local_dir=folder, allow_patterns=pattern
            ),
        )


def read_parquet(path: Path, columns: list[str]) -> pandas.DataFrame:
    """Columns of a parquet file; UserError if it is not one with these."""
    import pandas as pd

    try:
        return pd.read_parquet(path, columns=columns)
    except Exception as fault:  # pyarrow has its own, and not all of them are public
        raise UserError(f"source: {path} is not the expected parquet file ({fault})") from None
