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
        5     1   0.2 %  100.0  100.0    13.0    2.5    9.4
        5     1   2.0 %   94.7   92.7    15.8    6.7   11.8
        5     3   0.2 %  100.0  100.0     8.3    2.3    8.4
        5     3   2.0 %   95.3   94.7     9.4    4.7   10.1
        5     5   0.2 %  100.0  100.0     9.3    2.5    9.0
        5     5   2.0 %   98.0   96.0     9.7    4.1    9.6
        6     1   0.2 %  100.0  100.0     9.2    1.8    7.7
        6     1   2.0 %   98.0   96.7    20.4    6.1   12.1
        6     3   0.2 %  100.0  100.0     6.0    1.7    8.0
        6     3   2.0 %   99.3   94.7    11.4    3.8    8.6
        6     5   0.2 %  100.0  100.0     6.4    1.6    8.1
        6     5   2.0 %   95.3   96.7     8.9    4.2    9.1
        8     1   0.2 %  100.0  100.0     4.9    1.3    9.4
        8     1   2.0 %   99.3   98.7    15.6    4.4    9.6
        8     3   0.2 %  100.0  100.0     4.4    1.1    9.3
        8     3   2.0 %   97.3   96.7     9.6    3.1    9.5
        8     5   0.2 %  100.0  100.0     3.6    0.9    8.6
        8     5   2.0 %   97.3   98.7     8.3    2.6    9.0
       12     1   0.2 %   99.3   99.3     2.0    0.6    6.5
       12     1   2.0 %   96.7   94.7    12.4    3.6    7.6
       12     3   0.2 %  100.0   98.7     1.5    0.5    6.9
       12     3   2.0 %   98.0   95.3     6.8    2.1    6.5
       12     5   0.2 %   99.3  100.0     1.3    0.6    5.7
       12     5   2.0 %   97.3   96.7     6.3    1.7    6.2
    broken
    sizes seeds   noise    run     N*       ±   auto   line
        5     1   0.2 %   98.0   96.7    58.4   25.9   11.4
        5     1   2.0 %   91.3   90.0    63.2   27.8   13.8
        5     3   0.2 %   92.7   92.7    42.5   25.8   11.0
        5     3   2.0 %   92.0   92.0    42.5   25.3   11.0
        5     5   0.2 %   90.0   90.0    42.0   26.3   10.5
        5     5   2.0 %   88.7   87.3    41.4   24.5   10.2
        6     1   0.2 %  100.0   99.3    59.0   23.2    7.7
        6     1   2.0 %   98.0   96.0    63.7   23.5    9.5
        6     3   0.2 %   94.0   90.7    40.8   22.6    7.7
        6     3   2.0 %   95.3   93.3    44.7   22.8    8.1
        6     5   0.2 %   93.3   92.0    42.3   23.9    7.9
        6     5   2.0 %   96.0   94.7    41.6   23.2    8.0
        8     1   0.2 %  100.0  100.0    42.0   11.5    2.8
        8     1   2.0 %  100.0  100.0    45.9   14.3    5.3
        8     3   0.2 %  100.0  100.0    33.9   11.1    2.7
        8     3   2.0 %  100.0  100.0    32.1   10.6    3.6
        8     5   0.2 %  100.0  100.0    36.2   10.9    2.4
        8     5   2.0 %  100.0  100.0    33.7   12.1    3.4
       12     1   0.2 %  100.0  100.0    16.5    1.8    0.4
       12     1   2.0 %   98.0   97.3    25.6    9.7    3.0
       12     3   0.2 %  100.0  100.0    14.7    1.6    0.2
       12     3   2.0 %   99.3  100.0    19.4    5.8    1.9
       12     5   0.2 %  100.0  100.0    15.0    1.5    0.2
       12     5   2.0 %   98.7   99.3    16.6    4.4    1.4
    187 s of CPU
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
