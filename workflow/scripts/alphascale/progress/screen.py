"""What a person sees of a run: plain lines, or at a terminal a live line for each running training.

Snakemake's own log (.snakemake/log) and the logs of the jobs keep everything that is left out here.
"""

from __future__ import annotations

import atexit
import logging
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from ..units import PREFIXES, prefix_power, significant
from . import log
from .run import PLANNED, Job, Run
from .table import about_in

# Lines of `Follower`, which a bar says better.
LINE = "alphascale_line"
# Events that people are told by other lines, or need not be told.
SILENT = {
    "run_info", "workflow_started", "shellcmd", "job_started", "job_finished", "progress",
    "resources_info", "debug_dag", "rulegraph",
}  # fmt: skip
# Snakemake's messages about itself.
NOISE = re.compile(
    r"Assuming unrestricted shared|Using shell:|Provided (cores|resources|remote nodes)"
    r"|Rules claiming|Conda environments: ignored|Singularity containers|Group jobs: inactive"
    r"|Select jobs to execute|Execute \d+ jobs|Removing output files of failed"
    r"|Exiting because a job execution failed|Shutting down, this might"
    r"|RuleException:\s*CalledProcessError in file|(WorkflowError:\s+)?At least one job did not"
    r"|Reasons:|Some jobs were triggered by provenance|Rules with provenance triggered"
    r"|Cannot restore .*: no backup|This was a dry-run|Elapsed time|\s*$"
)
LOGS = "Complete log"
REFRESH = 2.0  # a second
# LONGEST, SHORTEST: columns of the bar, where there is room and where there is not
LONGEST, SHORTEST = 24, 8
GAP = 2  # columns between the cells of a job's line


class Plain:
    """Lines for a file or a pipe: one when a job starts, and one when it has ended."""

    def __init__(self, stream: TextIO, format: Callable[[logging.LogRecord], str], dry: bool):
        self.stream, self.format, self.dry = stream, format, dry
        self.run = Run()

    def take(self, record: logging.LogRecord) -> None:
        """Show an event, as far as it is one for people."""
        event = self.run.take(record)
        for line in self.lines(event, record):
            self.write(line)
        self.after(event, record)

    def lines(self, event: str, record: logging.LogRecord) -> list[str]:
        """The lines of an event."""
        if event == "job_info":
            return [f"Job {record.jobid}: {record.rule_msg}"] if self._listed(record) else []
        if event == "job_error":
            job = self.run.jobs.get(record.jobid)
            # A cluster's own account of it; none of a job that ran here.
            why = " ".join(str(record.rule_msg or "").split())
            return [": ".join(filter(None, ("failed", named(job, record), why))) + _logs(record)]
        if event == "job_finished":
            job = self.run.jobs.get(record.job_id)
            return log.remarks(job.log, job.before) if job and job.log else []
        if event in SILENT:
            return []
        text = self.format(record)
        if text in (None, "None", "") or (event not in (PLANNED, LINE) and NOISE.match(text)):
            return []
        if text.startswith(LOGS) and not self.run.failed:
            return []
        return [text]

    def write(self, text: str) -> None:
        if self.stream is not None:
            try:
                self.stream.write(text + "\n")
                self.stream.flush()
            except BrokenPipeError:  # `snakemake -n | head` has seen enough
                self.stream = None

    def after(self, event: str, record: logging.LogRecord) -> None:
        """What else an event asks for: nothing."""

    def end(self) -> None:
        """No more is shown; may be called again."""

    def _listed(self, record: logging.LogRecord) -> bool:
        return bool(record.rule_msg)


