"""Do nominal 95 % intervals cover 95 %? Simulated ladders, known truth. See docs/laws.md for the
table.

python tests/benchmarks/coverage.py --repeats 25 --laws auto

Typical printout (two CPU cores; the first and last rows of many):

    truth, law, sizes | new run at 4 x the largest size | N* (1, 3, 5 seeds) | width | inf
    inside     auto          5 | 0.920 1.000 1.000 | 0.880 1.000 1.000 |   5.2   4.1   3.4 | ...
    inside     auto          6 | 0.980 1.000 0.980 | 0.980 0.980 0.960 |   5.4   3.4   3.1 | ...
    inside     auto          8 | 1.000 1.000 0.960 | 0.980 1.000 0.960 |   4.8   3.5   2.7 | ...
    inside     auto         12 | 0.960 0.960 0.980 | 1.000 1.000 1.000 |   4.2   2.6   2.6 | ...
    saturating auto         12 | 0.960 0.920 1.000 | 1.000 1.000 0.980 |   7.9   4.7   3.5 | ...
    108 s of CPU, two CPU cores
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))

from alphascale.laws import fit

NOISES = (0.002, 0.02)
SIZES = (5, 6, 8, 12)
SEEDS = (1, 3, 5)


def inside(rng):
    """Power law with a floor: the form that is fitted."""
    E, a = rng.uniform(0.01, 0.15), rng.uniform(0.2, 0.7)
    return lambda u: E + (0.4 - E / 2) * u**-a


def bent(rng):
    """The exponent changes by -.15 … .3 somewhere between 3 and 60 times the smallest size."""
    E, a = rng.uniform(0.01, 0.15), rng.uniform(0.2, 0.7)
    c, d = rng.uniform(-0.15, 0.3), 10 ** rng.uniform(0.5, 1.8)
    return lambda u: E + (0.4 - E / 2) * u**-a * (1 + (u / d) ** 2) ** (-c / 2)


def early(rng):
    """The smallest sizes lie before the power law: a second, faster power is subtracted."""
    E, a, b = rng.uniform(0.01, 0.15), rng.uniform(0.2, 0.7), rng.uniform(0.2, 0.6)
    return lambda u: E + (0.4 - E / 2) * u**-a * (1 - b * u**-0.7)


def saturating(rng):
    """M3, which levels off at or beyond the end of the ladder: the ladder cannot show it."""
    c, g = rng.uniform(0.2, 0.6), 10 ** rng.uniform(-4, -2)
    return lambda u: 0.45 * (1 / u + g) ** c


TRUTHS = {f.__name__: f for f in (inside, bent, early, saturating)}


def one(truth, sizes, seeds, noise, law, rng, seed):
    """(new run covered, N* covered, interval width in noise, N* upper end infinite)."""
    curve = truth(rng)
    u = np.repeat(np.geomspace(1, 100, sizes), seeds)
    y = curve(u) * np.exp(noise * rng.standard_normal(u.size))
    new = curve(np.array([400.0]))[0] * np.exp(noise * rng.standard_normal())
    size = 10 ** rng.uniform(1.2, 2.6)
    frame = {"params": 1e4 * u, "error": y}
    found = fit(frame, "params", "error", law=law, resamples=200, seed=seed, withhold=False)
    ahead = found.predict([4e6])
    low, high = found.solve_interval(curve(np.array([size]))[0])
    width = np.log(ahead.upper[0] / ahead.lower[0]) / (2 * 1.96 * noise)
    return (
        ahead.lower[0] <= new <= ahead.upper[0],
        low <= 1e4 * size <= high,
        width,
        np.isinf(high),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=200, help="of each of the two noises")
    parser.add_argument("--laws", default="power_floor")
    parser.add_argument("--truths", default=",".join(TRUTHS))
    args = parser.parse_args()
    start = time.process_time()
    print("truth, law, sizes | new run at 4 x the largest size | N* (1, 3, 5 seeds) | width | inf")
    for name in args.truths.split(","):
        for law in args.laws.split(","):
            for sizes in SIZES:
                cells = []
                for seeds in SEEDS:
                    rows = []
                    for noise in NOISES:
                        rng = np.random.default_rng([sizes, seeds, int(1e5 * noise)])
                        for i in range(args.repeats):
                            row = one(TRUTHS[name], sizes, seeds, noise, law, rng, i)
                            rows.append(row)
                    cells.append(rows)
                c = np.array(cells, float)
                share = c.mean(axis=1)
                print(
                    f"{name:10s} {law:11s} {sizes:3d} |",
                    *(f"{v:.3f}" for v in share[:, 0]),
                    "|",
                    *(f"{v:.3f}" for v in share[:, 1]),
                    "|",
                    *(f"{v:5.1f}" for v in np.median(c[:, :, 2], axis=1)),
                    "|",
                    *(f"{v:.2f}" for v in share[:, 3]),
                    flush=True,
                )
    print(f"{time.process_time() - start:.0f} s of CPU, two CPU cores")


if __name__ == "__main__":
    main()
