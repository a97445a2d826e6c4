"""Published constants give the published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale.errors import UserError
from alphascale.literature.published import PUBLISHED, published_curve


def test_units_of_published_losses() -> None:
    """Losses of Kaplan's eq. 1.5 for GPT-2, GPT-3, Gopher, Chinchilla (facts of the literature)."""
    n, d = np.array([[1.5e9, 4e10], [1.75e11, 3e11], [2.8e11, 3e11], [7e10, 1.4e12]]).T
    found = published_curve("kaplan_nd", n, d)
    np.testing.assert_allclose(found, [2.2856, 1.6610, 1.6303, 1.6930], atol=5e-5)
    found = published_curve("kaplan_nd_separate", n, d)
    np.testing.assert_allclose(found, [2.3451, 1.7323, 1.7077, 1.7399], atol=5e-5)
    assert published_curve("kaplan_n", 8.8e13)[0] == pytest.approx(1.0)
    assert published_curve("kaplan_ns", 6.5e13, 2.1e3)[0] == pytest.approx(2.0)


@pytest.mark.parametrize(("name", "ratio"), [("chinchilla_rounded", 92.6), ("chinchilla", 58.9)])
def test_rounding_moves_the_allocation_as_known(name: str, ratio: float) -> None:
    c = PUBLISHED[name].constants
    s = c["alpha"] + c["beta"]
    g = (c["alpha"] * c["A"] / (c["beta"] * c["B"])) ** (1 / s)
    budget = 5.76e23 / 6
    n = g * budget ** (c["beta"] / s)
    assert budget / n**2 == pytest.approx(ratio, abs=0.05)


def test_repeated_tokens_never_count_more_than_fresh_ones() -> None:
    n, d = 1e9, np.geomspace(1e10, 1e13, 30)
    once = published_curve("data_constrained", n, d, d)
    repeated = published_curve("data_constrained", n, d, np.full(30, 1e10))
    assert once[0] == pytest.approx(repeated[0])
    assert np.all(repeated[1:] > once[1:])
    assert np.all(np.diff(repeated) <= 0)
    # No amount of repetition beats one epoch over U(1 + R_D) fresh tokens.
    limit = 1e10 * (1 + PUBLISHED["data_constrained"].constants["R_D"])
    fresh = published_curve("data_constrained", 1e7, limit, limit)
    many = published_curve("data_constrained", 1e7, 1e16, 1e10)
    assert many[0] == pytest.approx(fresh[0], rel=1e-9)


def test_excess_parameters_count_as_the_paper_writes_it() -> None:
    """Muennighoff et al. 2023, eqs. 5 and 6, written out, around the point where N meets its
    optimum.
    """
    c = PUBLISHED["data_constrained"].constants
    U, D = 1e9, 4e9
    G = (c["alpha"] * c["A"] / (c["beta"] * c["B"])) ** (1 / (c["alpha"] + c["beta"]))
    budget = 6 * (G * U) ** ((c["alpha"] + c["beta"]) / c["alpha"])  # where D_opt(budget) = U
    best = G * (budget / 6) ** (c["beta"] / (c["alpha"] + c["beta"]))
    for n in best * np.array([0.3, 0.9, 1.1, 1.5, 4.0, 50.0]):
        u_n = min(best, n)
        r_d, r_n = D / U - 1, max(n / u_n - 1, 0)
        n_eff = u_n + u_n * c["R_N"] * (1 - np.exp(-r_n / c["R_N"]))
        d_eff = U + U * c["R_D"] * (1 - np.exp(-r_d / c["R_D"]))
        loss = c["E"] + c["A"] * n_eff ** -c["alpha"] + c["B"] * d_eff ** -c["beta"]
        assert published_curve("data_constrained", n, D, U)[0] == pytest.approx(loss, rel=1e-9)


def test_an_unknown_curve_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="chinchilla"):
        published_curve("chinchila", 1e9, 1e10)
