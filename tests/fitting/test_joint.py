"""The joint law of N and D: known laws are elected, the cheapest pair is the cheapest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from alphascale import laws
from alphascale.fitting import joint
from alphascale.records.specs import BootstrapSpec, FitSpec
from alphascale.records.typed import Refused
from observations_made import observed

SIZES = (500, 1_000, 2_000, 4_000, 8_000, 16_000)
POOL, EPOCHS = 20_000, 5
FIT = FitSpec(law="power_floor", params="total", withhold=1)
BOOT = BootstrapSpec("power_floor", "total", "error", resamples=200, level=0.95, seed=0)


def hoffmann(n, d):
    return 0.02 + 3.0 * n**-0.5 + 30.0 * d**-0.7


def kaplan(n, d):
    return ((2.0 / n) ** (0.3 / 0.9) + 90.0 / d) ** 0.9


def observations(law=hoffmann, fractions=("0.125", "0.25", "0.5", "1.0"), noise=0.01, draw=1):
    """Runs whose error follows `law` of N and unique samples, with noise as a share."""
    sizes = {f"n{n}": n for n in SIZES}
    return observed(
        sizes, law, noise=noise, pool=POOL, epochs=EPOCHS, fractions=fractions, draw=draw
    )


def drawn(frame: pd.DataFrame) -> laws.Fit:
    chosen = joint.fit_joint(FIT, "error", frame)
    return laws.Fit.from_json(joint.bootstrap_joint(BOOT, frame, chosen).fit)


def cheapest(fit: laws.Fit, target: float) -> np.ndarray:
    cost = joint.sample_cost(observations(), "total")
    return joint.cheapest(fit, target, cost, (SIZES[0], SIZES[-1]), (2_500, POOL), EPOCHS)


def by_hand(target: float) -> tuple[float, float, float]:
    """The cheapest pair of Hoffmann's law above, on a fine grid of D, N in closed form."""
    d = np.geomspace(1_250, POOL, 20_001)
    left = target - 0.02 - 30.0 * d**-0.7
    n = np.where(left > 0, (3.0 / np.maximum(left, 1e-12)) ** 2, np.inf)
    flops = 6 * n * d * EPOCHS
    best = flops.argmin()
    return n[best], d[best], flops[best]


@pytest.mark.parametrize(("law", "name"), [(hoffmann, "chinchilla"), (kaplan, "kaplan_nd")])
def test_the_law_that_made_the_runs_is_elected(law, name: str) -> None:
    found = joint.fit_joint(FIT, "error", observations(law, noise=0.002))
    assert found.law == name
    assert found.candidates[name].errors.law < 0.2 * found.candidates[name].errors.carry


def test_the_cheapest_pair_is_the_cheapest() -> None:
    n, d, flops = by_hand(0.10)
    assert 1_300 < d < 0.95 * POOL  # the target leaves a choice: an optimum inside
    found = cheapest(drawn(observations(noise=0.001)), 0.10)[0]
    assert found[2] == pytest.approx(flops, rel=0.03)
    assert found[0] == pytest.approx(n, rel=0.15) and found[1] == pytest.approx(d, rel=0.15)


def test_nobody_has_more_data_than_the_pool() -> None:
    # Without the limit the cheapest pair would use more data: its marginal price is the lower.
    target = 0.02 + 30.0 * POOL**-0.7 + 0.005
    n, d, _ = by_hand(target)
    assert d == pytest.approx(POOL)
    found = cheapest(drawn(observations(noise=0.0005)), target)[0]
    assert found[1] == POOL and found[0] == pytest.approx(n, rel=0.15)


def test_a_target_that_no_size_reaches_costs_without_end() -> None:
    found = cheapest(drawn(observations(noise=0.002)), 0.03)
    assert np.isinf(found[0]).all() and np.isinf(found[1:, 2]).mean() > 0.95


def test_intervals_hold_the_truth() -> None:
    _, _, flops = by_hand(0.10)
    held = []
    for seed in range(12):
        ways = cheapest(drawn(observations(noise=0.02, draw=seed)), 0.10)[1:, 2]
        lower, upper = np.quantile(ways, [0.025, 0.975])
        held.append(lower < flops < upper)
        assert upper / lower < 2
    # 95 % intervals: 9 or fewer of 12 has a chance of 0.2 %.
    assert sum(held) >= 10


def test_withheld_sizes_are_unseen_at_every_fraction() -> None:
    frame = observations()
    spoiled = frame.copy()
    spoiled.loc[spoiled["params"] == SIZES[-1], "test_error"] = 0.9
    before, after = (joint.fit_joint(FIT, "error", f).candidates for f in (frame, spoiled))
    assert before["chinchilla"].errors.law < 0.01 and after["chinchilla"].errors.law > 0.7
    assert len(before["chinchilla"].predictions) == 4


@pytest.mark.parametrize("fractions", [("1.0",), ("0.5", "1.0")])
def test_too_few_fractions_are_refused_with_a_reason(fractions: tuple[str, ...]) -> None:
    found = joint.fit_joint(FIT, "error", observations(fractions=fractions))
    assert isinstance(found, Refused)
    assert "fraction" in found.refused or "3 distinct" in found.refused
