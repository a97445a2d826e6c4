"""The difference of two exponents, on resamples some of which failed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alphascale import laws
from alphascale.fitting.perplexity import exponent_difference


def law(b: float, seed: int) -> laws.Fit:
    rng = np.random.default_rng(seed)
    n = np.repeat(np.geomspace(1e4, 1e6, 6), 2)
    columns = {"n": n, "p": 2000 * n**-b * np.exp(0.01 * rng.standard_normal(len(n)))}
    return laws.fit(columns, x="n", y="p", law="perplexity", resamples=100, seed=seed)


def test_a_resample_that_failed_in_either_law_is_counted_and_left_out() -> None:
    one, other = law(0.25, 0), law(0.15, 1)
    theta = one.theta_samples.copy()
    theta[:7] = np.nan
    more = other.theta_samples.copy()
    more[5:10] = np.nan
    found = exponent_difference(
        replace(one, theta_samples=theta), replace(other, theta_samples=more), 0.95
    )
    assert (found.resamples, found.failed_resamples) == (90, 10)
    low, high = found.interval
    assert low < 0.1 < high and found.difference == pytest.approx(0.1, abs=0.02) and found.differ
    same = exponent_difference(one, law(0.25, 2), 0.95)
    assert not same.differ and same.failed_resamples == 0
