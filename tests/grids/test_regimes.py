"""What limits a study along each axis: known truths are told, and nothing is guessed."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale.errors import UserError
from alphascale.grids.regimes import doubling_exponent, regimes


def random_features(cells, seeds: int, alpha: float = 0.6, dimension: int = 600):
    """Losses of random-feature regression with kernel spectrum i^-(1+alpha), exact given features
    and data: L = ½ tr[(I − FᵀA)ᵀ Λ (I − FᵀA)], A the least-norm fit (Bahri et al. 2021's solvable
    model).
    """
    spectrum = np.arange(1, dimension + 1.0) ** -(1 + alpha)
    most_p, most_d = (max(c[i] for c in cells) for i in (0, 1))
    rows = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        features = rng.standard_normal((most_p, dimension))
        data = rng.standard_normal((most_d, dimension)) * np.sqrt(spectrum)
        gram, kernel = (features * spectrum) @ features.T, data @ features.T
        for P, D in cells:
            F, Z, G = features[:P], kernel[:D, :P], gram[:P, :P]
            if D > P:
                A = np.linalg.solve(Z.T @ Z, Z.T @ data[:D])
                cross, square = np.sum(A * F * spectrum), np.sum((G @ A) * A)
            else:
                K = np.linalg.solve(Z @ Z.T, data[:D])
                cross, square = np.sum(K * (Z @ F) * spectrum), np.sum((Z @ G @ Z.T @ K) * K)
            rows.append((P, D, seed, 0.5 * (spectrum.sum() - 2 * cross + square)))
    return dict(zip(("P", "D", "seed", "loss"), np.array(rows).T, strict=True))


LARGE = (64, 96, 128, 192, 256, 384)


@pytest.mark.parametrize("axis", [0, 1])
def test_regimes_of_random_features(axis: int) -> None:
    """Much of one resource: exponent 1 by variance, whatever the spectrum. Little of it: alpha_K =
    .6.
    """
    order = (lambda much, little: (much, little)) if axis == 0 else (lambda m, s: (s, m))
    name = ("P", "D")[axis]
    study = random_features([order(m, s) for s in (3, 4, 6) for m in LARGE], 40)
    found = regimes(study, "P", "D", "loss", seed="seed")[name]
    assert found.verdict == "variance", found.evidence
    assert found.lower < 1.1
    study = random_features([order(m, 384) for m in (4, 8, 16, 32, 64)], 8)
    found = regimes(study, "P", "D", "loss", seed="seed")[name]
    assert found.verdict == "resolution", found.evidence
    assert found.exponent == pytest.approx(0.6, abs=0.12)


def test_regimes_do_not_guess() -> None:
    rng = np.random.default_rng(0)
    n, d = (v.ravel() for v in np.meshgrid([1e4, 1e5, 1e6, 1e7], [1e3, 1e4, 1e5, 1e6]))
    y = np.exp(0.3 * rng.standard_normal(16)) * (1 + n**-0.3)
    verdicts = {a.verdict for a in regimes({"n": n, "d": d, "y": y}, "n", "d", "y").values()}
    assert verdicts == {"undetermined"}
    with pytest.raises(UserError, match="no value of n or d"):
        regimes({"n": n[:3], "d": d[:3], "y": y[:3]}, "n", "d", "y")


def test_doubling_exponent_knows_no_floor() -> None:
    x = np.array([1e3, 2e3, 4e3])
    assert doubling_exponent(x, 7 + 3 * x**-0.4) == pytest.approx(0.4)
    assert np.isnan(doubling_exponent(np.array([1e3, 2e3, 5e3]), x**-0.4))
