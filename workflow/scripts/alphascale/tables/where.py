"""`--where "Training == 1"`: which rows of a CSV to take. A comparison of a column with a value, or
several joined by `and` and `or`, of which `and` binds first; nothing is ever run as code.

A column's name stands as it is, with its spaces, or in backticks; a value as it is, or in quotes.
Two numbers are compared as numbers, else as text, which only == and != can do.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable

from alphascale.errors import UserError, quoted
from alphascale.tables.reading import Table

COMPARE: dict[str, Callable] = {
    "==": operator.eq, "!=": operator.ne, "<=": operator.le, ">=": operator.ge, "<": operator.lt,
    ">": operator.gt,
}  # fmt: skip
EXAMPLE = (
    "write a column, one of ==, !=, <, <=, >, >=, and a value, without brackets, as in "
    '--where "Training == 1"'
)
# Quoted text whole, a comparison, a word between spaces, anything else.
_TOKEN = re.compile(r"""`[^`]*`|"[^"]*"|'[^']*'|[=!<>]=?|[^\s`"'=!<>]+""")


def where(table: Table, condition: str) -> tuple[Table, str]:
    """The rows for which `condition` holds, and a sentence that says how many they are.

    Raises UserError, one line, for what is no condition, for a column that is not there, for a
    cell that cannot be compared, and where no row is left.
    """
    kept = [False] * len(table.lines)
    for part in _split(_tokens(condition), "or", condition):
        holds = [True] * len(table.lines)
        for tokens in _split(part, "and", condition):
            test = _comparison(table, tokens, condition)
            holds = [a and b for a, b in zip(holds, test, strict=True)]
        kept = [a or b for a, b in zip(kept, holds, strict=True)]
    if not any(kept):
        raise UserError(
            f"{table.path}: none of {len(kept):,} rows has {condition}: look at the values there"
        )
    told = f"where {condition}: {sum(kept):,} of {len(kept):,} rows"
    return table.without({i for i, keep in enumerate(kept) if not keep}), told


def _tokens(condition: str) -> list[str]:
    found = _TOKEN.findall(condition)
    if "".join("".join(found).split()) != "".join(condition.split()):
        raise UserError(f"--where {quoted(condition)}: a quotation mark has no second; {EXAMPLE}")
    return found


def _split(tokens: list[str], word: str, condition: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token.lower() == word:
            parts.append([])
        else:
            parts[-1].append(token)
    if not tokens:
        raise UserError(f"--where is empty; {EXAMPLE}")
    if not all(parts):
        raise UserError(f"--where {quoted(condition)}: nothing beside {word!r}; {EXAMPLE}")
    return parts


def _comparison(table: Table, tokens: list[str], condition: str) -> list[bool]:
    places = [i for i, token in enumerate(tokens) if token in COMPARE]
    strange = [token for token in tokens if token in ("=", "!")]
    if strange or len(places) != 1 or not 0 < places[0] < len(tokens) - 1:
        raise UserError(f"--where {quoted(condition)} is no comparison; {EXAMPLE}")
    at = places[0]
    name, value = (_plain(part) for part in (tokens[:at], tokens[at + 1 :]))
    if name not in table.columns:
        if name[:1] == "(":
            raise UserError(f"--where {quoted(condition)} has brackets; {EXAMPLE}")
        known = ", ".join(table.columns)
        raise UserError(
            f"{table.path}: --where: column {name!r} is missing; the columns are {known}"
        )
    # What is quoted is text, "1.10" not 1.1, unless it is compared by size.
    as_text = tokens[at + 1][:1] in "\"'" and tokens[at] in ("==", "!=")
    compare, number = COMPARE[tokens[at]], None if as_text else _number(value)
    out = []
    for line, cell in zip(table.lines, table.columns[name], strict=True):
        own = _number(cell)
        if own is not None and number is not None:
            out.append(compare(own, number))
        elif tokens[at] in ("==", "!="):
            out.append(compare(cell.strip(), value))
        else:
            which = quoted(value) if number is None else quoted(cell)
            raise UserError(
                f"{table.path}, line {line}: --where {quoted(condition)}: {which} is not a number, "
                f"and {tokens[at]} compares numbers"
            )
    return out


def _plain(tokens: list[str]) -> str:
    """Words as they stood, or what is between quotation marks."""
    if len(tokens) == 1 and tokens[0][:1] in "`\"'":
        return tokens[0][1:-1]
    return " ".join(tokens)


def _number(text: str) -> float | None:
    """A number as it is written in a table; nan is none, which equals nothing."""
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) or "_" in text else value
