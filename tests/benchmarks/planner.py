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
from alphascale.planning.design import choose, curve_draws, measured_scatter
from alphascale.planning.questions import PLACES

# E, alpha, noise (standard deviation of log error), N* as a multiple of the pilot's largest size.
TRUTHS = (
    (0.03, 0.4, 0.05, 0.5),
    (0.10, 0.5, 0.02, 1.0),
    (0.05, 0.3, 0.03, 1.5),
    (0.00, 0.2, 0.03, 2.0),
    (0.02, 0.5, 0.03, 3.0),
    (0.01, 0.7, 0.08, 4.0),
)
SMALLEST, RUNGS, SEEDS, REACH = 1000.0, 5, 3, 8
PILOT = SMALLEST * 2.0 ** np.arange(RUNGS)
EVEN = SMALLEST * 2.0 ** np.arange(RUNGS + int(np.log2(REACH)))
CANDIDATES = np.geomspace(SMALLEST, EVEN[-1], 26)
ROUNDS = (1, 2, 4)
BUDGETS = 2.0 ** np.arange(-5, 3)  # of one round of the even grid
RESAMPLES, LEVEL = 200, 0.95


def observe(truth, sizes, counts, rng):
    """Runs (sizes, errors) of E + A·N^−α, error .4 at the smallest size."""
    E, alpha, noise, _ = truth
    n = np.repeat(sizes, counts)
    curve = E + (0.4 - E) * (n / SMALLEST) ** -alpha
    return np.stack([n, curve * np.exp(noise * rng.standard_normal(len(n)))])


def fit(runs):
    data = {"params": runs[0], "error": runs[1], "scale": runs[0].astype(str)}
    return laws.fit(
        data, x="params", y="error", law="power_floor", cluster="scale", resamples=RESAMPLES,
        level=LEVEL, withhold=False,
    )  # fmt: skip


def interval(runs, target):
    low, high = fit(runs).solve_interval(target, LEVEL)
    return max(low, 1.0), high


def planned(truth, runs, target, budget, rng):
    """`runs` and those that a budget buys, as `planning.plan` picks them: planned anew whenever as
    much has been spent as before, which is what `snakemake plan` allows by default."""
    while budget >= CANDIDATES[0]:
        step = min(budget, runs[0].sum())
        found = fit(runs)
        star = found.solve_samples(target)
        star = np.minimum(star[~np.isnan(star)], REACH * PILOT[-1])
        places = np.quantile(star, PLACES)
        draws = curve_draws(found, {"params": np.concatenate([places, CANDIDATES])})
        k, noise = len(places), measured_scatter(found, runs[1], runs[0].astype(str))
        design = choose(draws[:, :k], draws[:, k:], CANDIDATES, noise, step, 32)
        assert design.flops <= step * (1 + 1e-12)
        runs = np.hstack([runs, observe(truth, CANDIDATES, design.counts, rng)])
        budget -= step
    return runs


def measure(truth, ladders):
    """{(design, budget in rounds): (ladders, 2) interval ends}; cost of a run is its size."""
    E, alpha, _, multiple = truth
    target = E + (0.4 - E) * (multiple * PILOT[-1] / SMALLEST) ** -alpha
    found = {}
    for ladder in range(ladders):
        rng = np.random.default_rng([17, ladder])
        pilot = observe(truth, PILOT, SEEDS, rng)
        found.setdefault(("pilot", 0.0), []).append(interval(pilot, target))
        for rounds in ROUNDS:
            runs = np.hstack([pilot, observe(truth, EVEN, rounds, rng)])
            found.setdefault(("even", float(rounds)), []).append(interval(runs, target))
        for budget in BUDGETS:
            runs = planned(truth, pilot, target, budget * EVEN.sum(), rng)
            found.setdefault(("plan", budget), []).append(interval(runs, target))
    return {key: np.array(ends) for key, ends in found.items()}


def needed(widths, goal):
    """FLOPs (in rounds of the even grid) at which the planner's median width falls to `goal`,
    log-log between budgets; the least budget where that is narrower already."""
    log_b, log_w = np.log(list(widths)), np.log(list(widths.values()))
    log_w = np.minimum.accumulate(log_w)  # a budget buys at least what a smaller one does
    if np.log(goal) >= log_w[0]:
        return float(np.exp(log_b[0]))
    if np.log(goal) < log_w[-1]:
        return float("inf")
    finite = np.nan_to_num(log_w, posinf=20.0)
    return float(np.exp(np.interp(-np.log(goal), -finite, log_b)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ladders", type=int, default=16)
    args = parser.parse_args()
    print("   E  alpha  noise  N*/largest    pilot  rounds  even grid  plan: rounds  ratio")
    ratios, inside = [], {"pilot": [], "even": [], "plan": []}
    for truth in TRUTHS:
        found = measure(truth, args.ladders)
        n_star = truth[3] * PILOT[-1]
        width = {key: np.median(np.log(e[:, 1] / e[:, 0])) for key, e in found.items()}
        for (design, _), ends in found.items():
            inside[design] += list((ends[:, 0] <= n_star) & (n_star <= ends[:, 1]))
        plan = {budget: w for (design, budget), w in width.items() if design == "plan"}
        for rounds in ROUNDS:
            goal = width["even", float(rounds)]
            spent = needed(plan, goal)
            ratios.append(spent / rounds)
            print(
                f"{truth[0]:5.2f} {truth[1]:5.1f} {100 * truth[2]:4.0f} % {truth[3]:11.1f} "
                f"{np.exp(width['pilot', 0.0]):7.2f} × {rounds:6} {np.exp(goal):9.3f} × "
                f"{spent:12.2f} {spent / rounds:7.2f}",
                flush=True,
            )
    told = ", ".join(f"{name} {100 * np.mean(hit):.1f} %" for name, hit in inside.items())
    print(f"median ratio {np.median(ratios):.2f}, worst {np.max(ratios):.2f}")
    print(f"true N* inside the 95 % interval: {told}")


if __name__ == "__main__":
    main()
