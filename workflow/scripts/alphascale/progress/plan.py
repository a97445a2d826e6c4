"""What is said before the first job, by what Snakemake has found that is to run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..config import Study
from ..running.devices import visible_devices
from .pace import Pace, pace
from .run import PLANNED, TRAINS
from .sizes import Cell, Records, Work, work
from .stale import due_jobs, words
from .table import table


class Listener(logging.Handler):
    """Calls `begin` when Snakemake knows what will run, and `nothing` where that is nothing: it
    calls no hook of the Snakefile in a dry run, or where there is nothing to do."""

    def __init__(self, begin: Callable[[], None], nothing: Callable[[], None]):
        super().__init__()
        self.begin, self.nothing, self.begun = begin, nothing, False

    def emit(self, record: logging.LogRecord) -> None:
        if self.begun:
            return
        if str(getattr(record, "event", "")) == "run_info":
            self.begun = True
            self.begin()
        elif str(record.msg).startswith("Nothing to be done"):
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
    works = {cell: work(study, records[cell[0]], *cell[1:]) for cell in cells}
    gpu = study.device != "cpu" and bool(visible_devices() or study.device == "cuda")
    measured = {domain: known.measured() for domain, known in records.items()}
    every = [each for many in measured.values() for each in many]
    # A domain without a record goes by what others took on this machine.
    paces = {domain: pace(own or every, study.costs, gpu) for domain, own in measured.items()}
    why = words(jobs, len(study.domains), (*TRAINS, "verify_domain"))
    text = table(works, paces, study)
    lines = ["what will run", *(f"  {line}" for line in why)]
    if text and not all((Path(folder) / "data" / f"{d}.json").exists() for d in records):
        lines.append("  the data of a domain are prepared first")
    return "\n".join(filter(None, [*lines, text])), works, paces


def planned(works: dict[Cell, Work], paces: dict[str, Pace]) -> dict[str, Any]:
    """The event by which those who show the run learn of its trainings: a log record's `extra`."""
    return {"event": PLANNED, "works": works, "paces": paces}
