"""The smallest architecture of a family that has so many parameters: found by building it.

The ladder shows what shape the user gives to larger models. Between two of its sizes, depth and
dropout lie between theirs, at the place that the parameters' logarithm has; beyond its ends they
stay as they are at the end. Then the width is turned up until the parameters are reached. Of a
family of the user's own, or of another library, every integer that varies along the ladder is taken
to be a width. Models that only a name tells apart, as checkpoints, are taken as they are: the
smallest of the ladder that is large enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..families import family
from .count import count_params

if TYPE_CHECKING:
    from ..families.descriptor import Family, Size
    from ..records.data import Meta

# A width of millions is a mistake, not a model.
MOST_DOUBLINGS = 22
# Beyond this a law asks for what nobody can build, and torch cannot count its tensors.
MOST_PARAMS = 1e14
# Places tried between two neighbours of a ladder whose family is the user's own.
PLACES = 64


def smallest_with(
    name: str, params: float, ladder: list[Size], meta: Meta, counted: str = "total"
) -> tuple[Size, dict[str, int]]:
    """The smallest (size, parameter counts) with at least `params` parameters.

    `counted` says which of them must reach `params`: "total" or "non_embedding". The size names the
    keys that the ladder names. For a family of the user's own or of another library: the smallest
    of the ladder's sizes, of those between two of them and of the largest's enlarged, as far as the
    factory accepts them.
    Raises UserError if none reaches `params`.
    """

    if params > MOST_PARAMS:
        raise UserError(
            f"no {name} of {params:.3g} parameters can be built: the law is almost flat, the "
            "target far beyond what more parameters can do"
        )

    def count(size: Size) -> int:
        return count_params(name, size, meta)[counted]

    rungs = sorted(((count(size), size) for size in ladder), key=lambda rung: rung[0])
    kind = family(name)
    if kind.keys is None or kind.others:
        found = _between_own(params, rungs, count, kind.turned, bool(kind.others))
    else:
        found = _turned(kind, params, rungs, count)
    if found is None and (last := _named(rungs[-1][1])):
        raise UserError(
            f"{params:.3g} parameters are more than {last} has, the largest of the ladder with "
            f"{rungs[-1][0]:,}: the law alone says how far a larger one would go; add it to the "
            "ladder"
        )
    if found is None:
        raise UserError(
            f"no {name} that the ladder's sizes lead to reaches {params:.3g} parameters: "
            "name an integer key in the sizes that grows along the ladder"
        )
    return found, count_params(name, found, meta)


def _named(size: Size) -> str | None:
    """What a size is called by, where it is one that exists already."""
    return next((size[key] for key in ("pretrained", "name") if key in size), None)


def lies_between(name: str, params: float, ladder: list[Size], meta: Meta, counted: str) -> str:
    """That so many parameters lie between two sizes that only a name tells apart, and which; empty
    where they do not, or where sizes between two can be built."""
    if _named(ladder[-1]) is None:
        return ""
    rungs = sorted(
        ((count_params(name, size, meta)[counted], size) for size in ladder),
        key=lambda rung: rung[0],
    )
    for (less, low), (more, high) in pairwise(rungs):
        if less < params < more and _named(low) != _named(high):
            return (
                f"{params:.3g} parameters lie between {_named(low)} ({less:,}) and {_named(high)} "
                f"({more:,}), the smallest of the ladder that has as many: none is between them"
            )
    return ""


def _turned(
    kind: Family, params: float, rungs: list[tuple[int, Size]], count: Callable[[Size], int]
) -> Size:
    """The shape for so many parameters, its width the smallest that reaches them."""
    sizes = [size for _, size in rungs]
    named = {key for size in sizes for key in size}
    low, high, place = _neighbours(params, [(n, kind.complete(size)) for n, size in rungs])
    shape = {
        key: (low if place < 0.5 else high)[key]
        if kind.keys[key].nearest
        else _between(low[key], high[key], place)
        for key in low
        if key in named
    }
    step = kind.step(shape, sizes)

    def size_at(turns: int) -> Size:
        return {**shape, kind.turned: kind.keys[kind.turned].type(turns * step)}

    above = 1
    while count(size_at(above)) < params:
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (above + below) // 2
        if count(size_at(middle)) < params:
            below = middle
        else:
            above = middle
    return size_at(above)


def _between_own(
    params: float,
    rungs: list[tuple[int, Size]],
    count: Callable[[Size], int],
    turned: str | None,
    library: bool,
) -> Size | None:
    """The smallest that is large enough, of the ladder, between its sizes or beyond the largest.

    turned: a key that is a width whether or not it is an integer; library: whether the models are a
    library's.
    """
    most, largest = rungs[-1]
    varying = [
        key
        for key, value in largest.items()
        if (type(value) is int or key == turned) and value != rungs[0][1].get(key)
    ]
    if _named(largest) != _named(rungs[0][1]):
        varying = []  # there is none above the largest
    if varying and most < params:
        # Doubled until it suffices; what the factory refuses is passed over.
        for doublings in range(1, MOST_DOUBLINGS):
            size = largest | {key: largest[key] * 2**doublings for key in varying}
            try:
                rungs = [*rungs, (count(size), size)]
            except Exception:
                continue
            if rungs[-1][0] >= params:
                break
    reached = [rung for rung in rungs if rung[0] >= params]
    for (less, low), (more, high) in pairwise(rungs):
        if less < params <= more:
            reached += _narrowed(params, low, high, count) if library else _built(low, high, count)
    enough = [rung for rung in reached if rung[0] >= params]
    return min(enough, key=lambda rung: rung[0])[1] if enough else None


def _built(low: Size, high: Size, count: Callable[[Size], int]) -> Iterator[tuple[int, Size]]:
    """Sizes between two that the user's factory accepts."""
    tried: list[Size] = []
    for place in range(1, PLACES):
        size = {key: _between(low[key], high.get(key), place / PLACES) for key in low}
        if size not in tried and size.keys() == high.keys():
            tried.append(size)
            try:
                yield count(size), size
            # Not every mapping between two sizes is one: a width that heads do not divide, say. The
            # user's own code may refuse it in any way.
            except Exception:
                continue


