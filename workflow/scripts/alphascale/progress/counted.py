"""The FLOPs of a run's trainings, put right by the record of each one that ends.

Before a record has counted them they are a family's rough count, to a factor of two. The same shape
is wrong by the same factor: what is still to be done is scaled by exact / rough of those of its
size that ended, else of its domain, else of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .sizes import Cell, Known, Work, recorded


@dataclass(frozen=True)
class Ended:
    """What the record of a training that ended says."""

    known: Known
    loss: float | None  # lowest validation loss, nats; None where all its runs diverged


class Counted:
    """The trainings of a run, as far as they are known by now."""

    def __init__(self) -> None:
        self.works: Mapping[Cell, Work] = {}
        self.ended: dict[Cell, Ended] = {}
        # (exact, rough) FLOPs of what ended, by (domain, scale), (domain,) and ()
        self.sums: dict[tuple[str, ...], tuple[float, float]] = {}

    def plan(self, works: Mapping[Cell, Work]) -> None:
        """The trainings as they are known before they run; may be told again."""
        self.works, self.sums = works, {}
        for cell in self.ended:
            self._compare(cell)

    def end(self, cell: Cell, folder: str | Path) -> None:
        """A training has ended: its record is read, where it is there and whole."""
        found = recorded(folder, cell)
        if found is None:
            return
        self.ended[cell] = Ended(*found)
        self._compare(cell)

    def work(self, cell: Cell) -> Work | None:
        """A training: by its own record, by those of others, or as it was planned."""
        work = self.works.get(cell)
        if work is None:
            return None
        if cell in self.ended:
            known = self.ended[cell].known
            return replace(
                work, params=known.params, flops=known.flops, steps=known.steps, about=False
            )
        if not work.about or work.flops is None:
            return work
        for key in (cell[:2], cell[:1], ()):
            if key in self.sums:
                exact, rough = self.sums[key]
                return replace(work, flops=work.flops * exact / rough)
        return work

    def _compare(self, cell: Cell) -> None:
        rough, exact = self.works.get(cell), self.ended[cell].known.flops
        if rough is None or not rough.about or not rough.flops or not exact:
            return
        for key in (cell[:2], cell[:1], ()):
            sums = self.sums.get(key, (0.0, 0.0))
            self.sums[key] = (sums[0] + exact, sums[1] + rough.flops)
