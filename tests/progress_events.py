"""Events of a run, as Snakemake logs them."""

from __future__ import annotations

import logging


def event(name: str, **given) -> logging.LogRecord:
    """A record as Snakemake logs one."""
    record = logging.LogRecord("snakemake.logging", logging.INFO, "", 0, None, None, None)
    record.event = name
    vars(record).update(given)
    return record
