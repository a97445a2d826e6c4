"""Regimes as a stage: the axis of sizes, what a record keeps, what is said where nothing can be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from alphascale.fitting.regimes import axes_of, judge, size_axis, table_rows, text
from alphascale.grids.regimes import regimes
from alphascale.plots.regimes import draw_record
from alphascale.records import typed
from alphascale.records.regimes import RegimesRecord
from alphascale.records.specs import RegimesSpec
from alphascale.records.typed import Refused
from observations_made import observed

WIDTHS = (64, 128, 256, 512, 1024, 2048)
LADDER = {f"w{w}": {"width": w} for w in WIDTHS}
FRACTIONS = ("0.125", "0.25", "0.5", "1.0")


def spec(ladder=None, family="mlp") -> RegimesSpec:
    return RegimesSpec("made", family, ladder or LADDER, "total", 0.95, 0)


def frame(alpha_width: float, alpha_data: float, fractions=FRACTIONS):
    """Loss 1 + w-term + D-term, exponents as asked; the law that made it is in the width."""
    wide = {w**2: w for w in WIDTHS}
    made = observed(
        {scale: size["width"] ** 2 for scale, size in LADDER.items()},
        lambda n, d: (1 + (wide[n] / 64) ** -alpha_width + (d / 1000) ** -alpha_data) / 3,
        noise=3e-4, pool=8000, epochs=2, fractions=fractions, seeds=range(6),
    )  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("exponents", "verdicts"),
    [
        ((1.0, 0.4), {"width": "variance", "samples": "resolution"}),
        ((0.4, 1.0), {"width": "resolution", "samples": "variance"}),
    ],
)
def test_each_axis_gets_its_verdict(exponents, verdicts) -> None:
    found = judge(spec(), frame(*exponents))
    assert {name: axis.verdict for name, axis in found.axes.items()} == verdicts
    for axis, truth in zip(found.axes.values(), exponents, strict=True):
        assert axis.lower <= truth <= axis.upper and axis.expected == 1.0
    said = text([found])
    for name, verdict in verdicts.items():
        assert f"  {name:<10}{verdict}-limited; exponent" in said
    assert "cells lie on the front" in said
    rows = table_rows([found])
    assert [(row["axis"], row["verdict"]) for row in rows] == [*verdicts.items(), ("flops", None)]


def test_sizes_that_differ_in_more_than_one_key_are_told_by_parameters() -> None:
    assert size_axis(spec()) == ("width", {f"w{w}": float(w) for w in WIDTHS})
    two = {f"d{d}-l{n}": {"d_model": d, "n_layers": n} for d in (8, 16) for n in (1, 2)}
    assert size_axis(spec(two, "resnet_bk")) == ("params", {})
    made = frame(0.4, 1.0)
    deep = {scale: {"width": 8, "depth": i + 1} for i, scale in enumerate(LADDER)}
    axis = judge(spec(deep), made).axes["params"]
    # N is the square of the width here, so the same fall has half the exponent.
    assert axis.expected == 0.5 and axis.lower <= 0.2 <= axis.upper


def test_a_record_reads_back_and_draws_as_what_was_found(tmp_path) -> None:
    made = frame(1.0, 0.4)
    found = judge(spec(), made)
    typed.write(tmp_path / "made.json", found)
    again = typed.read(tmp_path / "made.json", RegimesRecord)
    assert again == found
    columns = {
        "width": made["scale"].str[1:].astype(float), "samples": made["samples"],
        "loss": made["test_loss"], "seed": made["seed"],
    }  # fmt: skip
    truth = regimes(columns, "width", "samples", "loss", seed="seed")
    for name, axis in axes_of(again.axes).items():
        for one, other in zip(axis.slices, truth[name].slices, strict=True):
            np.testing.assert_allclose(one.losses, other.losses)
            assert (one.exponent, one.floor, one.verdict) == (
                other.exponent, other.floor, other.verdict,
            )  # fmt: skip
    draw_record(again, tmp_path)
    words = " ".join((tmp_path / "regimes.svg").read_text().split())
    assert "Along width: variance-limited" in words and "resolution-limited" in words
    assert "cell on the front" in (tmp_path / "front.svg").read_text()


def test_what_verification_trained_is_left_out() -> None:
    made = frame(1.0, 0.4)
    beside = made[made["scale"] == "w64"].assign(scale="n640", role="verify", test_loss=0.1)
    assert judge(spec(), pd.concat([made, beside])) == judge(spec(), made)


def test_one_amount_of_data_and_two_sizes_say_what_is_missing(tmp_path) -> None:
    made = frame(1.0, 0.4, ("1.0",))
    made = made[made["scale"].isin(["w64", "w128"])]
    found = judge(spec(), made)
    assert isinstance(found.axes, Refused) and "3 or more values" in found.axes.refused
    assert isinstance(found.front, Refused) and "needs 3" in found.front.refused
    said = " ".join(text([found]).split())
    assert "add sizes or fractions" in said and "no law: 2 of 2 configurations lie on it" in said
    draw_record(found, tmp_path)
    assert "Regimes were not" in (tmp_path / "regimes.svg").read_text()
    assert table_rows([found])[0]["domain"] is None
