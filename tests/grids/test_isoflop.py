"""IsoFLOP profiles."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale.grids.isoflop import isoflop
from alphascale.literature.published import PUBLISHED


def test_isoflop_finds_the_valley_and_refuses_what_is_no_valley() -> None:
    c = PUBLISHED["chinchilla"].constants
    rows = []
    for budget in np.geomspace(1e19, 1e21, 5):
        s = c["alpha"] + c["beta"]
        best = (c["alpha"] * c["A"] / (c["beta"] * c["B"])) ** (1 / s) * (budget / 6) ** (
            c["beta"] / s
        )
        for n in best * np.geomspace(0.4, 2.5, 7):
            d = budget / 6 / n
            loss = c["E"] + c["A"] * n ** -c["alpha"] + c["B"] * d ** -c["beta"]
            rows.append((budget, n, loss))
    falling = [(1e22, n, 3 - 0.1 * np.log(n / 1e9)) for n in np.geomspace(1e9, 1e10, 6)]
    C, N, L = np.array(rows + falling).T
    found = isoflop({"C": C, "N": N, "L": L}, "C", "N", "L")
    assert found.exponent == pytest.approx(c["beta"] / (c["alpha"] + c["beta"]), abs=2e-3)
    assert list(found.refused) == [1e22]
    assert len(found.params) == 5