def _narrowed(
    params: float, low: Size, high: Size, count: Callable[[Size], int]
) -> Iterator[tuple[int, Size]]:
    """Of the sizes between two that a library accepts, those that bisection comes by: a model of a
    library takes a tenth of a second to build, and grows from one to the other."""
    if _named(low) != _named(high) or low.keys() != high.keys():
        return
    least, most = 0, PLACES
    while most - least > 1:
        middle = (least + most) // 2
        for place in range(middle, most):
            size = {key: _between(low[key], high[key], place / PLACES) for key in low}
            try:
                found = count(size)
            except Exception:  # as above: the next one up
                continue
            yield found, size
            if found < params:
                least = place
            else:
                most = middle
            break
        else:
            most = middle


def _neighbours(params: float, rungs: list[tuple[int, Size]]) -> tuple[Size, Size, float]:
    """The rungs about `params` and the place between them in log parameters, 0 to 1."""
    for (less, low), (more, high) in pairwise(rungs):
        if params <= more:
            place = math.log(max(params, less) / less) / math.log(more / less) if more > less else 0
            return low, high, place
    return rungs[-1][1], rungs[-1][1], 0.0


def _between(low: Any, high: Any, place: float) -> Any:
    """A value at `place` from low to high: integers by ratio and rounded, other numbers evenly.

    What is no number, or is the same, stays; of two different ones the nearer is taken.
    """
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (low, high))
    if low == high or not numbers:
        return low if place < 0.5 else high
    if isinstance(low, int) and isinstance(high, int):
        if low > 0 and high > 0:
            return round(low * (high / low) ** place)
        return round(low + (high - low) * place)
    return round(low + (high - low) * place, 6)
