"""Where a run stands, by Snakemake's events (its loggers' interface, 9.x): what is done, running
and to come, and how long still.

The time left follows the FLOPs and steps done and to do, as records put them right (`counted`):
each training to come takes its seconds by the pace that is known before the run, times what the
trainings of this run took against theirs, and the start of its program. It is told once a training
has ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..units import significant
from .counted import Counted
from .log import Clock, stamp
from .pace import Pace, two_terms
from .sizes import Cell
from .table import about_in, duration

# Our own event: the work of the trainings of a run and the paces of its domains, beside the text.
PLANNED = "alphascale_planned"
TRAINS = ("train",)
# Trainings, the last ones ended, that the pace of this run is taken from.
LATEST = 40


@dataclass
class Job:
    """A job that has begun."""

    id: int
    rule: str
    message: str  # its rule's, empty for the target that only gathers
    cell: Cell | None  # of a training
    log: str | None
    began: float
    before: int = 0  # stamp of its log, as an earlier run left it
    clock: Clock = field(default_factory=Clock)


@dataclass
class Run:
    """Fed with Snakemake's events by `take`; asked by those who show it."""

    clock: Callable[[], float] = time.monotonic
    jobs: dict[int, Job] = field(default_factory=dict)  # announced, by number
    running: dict[int, Job] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)  # messages of jobs
    done: int = 0
    total: int = 0
    counted: Counted = field(default_factory=Counted)
    folder: str = ""  # of the run's results
    gathers: frozenset[str] = frozenset()  # rules that only gather: no jobs to a reader
    gathered: int = 0  # of `done`, jobs of such rules
    gathering: int = 0  # of `total`
    latest: tuple[Job, float] | None = None  # the job that ended last, and its seconds
    paces: Mapping[str, Pace] = field(default_factory=dict)
    wanted: int = 0  # trainings
    trained: int = 0
    ended: set[Cell] = field(default_factory=set)  # trainings
    to_do: set[Cell] = field(default_factory=set)
    took: list[tuple[float, float]] = field(default_factory=list)  # (seconds expected, taken)
    at_once: int = 1  # the most trainings that ran side by side

    def take(self, record: logging.LogRecord) -> str:
        """Take an event in; its name, empty for a plain message."""
        event = str(getattr(record, "event", None) or "")
        if event == PLANNED:
            self.counted.plan(record.works)
            self.paces, self.folder = record.paces, record.folder
            self.gathers, self.gathering = frozenset(record.gathers), len(record.gathers)
            self.to_do = set(record.works) - self.ended
        elif event == "run_info":
            self.wanted = record.stats.get("train", 0)
            self.total = record.stats.get("total", 0)
        elif event == "job_info":
            self._begin(record)
        elif event == "job_started":
            self._start(list(record.jobs))
        elif event == "job_error":
            if job := self.running.pop(record.jobid, None) or self.jobs.get(record.jobid):
                self.failed.add(job.message or job.rule)
        elif event == "job_finished":
            self._finish(record.job_id)
        elif event == "progress":
            self.done, self.total = record.done, record.total
        return event

    def _begin(self, record: logging.LogRecord) -> None:
        cell = None
        if record.rule_name in TRAINS:
            named = record.wildcards
            cell = tuple(named.get(each, "") for each in ("domain", "scale", "fraction"))
        first = next((str(path) for path in record.log or ()), None)
        self.jobs[record.jobid] = Job(
            record.jobid, record.rule_name, record.rule_msg or "", cell, first, self.clock(),
            stamp(first) if first else 0,
        )  # fmt: skip
        if record.jobid in self.running:
            self._start([record.jobid])

    def _start(self, numbers: list[int]) -> None:
        # Snakemake tells of the start before or after it says what the job is.
        for number in numbers:
            job = self.jobs.get(number) or Job(number, "", "", None, None, self.clock())
            self.running[number] = job
            self.failed.discard(job.message or job.rule)
        trainings = sum(job.cell is not None for job in self.running.values())
        self.at_once = max(self.at_once, trainings)

    def _finish(self, number: int) -> None:
        job = self.running.pop(number, None) or self.jobs.get(number)
        self.latest = None
        if job is None:
            return
        if job.rule in self.gathers:
            self.gathered += 1
            self.done += 1  # as the event that follows says
            return
        took = self.clock() - job.began
        self.latest = job, took
        if job.cell is None:
            return
        self.trained += 1
        self.ended.add(job.cell)
        self.to_do.discard(job.cell)
        self.counted.end(job.cell, self.folder)
        expected = self._expected(job.cell)
        if expected is not None:
            self.took = [*self.took, (expected, took)][-LATEST:]

    @property
    def jobs_done(self) -> int:
        """Jobs that are over, without what only gathers."""
        return self.done - self.gathered

    @property
    def jobs_in_all(self) -> int:
        """Jobs of the run, without what only gathers."""
        return self.total - self.gathering

    def _expected(self, cell: Cell) -> float | None:
        work, pace = self.counted.work(cell), self.paces.get(cell[0])
        return pace.seconds(work) if work and pace else None

    def _pace(self) -> tuple[float, float]:
        """(seconds of a start, factor on what is expected) as this run's trainings took them."""
        jobs = [(1.0, expected, max(taken, 1e-3)) for expected, taken in self.took]
        return two_terms(jobs, towards=0.01)

    def left_of(self, job: Job, share_left: float | None = None) -> float | None:
        """Seconds that a running training still takes: by its epochs, else by its FLOPs."""
        if share_left is not None:
            return share_left
        expected = self._expected(job.cell) if job.cell else None
        if expected is None or not self.took:
            return None
        start, factor = self._pace()
        return max(0.0, start + factor * expected - (self.clock() - job.began))

    def left(self) -> float | None:
        """Seconds until all trainings are over; None while no training has ended, or none is
        left."""
        if not self.took or self.trained >= self.wanted:
            return None
        expected = [self._expected(cell) for cell in self.to_do]
        if None in expected:
            mean = sum(taken for _, taken in self.took) / len(self.took)
            return mean * (self.wanted - self.trained) / self.at_once
        start, factor = self._pace()
        seconds = [start + factor * each for each in expected]
        begun = sum(self.clock() - job.began for job in self.running.values() if job.cell)
        return max(max(0.0, sum(seconds) - begun) / self.at_once, 0.0)

    def flops(self) -> tuple[float, float, bool] | None:
        """FLOPs done, and of all trainings of the run, and whether these are only about right;
        None where they are not known."""
        every = {cell: self.counted.work(cell) for cell in self.counted.works}
        if not every or any(work.flops is None for work in every.values()):
            return None
        whole = sum(work.flops for work in every.values())
        done = sum(work.flops for cell, work in every.items() if cell not in self.to_do)
        return done, whole, any(work.about for work in every.values())

    def line(self, ended: list[tuple[Job, float]]) -> str:
        """done: train houses w4 on 0.5 (3.1 s, validation loss 0.41); 3 of 24 jobs, 1 running;
        trainings to finish: 8, about 49 s. ended: jobs that just did, and their seconds."""
        counts = f"{self.jobs_done} of {self.jobs_in_all} jobs"
        if self.running:
            counts += f", {len(self.running)} running"
        if self.failed:
            counts += f", {len(self.failed)} failed"
        left = self.wanted - self.trained
        if self.trained and left > 0:
            seconds = self.left()
            about = f", {about_in(seconds)}" if seconds is not None else ""
            counts += f"; trainings to finish: {left}{about}"
        return f"done: {', '.join(self._what(job, seconds) for job, seconds in ended)}; {counts}"

    def _what(self, job: Job, seconds: float) -> str:
        """A job that has ended, how long it took and what came of it."""
        name = " ".join(("train", *job.cell[:2], "on", job.cell[2])) if job.cell else job.message
        took = f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
        ended = self.counted.ended.get(job.cell) if job.cell else None
        if ended and ended.loss is not None:
            took += f", validation loss {significant(ended.loss)}"
        return f"{name or job.rule} ({took})"


class Follower(logging.Handler):
    """Says where the run stands after every job: in Snakemake's log, and wherever that is shown."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self.say, self.run = say, Run(clock)
        self.ended: list[tuple[Job, float]] = []  # since the last line: a group ends together

    def emit(self, record: logging.LogRecord) -> None:
        event = self.run.take(record)
        if event == "job_finished" and self.run.latest:
            self.ended.append(self.run.latest)
        elif event == "progress" and self.ended:
            ended, self.ended = self.ended, []
            self.say(self.run.line(ended))
