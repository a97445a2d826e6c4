"""The architectures that a page can name: a rule that gives any of them, or a list.

Of a family with a width to turn, parameters and FLOPs are polynomials of it as long as the rest of
the shape stays: three widths give the coefficients, three others say whether they hold. Of other
families (a checkpoint is what it is, a library's model takes a tenth of a second to build) the page
knows the ladder's sizes and those of the decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..families import family
from ..networks.count import count_flops, count_params

if TYPE_CHECKING:
    from ..records.data import Meta
    from ..records.specs import Size

GROUPS = ("total", "non_embedding")


def architectures(
    name: str, ladder: list[Size], also: Iterable[Size], meta: Meta
) -> dict[str, Any]:
    """What `assets/decide.js` finds the smallest architecture in; also: sizes beside the ladder's
    that a list holds too."""
    return _turned(name, ladder, meta) or {
        "kind": "list",
        "list": [counted(name, size, meta) for size in _different([*ladder, *also])],
        # Nothing lies between models that only a name tells apart: the list is all there is.
        "exact": any(key in ladder[-1] for key in ("pretrained", "name")),
    }


def counted(name: str, size: Size, meta: Meta) -> dict[str, Any]:
    """One architecture with its parameters and its FLOPs per sample."""
    flops = count_flops(name, size, meta)
    return {
        "size": size,
        "params": count_params(name, size, meta),
        "flops": flops["training"],
        "forward": flops["forward"],
    }


def _turned(name: str, ladder: list[Size], meta: Meta) -> dict[str, Any] | None:
    """The rule of a family whose sizes differ in its width alone; None of any other."""
    kind = family(name)
    if kind.keys is None or kind.others or kind.turned is None:
        return None
    # The keys that some size names: what none names follows from these.
    named = [key for key in kind.complete(ladder[0]) if any(key in each for each in ladder)]
    shapes = [{key: kind.complete(size)[key] for key in named} for size in ladder]
    if len(_different({**shape, kind.turned: None} for shape in shapes)) > 1:
        return None
    shown, step = shapes[0], kind.step(shapes[0], ladder)

    def at(turns: int) -> dict[str, dict[str, int]]:
        size = shown | {kind.turned: kind.keys[kind.turned].type(turns * step)}
        return {"params": count_params(name, size, meta), "flops": count_flops(name, size, meta)}

    turns = sorted({max(1, round(size[kind.turned] / step)) for size in ladder})
    first, last = turns[0], max(turns[-1], turns[0] + 1)
    known = {t: at(t) for t in (first, first + last, 2 * last)}
    tried = {t: at(t) for t in {1, last + 1, 4 * last}}
    found: dict[str, dict[str, list[float]]] = {}
    for what, keys in (("params", GROUPS), ("flops", ("training", "forward"))):
        for key in keys:
            curve = _quadratic({t: values[what][key] for t, values in known.items()})
            if any(_value(curve, t) != values[what][key] for t, values in tried.items()):
                return None
            found.setdefault(what, {})[key] = [float(each) for each in curve]
    return {"kind": "turned", "key": kind.turned, "step": step, "shape": shown, **found}


def _quadratic(points: dict[int, int]) -> list[Fraction]:
    """Coefficients [a, b, c] of a + b·t + c·t² through three points (Lagrange's form)."""
    total = [Fraction(0)] * 3
    for t, value in points.items():
        p, q = (other for other in points if other != t)
        scale = Fraction(value, (t - p) * (t - q))
        for i, each in enumerate((p * q, -(p + q), 1)):
            total[i] += scale * each
    return total


def _value(curve: list[Fraction], t: int) -> Fraction:
    return curve[0] + t * (curve[1] + t * curve[2])


def _different(sizes: Iterable[Size]) -> list[Size]:
    found: list[Size] = []
    for size in sizes:
        if size not in found:
            found.append(size)
    return found
