"""Observations of a ladder whose law is known: one row a run, columns as in observations.csv."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd


def observed(
    sizes: Mapping[str, float],
    law: Callable[[float, int], float],
    *,
    noise: float,
    pool: int,
    epochs: int,
    fractions: Sequence[str] = ("1.0",),
    seeds: Sequence[int] = (0, 1, 2),
    rates: int = 1,
    draw: int = 0,
    additive: bool = False,
) -> pd.DataFrame:
    """Runs of every size at every fraction with every seed; `.assign` whatever should be otherwise.

    sizes: scale → N.
    law: (N, unique samples) → test error.
    noise: of a run, as a share of its error, or with `additive` as it is; draw: its seed.
    pool: samples at fraction 1.
    rates: learning rates swept, which count for a job's cost.

    A tenth of N are embeddings. Training takes 6 FLOPs a parameter and sample; a member takes 1 ms
    for every 100 samples and 1 s for 10 GFLOP.
    """
    rng = np.random.default_rng(draw)
    rows = []
    for scale, n in sizes.items():
        for fraction in fractions:
            samples, members = int(pool * float(fraction)), len(seeds) * rates
            seen, flops = samples * epochs, 6.0 * n * samples * epochs
            for seed in seeds:
                error, off = law(n, samples), noise * rng.standard_normal()
                error = error + off if additive else error * np.exp(off)
                rows.append(
                    {
                        "domain": "d", "scale": scale, "fraction": fraction, "seed": seed,
                        "role": "ladder", "family": "mlp", "task": "classes", "status": "ok",
                        "params": n,
                        "non_embedding": 0.9 * n, "samples": samples, "samples_seen": seen,
                        "step_flops": 6 * n, "flops": flops, "job_flops": flops * members,
                        "job_seconds": members * (1e-5 * seen + flops / 1e10),
                        "job_members": members, "joules": np.nan, "test_error": error,
                        "test_accuracy": 1 - error, "test_loss": 3 * error, "level": "LOW",
                        "test_samples": 10**6,
                        "best_epoch": epochs - 1, "warnings": "",
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def diverge(table: pd.DataFrame, where: pd.Series) -> pd.DataFrame:
    """The same table with some runs diverged: a status, and no numbers."""
    table = table.copy()
    table.loc[where, "status"] = "diverged"
    table.loc[where, ["test_error", "test_accuracy", "test_loss"]] = np.nan
    return table
