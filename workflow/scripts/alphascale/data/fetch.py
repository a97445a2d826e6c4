"""Fetching by the ecosystem's own loaders, and what to tell a person where there is no network."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..errors import UserError

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
