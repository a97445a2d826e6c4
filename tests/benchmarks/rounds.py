"""Studies by rounds replayed: is N* found, at what cost, and do the intervals hold?

    python tests/benchmarks/rounds.py [--truths 24] [--recorded OBSERVATIONS.csv …]

Simulated ladders: error E + (.5 − E)·(N/N0)^−α from the smallest size N0 on, α uniform in .25 – .7,
E up to a third of the target, runs scatter by .5 to 5 % (log-uniform). The target is what the curve
reaches at .5, 1.5, 4, 10 and 30 × the largest size of the first round. Recorded ladders: tables
with columns set, params, seed and error, or a study's observations (those of the embedded data are
made by config/ladders.yaml); a run is then one that was made, no more often than that,
and the true curve is that of the means, made to fall. The cost of a run is its size times the
learning rates: three in the two smallest sizes, one in others, as under `training.rates: law`.

Beside the rounds a fixed grid: six sizes a factor of 2 apart, three seeds, three learning rates.
`found`: N* within 20 %, or the true error at it within 5 % of the target. `cost`: of the whole
study, as a share of one training of a naive model of 64 × the largest size of the first round, and
of at least 10 × the true N* (most teams train 5 to 15 times larger than they need).

Typical (one minute; with ../shared/data/ladders/classifiers.csv and the embedded ladders):

                        cases   found    cost ≤ 25 %    both   inside  rounds
rounds simulated 0.5 ×     24    100%      8.2%    100%    100%      92%     1.0
rounds simulated 4 ×       24    100%     15.6%    100%    100%      92%     2.2
rounds simulated 30 ×      24     92%     23.5%    100%     92%     100%     5.0
rounds simulated all      120     98%     16.2%    100%     98%      94%     2.7
grid simulated all        120     84%    110.7%     20%     10%      94%     1.0
rounds recorded 0.5 ×       7    100%     13.7%    100%    100%     100%     1.9
rounds recorded 4 ×         7     86%     24.2%    100%     86%     100%     2.4
rounds recorded 30 ×        7     57%     24.4%    100%     57%     100%     5.3
rounds recorded all        35     80%     23.9%    100%     80%     100%     3.0
grid recorded all          35     74%    234.9%      3%      0%      97%     1.0
rounds ended: budget 21, nothing helps 24, sure 110
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))
from alphascale import laws
from alphascale.errors import UserError
from alphascale.rounds.policy import GIVEN_UP, pick, places, stalled, width

BEYOND = (0.5, 1.5, 4.0, 10.0, 30.0)
RATES, SEEDS, START, REACH, ASKED, ROUNDS = 3, 3, 4, 8.0, math.log(1.5), 12
SWEPT, FIRST = 2, 2
NAIVE = 10.0
FIXED = 64.0
LEVEL = 0.95


@dataclass
class Ladder:
    """What can be run: sizes, and errors of runs as they are asked for."""

    name: str
    sizes: np.ndarray  # (c,) rising
    curve: Callable[[np.ndarray], np.ndarray]  # the true error at sizes
    run: Callable[[int, int], float]  # of the i-th size, the k-th run
    runs: int  # of a size, at most
    spent: float = 0.0
    made: dict[int, int] = field(default_factory=dict)  # size → runs so far
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)

    def train(self, i: int, count: int, members: int) -> None:
        for _ in range(min(count, self.runs - self.made.get(i, 0))):
            k = self.made.get(i, 0)
            self.made[i] = k + 1
            self.spent += self.sizes[i] * members
            self.x.append(self.sizes[i])
            self.y.append(self.run(i, k))


def fitted(ladder: Ladder, seed: int) -> laws.AutoLaw:
    x, y = np.array(ladder.x), np.array(ladder.y)
    data = {"params": x, "error": y, "scale": x.astype(str)}
    return laws.fit(
        data, x="params", y="error", law="auto", cluster="scale", level=LEVEL, seed=seed,
        withhold=False,
    )  # fmt: skip


def shares(costs: np.ndarray, left: float, before: float, growth: float) -> np.ndarray:
    return np.maximum(costs / left, costs / (growth * before))


def by_rounds(ladder: Ladder, target: float, limit: float, seed: int):
    """The law in the end, rounds, and why they ended."""
    for i in range(START):
        ladder.train(i, FIRST, RATES if i < SWEPT else 1)
    number, before = 1, []
    while True:
        fit = fitted(ladder, seed)
        star = fit.solve_samples(target)
        lower, upper = fit.solve_interval(target, LEVEL)
        wide = width((max(lower, 1.0), upper)) if math.isfinite(fit.solve(target)) else math.inf
        if wide <= ASKED:
            return fit, number, "sure"
        if number > 1 and np.isinf(star[~np.isnan(star)]).mean() >= GIVEN_UP:
            return fit, number, "out of reach"
        if stalled(before, ladder.spent, wide) is not None:
            return fit, number, "stalled"
        before.append((ladder.spent, wide))
        if number >= ROUNDS:
            return fit, number, "rounds"
        free = [i for i in range(len(ladder.sizes)) if ladder.made.get(i, 0) < ladder.runs]
        free = [i for i in free if ladder.sizes[i] <= REACH * max(ladder.x)]
        members = np.array([RATES if i < SWEPT else 1 for i in free])
        costs = ladder.sizes[free] * members
        left, spent = limit - ladder.spent, ladder.spent
        if not len(free) or costs.min() > left:
            return fit, number, "budget"
        x = np.array(ladder.x)
        most = min(8, ladder.runs)
        design = pick(
            fit, {"params": places(star, REACH * x.max())}, {"params": ladder.sizes[free]},
            (np.array(ladder.y), x.astype(str)),
            partial(shares, costs, left, spent), most, wide, ASKED,
        )  # fmt: skip
        if not design.counts.any():
            return fit, number, "nothing helps"
        for i, members_, count in zip(free, members, design.counts, strict=True):
            if count:
                ladder.train(i, int(count), int(members_))
        number += 1


def by_grid(ladder: Ladder, seed: int) -> laws.AutoLaw:
    """Six sizes a factor of 2 apart, or the nearest there are."""
    want = ladder.sizes[0] * 2.0 ** np.arange(6)
    for i in dict.fromkeys(int(np.abs(np.log(ladder.sizes / each)).argmin()) for each in want):
        ladder.train(i, SEEDS, RATES)
    return fitted(ladder, seed)


def simulated(count: int):
    """(name, beyond, ladder maker, true N*, target)."""
    sizes = 1000.0 * 2.0 ** (np.arange(0, 44) / 4)
    first = 1000.0 * 2.0 ** (np.arange(START))
    sizes = np.unique(np.concatenate([first, sizes[sizes > first[-1]]]))
    for seed in range(count):
        rng = np.random.default_rng([seed, 7])
        alpha, part = rng.uniform(0.25, 0.7), rng.uniform(0, 1 / 3)
        noise = 0.005 * 10 ** rng.uniform()
        for beyond in BEYOND:
            star = beyond * first[-1]
            power = (star / 1000.0) ** -alpha
            # E is `part` of the target: E + (.5 − E)·power = E / part
            E = 0.5 * power / (1 / max(part, 1e-9) - 1 + power)

            def curve(n, E=E, alpha=alpha):
                return E + (0.5 - E) * (np.asarray(n) / 1000.0) ** -alpha

            def make(curve=curve, seed=seed, noise=noise):
                draws = np.random.default_rng([seed, 8]).standard_normal((len(sizes), 64))
                return Ladder(
                    "simulated", sizes, curve,
                    lambda i, k: float(curve(sizes[i]) * np.exp(noise * draws[i, k])), 64,
                )  # fmt: skip

            yield "simulated", beyond, make, star, float(curve(star)), seed


def recorded(path: str):
    """Replays of a table: the true curve is its means, made to fall and joined in logarithms."""
    import pandas as pd
    from scipy.optimize import isotonic_regression

    table = pd.read_csv(path)
    if "test_error" in table:  # a study's observations
        table = table[table["status"] == "ok"]
        table = table.rename(columns={"domain": "set", "test_error": "error"})
    for name, part in table.groupby("set"):
        runs = {n: g["error"].to_numpy() for n, g in part[part["error"] > 0].groupby("params")}
        sizes = np.array(sorted(runs), float)
        means = np.array([np.log(runs[n]).mean() for n in sizes])
        falls = isotonic_regression(means, increasing=False).x

        def curve(n, sizes=sizes, falls=falls):
            return np.exp(np.interp(np.log(n), np.log(sizes), falls))

        for beyond in BEYOND:
            star = beyond * sizes[START - 1]
            if star > sizes[-1]:
                continue
            target = float(curve(star))
            # where the curve is flat, the smallest size that is as good
            star = float(np.exp(np.interp(-np.log(target) - 1e-9, -falls, np.log(sizes))))

            def make(sizes=sizes, runs=runs, name=name, curve=curve):
                return Ladder(
                    name, sizes, curve, lambda i, k: float(runs[sizes[i]][k]),
                    min(map(len, runs.values())),
                )  # fmt: skip

            yield str(name), beyond, make, star, target, 0


def judge(rows: list[dict], label: str) -> str:
    share = lambda key: np.mean([row[key] for row in rows])  # noqa: E731
    cost = np.array([row["cost"] for row in rows])
    return (
        f"{label:24s}{len(rows):5d}{share('found'):8.0%}{np.median(cost):10.1%}"
        f"{np.mean(cost <= 0.25):8.0%}{share('both'):8.0%}{share('inside'):9.0%}"
        f"{share('rounds'):8.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--truths", type=int, default=24)
    parser.add_argument("--recorded", nargs="*", default=[])
    parser.add_argument("--budget", type=float, default=0.25)
    parser.add_argument("--first", type=int, default=2)
    asked = parser.parse_args()
    global FIRST
    FIRST = asked.first
    cases = [*simulated(asked.truths)]
    for path in asked.recorded:
        cases += recorded(path)
    rows: dict[tuple, list[dict]] = {}
    why: dict[str, int] = {}
    for name, beyond, make, star, target, seed in cases:
        naive = max(FIXED * make().sizes[START - 1], NAIVE * star)
        for design in ("rounds", "grid"):
            ladder = make()
            number, reason = 1, ""
            try:
                if design == "rounds":
                    fit, number, reason = by_rounds(ladder, target, asked.budget * naive, seed)
                    why[reason] = why.get(reason, 0) + 1
                else:
                    fit = by_grid(ladder, seed)
            except UserError as fault:
                print(name, beyond, design, fault)
                continue
            found = fit.solve(target)
            lower, upper = fit.solve_interval(target, LEVEL)
            off = abs(math.log(found / star)) if math.isfinite(found) else math.inf
            at = float(ladder.curve(np.array([min(found, ladder.sizes[-1] * 4)]))[0])
            good = off <= math.log(1.2) or (math.isfinite(found) and abs(at / target - 1) <= 0.05)
            cost = ladder.spent / naive
            kind = "simulated" if name == "simulated" else "recorded"
            rows.setdefault((design, kind, beyond), []).append(
                {
                    "found": good, "cost": cost, "both": good and cost <= 0.25,
                    "inside": lower <= star * 1.0001 and upper >= star * 0.9999, "rounds": number,
                }
            )  # fmt: skip
    print(f"{'':24s}cases   found    cost ≤ 25 %    both   inside  rounds")
    for kind in ("simulated", "recorded"):
        for design in ("rounds", "grid"):
            every = []
            for beyond in BEYOND:
                if found := rows.get((design, kind, beyond)):
                    print(judge(found, f"{design} {kind} {beyond:g} ×"))
                    every += found
            if every:
                print(judge(every, f"{design} {kind} all"))
    print("rounds ended:", ", ".join(f"{each} {n}" for each, n in sorted(why.items())))


if __name__ == "__main__":
    main()
