"""Sources of data: one file each, which owns all that is true of it.

A file that defines SOURCE (see descriptor.py) is a source of the project from then on: the
configuration, the preparation, staleness and the reference know it.
"""

from __future__ import annotations

from functools import lru_cache

from ..registry import discover
from .descriptor import ORIGINS, Source


@lru_cache
def sources() -> dict[str, Source]:
    """The sources of this folder by name: language models' last, a user's own after the others."""
    found = sorted(
        discover(__name__, __path__, "SOURCE").values(),
        key=lambda each: (each.corpus, ORIGINS.index(each.origin), each.name),
    )
    return {each.name: each for each in found}


def source(name: str) -> Source:
    """A source by name; KeyError for any other."""
    return sources()[name]
