"""Whether a size, and a kind of data, is one that a family takes: in one line, if not."""

from __future__ import annotations

import difflib
import math
from typing import Any

from ..errors import UserError, quoted
from . import check_name, family, takers
from .descriptor import MOST, Size


def check_size(name: str, size: Any, where: str = "size") -> Size:
    """The size with its defaults filled in, numbers in the types of the family's keys.

    A `module:factory` family takes any mapping from names to values: it comes back as it is.
    Raises UserError, beginning with `where`, that names the key and what is allowed.
    """
    if not isinstance(size, dict):
        raise UserError(f"{where}: a size is a mapping of {name}'s keys, not {size!r}")
    try:
        check_name(name)
    except UserError as fault:
        raise UserError(f"{where}: {fault}") from None
    keys = family(name).keys
    if keys is None or family(name).others:
        for key, value in size.items():
            if not isinstance(key, str) or not key.isidentifier():
                raise UserError(f"{where}: {key!r} is not a name that {name} could be called with")
            if not _finite(value):
                raise UserError(
                    f"{where}.{key}: {value!r}: a number that is not finite builds none"
                )
    if keys is None:
        return dict(size)
    for key in size:
        if key not in keys and not family(name).others:
            close = difflib.get_close_matches(str(key), keys, n=1)
            hint = f"did you mean `{close[0]}`? " if close else ""
            raise UserError(
                f"{where}.{key}: unknown key; {hint}allowed for {name}: {', '.join(keys)}"
            )
    for key, allowed in keys.items():
        if key not in size and allowed.default is None:
            raise UserError(f"{where}.{key}: this key is needed for {name}: {allowed.describe()}")
        if key in size and not allowed.allows(size[key]):
            most = isinstance(size[key], (int, float)) and size[key] > MOST
            at_most = f" and at most {MOST:,}" if most else ""
            raise UserError(
                f"{where}.{key}: must be {allowed.describe()}{at_most}, not {quoted(size[key])}"
            )
    complete = family(name).complete(size)
    if family(name).check:
        family(name).check(complete, where)
    return complete


def check_kind(name: str, kind: str, where: str = "family") -> None:
    """Raise UserError if the family cannot take a kind of data (image, tabular, text, tokens)."""
    kinds = family(name).kinds
    if kind not in kinds:
        raise UserError(
            f"{where}: {name} takes {' or '.join(kinds)} data and the source is {kind}: use "
            f"{' or '.join(takers(kind)) or 'a model of your own'}, or your own `module:factory`"
        )


def _finite(value: Any) -> bool:
    """Whether no number in a value, however nested, is NaN or infinite."""
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
