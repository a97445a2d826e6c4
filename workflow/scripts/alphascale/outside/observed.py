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
    lines: list[int]  # of the table's file, where each row stands
    notes: list[str]  # sentences on what was taken for what
    scales: dict[str, int]  # scale → parameters
    epochs: int  # of every training
    batch: int  # samples of a step; the largest run's where the table tells no steps
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
    falls = TABLE[targets[0].metric].falling(results[f"test_{targets[0].metric}"])
    rates = runs.others["learning_rate"]
    chosen, edges = np.ones(len(cells), bool), set()
    if best_of is not None:
        chosen, edges = _best(cells, best_of, falls, runs.ok)
        notes.append(
            "of what was swept in a cell, the best by the mean of the target's metric itself is "
            "taken (--best-of): a choice by validation would be a little less favourable"
        )
    elif rates is not None and max(_distinct(rates, cells).values()) > 1:
        notes.append(
            "cells hold runs of several learning rates: their spread counts as noise; to take the "
            "best of each cell: --best-of learning_rate"
        )
    again = _repeated(runs, cells, falls)
    if again:
        notes.append(
            f"{again} row(s) repeat another to the last digit, seed and result: if they are the "
            "same run, the noise is larger than it seems; take them out"
        )
    each = {
        "scale": scales,
        "fraction": fractions,
        "seed": _seeds(runs, cells, chosen),
        "status": np.where(runs.ok, "ok", "diverged"),
        "params": np.round(runs.params),
        "non_embedding": _body(runs),
        "samples": samples,
        "learning_rate": np.zeros(len(cells)) if rates is None else np.nan_to_num(rates),
        "step_flops": step,
        "seconds": np.zeros(len(cells)) if seconds is None else seconds,
        "warnings": np.array([EDGE if cell in edges else "" for cell in cells]),
        **results,
    }
    task = _task(targets)
    shared = {
        "domain": domain, "role": "ladder", "family": BARE, "task": task, "epochs_run": passes,
        "test_samples": tested or 0, "head": 0, "peak_memory_bytes": 0,
        "energy_how": UNTOLD, "watts_how": UNTOLD, "device": UNTOLD, "precision": UNTOLD,
    }  # fmt: skip
    order = np.lexsort((each["seed"], samples, runs.params))
    order = order[chosen[order]]
    rows = [_row(each, i, cells == cells[i], shared) for i in order]
    spent = float((step * samples * passes).sum())
    of = "" if whole else " for one sample each"
    notes.append(
        f"already spent: the table's {len(cells)} runs took {prefixed(spent, 'FLOP')}{of}; net "
        "counts them, gross is what the choice still saves"
    )
    return Observed(
        rows=rows,
        lines=[int(line) for line in runs.lines[order]],
        notes=notes,
        scales={str(scale): round(n) for scale, n in zip(scales, runs.params, strict=True)},
        epochs=passes,
        batch=batch_of(runs, samples * passes),
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


def _row(
    each: Mapping[str, np.ndarray], i: int, job: np.ndarray, shared: Mapping[str, object]
) -> Observation:
    """One run; each: (n,) of all runs. job (n,): the runs of its cell, which its cost is of."""
    passes = shared["epochs_run"]
    flops = each["step_flops"] * each["samples"] * passes
    params, step = round(each["params"][i]), each["step_flops"][i]
    values = {
        name: None if np.isnan(column[i]) else float(column[i])
        for name, column in each.items()
        if name.startswith("test_")
    }
    return Observation(
        **dict.fromkeys(each.name for each in fields(Observation)) | shared | values | {
            **{name: str(each[name][i]) for name in ("scale", "fraction", "status", "warnings")},
            "seed": int(each["seed"][i]),
            "params": params,
            "non_embedding": round(each["non_embedding"][i]),
            "embedding": params - round(each["non_embedding"][i]),
            "samples": round(each["samples"][i]),
            "samples_seen": round(each["samples"][i] * passes),
            "learning_rate": float(each["learning_rate"][i]),
            # A forward pass is a third of a training step: the backward one is two of it.
            "forward_flops": max(1, round(step / 3)),
            "step_flops": max(1, round(step)),
            "flops": round(flops[i]),
            "job_flops": round(float(flops[job].sum())),
            "job_seconds": float(each["seconds"][job].sum()),
            "job_members": int(job.sum()),
        }
    )  # fmt: skip


def _body(runs: Runs) -> np.ndarray:
    """Parameters without embeddings, (n,): all of them where the table tells no others."""
    told = runs.others["non_embedding"]
    return runs.params if told is None else np.where(np.isnan(told), runs.params, told)


def _repeated(runs: Runs, cells: np.ndarray, falls: np.ndarray) -> int:
    """Rows of a cell that have the seed, the rate and the result of another."""
    known = [runs.others[name] for name in ("seed", "learning_rate")]
    known = [each for each in known if each is not None]
    if runs.others["seed"] is None:
        return 0
    columns = [each[runs.ok].tolist() for each in (cells, falls, *known)]
    rows = list(zip(*columns, strict=True))
    return len(rows) - len(set(rows))


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
    # Of the two the one that a target is of rules: a column of the other may be of another split.
    asked = {target.metric for target in targets}
    pairs = (("accuracy", "error"), ("error", "accuracy"))
    for one, other in sorted(pairs, key=lambda pair: pair[0] not in asked):
        if one in known and (other not in known or (one in asked and other not in asked)):
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


def _distinct(values: np.ndarray, cells: np.ndarray) -> Mapping[str, int]:
    """Cell → how many different values it has."""
    return {cell: len(np.unique(values[cells == cell])) for cell in np.unique(cells)}
