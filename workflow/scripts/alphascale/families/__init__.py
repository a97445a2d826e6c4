"""Families of models: one file each, which owns all that is true of it.

A file that defines FAMILY (see descriptor.py) is a family of the project from then on: the
configuration, the search for N*, the counting, training and the reference know it.
"""

from __future__ import annotations

from functools import lru_cache

from ..errors import UserError
from ..registry import discover
from .descriptor import Family
from .own import is_own, own_family


@lru_cache
def families() -> dict[str, Family]:
    """The families of this folder by name, in the order of lists."""
    found = discover(__name__, __path__, "FAMILY").values()
    return {each.name: each for each in sorted(found, key=lambda each: (each.place, each.name))}


@lru_cache
def family(name: str) -> Family:
    """A family by name, or a user's own by `module:factory`.

    Raises KeyError for any other name: see `unknown_family`.
    """
    return own_family(name) if is_own(name) else families()[name]


def takers(kind: str) -> list[str]:
    """Names of the families that take a kind of data."""
    return [name for name, each in families().items() if kind in each.kinds]


def check_name(name: str) -> None:
    """Raise UserError for a name that is neither a family's nor `module:factory`."""
    if name not in families() and not is_own(name):
        raise UserError(
            f"unknown family {name!r}: one of {', '.join(families())}, or `module:factory`"
        )
