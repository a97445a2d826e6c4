"""A joint law held at one amount of data, and pooled with the law of one ladder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from alphascale import laws
from alphascale.errors import UserError

SIZES, DATA = np.geomspace(1e3, 6.4e4, 7), np.array([500.0, 1000.0, 2000.0, 4000.0])


def truth(n: np.ndarray, d: np.ndarray) -> np.ndarray:
    return 0.02 + 3 * n**-0.5 + 4 * d**-0.5


def table(noise: float = 0.01, seed: int = 0) -> dict[str, np.ndarray]:
    n, d, _ = (each.ravel() for each in np.meshgrid(SIZES, DATA, range(3), indexing="ij"))
    scatter = np.random.default_rng(seed).normal(0, noise, len(n))
    return {"params": n, "samples": d, "error": truth(n, d) * np.exp(scatter)}


def joint_of(columns: dict[str, np.ndarray]) -> laws.AutoLaw:
    return laws.fit(columns, x="params", x2="samples", y="error")


def own_of(columns: dict[str, np.ndarray], samples: float) -> laws.AutoLaw:
    here = columns["samples"] == samples
    return laws.fit({name: each[here] for name, each in columns.items()}, x="params", y="error")


JOINT, OWN = joint_of(table()), own_of(table(), 4000.0)


def test_held_is_the_joint_law_at_that_place() -> None:
    at = {"params": np.geomspace(500, 1e6, 9), "samples": np.full(9, 3000.0)}
    held = laws.hold(JOINT, {"samples": 3000.0})
    assert held.columns == ("params",)
    for of_both, of_one in zip(JOINT.predict(at), held.predict(at["params"]), strict=True):
        np.testing.assert_array_equal(of_both, of_one)


def test_either_predictor_can_be_held_and_the_other_solved_for() -> None:
    target = float(truth(6.4e4, 1.2e4))
    along_data = laws.hold(JOINT, {"params": 6.4e4})
    assert along_data.columns == ("samples",)
    low, high = along_data.solve_interval(target)
    assert low < 1.2e4 < high
    assert along_data.solve(target) == pytest.approx(1.2e4, rel=0.4)
    assert list(along_data.exponents()) == ["samples"]
    enough = along_data.solve(float(truth(6.4e4, 1500.0)))  # less than there is
    assert enough == pytest.approx(1500, rel=0.15)
    along_sizes = laws.hold(JOINT, {"samples": 4000.0})
    floor, low, high = along_sizes.floor()
    assert low < 0.02 + 4 * 4000**-0.5 < high and floor > JOINT.floor()[0]


def test_a_pool_is_half_of_either() -> None:
    held = laws.hold(JOINT, {"samples": 4000.0})
    pool = laws.pool(OWN, held)
    far = np.array([1e5, 1e6])
    both = np.concatenate([OWN.curves(far)[::2], held.curves(far)[::2]])
    np.testing.assert_allclose(pool.curves(far), both, rtol=1e-12)
    assert sum(pool.params.values()) == pytest.approx(1)
    np.testing.assert_allclose(pool.curve(SIZES), OWN.curve(SIZES), rtol=0.02)  # its own levels


def test_a_pool_is_saved_and_read_bit_for_bit() -> None:
    pool = laws.pool(OWN, laws.hold(JOINT, {"samples": 4000.0}))
    again = laws.read(json.loads(json.dumps(pool.to_json())))
    at = np.geomspace(500, 1e6, 30)
    for one, two in zip(pool.predict(at), again.predict(at), strict=True):
        np.testing.assert_array_equal(one, two)
    assert again.solve_interval(0.11) == pool.solve_interval(0.11)


def test_runs_at_less_data_narrow_what_a_short_ladder_says() -> None:
    """Three sizes at the full data, seven at less: the pool is nearer the truth, and holds it."""
    near = []
    for seed in range(8):
        columns = table(0.02, seed)
        short = (columns["samples"] < 4000) | (columns["params"] < 5e3)
        seen = {name: each[short] for name, each in columns.items()}
        own, held = own_of(seen, 4000.0), laws.hold(joint_of(seen), {"samples": 4000.0})
        pool, real = laws.pool(own, held), truth(6.4e4, 4000.0)
        at = np.array([6.4e4])
        near.append([abs(np.log(law.curve(at)[0] / real)) for law in (own, pool)])
        prediction = pool.predict(at)
        assert prediction.lower[0] < real < prediction.upper[0]
    alone, together = np.mean(near, axis=0)
    assert together < alone


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: laws.hold(JOINT, {"tokens": 1.0}), ["'tokens'", "params, samples"]),
        (lambda: laws.hold(JOINT, {"samples": 0.0}), ["samples", "positive"]),
        (lambda: laws.hold(JOINT, {"params": 1.0, "samples": 1.0}), ["nothing left"]),
        (lambda: laws.pool(OWN, JOINT), ["params, samples", "hold"]),
        (lambda: laws.pool(OWN, laws.hold(JOINT, {"params": 9.0})), ["samples", "hold"]),
    ],
)
def test_what_cannot_be_held_or_pooled_is_said(call, words: list[str]) -> None:
    with pytest.raises(UserError) as fault:
        call()
    assert all(word in str(fault.value) for word in words)
