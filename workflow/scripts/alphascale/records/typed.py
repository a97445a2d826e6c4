"""Records with types: a frozen dataclass to JSON and back, refused where it is not one.

Every file that a stage hands to the next is one dataclass of this room, which says what it holds.
pydantic checks it: a missing key, an unknown one, text for a number are one line that names the
file and the key. Numbers without end are written as null: JSON has no infinity.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..errors import UserError
from .files import REBUILD, read_json, write_json

T = TypeVar("T")


@lru_cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def as_json(record: Any) -> Any:
    """A record as JSON-ready values: mappings, lists, numbers, text, null."""
    return _adapter(type(record)).dump_python(record, mode="json")


def parse(kind: type[T], value: Any, where: str) -> T:
    """`value`, as read from JSON, as a `kind`; UserError, beginning with `where`, if it is none."""
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise UserError(
            f"{where}: not a {kind.__name__}: {key}: {first['msg'].lower()}; {REBUILD}"
        ) from None


def write(path: str | os.PathLike, record: Any) -> None:
    """Write a record as readable JSON, whole or not at all."""
    write_json(path, as_json(record))


def read(path: str | os.PathLike, kind: type[T]) -> T:
    """Read a record of a kind; UserError, naming the file and the key, if it is not one."""
    return parse(kind, read_json(path), str(path))
