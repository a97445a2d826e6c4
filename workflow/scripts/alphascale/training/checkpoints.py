"""Checkpoints: a killed job, run again, ends with the record of one that was never killed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ..results import canonical_json, whole

# Seconds between two checkpoints: at most this much training is lost.
EVERY = 20.0
STATE = "state.pt"


class Checkpoints:
    """The one state file of a job in `folder`; with no folder, nothing is kept.

    `identity` is whatever decides the course of training; a state of any other identity, or one
    that cannot be read, is set aside with a message and training starts anew.
    """

    def __init__(
        self, folder: Path | None, identity: Any, device: torch.device, say: Callable[[str], None]
    ):
        self.path = None if folder is None else Path(folder) / STATE
        self.digest = hashlib.sha256(canonical_json(identity).encode()).hexdigest()
        self.device, self.say = device, say
        self.saved = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The state that was saved last, None if there is none to go on from."""
        if self.path is None or not self.path.exists():
            return None
        try:
            state = torch.load(self.path, map_location=self.device, weights_only=True)
            fault = None if state["digest"] == self.digest else "made by another job"
        # A torn or foreign file fails in as many ways as there are formats.
        except Exception as unreadable:
            fault = f"not readable ({type(unreadable).__name__})"
        if fault is None:
            return state["state"]
        aside = self.path.with_suffix(".aside.pt")
        self.path.replace(aside)
        self.say(f"checkpoint {self.path}: {fault}; set aside as {aside.name}, starting anew")
        return None

    def save(self, state: Callable[[], dict[str, Any]], now: bool = False) -> None:
        """Save what `state()` gives if enough time has passed since the last, or `now`."""
        if self.path is None or not (now or time.monotonic() - self.saved >= EVERY):
            return
        with whole(self.path) as temporary:
            torch.save({"digest": self.digest, "state": state()}, temporary)
        self.saved = time.monotonic()


@contextmanager
def hold(folder: Path, say: Callable[[str], None]) -> Iterator[bool]:
    """Hold a job's checkpoint folder; it is removed when the block, result written, ends well.

    An orphan of a killed workflow may still be training this very job: wait for it rather than
    write beside it. Yields whether there was such a wait, so that the caller may find the orphan's
    result in place.
    """
    waited = False
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder / "lock"
        with open(lock, "w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = True
                say(f"waits: another process holds {folder} and trains this job")
                fcntl.flock(stream, fcntl.LOCK_EX)
            # Whoever held it may have finished and removed the folder: then this lock is no file.
            if not lock.exists() or not os.path.samestat(os.fstat(stream.fileno()), lock.stat()):
                continue
            yield waited
            shutil.rmtree(folder)
            return
