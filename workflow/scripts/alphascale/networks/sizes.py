"""What a size may say: the keys of every family, their types, bounds and defaults. No torch here.

The configuration is validated with this table before anything trains.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from ..errors import UserError


@dataclass(frozen=True)
class Key:
    """One key of a size: type, least value, value it stays below, default (None: needed).

    With `choices` it is one of these instead.
    """

    type: type
    least: float = 0
    below: float | None = None
    default: Any = None
    even: bool = False
    choices: tuple[Any, ...] = ()

    def describe(self) -> str:
        if self.choices:
            return "one of " + ", ".join(str(choice).lower() for choice in self.choices)
        noun = {int: "an integer", float: "a number"}[self.type]
        bounds = (
            f" ≥ {self.least:g}" if self.below is None else f" in [{self.least:g}, {self.below:g})"
        )
        return ("an even integer" if self.even else noun) + bounds

    def allows(self, value: Any) -> bool:
        if self.choices:
            return type(value) is self.type and value in self.choices
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if self.type is int and value != int(value):
            return False
        # NaN fails the first comparison.
        inside = value >= self.least and (self.below is None or value < self.below)
        return inside and abs(value) != float("inf") and not (self.even and value % 2)


DROPOUT = 1.0

# family → key → what it may be. `scale` names the key that the search for N* turns.
KEYS: dict[str, dict[str, Key]] = {
    "mlp": {
        "width": Key(int, 1),
        "depth": Key(int, 1, default=3),
        "dropout": Key(float, 0, DROPOUT, default=0.3),
    },
    "cnn": {
        # A multiplier of 64-128-256 channels: 1/64 is one channel in the first stage.
        "width": Key(float, 1 / 64),
        "dropout": Key(float, 0, DROPOUT, default=0.3),
        "spatial_dropout": Key(float, 0, DROPOUT, default=0.1),
    },
    "transformer": {
        "d_model": Key(int, 2, even=True),
        "n_layers": Key(int, 1),
        "heads": Key(int, 1, default=0),  # 0: by the rule
        "dropout": Key(float, 0, DROPOUT, default=0.1),
    },
    "transformer_lm": {
        "d_model": Key(int, 2, even=True),
        "n_layers": Key(int, 1),
        "dropout": Key(float, 0, DROPOUT, default=0.1),
        "positions": Key(str, choices=("learned", "rotary"), default="learned"),
        "tied": Key(bool, choices=(False, True), default=False),
    },
    "resnet_bk": {
        "d_model": Key(int, 2, even=True),
        "n_layers": Key(int, 1),
        "dropout": Key(float, 0, DROPOUT, default=0.1),
    },
}
# Kinds of data that a family takes.
KINDS = {
    "mlp": ("tabular", "image"),
    "cnn": ("image",),
    "transformer": ("text",),
    "transformer_lm": ("tokens",),
    "resnet_bk": ("tokens",),
}


def check_size(family: str, size: Any, where: str = "size") -> dict[str, Any]:
    """The size with its defaults filled in, numbers in the types of the table.

    A `module:factory` family takes any mapping from names to values: it comes back as it is.
    Raises UserError, beginning with `where`, that names the key and what is allowed.
    """
    if not isinstance(size, dict):
        raise UserError(f"{where}: a size is a mapping of {family}'s keys, not {size!r}")
    if ":" in family:
        for key in size:
            if not isinstance(key, str) or not key.isidentifier():
                raise UserError(
                    f"{where}: {key!r} is not a name that {family} could be called with"
                )
        return dict(size)
    keys = _keys(family, where)
    for key in size:
        if key not in keys:
            close = difflib.get_close_matches(str(key), keys, n=1)
            hint = f"did you mean `{close[0]}`? " if close else ""
            raise UserError(
                f"{where}.{key}: unknown key; {hint}allowed for {family}: {', '.join(keys)}"
            )
    complete = {}
    for name, key in keys.items():
        if name not in size and key.default is None:
            raise UserError(f"{where}.{name}: this key is needed for {family}: {key.describe()}")
        value = size.get(name, key.default)
        if name in size and not key.allows(value):
            raise UserError(f"{where}.{name}: must be {key.describe()}, not {value!r}")
        complete[name] = key.type(value)
    if family == "transformer":
        _check_heads(complete, where)
    return complete


def check_kind(family: str, kind: str, where: str = "family") -> None:
    """Raise UserError if the family cannot take a kind of data (image, tabular, text, tokens)."""
    if ":" in family:
        return
    _keys(family, where)
    if kind not in KINDS[family]:
        fitting = [name for name, kinds in KINDS.items() if kind in kinds]
        raise UserError(
            f"{where}: {family} takes {' or '.join(KINDS[family])} data and the source is {kind}: "
            f"use {' or '.join(fitting) or 'a model of your own'}, or your own `module:factory`"
        )


def default_heads(d_model: int) -> int:
    """Attention heads of the reference system's rule: the first of 8, 4, 2, 1 that divides d."""
    return next(count for count in (8, 4, 2, 1) if d_model % count == 0)


def channels(width: float) -> tuple[int, int, int]:
    """Channels of the CNN's three stages: ⌊width · (64, 128, 256)⌋, at least one."""
    first, second, third = (max(1, int(width * base)) for base in (64, 128, 256))
    return first, second, third


def _check_heads(size: dict[str, Any], where: str) -> None:
    """Fill in the rule's number of heads, or check the given one."""
    d_model = size["d_model"]
    size["heads"] = size["heads"] or default_heads(d_model)
    if d_model % size["heads"]:
        raise UserError(
            f"{where}.heads: {size['heads']} heads do not divide d_model {d_model} evenly"
        )


def _keys(family: str, where: str) -> dict[str, Key]:
    if family not in KEYS:
        raise UserError(
            f"{where}: unknown family {family!r}: one of {', '.join(KEYS)}, or `module:factory`"
        )
    return KEYS[family]
