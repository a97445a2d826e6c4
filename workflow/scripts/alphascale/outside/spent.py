"""What the runs of a table have taken: passes, steps, FLOPs and seconds, as far as it tells."""

from __future__ import annotations

import numpy as np

from .columns import Runs

PER_SAMPLE = 6.0  # FLOPs of a training, per parameter and sample (or token): Kaplan et al. 2020


def passes_of(runs: Runs, stated: int | None, notes: list[str]) -> int:
    """Passes over the samples of every run: as stated, or the table's median, or one."""
    if stated is not None:
        return stated
    told = runs.others["epochs"]
    if told is None or runs.samples is None or np.isnan(told).all():
        return 1
    middle = max(1, round(float(np.nanmedian(told))))
    if np.nanmin(told) != np.nanmax(told):
        notes.append(
            f"epochs vary from {np.nanmin(told):g} to {np.nanmax(told):g}: costs count their "
            f"median, {middle}, for every run"
        )
    elif np.nanmedian(told) != middle:
        notes.append(
            f"{np.nanmedian(told):g} epochs are counted as {middle}: costs are off by as much; say "
            "what was seen in all by --samples, with --epochs 1"
        )
    return middle


def step_flops(
    runs: Runs, seen: np.ndarray, passes: int, notes: list[str]
) -> tuple[np.ndarray, bool]:
    """Training FLOPs per sample seen, (n,), and whether with the samples they make a training."""
    told = runs.others["flops"]
    if told is None and runs.along is not None:
        epochs = runs.others["epochs"]
        told = PER_SAMPLE * runs.params * runs.along * (1.0 if epochs is None else epochs)
        notes.append(
            "all runs are one ladder whatever their samples: N* is of models trained on as many "
            "more samples as these; FLOPs are taken as 6·N per sample"
        )
    known = np.zeros(len(seen), bool) if told is None else ~np.isnan(told)
    if known.all():
        return told / seen, True
    if known.any():
        sizes = np.unique(runs.params[known])
        logs = [np.log(told[known & (runs.params == n)] / seen[known & (runs.params == n)]).mean()
                for n in sizes]  # fmt: skip
        notes.append(
            f"{(~known).sum()} of {len(seen)} rows have no FLOPs: theirs are read off the other "
            "rows, log-log in the parameters"
        )
        filled = np.exp(np.interp(np.log(runs.params), np.log(sizes), logs))
        # Beyond the sizes that have any, FLOPs go with the parameters.
        ends = np.clip(runs.params, sizes[0], sizes[-1])
        return np.where(known, told / seen if told is not None else 0.0,
                        filled * runs.params / ends), True  # fmt: skip
    if runs.samples is None:
        notes.append(
            "FLOPs are 6·N, those of ONE sample in training: the table tells neither samples nor "
            "FLOPs, so no training's cost is told, only shares of it; --samples or --flops COLUMN"
        )
        return PER_SAMPLE * runs.params, False
    notes.append(
        f"FLOPs are taken as 6·N per sample and {'pass' if passes == 1 else f'{passes} passes'}, "
        "true of dense networks and of tokens; the table has no FLOPs (--flops COLUMN, --epochs)"
    )
    return PER_SAMPLE * runs.params, True


def seconds_of(runs: Runs, notes: list[str]) -> np.ndarray | None:
    told = runs.others["seconds"]
    if told is None or not np.isnan(told).any():
        return told
    if not np.isnan(told).all():
        notes.append(
            f"{np.isnan(told).sum()} of {len(told)} rows have no seconds: no time is told of any"
        )
    return None


def batch_of(runs: Runs, seen: np.ndarray) -> int:
    """Samples of a step, by the steps that the table tells; where it tells none all of the largest
    run's: what a run takes beside its FLOPs is then a start of each pass, whatever its samples."""
    steps = runs.others["steps"]
    if steps is None or runs.samples is None or np.isnan(steps).all():
        return max(1, round(float(seen.max())))
    return max(1, round(float(np.nanmedian(seen / steps))))
