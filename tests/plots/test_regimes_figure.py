"""The figure of the regimes shows what the verdicts rest on, and says what it leaves out."""

from __future__ import annotations

import numpy as np
from alphascale.grids.regimes import regimes
from alphascale.plots import regimes as figure
from alphascale.plots import style
from matplotlib.text import Text


def words(drawn) -> str:
    found = [text.get_text() for text in drawn.findobj(Text)]
    return " ".join(" ".join(found).replace("\u00a0", " ").split())


def study(sizes, fractions, seeds: int = 3):
    n, d, _ = (v.ravel() for v in np.meshgrid(sizes, fractions, np.arange(seeds)))
    rng = np.random.default_rng(0)
    y = (2 + 3 * n**-0.3 + 100 / d) * np.exp(1e-3 * rng.standard_normal(len(n)))
    return {"N": n, "D": d, "loss": y}


def test_points_are_losses_above_the_floor_and_lines_the_fitted_powers() -> None:
    found = regimes(study([1e4], [1e3, 1e4, 1e5]), "N", "D", "loss")
    drawn = figure.draw(found, "loss")
    empty, full = drawn.axes
    (one,) = found["D"].slices
    points, power = full.get_lines()[:2]
    np.testing.assert_allclose(points.get_ydata(), one.losses - one.floor)
    ends = one.gain * (one.values[[0, -1]] / one.values[-1]) ** -one.exponent
    np.testing.assert_allclose(power.get_ydata()[[0, -1]], ends)
    assert full.get_xscale() == full.get_yscale() == "log"
    assert full.get_title(loc="left").startswith("Along D: variance-limited, exponent 1.0")
    assert "no value of D was run at 3 or more values of N" in words(drawn)
    assert not empty.get_lines()


def test_slices_beyond_the_colours_are_counted() -> None:
    found = regimes(study(np.geomspace(1e4, 1e6, 9), [1e3, 1e4, 1e5]), "N", "D", "loss")
    drawn = figure.draw(found, "loss")
    told = words(drawn)
    assert f"Along D: {len(style.SERIES)} of 9 slices are drawn" in told
    assert told.count("at N =") == len(style.SERIES)
