"""The fit as a reader knows it: the parameters that made the runs, in the form's own words."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale import laws
from alphascale.deciding.shown import as_accuracy, words
from alphascale.deciding.summary import text
from alphascale.fitting import shown as fitting
from alphascale.fitting.ladder import bootstrap_fraction
from alphascale.records.fit import ShownForm
from alphascale.records.specs import BootstrapSpec
from observations_made import observed
from plot_records import records

A, B, ALPHA = 0.95, 8.0, 0.5


def exact():
    """Runs on accuracy = .95 − 8·N^(−.5) without any noise; the loss is twice the error."""
    sizes = {f"s{n}": float(n) for n in (1000, 2000, 4000, 8000, 16_000, 32_000)}
    made = {"noise": 0.0, "pool": 8000, "epochs": 10}
    frame = observed(sizes, lambda n, samples: 1 - A + B * n**-ALPHA, **made)
    return frame.assign(test_loss=2 * frame["test_error"])


@pytest.mark.parametrize("law", ["auto", "power_floor"])
@pytest.mark.parametrize("metric", ["error", "loss"])
def test_the_form_finds_what_made_the_runs(law: str, metric: str) -> None:
    spec = BootstrapSpec(law, "total", metric, resamples=100, level=0.95, seed=0)
    found = as_accuracy(bootstrap_fraction(spec, exact(), "1.0").shown)
    truth = {"a": A, "b": B} if metric == "error" else {"E": 2 * (1 - A), "A": 2 * B}
    truth |= {"alpha": ALPHA}
    assert {n: v.mean for n, v in found.params.items()} == pytest.approx(truth, rel=1e-3)
    assert all(v.lower <= v.mean <= v.upper for v in found.params.values())
    assert found.in_sample["r2"] == pytest.approx(1) and found.in_sample["mae"] < 1e-4
    said = words(found, law, 0.95)
    assert ("law auto decides" in said) == (law == "auto")
    if metric == "error":
        assert "accuracy = a − b·N^(−α): a 0.95 (" in said and ", b 8 (" in said
        assert "error = 0.05 + 8·N^(−0.5); R² 1.0000, MAE" in said
    else:
        assert "loss = E + A·N^(−α): E 0.1 (" in said and "; error" not in said
    assert "of 100 resamples failed" in said


def test_the_summary_shows_the_fit_and_what_is_saved_in_amounts() -> None:
    found = records(paced=True)
    shown = found.decision.shown
    assert isinstance(shown, ShownForm) and shown.failed_resamples == 0
    page = " ".join(text([found.decision]).split())
    assert "the fit accuracy = a − b·N^(−α): a 0.98" in page and "R² 0.999" in page
    built, naive = found.decision.architecture.price, found.decision.naive.price
    assert f"{(naive.flops - built.flops) / 1e9:.0f} GFLOP and" in page
    assert f"{(naive.co2_g - built.co2_g) * 1e3:.0f} mg CO₂ less a training" in page


def test_the_accuracy_of_a_floor_and_a_power_is_its_mirror() -> None:
    columns = {
        "params": np.geomspace(1e3, 1e5, 6), "scale": np.array(list("abcdef")),
        "error": 0.1 + 5 * np.geomspace(1e3, 1e5, 6) ** -0.6,
    }  # fmt: skip
    fit = laws.fit(columns, x="params", y="error", law="power_floor", cluster="scale", resamples=50)
    found = fitting.shown(columns, fit, BootstrapSpec("power_floor", "total", "error", 50, 0.9, 0))
    mirrored = as_accuracy(found)
    low, high = found.params["E"].lower, found.params["E"].upper
    a = mirrored.params["a"]
    assert (a.lower, a.upper) == (1 - high, 1 - low)
