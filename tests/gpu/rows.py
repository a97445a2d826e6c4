"""Rows of the table, and what keeps one failure, or one slow part, from being its end."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

# By how much the time of every measurement is stretched.
PATIENCE = 1.0
OK, FAILED, SKIPPED = "ok", "failed", "skipped"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str  # of the measurement
    what: str  # was measured
    value: float | None  # None where there is none
    unit: str
    verdict: str = OK  # OK, FAILED or SKIPPED; OK of a figure that nothing is held against
    why: str = ""  # it failed or was skipped; else what the value is held against


def judged(name: str, what: str, value: float, most: float, unit: str, why: str = "") -> Row:
    """A value that must be at most `most`; NaN is not."""
    verdict = OK if value <= most else FAILED
    return Row(name, what, value, unit, verdict, why or f"at most {most:g}")


def each(
    name: str,
    cases: Iterable[Any],
    of: Callable[[Any], Iterable[Row]],
    seconds: float,
    called: Callable[[Any], str] = str,
) -> Iterator[Row]:
    """The rows of all cases of a measurement: one that fails is a row that says so, and those that
    are left when `seconds` have passed are rows that say that."""
    began = time.monotonic()
    for case in cases:
        if time.monotonic() - began > seconds * PATIENCE:
            why = f"the {seconds:g} s of this measurement were spent"
            yield Row(name, called(case), None, "", SKIPPED, why)
            continue
        yield from guarded(name, called(case), lambda case=case: of(case))


def guarded(name: str, what: str, of: Callable[[], Iterable[Row]]) -> Iterator[Row]:
    """The rows that `of` gives; its failure is a row after those that it gave before."""
    try:
        yield from of()
    except Exception as fault:  # whatever a GPU, a driver or a library finds wrong
        first = str(fault).strip().splitlines() or [""]
        yield Row(name, what, None, "", FAILED, f"{type(fault).__name__}: {first[0]}")
    if torch.cuda.is_available():  # free what a failure still holds
        gc.collect()
        torch.cuda.empty_cache()


def synchronise(device: torch.device) -> None:
    """Wait for all that the device was given to do: a GPU computes while Python goes on."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(step: Callable[[], Any], device: torch.device, window: float) -> float:
    """Seconds of one call, of so many that they take `window` seconds; the device is waited for
    before the clock is read, and three calls come before the first reading."""
    for _ in range(3):
        step()
    calls = 1
    while True:
        synchronise(device)
        began = time.perf_counter()
        for _ in range(calls):
            step()
        synchronise(device)
        took = time.perf_counter() - began
        if took >= window or calls >= 1 << 20:
            return took / calls
        calls = max(2 * calls, round(0.8 * calls * window / max(took, 1e-6)))


def shown(value: float | None) -> str:
    """Three digits, thousands apart."""
    if value is None:
        return "–"
    if value == 0 or 1e-2 <= abs(value) < 1e3:
        return f"{value:.3g}"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.2e}"


def text(rows: Iterable[Row]) -> Iterator[str]:
    """Lines for a terminal, one a row."""
    for row in rows:
        value = f"{shown(row.value)} {row.unit}".strip()
        yield f"{row.verdict:8}{row.name:12}{row.what:48}{value:>24}  {row.why}".rstrip()


def markdown(head: dict[str, str], rows: list[Row]) -> str:
    """The table as a document; head: what was measured on."""
    lines = [f"{key}: {value}  " for key, value in head.items()]
    lines += ["", "| measurement | what | value | verdict | |", "| --- | --- | ---: | --- | --- |"]
    for row in rows:
        cells = (row.name, row.what, f"{shown(row.value)} {row.unit}", row.verdict, row.why)
        lines.append("| " + " | ".join(cell.strip().replace("|", "/") for cell in cells) + " |")
    return "\n".join([*lines, "", counts(rows), ""])


def counts(rows: list[Row]) -> str:
    """How many rows ended how."""
    return ", ".join(
        f"{sum(row.verdict == verdict for row in rows)} {verdict}"
        for verdict in (OK, FAILED, SKIPPED)
    )
