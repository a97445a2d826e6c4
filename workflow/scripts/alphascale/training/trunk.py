"""Trunks: what trainings on less and on more data have in common under schedule `cooldown`.

Up to its cool-down a training is at the constant rate, and has seen nothing but samples of its
fraction, in an order that a larger fraction begins with. So the state in which it stood there is
one that a training on more data passes through, to the last bit on one thread (Hägele et al.
2024). A job leaves the states of its chunks in a folder; that of the next fraction takes them up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ..records.specs import TrainSpec
from ..records.typed import as_json
from .checkpoints import Checkpoints
from .loop import Chunk, Member


@dataclass(frozen=True)
class Folders:
    """Where a job's trunk is from and goes to."""

    fraction: str | None = None  # whose job left the trunk; None where the whole one is trained
    # taken: the trunk's folder; left: that for the job of the next fraction; None for neither
    taken: Path | None = None
    left: Path | None = None


class Trunks:
    """The trunks of a job's chunks: reading those that were left for it, and leaving its own.

    A trunk is of the same size, seeds, rates, data, orders of samples, device and versions, which
    `identity` gives but for the spec; anything else is set aside with a message, and the chunk
    trains all of its trunk itself.
    """

    def __init__(
        self,
        folders: Folders,
        spec: TrainSpec,
        identity: dict[str, Any],
        device: torch.device,
        say: Callable[[str], None],
    ):
        self.folders, self.spec, self.identity = folders, spec, identity
        self.device, self.say = device, say

    def take(self, chunk: Chunk, start: int) -> bool:
        """Have a chunk that is at its beginning, the job's members from `start` on, go on from its
        trunk. Returns whether there is one."""
        fraction, folder = self.folders.fraction, self.folders.taken
        if fraction is None or folder is None:
            return False
        store = self._store(folder, self.spec.on(fraction), chunk.members, start)
        there = store.path.exists()
        state = store.load()
        if state is None:
            if not there:
                self.say(f"no trunk of fraction {fraction} at {store.path}: trained here whole")
            return False
        chunk.load(state)
        self.say(f"going on from the trunk of fraction {fraction}, at step {chunk.steps_taken}")
        return True

    def leave(self, chunk: Chunk, start: int) -> None:
        """Save the state of a chunk that is about to cool down, where a job will ask for it."""
        if self.folders.left is not None:
            store = self._store(self.folders.left, self.spec, chunk.members, start)
            store.save(partial(chunk.state), now=True)

    def _store(
        self, folder: Path, spec: TrainSpec, members: list[Member], start: int
    ) -> Checkpoints:
        runs = [(member.seed, member.learning_rate) for member in members]
        identity = self.identity | {"spec": as_json(spec), "runs": runs}
        return Checkpoints(
            folder, identity, self.device, self.say, f"{start}.pt",
            ("trunk", "the whole trunk is trained here"),
        )  # fmt: skip
