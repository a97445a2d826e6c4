"""A size that makes no error: of its test samples that is few, not none; only the log-log line
beside the law has no logarithm of it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from alphascale.fitting.domain import fit_domain
from alphascale.laws.bootstrap import Noise, draw_noise
from alphascale.records.runs import fitted_values, perfect
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


def test_a_share_that_is_perfect_or_not_defined_is_said_and_ends_no_fit() -> None:
    """An F1 of 1 on 500 samples is half an error among 501; a metric without numbers has no law."""
    frame = observed(
        {f"w{n}": n for n in (100, 200, 400, 800, 1600)}, lambda n, d: 3 * n**-0.5, noise=0.02,
        pool=1000, epochs=5,
    ).assign(test_samples=500)  # fmt: skip
    best = (frame["params"] == 1600) & (frame["seed"] == 0)
    frame["test_macro_f1_error"] = np.where(best, 0.0, frame["test_error"])
    frame["test_auroc_error"] = np.nan
    for law in ("auto", "power_floor"):
        spec = FitSpec(law, "total", 1, metrics=("macro_f1_error", "auroc_error"))
        found = fit_domain("d", spec, frame).fractions["1.0"].laws
        assert "1 of 15 runs are perfect in macro F1 on 500" in found["macro_f1_error"].warnings[-1]
        assert "AUROC is not defined on the test split" in found["auroc_error"].refused
    runs = frame[best]
    assert fitted_values(runs, "macro_f1_error") == pytest.approx([0.5 / 501])
    assert perfect(frame[~best], "macro_f1_error") is None
    assert fitted_values(frame, "error").min() > 0 and perfect(frame, "error") is None
