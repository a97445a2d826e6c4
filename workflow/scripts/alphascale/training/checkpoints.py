"""Checkpoints: a killed job, run again, ends with the record of one that was never killed."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from ..records.files import canonical_json, replacing

# Seconds between two checkpoints: at most this much training is lost to a kill without warning.
# The environment may ask for another interval, as where results lie on a slow disk.
EVERY = float(os.environ.get("ALPHASCALE_CHECKPOINT_SECONDS", "20"))
STATE = "state.pt"
State = dict[str, Any]  # tensors and plain values, as torch saves them
# Seconds between two looks whether another process still holds the folder.
POLL = 0.1
# The file begins with the SHA-256 of what follows: torch itself reads a flipped bit as a weight.
HEAD = hashlib.sha256().digest_size
MADE_BY_OTHERS = "was made by another job, or on other data, another device or other threads"


class Checkpoints:
    """The one state file of a job in `folder`, or that of a `name`; with no folder, nothing is
    kept. words: what it is called, and what a fault of it leads to.

    `identity` is whatever decides the course of training; a state of any other identity, or one
    that cannot be read, is set aside with a message and training starts anew.
    """

    def __init__(
        self,
        folder: Path | None,
        identity: Any,
        device: torch.device,
        say: Callable[[str], None],
        name: str = STATE,
        words: tuple[str, str] = ("checkpoint", "starting anew"),
    ):
        self.path = None if folder is None else Path(folder) / name
        self.kind, self.then = words
        self.digest = hashlib.sha256(canonical_json(identity).encode()).hexdigest()
        self.device, self.say = device, say
        self.saved = time.monotonic()

    def load(self) -> State | None:
        """The state that was saved last, None if there is none to go on from."""
        if self.path is None or not self.path.exists():
            return None
        state = None
        try:
            content = self.path.read_bytes()
            if hashlib.sha256(memoryview(content)[HEAD:]).digest() != content[:HEAD]:
                fault = "is not what was written (its digest differs)"
            else:
                stream = io.BytesIO(memoryview(content)[HEAD:])
                state = torch.load(stream, map_location=self.device, weights_only=True)
                fault = None if state["digest"] == self.digest else MADE_BY_OTHERS
        # A foreign file fails in as many ways as there are formats.
        except Exception as unreadable:
            fault = f"is not readable ({type(unreadable).__name__})"
        if fault is None:
            return state["state"]
        aside = self.path.with_suffix(".aside.pt")
        self.path.replace(aside)
        self.say(f"{self.kind} {self.path} {fault}; set aside as {aside.name}, {self.then}")
        return None

    def save(self, state: Callable[[], State], now: bool = False) -> bool:
        """Save what `state()` gives if enough time has passed since the last, or `now`.

        Returns whether it did. A disk that takes no more is said, not raised: the training may
        well end before the checkpoint is needed, and the one before stays as it was.
        """
        if self.path is None or not (now or time.monotonic() - self.saved >= EVERY):
            return False
        stream = io.BytesIO()
        torch.save({"digest": self.digest, "state": state()}, stream)
        try:
            with replacing(self.path) as temporary, open(temporary, "wb") as file:
                file.write(hashlib.sha256(stream.getbuffer()).digest())
                file.write(stream.getbuffer())
        except OSError as fault:
            self.say(f"{self.kind} {self.path} cannot be written: {fault.strerror or fault}")
            return False
        finally:
            self.saved = time.monotonic()
        return True


@contextmanager
def exclusive(folder: Path, say: Callable[[str], None]) -> Iterator[bool]:
    """Hold a job's checkpoint folder; it is removed when the block, result written, ends well.

    An orphan of a killed workflow may still be training this very job: wait for it rather than
    write beside it. Yields whether there was such a wait, so that the caller may find the orphan's
    result in place.
    """
    held, waited = None, False
    while held is None:
        # Anew each time: whoever held the folder may have finished and removed it.
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held = FileLock(folder / "lock").acquire(blocking=False)
        except FileNotFoundError:
            continue
        except Timeout:
            if not waited:
                say(f"waits: another process holds {folder} and trains this job")
            waited = True
            time.sleep(POLL)
    with held:
        yield waited
        # Out of the way at once, so that nobody makes a lock in a folder that is half removed.
        folder.rename(folder.with_name(f"{folder.name}.{os.getpid()}.done"))
        for gone in folder.parent.glob(f"{folder.name}.*.done"):  # and what a kill here left
            shutil.rmtree(gone, ignore_errors=True)
