"""A line after every job that a person can follow: done, running, to come, and how long still.

Snakemake counts what is done. This listens to its log events and adds the rest, in its log. It is
no logger plugin of Snakemake 9: those are found only as installed packages, named on the command
line or in a profile, and then `snakemake --cores all` would fail where alphascale is not installed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


class Follower(logging.Handler):
    """Listens to Snakemake's events (its loggers' interface, 9.x) and says where the run stands.

    The time left is that of the trainings still to do at the pace of those done: other jobs take
    seconds. Larger models train longer, so it is no more than a guide.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self.say, self.clock = say, clock
        self.running: set[int] = set()
        self.trainings: set[int] = set()
        self.wanted = self.trained = 0
        self.began: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        event = str(getattr(record, "event", None))
        if event == "run_info":
            self.wanted = record.stats.get("train", 0)
        elif event == "job_started":
            self.running.update(record.jobs)
        elif event == "job_info" and record.rule_name == "train":
            self.trainings.add(record.jobid)
            self.began = self.began or self.clock()
        elif event == "job_error":
            self.running.discard(record.jobid)
        elif event == "job_finished":
            self.running.discard(record.job_id)
            self.trained += record.job_id in self.trainings
        elif event == "progress":
            self.say(self.line(record.done, record.total))

    def line(self, done: int, total: int) -> str:
        running = len(self.running)
        text = f"{done} of {total} jobs done, {running} running, {total - done - running} to come"
        left = self.wanted - self.trained
        if self.trained and left > 0:
            seconds = (self.clock() - self.began) / self.trained * left
            text += f"; trainings to finish: {left}, about {_shown(seconds)} at this pace"
        return text


def _shown(seconds: float) -> str:
    """40 s, 12 min, 3.2 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
