"""Where a training stands, by the log that it writes anyway: its last line says the epoch.

A few hundred bytes are read twice a second of each training that runs here or on a shared file
system; the training knows nothing of it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

# A line of `running.program.progress` with what `training.job` says in it.
LINE = re.compile(r"^\[[^\]]*\] +(?P<seconds>[\d.]+) s  (?P<text>.*)$")
EPOCH = re.compile(
    r"runs (?P<first>\d+)–(?P<last>\d+) of (?P<members>\d+), epoch (?P<epoch>\d+)/(?P<epochs>\d+)"
    r"(?:, validation loss (?P<loss>[\d.einfa+-]+))?"
)
# What programs say as they go along, and nobody needs to know once a job is over.
PASSING = re.compile(
    r"epoch \d+/\d+|^(reading|encoding|tokenising) |GPU \S+, place "
    r"|^(bootstrap|auto|trains the)|SLURM job \d+ gives"
)
TAIL = 2_000  # bytes


@dataclass(frozen=True)
class Place:
    """Where a training is."""

    seconds: float  # since its program began to speak
    # first, last, members: which of its runs are being trained, counted from 1, and how many it has
    first: int
    last: int
    members: int
    # epoch, epochs: which of them, counted from 1, and how many
    epoch: int
    epochs: int
    loss: str | None  # lowest validation loss of these runs, once there is one

    @property
    def share(self) -> float:
        """Whole epochs done, as a share of all."""
        done = (self.first - 1) * self.epochs + (self.last - self.first + 1) * (self.epoch - 1)
        return done / (self.members * self.epochs)


def stamp(path: str | Path) -> int:
    """When a log was last written to; 0 for none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def last_line(path: str | Path, before: int = 0) -> str:
    """The last whole line of a log; empty where there is none, or none but the one that was there
    before, by its `stamp`: an earlier run's, until the program starts."""
    try:
        with open(path, "rb") as stream:
            state = os.fstat(stream.fileno())
            if state.st_mtime_ns == before:
                return ""
            stream.seek(max(0, state.st_size - TAIL))
            whole = stream.read().rpartition(b"\n")[0]
    except OSError:
        return ""
    return whole.decode("utf-8", "replace").rpartition("\n")[2].rstrip()


def place(line: str) -> Place | None:
    """What a line says of the epoch; None where it says something else."""
    said, found = LINE.match(line), EPOCH.search(line)
    if not said or not found:
        return None
    numbers = [int(found[name]) for name in ("first", "last", "members", "epoch", "epochs")]
    return Place(float(said["seconds"]), *numbers, found["loss"])


def text(line: str) -> str:
    """A line without its head."""
    said = LINE.match(line)
    return said["text"] if said else line


def remarks(path: str | Path, before: int = 0) -> list[str]:
    """What a job said that somebody should know though it went well, in whole lines; before: as in
    `last_line`."""
    if stamp(path) == before:
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [
        line for line in lines if (said := LINE.match(line)) and not PASSING.search(said["text"])
    ]


class Clock:
    """The time left of one training, by its own epochs: what came before the first that was seen
    (imports, a first step that compiles) counts for nothing. A minute's work was once told to take
    five hours, by its first step."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float]] = []  # (share done, when) at each new epoch

    def left(self, now: Place | None, at: float) -> float | None:
        """Seconds left at a time; None as long as no epoch has passed."""
        if now is None:
            return None
        if not self.seen or now.share > self.seen[-1][0]:
            self.seen.append((now.share, at))
        (first, began), (share, reached) = self.seen[0], self.seen[-1]
        if share <= first:
            return None
        return max(0.0, (reached - began) / (share - first) * (1 - share) - (at - reached))
