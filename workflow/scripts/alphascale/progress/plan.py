"""What is said before the first job, by what Snakemake has found that is to run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..config import Study
from ..running.devices import visible_devices
from .pace import Pace, pace
from .run import PLANNED, TRAINS
from .sizes import Cell, Records, Work, work
from .stale import due_jobs, words
from .table import table

PREPARES = "prepare"


class Listener(logging.Handler):
    """Calls `begin` when Snakemake knows what will run, `nothing` where that is nothing, and
    `ready` when all data are prepared that were to be: Snakemake calls no hook of the Snakefile in
    a dry run, where there is nothing to do, or between two jobs."""

    def __init__(
        self,
        begin: Callable[[], None],
        ready: Callable[[], None],
        nothing: Callable[[], None],
    ):
        super().__init__()
        self.begin, self.ready, self.nothing = begin, ready, nothing
        self.begun = False
        self.preparing: set[int] = set()  # numbers of jobs
        self.to_prepare = 0

    def emit(self, record: logging.LogRecord) -> None:
        event = str(getattr(record, "event", ""))
        if event == "job_info" and record.rule_name == PREPARES:
            self.preparing.add(record.jobid)
        elif event == "job_finished" and record.job_id in self.preparing:
            self.preparing.discard(record.job_id)
            self.to_prepare -= 1
            if self.to_prepare == 0:
                self.ready()
        elif event == "run_info" and not self.begun:
            self.begun, self.to_prepare = True, record.stats.get(PREPARES, 0)
            self.begin()
        elif not self.begun and str(record.msg).startswith("Nothing to be done"):
            self.begun = True
            self.nothing()


def plan(study: Study, folder: str, dag: Any) -> tuple[str, dict[Cell, Work], dict[str, Pace]]:
    """What will run and why, as text, with the trainings and the paces of their domains."""
    jobs = due_jobs(dag)
    if not jobs:
        return "", {}, {}
    cells = [
        (job.wildcards.domain, job.wildcards.scale, job.wildcards.fraction)
        for job in dag.needrun_jobs()
        if job.rule.name in TRAINS
    ]
    records = {domain: Records(study, domain, folder) for domain, *_ in cells}
    every = set(cells)
    works = {cell: work(study, records[cell[0]], *cell[1:], every) for cell in cells}
    # Data that are prepared anew may be others, and more or fewer.
    anew = {job.domain for job in jobs if job.rule == PREPARES}
    works = {c: replace(w, about=w.about or c[0] in anew) for c, w in works.items()}
    gpu = study.device != "cpu" and bool(visible_devices() or study.device == "cuda")
    measured = {domain: known.measured() for domain, known in records.items()}
    every = [each for many in measured.values() for each in many]
    # A domain without a record goes by what others took on this machine.
    paces = {domain: pace(own or every, study.costs, gpu) for domain, own in measured.items()}
    why = words(jobs, len(study.domains), (*TRAINS, "verify_domain"))
    text = table(works, paces, study)
    lines = [f"what will run ({folder})", *(f"  {line}" for line in why)]
    return "\n".join(filter(None, [*lines, text])), works, paces


def prepared(
    study: Study, folder: str, works: dict[Cell, Work], paces: dict[str, Pace]
) -> tuple[str, dict[Cell, Work]]:
    """The trainings once their data are prepared, which says how many samples there are; and their
    table, where it had to be left open before."""
    records = {domain: Records(study, domain, folder) for domain, *_ in works}
    now = {cell: work(study, records[cell[0]], *cell[1:], works) for cell in works}
    found = any(works[cell].flops is None and now[cell].flops is not None for cell in works)
    return (table(now, paces, study) if found else ""), now


def gathering(dag: Any) -> list[str]:
    """The rule of each target that will run and only gathers what others make: to a reader it is
    no job."""
    return [job.rule.name for job in dag.needrun_jobs() if not job.output]


def planned(
    works: dict[Cell, Work], paces: dict[str, Pace], folder: str, gathers: list[str]
) -> dict[str, Any]:
    """The event by which those who show the run learn of its trainings: a log record's `extra`.

    folder: of the run's results; gathers: of `gathering`.
    """
    return {
        "event": PLANNED, "works": works, "paces": paces, "folder": folder, "gathers": gathers,
    }  # fmt: skip
