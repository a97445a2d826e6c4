"""In which batches an epoch sees its samples, and where a cool-down begins: numbers alone.

No torch: what trainings will take is told before any has run.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .store import prefix

# Schedule `cooldown` falls from the peak to nothing over this share of the steps, as one less a
# square root: the share and the shape of Hägele et al. 2024.
COOLDOWN = 0.2


def blocks(pool: int, fraction: str, nested: Sequence[str] = ()) -> list[tuple[int, int]]:
    """(first row, rows) of each block of a fraction of so many training rows, in the order in which
    an epoch sees them.

    nested: the smaller fractions, smallest first, each of which ends one; of few rows two may be
    the same.
    """
    ends = [0, *(prefix(pool, each) for each in nested), prefix(pool, fraction)]
    return [(a, b - a) for a, b in pairwise(ends) if b > a]


def block_steps(samples: int, batch_size: int) -> int:
    """Steps of a block: none of a single sample, unless batches are of one."""
    most = samples if batch_size == 1 else max(1, samples // 2)
    return min(-(-samples // batch_size), most)


def steps_of(parts: list[tuple[int, int]], batch_size: int) -> int:
    """Steps that see all blocks: no batch is of two."""
    return sum(block_steps(n, batch_size) for _, n in parts)


def seen(parts: list[tuple[int, int]], batch_size: int, steps: int) -> int:
    """Samples that the first steps see; batches of a block differ by at most one sample, the larger
    come first."""
    total = 0
    for _, n in parts:
        whole = block_steps(n, batch_size)
        taken = min(steps, whole)
        total, steps = total + n // whole * taken + min(n % whole, taken), steps - taken
    return total


def cools_at(steps: int) -> int:
    """The steps that a training of so many takes before its cool-down: its trunk. At most all but
    one."""
    return steps - max(1, round(COOLDOWN * steps))


def trunk_of(pool: int, fraction: str, nested: Sequence[str], batch_size: int) -> tuple[int, int]:
    """Steps and samples of the trunk that a training on a fraction leaves."""
    parts = blocks(pool, fraction, nested)
    steps = cools_at(steps_of(parts, batch_size))
    return steps, seen(parts, batch_size, steps)