class Terminal(Plain):
    """A live line for each running job, and a bar for the study; below it what is said once."""

    def __init__(self, stream: TextIO, format: Callable, dry: bool, colour: bool):
        from rich.console import Console

        super().__init__(stream, format, dry)
        self.console = Console(
            file=stream, force_terminal=True, no_color=not colour, highlight=False, markup=False,
            emoji=False,
        )  # fmt: skip
        self.live: Any = None
        self.lock = threading.RLock()
        atexit.register(self.end)

    def take(self, record: logging.LogRecord) -> None:
        with self.lock:
            super().take(record)

    def lines(self, event: str, record: logging.LogRecord) -> list[str]:
        return [] if event == LINE else super().lines(event, record)

    def write(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def after(self, event: str, record: logging.LogRecord) -> None:
        if event == "job_started" and self.live is None and not self.dry:
            from rich.live import Live

            self.live = Live(
                self, console=self.console, refresh_per_second=REFRESH, transient=True,
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            self.live.start()
            # A run that is killed leaves nobody to bring the cursor back.
            self.console.show_cursor(True)

    def end(self) -> None:
        # Not under the lock: the thread that draws waits for it, and is waited for here.
        live, self.live = self.live, False
        if live:
            live.stop()

    def _listed(self, record: logging.LogRecord) -> bool:
        return False

    def __rich__(self) -> Any:
        """What is drawn, a few times a second."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar

        with self.lock:
            jobs = sorted(self.run.running.values(), key=lambda job: job.began)
            said = {job.id: log.last_line(job.log, job.before) for job in jobs if job.log}
            places = {number: log.place(line) for number, line in said.items()}
            room = max(1, self.console.height - 4)
            told = [
                self._row(job, places.get(job.id), log.text(said.get(job.id, "")))
                for job in jobs[:room]
            ]
            rows = _grid(fitted(told, self.console.width) if told else [], GAP)
            more = [f"and {len(jobs) - room} more"] if len(jobs) > room else []
            share, parts, left = self._study(jobs, places)
            length, text = shortened(parts, left, self.console.width)
            bar = _grid([(ProgressBar(total=1.0, completed=share, width=length), text)], 1)
            return Group(rows, *more, bar)

    def _row(self, job: Job, place: log.Place | None, said: str) -> tuple[str, str, str, str]:
        """The cells of a job's line; said: the last line of its log."""
        name = " ".join(job.cell[:2]) + f" on {job.cell[2]}" if job.cell else named(job)
        left = self.run.left_of(job, job.clock.left(place, self.run.clock()))
        if place is None:
            said = "ending" if said.startswith("error: ") else said[:40]
            return name, said or ("starting" if job.cell else ""), "", _about(left)
        where = f"epoch {place.epoch}/{place.epochs}"
        if place.last - place.first + 1 < place.members:
            where += f", runs {place.first}–{place.last} of {place.members}"
        return name, where, f"loss {place.loss}" if place.loss else "", _about(left)

    def _study(
        self, jobs: list[Job], places: dict[int, log.Place | None]
    ) -> tuple[float, list[str], str]:
        """The share that is done, words on it, what may be left out last, and the time left."""
        run = self.run
        counts = f"{run.jobs_done} of {run.jobs_in_all} jobs"
        failed = [f"{len(run.failed)} failed"] if run.failed else []
        known = run.flops()
        if known is None:
            if run.wanted:
                trained = f"{run.trained} of {run.wanted} trainings"
                return run.trained / run.wanted, [*failed, trained, counts], _about(run.left())
            share = run.jobs_done / run.jobs_in_all if run.jobs_in_all else 0.0
            return share, [*failed, counts], _about(run.left())
        done, whole, rough = known
        for job in jobs:
            if (at := places.get(job.id)) and job.cell in run.to_do:
                done += at.share * run.counted.work(job.cell).flops
        power = prefix_power(whole)
        about = "~" if rough else ""
        told = f"{about}{significant(done / 10**power)} of {significant(whole / 10**power)}"
        told += f" {PREFIXES[power]}FLOP"
        parts = [told, *failed, f"{run.trained} of {run.wanted} trainings", counts]
        left = run.left()
        if left is None and run.trained < run.wanted:
            left = _by_epochs(jobs, run, whole - done)
        return (done / whole if whole else 1.0), parts, _about(left)


def screen(settings: Any, format: Callable[[logging.LogRecord], str]) -> Plain:
    """What suits the stream that Snakemake would write to, by its output settings."""
    import os

    stream = sys.stdout if settings.stdout else sys.stderr
    live = stream.isatty() and os.environ.get("TERM") != "dumb" and not settings.quiet
    if live:
        try:
            colour = not settings.nocolor and "NO_COLOR" not in os.environ
            return Terminal(stream, format, settings.dryrun, colour)
        except ImportError:
            stream.write("plain lines, for the package `rich` is missing: pip install rich\n")
    return Plain(stream, format, settings.dryrun)


def drained(handlers: list[logging.Handler], seconds: float = 5.0) -> None:
    """Wait until Snakemake's plugins, which run in a thread of their own, have shown what was said,
    and let them end: what is printed next comes after it."""
    import time
    from logging.handlers import QueueHandler

    until = time.monotonic() + seconds
    root = logging.getLogger("snakemake.logging").handlers
    for queue in (each.queue for each in root if isinstance(each, QueueHandler)):
        while queue.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.01)
    for handler in handlers:
        with suppress(AttributeError):
            handler.end()


def _by_epochs(jobs: list[Job], run: Run, to_do: float) -> float | None:
    """Seconds that FLOPs to do still take, as those did that were seen being done: while no
    training has ended."""
    done, since = 0.0, None
    for job in (job for job in jobs if job.cell in run.to_do and len(job.clock.seen) > 1):
        (first, began), (share, _) = job.clock.seen[0], job.clock.seen[-1]
        done += (share - first) * run.counted.work(job.cell).flops
        since = min(began, since or began)
    return None if since is None else to_do / done * (run.clock() - since)


def named(job: Job | None, record: Any = None) -> str:
    """A job as people know it."""
    if job is not None and (job.message or job.rule):
        return job.message or job.rule
    return getattr(record, "rule_name", "a job")


def _logs(record: logging.LogRecord) -> str:
    logs = [str(path) for path in record.log or ()]
    return f" (log: {', '.join(logs)})" if logs else ""


def _about(seconds: float | None) -> str:
    return "" if seconds is None else f"{about_in(seconds)} left"


def shortened(parts: list[str], left: str, width: int) -> tuple[int, str]:
    """(length of the bar, words beside it) that fit one line of a terminal: a shorter bar first,
    then less is said, from the last of the parts; the time left stays longest."""
    for many in range(len(parts), -1, -1):
        text = ", ".join(filter(None, [*parts[:many], left]))
        room = width - len(text) - 1
        if room >= SHORTEST or not many:
            return max(1, min(LONGEST, room)), text
    raise AssertionError


def fitted(rows: list[tuple[str, str, str, str]], width: int) -> list[tuple[str, ...]]:
    """The lines of running jobs (name, where it is, loss, time left) as they fit a terminal: the
    losses go first, then the ends of where the jobs are."""
    name, where, loss, left = (max(map(len, cells), default=0) for cells in zip(*rows, strict=True))
    if name + where + loss + left + 3 * GAP <= width:
        return rows
    room = max(1, width - name - left - 2 * GAP)
    return [(name, cut(where, room), left) for name, where, _, left in rows]


def cut(text: str, room: int) -> str:
    """A text, or what of it fits."""
    return text if len(text) <= room else text[: room - 1] + "…"


def _grid(rows: list[tuple[Any, ...]], gap: int) -> Any:
    """Cells side by side; a line that is too long is cut, for a second one would not be a line."""
    from rich.table import Table

    grid = Table.grid(padding=(0, gap))
    for _ in rows[0] if rows else ():
        grid.add_column(no_wrap=True, overflow="ellipsis")
    for row in rows:
        grid.add_row(*row)
    return grid
