"""Weights that a study keeps (`training.keep`): of each seed at the rate chosen, its best epoch's.

Which rate that is shows when all have trained: until then those of every run lie beside the
checkpoint, and go with it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..networks.plain import Plain

if TYPE_CHECKING:
    from torch import nn

    from .loop import Chunk, Member


class Kept:
    """The weights of a job's runs: they wait in `waiting`, and in the end move to `folder`."""

    def __init__(self, folder: Path, waiting: Path):
        self.folder, self.waiting = folder, waiting

    def add(self, chunk: Chunk) -> None:
        """Write the members of a chunk that has ended, with the weights of their best epochs."""
        for row, member in enumerate(chunk.members):
            if member.status != "ok":
                continue
            place = self._place(member)
            half = place.with_name(f".{place.name}.{os.getpid()}")
            for old in (half, place):
                shutil.rmtree(old, ignore_errors=True)
            half.mkdir(parents=True)
            write_weights(chunk.model, row, half)
            half.rename(place)

    def choose(self, members: list[Member], rate: float) -> None:
        """Move those of one learning rate to where they stay, in place of what was there."""
        for member in members:
            if member.learning_rate != rate:
                continue
            target, old = self.folder / str(member.seed), None
            # A job that ended after its weights had moved, and before its record: they stay.
            if member.status == "ok" and target.exists() and not self._place(member).exists():
                continue
            self.folder.mkdir(parents=True, exist_ok=True)
            if target.exists():
                old = target.rename(target.with_name(f".{target.name}.{os.getpid()}.old"))
            if self._place(member).exists():
                shutil.move(self._place(member), target)
            if old is not None:
                shutil.rmtree(old)
        shutil.rmtree(self.waiting, ignore_errors=True)

    def _place(self, member: Member) -> Path:
        return self.waiting / f"{member.seed}-{member.learning_rate!r}"


def write_weights(model: nn.Module, row: int, folder: Path) -> None:
    """One member's weights into a folder: as its library saves them, else as safetensors."""
    if isinstance(model, Plain):
        module = model.member(row)
        if hasattr(module, "save"):
            module.save(str(folder))
            return
        state = module.state_dict()
    else:
        state = {name: value[row] for name, value in model.state_dict().items()}
    from safetensors.torch import save_file

    apart = {name: value.detach().cpu().clone() for name, value in state.items()}
    save_file(apart, folder / "model.safetensors")
