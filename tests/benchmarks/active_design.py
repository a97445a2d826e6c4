"""Runs on repeated data: test R² of law auto on training rows chosen within a share of their FLOPs.

    ALPHASCALE_SHARED=../shared python tests/benchmarks/active_design.py

161 training runs, 21 test runs (Muennighoff et al. 2023). The design begins with the cheapest rows
up to 1 % of the FLOPs of all, then goes by rounds, each of at most what was spent before: the rows
that narrow the law most, per FLOP, at the test rows' parameters, tokens and unique tokens. No test
loss is seen. Beside it the cheapest rows first, and rows at random (five orders, the middle one).
Typical printout:

    FLOPs    rows rounds   by design   cheapest first   at random
      2 %      77      1      0.9854           0.8096           -
      5 %      96      3      0.7955          -1.5212      0.9238
     10 %     107      4      0.9660           0.8922      0.9830
    100 %     161      -      0.9906
"""

from __future__ import annotations

import csv
import os
import sys
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from alphascale import laws  # noqa: E402
from alphascale.planning.design import choose, curve_draws, measured_scatter  # noqa: E402

COLUMNS = ("params", "tokens", "unique_tokens", "loss")
FLOPS = 6  # a parameter and token: Kaplan et al. 2020, eq. 2.2
FIRST = 0.01


def fitted(rows: dict[str, np.ndarray], chosen) -> laws.AutoLaw:
    data = {name: values[chosen] for name, values in rows.items()}
    return laws.fit(data, "params", "loss", x2="tokens", x3="unique_tokens", withhold=False)


def designed(train: dict, test: dict, cost: np.ndarray, budget: float) -> tuple[list[int], int]:
    """The rows chosen for a budget, and the rounds that it took."""
    order = np.argsort(cost)
    chosen = order[np.cumsum(cost[order]) <= FIRST * cost.sum()].tolist()
    rounds = 0
    while True:
        rest = np.setdiff1d(np.arange(len(cost)), chosen)
        left, spent = budget - cost[chosen].sum(), cost[chosen].sum()
        if left < cost[rest].min():
            return chosen, rounds
        fit = fitted(train, np.array(chosen))
        points = {c: np.concatenate([test[c], train[c][rest]]) for c in COLUMNS[:3]}
        draws, k = curve_draws(fit, points), len(test["loss"])
        scatter = measured_scatter(fit, train["loss"][chosen], np.array(chosen).astype(str))
        step = min(left, spent)
        found = choose(draws[:, :k], draws[:, k:], cost[rest] / step, scatter, 1.0, 1)
        if not found.counts.any():
            return chosen, rounds
        chosen += rest[found.counts > 0].tolist()
        rounds += 1


def main() -> None:
    shared = Path(os.environ.get("ALPHASCALE_SHARED", ROOT.parent / "shared"))
    path = shared / "data" / "data_constrained" / "muennighoff_182.csv"
    if not path.exists():
        sys.exit(f"{path} is absent: this benchmark needs the public points")
    warnings.simplefilter("ignore")
    with path.open() as handle:
        rows = list(csv.DictReader(handle))
    train, test = (
        {c: np.array([float(r[c]) for r in rows if r["split"] == s]) for c in COLUMNS}
        for s in ("train", "test")
    )
    cost = FLOPS * train["params"] * train["tokens"]
    rest = float(np.sum((test["loss"] - test["loss"].mean()) ** 2))

    def r2(chosen) -> float:
        found = fitted(train, np.asarray(chosen)).curve(test)
        return 1 - float(np.sum((found - test["loss"]) ** 2)) / rest

    print("FLOPs    rows rounds   by design   cheapest first   at random")
    rng = np.random.default_rng(0)
    for share in (0.02, 0.05, 0.1):
        budget = share * cost.sum()
        chosen, rounds = designed(train, test, cost, budget)
        order = np.argsort(cost)
        cheap = order[np.cumsum(cost[order]) <= budget]
        others = [rng.permutation(len(cost)) for _ in range(5)]
        others = [each[np.cumsum(cost[each]) <= budget] for each in others]
        found = sorted(r2(each) for each in others if len(each) > 5)
        middle = f"{found[len(found) // 2]:.4f}" if found else "-"
        print(
            f"{share:5.0%} {len(chosen):7d} {rounds:6d} {r2(chosen):11.4f} {r2(cheap):16.4f} "
            f"{middle:>11s}"
        )
    print(f"{1:5.0%} {len(cost):7d}      - {r2(np.arange(len(cost))):11.4f}")


if __name__ == "__main__":
    main()
