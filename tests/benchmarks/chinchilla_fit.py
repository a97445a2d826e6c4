"""One Chinchilla fit and its bootstrap on 240 points, beside multi-start scipy on the same points.

    ALPHASCALE_SHARED=../shared OMP_NUM_THREADS=1 python tests/benchmarks/chinchilla_fit.py

Typical printout (two CPU cores, both busy; times are process CPU time):

    alphascale         29.2 ms   objective 0.0010182740178   8 of 8 starts agree
    1,000 Huber resamples 0.50 s, 0 failed
    scipy L-BFGS, analytic gradient: 22.8 ms a start; best of 150 starts 0.0010182740178;
      32 % of starts reach the optimum; the published grid of 4500 starts = 102 s = 3,506 x
    scipy L-BFGS, numerical gradient: 116.0 ms a start; best of 40 starts 0.0010182740941;
      28 % of starts reach the optimum; the published grid of 4500 starts = 522 s = 17,877 x
    squared loss: curve_fit, 40 starts 0.71 s, best 0.005730943; alphascale 18.4 ms,
      0.005730943: 39 x

At 32 % a start, ten L-BFGS starts with an analytic gradient find the optimum 98 times of 100: that
cheapest sufficient search is still 8 times slower.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
from scipy.optimize import curve_fit, minimize
from scipy.special import logsumexp

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from alphascale.laws.bootstrap import bootstrap  # noqa: E402
from alphascale.laws.fitting import fit_form  # noqa: E402

DELTA = 1e-3
REPEATS = 20
# The published grid of starts: E, A, B as logarithms, alpha, beta (Besiroglu et al. 2024): 4,500.
GRID = (
    np.arange(-1, 1.5, 0.5),
    np.arange(0, 30, 5),
    np.arange(0, 30, 5),
    np.arange(0, 2.5, 0.5),
    np.arange(0, 2.5, 0.5),
)


def points() -> tuple[np.ndarray, np.ndarray]:
    shared = Path(os.environ.get("ALPHASCALE_SHARED", ROOT.parent / "shared"))
    path = shared / "data" / "chinchilla" / "chinchilla_240pts.csv"
    if not path.exists():
        sys.exit(f"{path} is absent: this benchmark needs the public points")
    with path.open() as handle:
        rows = [r for r in csv.DictReader(handle) if r["epoch_keep"] == "1"]
    N, D, L = (np.array([float(r[k]) for r in rows]) for k in ("N", "D", "loss"))
    return np.stack([N, D]), L


def huber(p, ln, ld, ly) -> float:
    e, a, b, alpha, beta = p
    stack = np.stack([np.full_like(ln, e), a - alpha * ln, b - beta * ld])
    r = np.abs(logsumexp(stack, axis=0) - ly)
    inner = np.minimum(r, DELTA)
    return float(np.sum(inner * (r - 0.5 * inner)))


def huber_gradient(p, ln, ld, ly):
    e, a, b, alpha, beta = p
    stack = np.stack([np.full_like(ln, e), a - alpha * ln, b - beta * ld])
    total = logsumexp(stack, axis=0)
    share = np.exp(stack - total)
    r = total - ly
    slope = np.clip(r, -DELTA, DELTA)
    inner = np.minimum(np.abs(r), DELTA)
    value = float(np.sum(inner * (np.abs(r) - 0.5 * inner)))
    g = np.array([*(share @ slope), -(share[1] * ln) @ slope, -(share[2] * ld) @ slope])
    return value, g


def lbfgs(logs, ly, starts, gradient: bool):
    """Best objective over `starts`, seconds, and the share of starts that reach within 1e-6."""
    begin, values = time.process_time(), []
    for start in starts:
        function = huber_gradient if gradient else huber
        found = minimize(
            function, start, (*logs, ly), "L-BFGS-B", jac=gradient or None, tol=1e-14,
            options={"maxiter": 5000, "maxfun": 100000},
        )  # fmt: skip
        values.append(found.fun)
    seconds = time.process_time() - begin
    values = np.array(values)
    return values.min(), seconds, float(np.mean(values <= 0.0010182740178 * (1 + 1e-6)))


def curve_fit_starts(logs, ly, starts):
    """Best objective of multi-start curve_fit on the log scale (squared loss), and seconds."""
    ln, ld = logs

    def model(_, e, a, b, alpha, beta):
        return logsumexp([np.full_like(ln, e), a - alpha * ln, b - beta * ld], axis=0)

    begin = time.process_time()
    best = np.inf
    for start in starts:
        try:
            p, _ = curve_fit(model, ln, ly, p0=start, maxfev=4000)
        except RuntimeError:
            continue
        best = min(best, 0.5 * np.sum((model(None, *p) - ly) ** 2))
    return best, time.process_time() - begin


def main() -> None:
    X, y = points()
    clusters = np.arange(len(y))
    fit_form("chinchilla", X, y)
    begin = time.process_time()
    for _ in range(REPEATS):
        found = fit_form("chinchilla", X, y)
    ours = (time.process_time() - begin) / REPEATS
    print(f"alphascale      {1e3 * ours:7.1f} ms   objective {found.objective:.13f}   "
          f"{found.starts_agree} of {found.starts} starts agree")  # fmt: skip
    begin = time.process_time()
    draws = bootstrap(found, clusters, 1000)
    boot = time.process_time() - begin
    print(f"1,000 Huber resamples {boot:.2f} s, {draws.failed} failed")
    logs, ly = np.log(X), np.log(y)
    starts = list(product(*GRID))
    picked = [starts[i] for i in np.random.default_rng(0).permutation(len(starts))[:150]]
    for gradient in (True, False):
        best, seconds, share = lbfgs(logs, ly, picked if gradient else picked[:40], gradient)
        each = seconds / (150 if gradient else 40)
        name = "analytic" if gradient else "numerical"
        print(
            f"scipy L-BFGS, {name} gradient: {1e3 * each:.1f} ms a start; best of "
            f"{150 if gradient else 40} starts {best:.13f}; {100 * share:.0f} % of starts reach "
            f"the optimum; the published grid of {len(starts)} starts = "
            f"{each * len(starts):.0f} s = {each * len(starts) / ours:,.0f} x alphascale"
        )
    best, seconds = curve_fit_starts(logs, ly, picked[:40])
    squared = fit_form("chinchilla", X, y, loss="squared_log")
    begin = time.process_time()
    fit_form("chinchilla", X, y, loss="squared_log")
    one = time.process_time() - begin
    print(
        f"squared loss: curve_fit, 40 starts {seconds:.2f} s, best {best:.9f}; alphascale "
        f"{1e3 * one:.1f} ms, {squared.objective:.9f}: {seconds / one:.0f} x"
    )


if __name__ == "__main__":
    main()
