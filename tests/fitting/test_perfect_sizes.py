"""A size that makes no error: of its test samples that is few, not none; only the log-log line
beside the law has no logarithm of it."""

from __future__ import annotations

import warnings

import numpy as np
from alphascale.fitting.domain import fit_domain
from alphascale.laws.bootstrap import Noise, draw_noise
from alphascale.records.specs import FitSpec
from observations_made import observed


def test_a_size_without_error_leaves_no_log_log_line() -> None:
    sizes = {f"n{n}": n for n in (500, 1_000, 2_000, 4_000, 8_000, 16_000)}
    frame = observed(sizes, lambda n, d: 0.05 + 6 * n**-0.6, noise=0.002, pool=8_000, epochs=5)
    frame.loc[frame["scale"] == "n4000", "test_error"] = 0.0

    def fitted(law: str):
        return (
            fit_domain("d", FitSpec(law, "total", withhold=1), frame).fractions["1.0"].laws["error"]
        )

    for law in ("auto", "power_floor"):
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # the logarithm of zero
            errors = fitted(law).withheld.errors
        assert errors.line is None and errors.carry > 0 and np.isfinite(errors.law)


def test_points_without_scatter_have_a_noise_of_nothing() -> None:
    for drawn in draw_noise(Noise(0.0, 40, 0.0, 6, 5), 50, np.random.default_rng(0)):
        assert drawn.tolist() == [0.0] * 50
