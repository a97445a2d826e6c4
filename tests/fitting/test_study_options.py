"""`fit: {options: …}` of a study: published options of m1 to m4 reach its laws and resamples."""

from __future__ import annotations

import pytest
from alphascale.errors import UserError
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.laws import Fit
from alphascale.records.specs import BootstrapSpec, FitSpec
from alphascale.slices import bootstrap_slice, fit_slice
from alphascale.study import load_study
from observations_made import observed

SIZES = {f"n{n}": n for n in (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000)}


def study(**fit) -> dict:
    return {
        "fit": fit,
        "domains": {
            "d": {
                "data": {"source": "letter"},
                "family": "mlp",
                "ladder": {f"w{w}": {"width": w} for w in (8, 16, 24, 32, 64, 128)},
                "target": {"error": 0.1},
            }
        },
    }


def test_options_reach_the_fit_and_its_resamples() -> None:
    options = {"err_0": 0.95, "update_err_0": False}
    own = load_study(study(law="m4", options=options))
    assert fit_slice(own, "d").options == bootstrap_slice(own, "d").options == options
    frame = observed(SIZES, lambda n, d: 0.05 + 6 * n**-0.6, noise=0.002, pool=8_000, epochs=5)
    fits = fit_domain("d", FitSpec("m4", "total", withhold=1, options=options), frame)
    assert fits.fractions["1.0"].laws["error"].params["err_0"] == pytest.approx(0.95)
    draws = BootstrapSpec("m4", "total", "error", resamples=60, level=0.95, seed=0, options=options)
    drawn = bootstrap_domain("d", draws, frame, fits).fractions["1.0"]
    fitted = Fit.from_json(drawn.fit)
    assert fitted.params["err_0"] == pytest.approx(0.95)
    free = fit_domain("d", FitSpec("m4", "total", withhold=1), frame)
    assert free.fractions["1.0"].laws["error"].params["err_0"] != pytest.approx(0.95)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        ({"law": "m1", "options": {"err_0": 1.0}}, "no option 'err_0'"),
        ({"law": "auto", "options": {"err_0": 1.0}}, "option of m1 to m4"),
        ({"law": "m4", "options": {"update_err_0": 1}}, "true or false"),
        ({"law": "m4", "options": {"max_iterations": 0}}, "whole number"),
    ],
)
def test_an_option_that_cannot_be_is_one_line_of_the_study(fit, message) -> None:
    with pytest.raises(UserError, match=message) as fault:
        load_study(study(**fit))
    assert "\n" not in str(fault.value) and "fit" in str(fault.value)
