"""Of which sizes serving is measured: all that were trained or named, and some beyond.

What a decision recommends lies within FAR times the largest size trained, mostly beyond it. None of
this waits for a training: weights make no difference, so three sizes up to there are measured too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..deciding.ranges import FAR
from ..errors import UserError
from ..networks.count import count_params
from ..networks.search import smallest_with
from ..records.specs import ServingSpec, Size
from ..units import significant

if TYPE_CHECKING:
    from ..records.data import Meta

# Sizes beyond the ladder's largest, as multiples of it: evenly spaced, up to FAR.
BEYOND = tuple(FAR ** (step / 3) for step in (1, 2, 3))
NAIVE = "the naive model"  # no scale has a name with spaces
Sized = tuple[str, Size, dict[str, int]]  # name, size, parameters by group


def sizes(spec: ServingSpec, meta: Meta) -> list[Sized]:
    """All sizes, smallest first as counted; equal ones once.

    Beyond the largest there are none of a family that has none there (checkpoints).
    """
    named = dict(spec.ladder) | ({} if spec.naive is None else {NAIVE: spec.naive})
    found = [(name, size, count_params(spec.family, size, meta)) for name, size in named.items()]
    rungs = list(spec.ladder.values())
    largest = max(each[spec.counted] for name, _, each in found if name in spec.ladder)
    for times in BEYOND:
        try:
            size, params = smallest_with(spec.family, times * largest, rungs, meta, spec.counted)
        except UserError:  # there is none: the ladder is all that can be recommended as well
            break
        found.append((f"{significant(times, 2)} × the largest", size, params))
    different = {str(sorted(size.items())): (name, size, n) for name, size, n in reversed(found)}
    return sorted(different.values(), key=lambda each: each[2][spec.counted])
