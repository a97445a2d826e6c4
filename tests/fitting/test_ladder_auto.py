"""Law auto in a study: every fraction informs the law of one, and nothing withheld does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from alphascale import laws
from alphascale.fitting.domain import fit_domain
from alphascale.fitting.joint import cheapest, fit_cells, joint_columns
from alphascale.records.fit import FitRecord, JointFit
from alphascale.records.runs import good
from alphascale.records.specs import FitSpec
from alphascale.records.typed import Refused
from observations_made import observed

SIZES = {f"s{n}": float(n) for n in (1000, 2000, 4000, 8000, 16_000, 32_000)}
SPEC = FitSpec(law="auto", params="total", withhold=1)


def law(n: float, samples: float) -> float:
    return 0.02 + 3 * n**-0.5 + 4 * samples**-0.5


def ladder(fractions: tuple[str, ...] = ("0.25", "0.5", "1.0"), draw: int = 0) -> pd.DataFrame:
    return observed(SIZES, law, noise=0.02, pool=4000, epochs=10, fractions=fractions, draw=draw)


def predictions(fits: FitRecord) -> list:
    cells = [fits.fractions[each].laws["error"].withheld.predictions for each in fits.fractions]
    joint = fits.joint["error"]
    assert isinstance(joint, JointFit)
    cells.append(joint.candidates["auto"].predictions)
    return [(c.predicted, c.lower, c.upper) for part in cells for c in part]


def test_the_withheld_size_reaches_no_fit_at_any_fraction() -> None:
    frame = ladder()
    spoiled = frame.copy()
    spoiled.loc[spoiled["scale"] == "s32000", ["test_error", "test_loss"]] = 0.9
    before, after = fit_domain("d", SPEC, frame), fit_domain("d", SPEC, spoiled)
    assert predictions(before) == predictions(after)
    assert before.fractions["1.0"].laws["error"].saved != after.fractions["1.0"].laws["error"].saved


def test_the_other_fractions_inform_the_law_of_one() -> None:
    frame = ladder()
    alone = fit_domain("d", SPEC, frame[frame["fraction"] == "1.0"]).fractions["1.0"].laws["error"]
    all_of_it = fit_domain("d", SPEC, frame).fractions["1.0"].laws["error"]
    assert alone.params.keys() < all_of_it.params.keys()
    assert any(name.endswith("of both") for name in all_of_it.params)
    assert all_of_it.params.keys() - alone.params.keys()
    one, two = (laws.read(each.saved) for each in (alone, all_of_it))
    np.testing.assert_array_equal(one.P[::2], np.where(np.arange(8) == 4, one.P[::2], two.P[:300]))


def test_two_amounts_of_data_are_enough_and_one_is_refused_with_the_reason() -> None:
    two = fit_domain("d", SPEC, ladder(("0.5", "1.0")))
    assert isinstance(two.joint["error"], JointFit)
    one = fit_domain("d", SPEC, ladder(("1.0",))).joint["error"]
    assert isinstance(one, Refused) and "one fraction" in one.refused


def test_three_sizes_are_fitted_and_their_interval_is_wide() -> None:
    frame = ladder()
    few = fit_domain("d", SPEC, frame[frame["params"] <= 4000]).fractions["1.0"].laws["error"]
    many = fit_domain("d", SPEC, frame).fractions["1.0"].laws["error"]
    at = np.array([64_000.0])
    widths = [
        np.log(p.upper / p.lower)[0] for p in (laws.read(f.saved).predict(at) for f in (few, many))
    ]
    assert widths[0] > 1.5 * widths[1]
    few_words = " ".join(few.warnings)
    assert "distinct value" in few_words and "add sizes" in few_words


@pytest.mark.parametrize("draw", range(3))
def test_the_cheapest_pair_is_that_of_the_true_law(draw: int) -> None:
    """Against the true law's optimum on a fine grid; FLOPs are 6·N·D·epochs."""
    frame = ladder(draw=draw)
    fit = fit_cells(joint_columns(good(frame), "auto", "error", "total"), "auto", "error")
    found = cheapest(fit, 0.115, lambda n: 6 * n, (1000, 32_000), (1000, 4000), 10)
    n, d = np.meshgrid(np.geomspace(500, 1e6, 2000), np.geomspace(500, 4000, 400))
    flops = np.where(law(n, d) <= 0.115, 6 * n * d * 10, np.inf)
    low, high = np.quantile(found[1:, 2], [0.025, 0.975], method="inverted_cdf")
    assert low < flops.min() < high
    assert found[0, 2] == pytest.approx(flops.min(), rel=0.25)
