"""What `law: auto`'s intervals hold on small ladders: nominal 95 %, simulated.

    python tests/benchmarks/auto_ladders.py

For each cell 150 ladders of `sizes` doubling sizes × `seeds` runs: share of intervals that hold a
new run at 4 × the largest size (run), and that hold the true size which reaches the error expected
there (N*); median half-width of the former in % (±); error of the prediction (rms of log, in %)
of auto and of a log-log line through the last 30 % of the sizes. Truth: E + A·N^−α inside
the candidates ("floor"), or a power law whose exponent grows beyond a break ("broken"), which
is in none. Printed on two CPU cores:

    floor
    sizes seeds   noise    run     N*       ±   auto   line
        5     1   0.2 %  100.0  100.0     5.8    1.2    9.4
        5     1   2.0 %   86.7   86.7    13.4    6.8   11.8
        5     3   0.2 %  100.0  100.0     5.1    0.9    8.4
        5     3   2.0 %   96.0   97.3    10.7    4.5   10.1
        5     5   0.2 %  100.0  100.0     5.5    0.6    9.0
        5     5   2.0 %   97.3   98.7    10.2    3.6    9.6
        6     1   0.2 %  100.0  100.0     4.3    1.0    7.7
        6     1   2.0 %   92.0   90.7    12.8    6.3   12.1
        6     3   0.2 %  100.0  100.0     3.2    0.5    8.0
        6     3   2.0 %   97.3   98.0    10.1    4.0    8.6
        6     5   0.2 %  100.0  100.0     3.0    0.5    8.1
        6     5   2.0 %   96.7   99.3     8.7    3.3    9.1
        8     1   0.2 %  100.0   99.3     2.5    0.7    9.4
        8     1   2.0 %   94.7   89.3     9.3    4.7    9.6
        8     3   0.2 %  100.0  100.0     1.9    0.3    9.3
        8     3   2.0 %   98.7   96.7     7.6    2.8    9.5
        8     5   0.2 %  100.0  100.0     1.6    0.2    8.6
        8     5   2.0 %   97.3   98.0     6.7    2.4    9.0
       12     1   0.2 %  100.0   99.3     1.4    0.3    6.5
       12     1   2.0 %   92.7   84.0     8.8    3.7    7.6
       12     3   0.2 %  100.0  100.0     0.8    0.2    6.9
       12     3   2.0 %   95.3   96.7     5.8    1.8    6.5
       12     5   0.2 %   99.3  100.0     0.7    0.1    5.7
       12     5   2.0 %   98.7   96.7     5.2    1.5    6.2
    broken
    sizes seeds   noise    run     N*       ±   auto   line
        5     1   0.2 %   52.7   46.0    24.6   25.1   11.4
        5     1   2.0 %   58.0   45.3    29.1   28.0   13.8
        5     3   0.2 %   57.3   56.0    21.7   19.1   11.0
        5     3   2.0 %   58.0   52.7    23.4   22.6   11.0
        5     5   0.2 %   60.0   58.0    23.2   18.8   10.5
        5     5   2.0 %   58.7   62.0    22.4   20.3   10.2
        6     1   0.2 %   84.7   80.7    23.1   15.1    7.7
        6     1   2.0 %   80.0   74.0    29.0   18.8    9.5
        6     3   0.2 %   81.3   79.3    19.9   13.6    7.7
        6     3   2.0 %   78.0   77.3    26.5   17.6    8.1
        6     5   0.2 %   83.3   82.7    22.1   14.1    7.9
        6     5   2.0 %   78.7   75.3    23.4   16.1    8.0
        8     1   0.2 %   98.0   97.3    17.0    8.3    2.8
        8     1   2.0 %   96.0   92.0    28.1   12.5    5.3
        8     3   0.2 %   98.7   98.7    15.2    6.6    2.7
        8     3   2.0 %   98.0   99.3    22.8    9.5    3.6
        8     5   0.2 %   97.3   96.7    16.6    7.3    2.4
        8     5   2.0 %   98.7   97.3    22.3    9.2    3.4
       12     1   0.2 %  100.0  100.0    10.7    1.4    0.4
       12     1   2.0 %   95.3   94.0    23.7    9.8    3.0
       12     3   0.2 %  100.0  100.0     9.9    1.8    0.2
       12     3   2.0 %   98.0   98.0    20.0    6.8    1.9
       12     5   0.2 %  100.0  100.0     9.9    1.4    0.2
       12     5   2.0 %   97.3  100.0    17.8    5.3    1.4
    297 s of CPU
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))

from alphascale.laws.selection import auto

REPEATS = 150


def floor(rng):
    e, c = rng.uniform(0, 0.5), rng.uniform(0.2, 0.8)
    return lambda x: e + (1 - e) * x**-c


def broken(rng):
    a, c, d = rng.uniform(0.05, 0.3), rng.uniform(0.1, 0.4), 10 ** rng.uniform(0.3, 1.5)
    return lambda x: x**-a * (1 + (x / d) ** 2) ** (-c / 2)


def cell(truth, sizes: int, seeds: int, noise: float) -> str:
    rng = np.random.default_rng([sizes, seeds, int(1e4 * noise)])
    level = 2.0 ** np.arange(sizes)
    far = 4 * level[-1]
    x = np.repeat(level, seeds)
    run, star, width, error, line = [], [], [], [], []
    tail = max(2, int(np.ceil(0.3 * sizes)))
    for _ in range(REPEATS):
        law = truth(rng)
        y = law(x) * np.exp(noise * rng.standard_normal(len(x)))
        new = law(far) * np.exp(noise * rng.standard_normal())
        fit = auto(x, y)
        band = fit.predict([far])
        run.append(band.lower[0] <= new <= band.upper[0])
        low, high = fit.solve_interval(law(far))
        star.append(low <= far <= high)
        width.append(np.log(band.upper[0] / band.lower[0]) / 2)
        error.append(np.log(band.mean[0] / law(far)))
        mean = np.log(y).reshape(sizes, seeds).mean(1)
        naive = np.polyfit(np.log(level[-tail:]), mean[-tail:], 1)
        line.append(np.polyval(naive, np.log(far)) - np.log(law(far)))
    rms = [100 * np.sqrt(np.mean(np.square(v))) for v in (error, line)]
    return (
        f"{sizes:5d} {seeds:5d} {100 * noise:5.1f} % {100 * np.mean(run):6.1f} "
        f"{100 * np.mean(star):6.1f} {100 * np.median(width):7.1f} {rms[0]:6.1f} {rms[1]:6.1f}"
    )


def main() -> None:
    started = time.process_time()
    for truth in (floor, broken):
        print(f"{truth.__name__:6s}\nsizes seeds   noise    run     N*       ±   auto   line")
        for sizes in (5, 6, 8, 12):
            for seeds in (1, 3, 5):
                for noise in (0.002, 0.02):
                    print(cell(truth, sizes, seeds, noise), flush=True)
    print(f"{time.process_time() - started:.0f} s of CPU")


if __name__ == "__main__":
    main()
