"""What one file of this folder says of its family of models. No torch here or there.

The Snakefile reads every descriptor, and each job of a cluster reads the Snakefile again: so torch
is imported by `build` alone, when a model is really built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

Size = dict[str, Any]  # a family's keys and their values
# Kinds of data: images, numbers in columns, texts with a class, token ids of running text.
KINDS = ("image", "tabular", "text", "tokens")
# The largest number of a size: wider or deeper, a model would not fit into any memory.
MOST = 1_000_000


@dataclass(frozen=True)
class Key:
    """One key of a size."""

    # int, float, bool, str or list; a number is at most MOST, a list is of text
    type: type
    least: float = 0  # smallest value allowed
    below: float | None = None  # value that it stays below, None for no bound
    default: Any = None  # value where it is not given, None where it must be
    even: bool = False  # only even integers
    choices: tuple[Any, ...] = ()  # it is one of these instead
    # between two sizes of a ladder it has the value of the nearer, never one between them
    nearest: bool = False
    meaning: str = ""  # for the reference

    def describe(self) -> str:
        if self.choices:
            return "one of " + ", ".join(str(choice).lower() for choice in self.choices)
        if self.type in (str, list):
            return "text" if self.type is str else "a list of text"
        noun = {int: "an integer", float: "a number"}[self.type]
        bounds = f" ≥ {self.least:g}"
        if self.below is not None:
            bounds = f" in [{self.least:g}, {self.below:g})"
        return ("an even integer" if self.even else noun) + bounds

    def allows(self, value: Any) -> bool:
        if self.choices:
            return type(value) is self.type and value in self.choices
        if self.type in (str, list):
            texts = value if self.type is list else [value]
            return type(value) is self.type and all(
                isinstance(text, str) and text and text.isprintable() for text in texts
            )
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        # First, since NaN fails the comparison, and neither it nor infinity becomes an integer.
        if not (self.least <= value <= MOST and (self.below is None or value < self.below)):
            return False
        return not (self.type is int and value != int(value)) and not (self.even and value % 2)


def dropout(default: float, meaning: str = "share of activations dropped in training") -> Key:
    """A key that is a dropout rate."""
    return Key(float, 0, 1.0, default, meaning=meaning)


def nothing_known(size: Size) -> int:
    """No guess of a size's parameters: a scheduler is asked for the least."""
    return 0


@dataclass(frozen=True)
class Family:
    """All that is true of a family of models."""

    name: str  # as a study writes it
    title: str  # as figures and documents write it
    description: str  # one line for the reference
    kinds: tuple[str, ...]  # of KINDS, what it takes
    # called as build(members, meta, **size) under a default device, gives the nn.Module of
    # `members` models: module(x, masks) is [M, B, classes], of a language model [M, B, length,
    # vocabulary]. Its parameters are [members, ...]; networks/members.py has layers of that form,
    # networks/plain.py makes one of an ordinary module.
    build: Callable[..., nn.Module]
    # called as widest(size, shape, vocabulary), gives how many numbers the widest activation of a
    # sample holds; shape is that of a sample
    widest: Callable[[Size, tuple[int, ...], int | None], int]
    # on a CPU, as many of them as stay in the cache: so many members are computed together
    cached: int
    keys: dict[str, Key] | None  # of a size; None for a model of the user's own, which takes any
    # the key that the search for N* turns; None where there is none, as in a model of the user's
    # own: every integer that varies along the ladder is then taken for one
    turned: str | None
    # called as step(shape, sizes), gives by how much it is turned; shape is the size to be built
    # but for that key, sizes are the ladder's
    step: Callable[[Size, list[Size]], float] | None
    # where it stands in lists; of those that take a kind of data, the first is the one to begin
    # with
    place: int = 100
    # weights of a complete size's body, to a factor of two, for a scheduler
    rough_params: Callable[[Size], int] = nothing_known
    derive: Callable[[Size], Size] | None = None  # fills in what follows from other keys
    # called as check(size, where) with a complete size, raises UserError for what no key by itself
    # shows
    check: Callable[[Size, str], None] | None = None
    # called as network(size) with a complete size, gives what it builds, where several sizes may
    # build the same
    network: Callable[[Size], Size] | None = None
    together_on_gpu: bool = True  # whether members are computed as one on a GPU
    # what other keys a size may have, in words: those of a library's own, which that alone can
    # check; empty where `keys` are all
    others: str = ""
    # of `metrics.TASKS`, what its models can be asked
    tasks: tuple[str, ...] = ("classes", "labels", "numbers", "next")
    # called as checkpoints(sizes), gives the pretrained models whose tokenizer must prepare the
    # data, by name or folder
    checkpoints: Callable[[list[Size]], list[str]] | None = None
    # called as trial(sizes, meta) with sizes by name once the data are there, raises UserError
    # for what only a library can tell; where given, every size is also built and run once
    trial: Callable[[dict[str, Size], Any], None] | None = None

    def complete(self, size: Size) -> Size:
        """A size with its defaults filled in, values in the types of the keys; not checked."""
        if self.keys is None:
            return dict(size)
        full = {name: key.type(size.get(name, key.default)) for name, key in self.keys.items()}
        if self.others:
            full |= {name: value for name, value in size.items() if name not in self.keys}
        return self.derive(full) if self.derive else full
