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
        5     1   0.2 %  100.0  100.0     5.0    1.4    9.4
        5     1   2.0 %   84.7   85.3    13.1    7.1   11.8
        5     3   0.2 %  100.0  100.0     4.0    0.9    8.4
        5     3   2.0 %   96.0   96.7    10.5    4.5   10.1
        5     5   0.2 %  100.0  100.0     4.0    0.6    9.0
        5     5   2.0 %   98.0   97.3    10.2    3.6    9.6
        6     1   0.2 %  100.0  100.0     3.3    1.1    7.7
        6     1   2.0 %   89.3   88.0    12.4    6.4   12.1
        6     3   0.2 %   99.3   99.3     2.2    0.5    8.0
        6     3   2.0 %   95.3   96.7     9.8    4.1    8.6
        6     5   0.2 %  100.0  100.0     1.9    0.4    8.1
        6     5   2.0 %   95.3   97.3     8.4    3.5    9.1
        8     1   0.2 %  100.0   98.7     1.9    0.7    9.4
        8     1   2.0 %   93.3   87.3     9.2    4.8    9.6
        8     3   0.2 %  100.0  100.0     1.2    0.3    9.3
        8     3   2.0 %   96.7   96.0     7.2    2.9    9.5
        8     5   0.2 %  100.0  100.0     1.1    0.2    8.6
        8     5   2.0 %   97.3   96.0     6.3    2.6    9.0
       12     1   0.2 %  100.0   98.7     1.2    0.3    6.5
       12     1   2.0 %   90.7   78.0     8.7    3.9    7.6
       12     3   0.2 %  100.0  100.0     0.7    0.2    6.9
       12     3   2.0 %   95.3   94.0     5.6    1.9    6.5
       12     5   0.2 %   99.3  100.0     0.6    0.1    5.7
       12     5   2.0 %   98.0   96.0     5.0    1.5    6.2
    broken
    sizes seeds   noise    run     N*       ±   auto   line
        5     1   0.2 %   82.7   78.7    29.5   19.9   11.4
        5     1   2.0 %   80.7   76.0    34.7   25.7   13.8
        5     3   0.2 %   90.0   89.3    27.5   13.9   11.0
        5     3   2.0 %   82.0   81.3    29.2   19.3   11.0
        5     5   0.2 %   93.3   91.3    28.4   13.5   10.5
        5     5   2.0 %   85.3   83.3    29.0   16.1   10.2
        6     1   0.2 %  100.0   99.3    27.3   11.7    7.7
        6     1   2.0 %   90.0   86.7    33.5   16.6    9.5
        6     3   0.2 %  100.0  100.0    23.7   10.7    7.7
        6     3   2.0 %   93.3   94.0    30.7   14.6    8.1
        6     5   0.2 %  100.0  100.0    28.0   11.0    7.9
        6     5   2.0 %   96.7   96.7    28.7   13.0    8.0
        8     1   0.2 %   96.0   95.3    15.5    6.3    2.8
        8     1   2.0 %   92.0   89.3    27.6   12.0    5.3
        8     3   0.2 %   98.7   98.0    12.7    5.2    2.7
        8     3   2.0 %   94.0   92.0    22.3    8.4    3.6
        8     5   0.2 %   98.7   98.7    14.6    5.8    2.4
        8     5   2.0 %   97.3   95.3    21.5    7.7    3.4
       12     1   0.2 %  100.0   99.3     6.9    1.5    0.4
       12     1   2.0 %   89.3   83.3    22.1   10.9    3.0
       12     3   0.2 %  100.0  100.0     6.8    2.0    0.2
       12     3   2.0 %   94.0   94.0    16.9    7.3    1.9
       12     5   0.2 %  100.0  100.0     6.8    1.3    0.2
       12     5   2.0 %   93.3   92.7    15.1    5.6    1.4
    261 s of CPU
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
