"""Rows of somebody's table as observations, as a study's `aggregate` gathers them from records.

What a table does not tell stands as 0 where a study always has a number (test samples, seconds,
learning rate), and is empty elsewhere: nothing is made up. Size is `params` alone; the fraction of
a run is its share of the most samples in the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from ..auditing.job_warnings import EDGE
from ..errors import UserError
from ..metrics import TABLE, TASKS
from ..records.decision import BARE
from ..records.observations import Observation
from ..records.specs import Target
from ..units import count, prefixed
from .columns import NONE, Runs
from .spent import batch_of, passes_of, seconds_of, step_flops

LEAST = 3  # sizes: two for a law, and the one that is withheld from it
UNTOLD = "not told by the table"


@dataclass(frozen=True)
class Observed:
    """What the observations of one domain are, beside their rows."""

    rows: list[Observation]
    notes: list[str]  # sentences on what was taken for what
    scales: dict[str, int]  # scale → parameters
    epochs: int  # of every training
    batch: int  # samples of a step; 1 where the table tells no steps
    members: int  # trainings of a cell, at most
    rates: int  # learning rates of a cell, at most; 0 where the table tells none
    tested: int | None  # samples that errors were counted on
    samples: bool  # whether the table tells them
    flops: bool  # whether FLOPs are of whole trainings
    timed: bool  # whether every run has a time
    embeddings: bool  # whether the table tells them apart
    endings: bool  # whether it tells how runs ended
    task: str


def observations(
    domain: str,
    runs: Runs,
    targets: tuple[Target, ...],
    *,
    epochs: int | None,
    tested: int | None,
    best_of: np.ndarray | None,
) -> Observed:
    """The observations of one domain's runs.

    epochs: of every run, None for what the table says. best_of: (n,) labels of what was swept, as
    learning rates: of each cell the one with the best mean of the first target is taken.
    Raises UserError for fewer than three sizes.
    """
    notes: list[str] = []
    passes = passes_of(runs, epochs, notes)
    samples = np.ones(len(runs.params)) if runs.samples is None else runs.samples
    pool = samples.max()
    fractions = np.array(["1.0" if d == pool else repr(float(d / pool)) for d in samples])
    scales = _scales(runs)
    _enough(runs, domain, samples, scales)
    cells = np.char.add(np.char.add(scales, "\n"), fractions)
    step, whole = step_flops(runs, samples * passes, passes, notes)
    seconds = seconds_of(runs, notes)
    results = _results(runs, tested, targets)
    rates = runs.others["learning_rate"]
    chosen, edges = np.ones(len(cells), bool), set()
    if best_of is not None:
        chosen, edges = _best(cells, best_of, _falling(results, targets[0]), runs.ok)
        notes.append(
            "of what was swept in a cell, the best by the mean of the target's metric itself is "
            "taken (--best-of): a choice by validation would be a little less favourable"
        )
    elif rates is not None and _varies(rates, cells):
        notes.append(
            "cells hold runs of several learning rates: their spread counts as noise; to take the "
            "best of each cell: --best-of learning_rate"
        )
    seeds = _seeds(runs, cells, chosen)
    batch = batch_of(runs, samples * passes)
    task = _task(targets)
    order = np.lexsort((seeds, samples, runs.params))
    rows = []
    for i in order:
        if not chosen[i]:
            continue
        job = cells == cells[i]
        values = {name: _cell(each[i]) for name, each in results.items()}
        embedded = runs.others["non_embedding"]
        body = runs.params[i] if embedded is None else np.nan_to_num(embedded[i]) or runs.params[i]
        rows.append(
            Observation(
                **dict.fromkeys(each.name for each in fields(Observation))
                | values
                | {
                    "domain": domain, "scale": str(scales[i]), "fraction": str(fractions[i]),
                    "seed": int(seeds[i]), "role": "ladder", "family": BARE, "task": task,
                    "status": "ok" if runs.ok[i] else "diverged",
                    "params": round(runs.params[i]), "non_embedding": round(body),
                    "embedding": round(runs.params[i] - body), "head": 0,
                    "samples": round(samples[i]), "samples_seen": round(samples[i] * passes),
                    "learning_rate": 0.0 if rates is None else float(np.nan_to_num(rates[i])),
                    "epochs_run": passes,
                    "test_samples": tested or 0,
                    "forward_flops": round(step[i] / 3), "step_flops": max(1, round(step[i])),
                    "flops": round(step[i] * samples[i] * passes),
                    "job_flops": round(float((step * samples * passes)[job].sum())),
                    "job_seconds": 0.0 if seconds is None else float(seconds[job].sum()),
                    "job_members": int(job.sum()),
                    "energy_how": UNTOLD, "watts_how": UNTOLD, "device": UNTOLD,
                    "precision": UNTOLD, "warnings": EDGE if cells[i] in edges else "",
                    "peak_memory_bytes": 0,
                }
            )
        )  # fmt: skip
    spent = sum({(row.scale, row.fraction): row.job_flops for row in rows}.values())
    of = "" if whole else " for one sample each"
    notes.append(
        f"already spent: the table's {len(cells)} runs took {prefixed(spent, 'FLOP')}{of}; net "
        "counts them, gross is what the choice still saves"
    )
    return Observed(
        rows=rows,
        notes=notes,
        scales={str(scale): round(n) for scale, n in zip(scales, runs.params, strict=True)},
        epochs=passes,
        batch=batch,
        members=max(row.job_members for row in rows),
        rates=0 if rates is None else max(_distinct(rates, cells).values()),
        tested=tested,
        samples=runs.samples is not None,
        flops=whole,
        timed=seconds is not None,
        embeddings=runs.others["non_embedding"] is not None,
        endings=runs.status,
        task=task,
    )


def _scales(runs: Runs) -> np.ndarray:
    """A name for every size: the user's, or its parameters in words, or in full where two of them
    would share those."""
    if runs.cells is not None:
        return np.array(runs.cells, str)
    sizes = np.unique(runs.params)
    words = [count(n).replace(" ", "") for n in sizes]
    names = words if len(set(words)) == len(sizes) else [f"{n:.0f}" for n in sizes]
    return np.array([dict(zip(sizes, names, strict=True))[n] for n in runs.params], str)


def _enough(runs: Runs, domain: str, samples: np.ndarray, scales: np.ndarray) -> None:
    here = runs.ok & (samples == samples.max())
    sizes, there = len(set(runs.params[runs.ok])), len(set(runs.params[here]))
    if sizes < LEAST:
        raise UserError(
            f"{runs.path}: {domain}: {sizes} size(s) with a run that ended well: a law needs "
            f"{LEAST}, the largest of which is kept from it to test it; add runs of other sizes"
        )
    if there < LEAST:
        raise UserError(
            f"{runs.path}: {domain}: {there} size(s) at the most samples, {samples.max():,.0f}: "
            f"the decision is made there, and needs {LEAST}; take rows of an amount that all sizes "
            f"share by --where, or put all in one ladder whatever their samples: --samples {NONE}"
        )
    if len(set(scales)) < LEAST:
        raise UserError(f"{runs.path}: {domain}: --cell names fewer than {LEAST} configurations")


def _results(runs: Runs, tested: int | None, targets: tuple[Target, ...]) -> dict[str, np.ndarray]:
    """Column of the observations → values (n,); accuracy and error, loss and perplexity are one."""
    known = dict(runs.metrics)
    if "perplexity" in known:
        known["loss"] = np.log(known.pop("perplexity"))
    for one, other in (("accuracy", "error"), ("error", "accuracy")):
        if one in known and other not in known:
            known[other] = 1 - known[one]
    for target in targets:
        metric = TABLE[target.metric]
        falls = metric.falling(known[target.metric])
        at = np.flatnonzero(runs.ok & (falls <= 0))
        if len(at) and (tested is None or not metric.share):
            what = "no error at all" if metric.share else f"{metric.title} {falls[at[0]]:g}"
            raise UserError(
                f"{runs.path}, line {runs.lines[at[0]]}: {what}, of which no law has a logarithm"
                + ("; say on how many samples it was tested: --tested N" if metric.share else "")
            )
    return {f"test_{name}": values for name, values in known.items()}


def _falling(results: Mapping[str, np.ndarray], target: Target) -> np.ndarray:
    """A target's metric as laws are fitted to it, (n,)."""
    return TABLE[target.metric].falling(results[f"test_{target.metric}"])


