"""Records with types: a frozen dataclass to JSON and back, refused where it is not one.

Every file that a stage hands to the next is one dataclass of this room, which says what it holds.
pydantic checks it: a missing key, an unknown one, text for a number are one line that names the
file and the key. JSON has no infinity: a number that may have no end is `float | None`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from ..errors import UserError
from .files import REBUILD, SCHEMA, digest, read_sealed, write_sealed

if TYPE_CHECKING:
    from ..running.program import Job

T = TypeVar("T")
SchemaVersion = Literal[SCHEMA]


@dataclass(frozen=True)
class Refused:
    """Stands where there is no result, and says why."""

    refused: str  # the reason, a sentence without a full stop


@lru_cache
def _adapter(kind: type[T]) -> TypeAdapter[tuple[T]]:
    # Inside a tuple, since pydantic takes a configuration for a bare dataclass from it alone.
    return TypeAdapter(tuple[kind], config=ConfigDict(extra="forbid", allow_inf_nan=False))


def as_json(record: Any) -> Any:
    """A record as JSON-ready values; a field that holds another type than it says is an error."""
    adapter = _adapter(type(record))
    try:
        return adapter.dump_python((record,), mode="json", warnings="error")[0]
    except PydanticSerializationError as fault:
        raise TypeError(f"{type(record).__name__}: {fault}") from None


def parse(kind: type[T], value: Any, where: str) -> T:
    """`value`, as read from JSON, as a `kind`; UserError, beginning with `where`, if it is none.

    "12" and true are no numbers: strict says so, and takes JSON's lists and objects for tuples and
    dataclasses only as JSON.
    """
    try:
        return _adapter(kind).validate_json(json.dumps((value,)), strict=True)[0]
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"][1:]) or "the whole"
        raise UserError(
            f"{where}: not a {kind.__name__}: {key}: {first['msg'].lower()}; {REBUILD}"
        ) from None


def write(path: str | os.PathLike, record: Any) -> None:
    """Write a record as readable JSON, sealed, whole or not at all."""
    write_sealed(path, as_json(record))


def read(path: str | os.PathLike, kind: type[T]) -> T:
    """Read a record of a kind; UserError, naming the file and the key, if it is not one or was
    changed after it was written."""
    return parse(kind, read_sealed(path), str(path))


def digest_of(record: Any) -> str:
    """Short SHA-256 of a record's JSON: of a job's slice, which configuration it stands for."""
    return digest(as_json(record))


def spec_of(job: Job, kind: type[T]) -> T:
    """The slice of the study that a rule hands to its program."""
    return parse(kind, job.spec, f"the slice of {job.made}")
