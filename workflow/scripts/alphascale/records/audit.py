"""What `audit` writes: ten questions of a careful reader, and each cell's training warnings."""

from __future__ import annotations

from dataclasses import dataclass

from .files import SCHEMA
from .typed import SchemaVersion


@dataclass(frozen=True)
class Check:
    """One question."""

    check: str  # its name
    status: str  # `passed`, `warned` or `failed`
    figure: str  # what was found, with its number


@dataclass(frozen=True)
class CellLevel:
    """How the training of one cell went."""

    # scale, params, fraction: which cell, and its parameters in all
    scale: str
    params: int
    fraction: str
    # LOW, MEDIUM or HIGH, the worst generalisation warning of its seeds; None if all diverged
    level: str | None
    best_epochs: list[int]  # of the seeds that ended well, 1-based
    epochs: int  # that were asked for


@dataclass(frozen=True)
class AuditRecord:
    """The audit of a domain."""

    domain: str
    fraction: str  # the one that was decided on
    checks: list[Check]  # each once
    tally: dict[str, int]  # status → how many
    scales: list[CellLevel]  # every cell, smallest first
    schema: SchemaVersion = SCHEMA  # version of the file