def _best(
    cells: np.ndarray, swept: np.ndarray, falls: np.ndarray, ok: np.ndarray
) -> tuple[np.ndarray, set[str]]:
    """The runs (n,) of each cell's best entry of a sweep, by their mean; and the cells whose best
    is the first or last of three or more. An entry with a run that diverged is taken where all
    have one."""
    chosen, edges = np.zeros(len(cells), bool), set()
    for cell in np.unique(cells):
        here = cells == cell
        entries = np.unique(swept[here])
        means = [
            falls[here & (swept == entry)].mean() if ok[here & (swept == entry)].all() else np.inf
            for entry in entries
        ]
        if np.isinf(means).all():
            chosen |= here
            continue
        best = int(np.argmin(means))
        chosen |= here & (swept == entries[best])
        if len(entries) > 2 and best in (0, len(entries) - 1) and swept.dtype.kind == "f":
            edges.add(cell)
    return chosen, edges


def _seeds(runs: Runs, cells: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Of every run (n,), as the table has them; where it does not, or two runs of a cell share one,
    they are numbered."""
    told = runs.others["seed"]
    if told is not None and not np.isnan(told).any() and (told % 1 == 0).all():
        pairs = list(zip(cells[chosen], told[chosen], strict=True))
        if len(set(pairs)) == len(pairs) and (told >= 0).all():
            return told.astype(int)
    numbers = np.zeros(len(cells), int)
    for cell in np.unique(cells):
        here = (cells == cell) & chosen
        numbers[here] = np.arange(here.sum())
    return numbers


def _task(targets: tuple[Target, ...]) -> str:
    """The task, as far as the targets' metrics tell."""
    if any(target.perplexity is not None for target in targets):
        return "next"
    return next(task for task in TASKS
                if all(task in TABLE[target.metric].tasks for target in targets))  # fmt: skip


def _cell(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _varies(values: np.ndarray, cells: np.ndarray) -> bool:
    return max(_distinct(values, cells).values()) > 1


def _distinct(values: np.ndarray, cells: np.ndarray) -> Mapping[str, int]:
    """Cell → how many different values it has."""
    return {cell: len(np.unique(values[cells == cell])) for cell in np.unique(cells)}
