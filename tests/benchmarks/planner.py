"""What the planner's runs are worth beside an even grid: FLOPs for the same interval of N*.

python tests/benchmarks/planner.py
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))
from alphascale import laws
from alphascale.decide.design import choose, curve_draws, measured_noise

# E, alpha, noise (sd of log error), N* as a multiple of the largest pilot size.
TRUTHS = [
    (0.02, 0.5, 0.03, 3.0),
    (0.05, 0.3, 0.03, 2.0),
    (0.01, 0.7, 0.08, 4.0),
    (0.10, 0.5, 0.02, 1.0),
    (0.03, 0.4, 0.05, 0.5),
]
SMALLEST, RUNGS, SEEDS = 1000.0, 5, 3
REACH, GRID = 8.0, 6
STEPS = (1, 2, 4, 8)
RESAMPLES, LEVEL = 400, 0.95


def truth_curve(E, alpha):
    """Error .4 at the smallest size."""
    return lambda n: E + (0.4 - E) * (n / SMALLEST) ** -alpha


def observe(curve, sizes, counts, noise, rng):
    n = np.repeat(sizes, counts)
    return n, curve(n) * np.exp(noise * rng.standard_normal(len(n)))


def fit(n, y, seed=0):
    data = {"params": n, "error": y, "scale": n.astype(str)}
    return laws.fit(data, x="params", y="error", law="power_floor", cluster="scale",
                    resamples=RESAMPLES, level=LEVEL, seed=seed, withhold=False)  # fmt: skip


def width(found, target):
    low, high = found.solve_interval(target, LEVEL)
    return np.log(high / max(low, 1.0)), low, high


def places(found, target):
    star = found.solve_samples(target)
    star = np.minimum(star[~np.isnan(star)], 1000 * found.x_range[0][1])
    return np.quantile(star, [0.1, 0.3, 0.5, 0.7, 0.9])


def planned(found, n, y, target, sizes, budget, most=24):
    goals = places(found, target)
    draws = curve_draws(found, {"params": np.concatenate([goals, sizes])})
    noise = measured_noise(found, y, n.astype(str))
    return choose(draws[:, :5], draws[:, 5:], sizes, noise, budget, most)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ladders", type=int, default=40)
    args = parser.parse_args()
    rungs = SMALLEST * 2.0 ** np.arange(RUNGS)
    even = np.geomspace(SMALLEST, REACH * rungs[-1], GRID)
    sizes = np.geomspace(SMALLEST * 1.01, REACH * rungs[-1], 25)
    for truth in TRUTHS:
        E, alpha, noise, star = truth
        curve = truth_curve(E, alpha)
        n_star = star * rungs[-1]
        target = curve(n_star)
        table = {}
        for b in range(args.ladders):
            rng = np.random.default_rng([b, 17])
            n, y = observe(curve, rungs, np.full(RUNGS, SEEDS), noise, rng)
            first = fit(n, y)
            table.setdefault(("pilot", 0), []).append(width(first, target))
            for s in STEPS:
                budget = s * even.sum()
                n2, y2 = observe(curve, even, np.full(GRID, s), noise, rng)
                table.setdefault(("even", s), []).append(
                    width(fit(np.r_[n, n2], np.r_[y, y2]), target)
                )
                for share in (1, 2, 4):
                    d = planned(first, n, y, target, sizes, budget / share)
                    n2, y2 = observe(curve, sizes, d.counts, noise, rng)
                    w = width(fit(np.r_[n, n2], np.r_[y, y2]), target)
                    table.setdefault((f"plan/{share}", s), []).append(w)
                    if b == 0:
                        print(
                            share,
                            s,
                            round(d.flops / budget * share, 2),
                            round(d.ratio, 3),
                            {round(sizes[i]): int(c) for i, c in enumerate(d.counts) if c},
                        )
        print(truth)
        for key, rows in table.items():
            rows = np.array(rows)
            w = rows[:, 0]
            cover = np.mean((rows[:, 1] <= n_star) & (n_star <= rows[:, 2]))
            print(
                f"  {key[0]:8} {key[1]:3} median {np.median(w):.3f}  open {np.mean(~np.isfinite(w)):.2f} cover {cover:.2f}"
            )


main()
