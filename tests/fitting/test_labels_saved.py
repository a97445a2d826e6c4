"""Labels saved at equal error: a known factor is found, and what cannot be told is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from alphascale.errors import UserError
from alphascale.fitting.labels_saved import labels_saved, text

LABELS = (100, 200, 400, 800)


def frame(errors, noise: float = 0.0, seeds: int = 5, scale: str = "a") -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        ("d", scale, n, seed, "ladder", "ok", errors(n) * np.exp(noise * rng.normal()))
        for n in LABELS
        for seed in range(seeds)
    ]
    columns = ["domain", "scale", "samples", "seed", "role", "status", "test_error"]
    return pd.DataFrame(rows, columns=columns)


def power(factor: float):
    """As a run with so many times the labels."""
    return lambda n: 3 * (factor * n) ** -0.4


@pytest.mark.parametrize("factor", [1.0, 2.0, 2.9, 5.7])
def test_a_known_factor_is_found(factor):
    every = labels_saved(frame(power(factor)), frame(power(1.0)))
    assert [each.labels for each in every] == [200, 400, 800]
    for found in every:
        if found.labels / factor >= 100:
            assert found.factor == pytest.approx(factor, rel=1e-6)
            assert found.needed == pytest.approx(found.labels / factor)
            assert found.interval == pytest.approx((factor, factor))
        else:
            assert found.fewest and found.needed == 100


def test_the_interval_holds_the_truth_and_grows_with_the_noise():
    narrow, wide = (
        labels_saved(frame(power(3.0), noise), frame(power(1.0), noise))[-1].interval
        for noise in (0.02, 0.1)
    )
    assert narrow[0] < 3.0 < narrow[1] and wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_what_was_not_tried_is_not_told():
    *_, more = labels_saved(frame(power(20.0)), frame(power(1.0)))
    assert more.fewest and more.needed == 100 and more.factor == 8.0
    assert "100 or fewer, the fewest tried" in text([more], "fine", "scratch")
    *_, less = labels_saved(frame(power(0.5)), frame(power(1.0)))
    assert less.needed is less.factor is None and less.interval == (0.0, 0.0)
    assert "fine does not reach it" in text([less], "fine", "scratch")


def test_verifications_and_other_scales_have_no_part():
    extra = frame(lambda n: 0.001)
    extra["role"] = "verify"
    one = pd.concat([frame(power(2.0)), extra, frame(power(9.0), scale="b")])
    *_, found = labels_saved(one, frame(power(1.0)))
    assert found.scale == "a" and found.factor == pytest.approx(2.0)
    with pytest.raises(UserError, match="no scale of the same name"):
        labels_saved(frame(power(1.0), scale="b"), frame(power(1.0)))
    with pytest.raises(UserError, match="no column 'test_error'"):
        labels_saved(frame(power(1.0)).drop(columns="test_error"), frame(power(1.0)))
