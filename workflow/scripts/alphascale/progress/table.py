"""What a run will train, size by size: parameters, FLOPs, time, energy, money; and all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..config import Study
from ..units import count, energy, money, prefixed
from .pace import Pace
from .sizes import Cell, Work

# Lines of sizes at most: of a longer ladder each domain is a line.
LONGEST = 60
HEAD = ("size", "jobs", "parameters", "FLOPs", "time", "energy", "money")
JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Sum:
    """Some jobs together."""

    jobs: int
    params: int | None  # of the largest; None where one is not known
    flops: float | None  # None where one is not known
    seconds: float | None
    kwh: float | None
    money: float | None
    about: bool


def summed(works: list[Work], paces: list[Pace], study: Study) -> Sum:
    """Jobs added up, each at its domain's pace; kWh and money as the study's costs price them."""
    costs = study.costs
    seconds = [pace.seconds(work) for work, pace in zip(works, paces, strict=True)]
    sizes, about = [work.params for work in works], any(work.about for work in works)
    params = None if None in sizes else max(sizes)
    if None in seconds:
        return Sum(len(works), params, None, None, None, None, about)
    joules = sum(s * pace.watts for s, pace in zip(seconds, paces, strict=True))
    kwh = joules / JOULES_PER_KWH * costs.pue
    hourly = costs.price_per_hour
    paid = kwh * costs.price_per_kwh if hourly is None else sum(seconds) / 3600 * hourly
    flops = sum(work.flops for work in works)
    return Sum(len(works), params, flops, sum(seconds), kwh, paid, about)


def table(works: Mapping[Cell, Work], paces: Mapping[str, Pace], study: Study) -> str:
    """The trainings of a run as text, a line for each domain and scale; empty where there is none.

    works: of the cells that will train; paces: by domain.
    """
    if not works:
        return ""
    parts = 2 if len({cell[:2] for cell in works}) <= LONGEST else 1
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in works:
        groups.setdefault(cell[:parts], []).append(cell)
    order = [(d, scale)[:parts] for d, task in study.domains.items() for scale in task.ladder]
    rows, sums = [HEAD], []
    for key in (key for key in dict.fromkeys(order) if key in groups):
        cells = groups[key]
        part = summed([works[c] for c in cells], [paces[key[0]]] * len(cells), study)
        rows.append((" ".join(key), *_cells(part, study)))
        sums.append(part)
    whole = summed(list(works.values()), [paces[cell[0]] for cell in works], study)
    total = _cells(whole, study)
    rows.append(("all", total[0], "", *total[2:]))
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = ["what will be trained"]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    if parts == 1:
        lines.append(f"  more than {LONGEST} sizes: a domain a line, with its largest")
    return "\n".join([*lines, *_notes(works, paces, sums)])


def about_in(seconds: float) -> str:
    """about 40 s; under 1 s."""
    return "under 1 s" if seconds < 1 else f"about {duration(seconds)}"


def duration(seconds: float) -> str:
    """40 s, 12 min, 3.2 h, 5 days."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 1 else "< 1 s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"


def _cells(part: Sum, study: Study) -> tuple[str, ...]:
    about = "~" if part.about else ""
    told = [str(part.jobs), "?" if part.params is None else about + count(part.params)]
    if part.flops is None:
        return (*told, "?", "?", "?", "?")
    return (
        *told,
        f"{about}{prefixed(part.flops, 'FLOP')}",
        duration(part.seconds),
        energy(part.kwh),
        money(part.money, study.costs.currency),
    )


def _notes(works: Mapping[Cell, Work], paces: Mapping[str, Pace], sums: list[Sum]) -> list[str]:
    """Where the numbers are from, and what they leave out."""
    notes = []
    by_how: dict[str, list[str]] = {}
    for domain in dict.fromkeys(cell[0] for cell in works):
        by_how.setdefault(paces[domain].how, []).append(domain)
    for how, domains in by_how.items():
        which = f"{', '.join(domains)}: " if len(by_how) > 1 else ""
        notes.append(f"{which}time {how}, one job after the other, without their starts")
    going = sum(work.trunk for work in works.values())
    if going:
        notes.append(
            f"{going} of the jobs go on from where another begins to cool down: of them what they "
            "train themselves is counted"
        )
    if any(part.about and part.params is not None for part in sums):
        notes.append("~: about, by the shape of the model; exact once a record has counted it")
    if any(work.params is None for work in works.values()):
        notes.append("?: of such a model nothing is known yet; exact once a record has counted it")
    if any(work.flops is None and work.params is not None for work in works.values()):
        notes.append("?: known when the data are prepared")
    return [f"  {note}" for note in notes]
