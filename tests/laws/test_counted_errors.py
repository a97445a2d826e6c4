"""Errors are counts: none of n is small, not zero, and rarer ones scatter more."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale.errors import UserError
from alphascale.laws import fit

SIZES = np.repeat(np.geomspace(1e3, 3e4, 6), 4)


def errors(n: int, seed: int = 0) -> np.ndarray:
    """Shares of n samples that a model of each size gets wrong: a power law, counted."""
    return np.random.default_rng(seed).binomial(n, 2 * SIZES**-0.5) / n


@pytest.mark.parametrize("law", ["auto", "power_floor"])
def test_no_error_of_n_is_small_not_zero(law) -> None:
    y = errors(400)
    y[-3:] = 0.0
    frame = {"params": SIZES, "error": y}
    with pytest.raises(UserError, match="must be positive"):
        fit(frame, "params", "error", law=law)
    counted = fit(frame, "params", "error", law=law, tested=400)
    few = fit(
        frame | {"error": np.where(y == 0, 0.5 / 401, y)}, "params", "error", law=law, tested=400
    )
    assert counted.curve([1e5])[0] == few.curve([1e5])[0] > 0


def test_rarer_errors_scatter_more() -> None:
    """A run's interval far out, where 4 of 400 are wrong, holds what is counted there; one whose
    noise stays that of the ladder (50 of 400) misses a tenth of it."""
    held = {400: [], None: []}
    for seed in range(12):
        frame = {"params": SIZES, "error": np.maximum(errors(400, seed), 0.5 / 401)}
        new = np.random.default_rng(100 + seed).binomial(400, 2 * 4e4**-0.5, 400) / 400
        for tested, inside in held.items():
            found = fit(frame, "params", "error", tested=tested).predict([4e4], level=0.9)
            inside.append(np.mean((new >= found.lower) & (new <= found.upper)))
    assert np.mean(held[400]) > 0.86
    one, two = (
        fit({"params": SIZES, "error": errors(400)}, "params", "error", tested=t).predict([1e7])
        for t in (None, 400)
    )
    assert two.upper / two.lower > 1.5 * one.upper / one.lower


def test_what_is_no_count_of_errors_has_no_tested() -> None:
    for name, y in (("loss", errors(400)), ("error", 3 * SIZES**-0.1 + 1)):
        with pytest.raises(UserError, match="is no share of errors"):
            fit({"params": SIZES, name: y}, "params", name, tested=400)
    with pytest.raises(UserError, match="1 or more; got 0"):
        fit({"params": SIZES, "error": errors(400)}, "params", "error", tested=0)
