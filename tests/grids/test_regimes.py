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


def slices(alpha: float, levels, seeds: int, noise: float = 1e-3, seed: int = 0):
    """Two slices E + A·D^−alpha of a study, floors 2 and 3, with log-normal noise of each run."""
    d, n, s = (v.ravel() for v in np.meshgrid(levels, [1e5, 1e6], np.arange(seeds)))
    y = np.where(n > 5e5, 2.0, 3.0) + (d / min(levels)) ** -alpha
    y = y * np.exp(noise * np.random.default_rng(seed).standard_normal(len(y)))
    return {"N": n, "D": d, "seed": s, "loss": y}


@pytest.mark.parametrize("levels", [(1e3, 4e3, 1.6e4), (1e3, 1e4, 1e5), (1e3, 3e3, 1e4, 3e4)])
@pytest.mark.parametrize(("alpha", "verdict"), [(1.0, "variance"), (0.4, "resolution")])
def test_three_levels_with_seeds_are_enough(levels, alpha: float, verdict: str) -> None:
    told = [regimes(slices(alpha, levels, 4, seed=i), "N", "D", "loss")["D"] for i in range(20)]
    assert [axis.verdict for axis in told].count(verdict) >= 18
    assert [axis.regime for axis in told].count(f"{verdict}-limited") >= 18
    inside = [axis.lower <= alpha <= axis.upper for axis in told]
    assert sum(inside) >= 18
    one = told[0].slices[0]
    np.testing.assert_allclose(
        one.floor + one.gain * (one.values / one.values[-1]) ** -one.exponent, one.losses, rtol=3e-3
    )


def test_runs_more_precise_than_the_grid_of_exponents_are_no_evidence_against_one() -> None:
    for seed in range(20):
        study = slices(1.0, (1e3, 4e3, 1.6e4, 6.4e4), 4, 1e-6, seed)
        assert regimes(study, "N", "D", "loss")["D"].verdict == "variance"


def test_half_is_what_variance_means_where_the_caller_says_so() -> None:
    study = slices(0.5, (1e3, 4e3, 1.6e4, 6.4e4), 4)
    assert regimes(study, "N", "D", "loss")["D"].verdict == "resolution"
    found = regimes(study, "N", "D", "loss", variance_exponent=(1.0, 0.5))["D"]
    assert found.verdict == "variance" and found.expected == 0.5


def test_three_levels_of_one_run_say_what_is_missing() -> None:
    study = {k: v[:3] for k, v in slices(1.0, (1e3, 1e4, 1e5), 1).items()}  # one N alone
    found = regimes(study, "N", "D", "loss")
    assert found["D"].verdict == "undetermined"
    assert "whatever the noise" in found["D"].evidence[-1]
    assert "add a level of D, a value of N, or seeds" in found["D"].evidence[-1]
    assert np.isnan(found["D"].slices[0].lower)
    assert found["N"].verdict == "undetermined" and not found["N"].slices
    assert "no value of D was run at 3 or more values of N" in found["N"].evidence[-1]


@pytest.mark.parametrize(("alpha", "verdict"), [(1.0, "variance"), (0.4, "resolution")])
def test_three_levels_of_one_run_at_several_sizes_share_an_exponent(alpha, verdict: str) -> None:
    told = []
    for seed in range(20):
        d, n = (v.ravel() for v in np.meshgrid([1e3, 1e4, 1e5], [1e5, 3e5, 1e6]))
        y = 2 + 5 * n**-0.3 + (d / 1e3) ** -alpha
        y = y * np.exp(1e-3 * np.random.default_rng(seed).standard_normal(9))
        told.append(regimes({"N": n, "D": d, "loss": y}, "N", "D", "loss")["D"])
    assert [axis.verdict for axis in told].count(verdict) >= 18
    assert sum(axis.lower <= alpha <= axis.upper for axis in told) >= 17
    assert {one.verdict for axis in told for one in axis.slices} == {"undetermined"}


def test_slices_of_one_run_that_share_no_exponent_decide_nothing() -> None:
    d, n = (v.ravel() for v in np.meshgrid([1e3, 1e4, 1e5], [1e5, 1e6]))
    y = 2 + (d / 1e3) ** -np.where(n > 5e5, 0.3, 1.5)
    assert regimes({"N": n, "D": d, "loss": y}, "N", "D", "loss")["D"].verdict == "undetermined"


def test_regimes_do_not_guess() -> None:
    rng = np.random.default_rng(0)
    n, d = (v.ravel() for v in np.meshgrid([1e4, 1e5, 1e6, 1e7], [1e3, 1e4, 1e5, 1e6]))
    y = np.exp(0.3 * rng.standard_normal(16)) * (1 + n**-0.3)
    verdicts = {a.verdict for a in regimes({"n": n, "d": d, "y": y}, "n", "d", "y").values()}
    assert verdicts == {"undetermined"}


def test_an_exponent_of_one_without_a_floor_is_no_proof_of_variance() -> None:
    study = slices(1.0, (1e3, 2e3, 4e3, 8e3), 3, 1e-4)
    study["loss"] = study["loss"] - np.where(study["N"] > 5e5, 1.99, 2.99)
    found = regimes(study, "N", "D", "loss")["D"]
    assert found.verdict == "undetermined" and "of the smallest loss is floor" in found.evidence[-1]


def test_a_loss_that_does_not_fall_has_no_regime() -> None:
    study = slices(-0.3, (1e3, 1e4, 1e5, 1e6), 3)
    found = regimes(study, "N", "D", "loss")["D"]
    assert found.verdict == "undetermined" and "does not fall" in found.evidence[-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"D": [1e3, 1e3, 1e4, 1e4]}, "no value of N or D was run at 3 or more"),
        ({"loss": [1.0, np.nan, 1.0, 1.0]}, "loss must be finite and positive; row 2 holds nan"),
        ({"N": [1.0, 1.0, -4.0, 1.0]}, "N must be finite and positive; row 3 holds -4"),
    ],
)
def test_refusals_say_what_and_where(change, message: str) -> None:
    frame = {"N": [1.0, 2.0, 1.0, 2.0], "D": [1.0, 2.0, 3.0, 4.0], "loss": [1.0, 1.0, 1.0, 1.0]}
    with pytest.raises(UserError, match=message):
        regimes(frame | change, "N", "D", "loss")
    with pytest.raises(UserError, match="different columns"):
        regimes(frame, "N", "N", "loss")
    with pytest.raises(UserError, match="'luck' is missing"):
        regimes(frame, "N", "D", "loss", seed="luck")


def test_doubling_exponent_knows_no_floor() -> None:
    x = np.array([1e3, 2e3, 4e3])
    assert doubling_exponent(x, 7 + 3 * x**-0.4) == pytest.approx(0.4)
    assert np.isnan(doubling_exponent(np.array([1e3, 2e3, 5e3]), x**-0.4))


def test_slices_of_different_regimes_are_mixed() -> None:
    d, n, s = (v.ravel() for v in np.meshgrid([1e3, 2e3, 4e3, 8e3], [1e5, 1e6], np.arange(3)))
    y = 3 + (d / 1e3) ** -np.where(n > 5e5, 0.3, 1.0)
    y = y * np.exp(1e-4 * np.random.default_rng(0).standard_normal(len(y)))
    found = regimes({"N": n, "D": d, "seed": s, "loss": y}, "N", "D", "loss")["D"]
    assert found.verdict == found.regime == "mixed" and np.isnan(found.exponent)
    assert "differ by more than their noise, and so do their regimes" in found.evidence[-1]
