"""What `audit` writes: ten questions of a careful reader, and each cell's training warnings."""

from __future__ import annotations

from dataclasses import dataclass

from .files import SCHEMA
from .typed import SchemaVersion


@dataclass(frozen=True)
class Check:
    """One question.

    check: its name.
    status: `passed`, `warned` or `failed`.
    figure: what was found, with its number.
    """

    check: str
    status: str
    figure: str


@dataclass(frozen=True)
class CellLevel:
    """How the training of one cell went.

    scale, params, fraction: which cell, and its parameters in all.
    level: LOW, MEDIUM or HIGH, the worst generalisation warning of its seeds; None if all diverged.
    best_epochs: of the seeds that ended well, 1-based.
    epochs: that were asked for.
    """

    scale: str
    params: int
    fraction: str
    level: str | None
    best_epochs: list[int]
    epochs: int


@dataclass(frozen=True)
class AuditRecord:
    """The audit of a domain.

    fraction: the one that was decided on.
    checks: each once.
    tally: status → how many.
    scales: every cell, smallest first.
    schema: version of the file.
    """

    domain: str
    fraction: str
    checks: list[Check]
    tally: dict[str, int]
    scales: list[CellLevel]
    schema: SchemaVersion = SCHEMA
