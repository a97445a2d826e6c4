"""Tools whose runs can be read: one file each, which owns all that is true of it.

A file that defines KIND (see ../descriptor.py) is known to `alphascale import` from then on.
"""

from __future__ import annotations

from functools import lru_cache

from ...registry import discover
from ..descriptor import Kind


@lru_cache
def kinds() -> dict[str, Kind]:
    """The kinds of this folder by name, the more particular before the more general."""
    found = discover(__name__, __path__, "KIND").values()
    return {each.name: each for each in sorted(found, key=lambda each: (each.place, each.name))}
