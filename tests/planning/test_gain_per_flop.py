"""Runs are chosen by what they tell for their FLOPs, and by what they tell where that is better."""

from __future__ import annotations

import math

import numpy as np
from alphascale.planning.design import Scatter, choose


def draws(shares: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """One answer and candidates correlated with it as given, uncorrelated beyond: unit variance."""
    rng = np.random.default_rng(0)
    made = rng.normal(size=(20_000, 1 + len(shares)))
    shares_ = np.array(shares)
    candidates = shares_ * made[:, :1] + np.sqrt(1 - shares_**2) * made[:, 1:]
    return made[:, :1], candidates


def left(shares: list[float]) -> float:
    """Standard deviation left by one noiseless look each at signals s·answer + √(1 − s²)·own."""
    told = sum(s**2 / (1 - s**2) for s in shares)
    return math.sqrt(1 / (1 + told))


def test_many_cheap_runs_are_preferred_to_a_dear_one_that_tells_a_little_more() -> None:
    shares = [0.8, *[0.7] * 5]
    goals, candidates = draws(shares)
    costs = np.array([5.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    found = choose(goals, candidates, costs, Scatter(0.0, 1e-9), 5.0, 1)
    assert found.counts.tolist() == [0, 1, 1, 1, 1, 1] and found.flops == 5.0
    assert abs(found.ratio - left([0.7] * 5)) < 0.02 < left([0.8]) - left([0.7] * 5)


def test_a_cheap_run_that_tells_little_does_not_keep_out_the_dear_one_that_tells_much() -> None:
    shares = [0.95, 0.5]
    goals, candidates = draws(shares)
    found = choose(goals, candidates, np.array([10.0, 0.5]), Scatter(0.0, 1e-9), 10.0, 1)
    assert found.counts.tolist() == [1, 0] and found.flops == 10.0
    assert abs(found.ratio - left([0.95])) < 0.02
