"""The curve through what was measured: known truths are found again, and never promise too much."""

from __future__ import annotations

import math

import numpy as np
import pytest
from alphascale.serving.model import through
from hypothesis import given, settings
from hypothesis import strategies as st

SIZES = np.geomspace(1e3, 1e6, 9)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.3])
def test_a_known_curve_is_found_again_and_carried_on(power: float) -> None:
    truth = lambda n: 1e-4 + 3e-9 * n**power  # noqa: E731
    curve = through(SIZES, truth(SIZES))
    assert curve.power == pytest.approx(power, abs=0.02)
    for n in (2.2e4, 5e6):
        found = curve.predict(n, 0.95)
        assert found.mean == pytest.approx(truth(n), rel=0.03)
        assert found.lower < truth(n) < found.upper
    limit = truth(4e5)
    assert curve.largest(limit) == pytest.approx(4e5, rel=0.03)


def test_the_interval_holds_one_more_size_as_often_as_it_says() -> None:
    """200 machines whose clocks scatter by 8 %: 95 % of the sizes left out lie inside."""
    rng, inside = np.random.default_rng(0), []
    for _ in range(200):
        truth = 1e-4 + 3e-9 * SIZES * rng.lognormal(0, 1)
        seen = truth * rng.lognormal(0, 0.08, len(SIZES))
        left = rng.integers(1, len(SIZES) - 1)
        kept = np.arange(len(SIZES)) != left
        found = through(SIZES[kept], seen[kept]).predict(SIZES[left], 0.95)
        inside.append(found.lower <= seen[left] <= found.upper)
    assert 0.91 <= np.mean(inside) <= 0.995


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=9),
    st.integers(0, 2**31),
    st.floats(1e-7, 2.0),
)
def test_no_curve_falls_and_the_largest_within_a_limit_is_within_it(values, seed, limit) -> None:
    sizes = np.sort(np.random.default_rng(seed).uniform(1e3, 1e6, len(values)))
    curve = through(sizes, values)
    at = curve.at(np.geomspace(10, 1e9, 50))
    assert (np.diff(at) >= 0).all() and (at >= 0).all()
    largest = curve.largest(limit)
    if 0 < largest < math.inf:
        assert float(curve.at(largest)) == pytest.approx(limit, rel=1e-6)
        assert curve.at(largest * 1.1) > limit
    elif largest == 0:
        assert curve.constant > limit
    found = curve.predict(5e5, 0.9)
    assert found.lower is None or found.lower <= found.mean <= found.upper


def test_a_few_sizes_tell_no_interval_and_no_power() -> None:
    one, two = through([10.0], [3.0]), through([10.0, 20.0], [1.0, 2.0])
    assert one.at(1e6) == 3.0 and one.predict(5.0, 0.95).lower is None
    assert two.power == 1.0 and two.at(40.0) == pytest.approx(4.0)
    assert two.predict(40.0, 0.95).upper is None
    assert through([10.0, 20.0, 30.0], [1.0, 2.1, 2.9]).predict(25.0, 0.95).upper is not None


def test_what_grows_with_nothing_has_no_largest() -> None:
    flat = through(SIZES, np.full(len(SIZES), 2e-3))
    assert flat.largest(3e-3) > 1e7 and flat.largest(1e-3) == 0.0
