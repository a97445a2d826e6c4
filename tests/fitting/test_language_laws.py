"""Perplexity laws of language domains: recovery of known exponents, and honest comparisons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alphascale import laws
from alphascale.fitting.language_text import text
from alphascale.fitting.perplexity import (
    _points,
    exponent_difference,
    judge_group,
    with_perplexity,
)
from alphascale.fitting.widening import widening
from alphascale.plots.catalog import LANGUAGE_FIGURES
from alphascale.plots.draw import DRAW_LANGUAGE, draw_all
from alphascale.records.specs import LanguageDomain, LanguageSpec
from observations_made import observed

SIZES = [(d, layers) for layers in (1, 2, 4) for d in (16, 32, 64)]


def observations(b: float, seed: int, noise: float = 0.01, fractions=("1.0",), floor=0.0):
    """Runs whose perplexity is floor + 2,000 · N^(−b), N without embeddings, two seeds a size."""
    sizes = {f"d{d}-l{layers}": 12 * layers * d * d for d, layers in SIZES}
    made = observed(
        sizes, lambda n, samples: floor + 2000 * n**-b, noise=noise, pool=1_000_000, epochs=1,
        fractions=fractions, seeds=(0, 1), draw=seed,
    )  # fmt: skip
    shape = made["scale"].str.extract(r"d(\d+)-l(\d+)").astype(int)
    share = made["fraction"].astype(float)
    return made.assign(
        params=made["non_embedding"] + 2 * 512 * shape[0], d_model=shape[0], n_layers=shape[1],
        # Loss rises where data are few: L = (N term + 40 / D)^…, here plainly additive.
        test_loss=np.log(made["test_error"]) + np.where(share == 1, 0.0, 0.1 / share),
        test_error=0.9, tokens=made["samples"], unigram_perplexity=300.0, bits_per_byte=2.0,
        flops=6e6 * made["non_embedding"], job_seconds=3.0, peak_memory_bytes=1e8,
    )  # fmt: skip


def judged(bs, resamples=100, **options):
    names = ["one", "two"][: len(bs)]
    domains = {n: LanguageDomain(f"family_{n}", withhold=2) for n in names}
    pairs = zip(names, bs, strict=True)
    frames = {n: observations(b, seed=i, **options) for i, (n, b) in enumerate(pairs)}
    return judge_group(LanguageSpec(domains, resamples, level=0.95, seed=0), frames)


def law(found, domain, name="perplexity", counted="non_embedding"):
    rows = found.domains[domain].laws
    return next(row.fit for row in rows if (row.law, row.counted) == (name, counted))


def test_the_exponent_that_made_the_data_is_found_and_the_right_count_predicts_best():
    found = judged([0.25])
    entry = law(found, "one")
    low, high = entry.interval["b"]
    assert low <= 0.25 <= high and high - low < 0.05
    assert entry.withheld_error < 0.02
    # The data follow N without embeddings: with them, the withheld sizes are predicted worse.
    assert law(found, "one", counted="total").withheld_error > 2 * entry.withheld_error
    assert found.domains["one"].best.counted == "non_embedding"
    assert found.comparisons == []


def test_a_floor_in_the_data_is_seen_by_the_law_with_a_floor():
    found = judged([0.5], floor=20.0, noise=0.002)
    assert law(found, "one", "perplexity_floor").params["E"] == pytest.approx(20, rel=0.15)
    assert found.domains["one"].best.law == "perplexity_floor"


def test_different_exponents_are_told_apart_and_equal_ones_are_not_called_equal():
    apart = judged([0.25, 0.15]).comparisons[0]
    row = next(r.found for r in apart.exponents if r.counted == "non_embedding")
    assert row.differ and row.interval[0] <= -0.1 <= row.interval[1]
    assert apart.domains == ("two", "one") and apart.says.startswith("the exponents differ")
    same = judged([0.2, 0.2], noise=0.03).comparisons[0]
    row = next(r.found for r in same.exponents if r.counted == "non_embedding")
    assert not row.differ and row.interval[0] < 0 < row.interval[1]
    assert "not told apart" in same.says


def test_the_difference_is_covered_as_often_as_the_interval_says():
    """At level .95, of 40 pairs of ladders with equal exponents no more than 6 may be called
    different (a binomial of .05 goes beyond that 1 time in 100)."""
    calls = 0
    for i in range(40):
        fits = []
        for k in range(2):
            frame = with_perplexity(observations(0.2, seed=100 + 2 * i + k, noise=0.03))
            columns = {c: frame[c].to_numpy() for c in ("non_embedding", "perplexity", "scale")}
            fits.append(
                laws.fit(columns, x="non_embedding", y="perplexity", law="perplexity",
                         cluster="scale", resamples=200, seed=1000 * k)
            )  # fmt: skip
        calls += exponent_difference(*fits, level=0.95).differ
    assert calls <= 6


def test_a_law_in_both_needs_three_fractions():
    assert "1 fraction" in judged([0.2]).domains["one"].params_and_data.refused
    found = judged([0.2], fractions=("0.25", "0.5", "1.0")).domains["one"]
    assert found.params_and_data.law == "kaplan_nd"
    assert found.params_and_data.in_sample["n"] == 54
    # The laws in N alone are those of the largest fraction.
    assert found.fraction == "1.0" and len(found.points) == 9


def test_figures_say_which_law_predicts_and_show_both_families(tmp_path):
    found = judged([0.25, 0.15])
    families = {"one": "transformer_lm", "two": "resnet_bk"}
    domains = {
        name: replace(found.domains[name], family=family) for name, family in families.items()
    }
    draw_all(DRAW_LANGUAGE, replace(found, domains=domains), tmp_path)
    for name in LANGUAGE_FIGURES:
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
        words = (tmp_path / f"{name}.svg").read_text()
        assert "Transformer" in words and "ResNet-BK" in words
    words = " ".join((tmp_path / "perplexity.svg").read_text().split())
    assert "not having seen the 2 largest sizes" in words
    assert "The exponents differ" in words and "−0.1" in words
    assert "token frequencies alone: 300" in words


def test_the_summary_names_refusals_and_the_law_that_predicts_best():
    said = text(judged([0.25, 0.15]))
    assert said.count("<- predicts best") == 2 and "the exponents differ" in said
    assert "token frequencies alone: 300.0" in said
    frame = observations(0.2, seed=0)
    few = frame[frame["scale"].isin(["d16-l1", "d32-l1", "d64-l1"])]
    domains = {"one": LanguageDomain("resnet_bk", withhold=1)}
    spec = LanguageSpec(domains, resamples=100, level=0.95, seed=0)
    said = text(judge_group(spec, {"one": few}))
    assert "perplexity_floor in all parameters: refused" in said
    everything_diverged = frame.assign(status="diverged")
    said = text(judge_group(spec, {"one": everything_diverged}))
    assert "every run diverged" in said


def test_a_wider_model_gains_more_where_the_grid_says_so():
    """Perplexity falls as (d²·l)^−b: a doubling of d gains 2b·log 2, one of the layers b·log 2, and
    for the same parameters neither."""
    gains = judged([0.25]).domains["one"].widening
    assert gains.sizes == 9
    assert gains.width == pytest.approx(0.5 * np.log(2), abs=0.02)
    assert gains.depth == pytest.approx(0.25 * np.log(2), abs=0.02)
    low, high = gains.interval
    assert 0 < low < 0.25 * np.log(2) < high
    assert "a wider model gains more than a deeper one" in gains.says
    low, high = gains.for_parameters_interval
    assert low < 0 < high and "for the same parameters in the blocks they are not" in gains.says


def test_the_gain_of_width_is_covered_as_often_as_its_interval_says():
    """Of 60 grids no more than 8 intervals of level .95 may miss (binomial, 1 time in 100)."""
    missed = 0
    for seed in range(60):
        frame = with_perplexity(observations(0.2, seed=500 + seed, noise=0.05))
        gains = widening(_points(frame, 2), 0.95)
        low, high = gains.interval
        missed += not low <= 0.2 * np.log(2) <= high
    assert missed <= 8


def test_one_depth_asks_nothing_of_width_against_depth():
    frame = with_perplexity(observations(0.2, seed=0))
    flat = widening(_points(frame[frame["n_layers"] == 1], 1), 0.95)
    assert flat.refused == "every size has n_layers 1: a grid varies both"
    diagonal = frame[frame["scale"].isin(["d16-l1", "d32-l2", "d64-l4"])]
    assert "do not tell width from depth" in widening(_points(diagonal, 1), 0.95).refused
    two = frame[frame["scale"].isin(["d16-l1", "d32-l1", "d16-l2", "d32-l2"])]
    assert widening(_points(two, 1), 0.95).sizes == 4


def test_the_text_holds_the_table_of_sizes_and_r_squared():
    found = judged([0.25])
    said = text(found)
    rows = [line.split() for line in said.splitlines() if line.startswith("  d16-l1 ")]
    point = found.domains["one"].points[0]
    assert rows[0][:6] == [
        "d16-l1", "16", "1", f"{point.total:,}", f"{point.non_embedding:,}",
        f"{point.mean_perplexity:.1f}",
    ]  # fmt: skip
    assert sum(line.startswith("  d") for line in said.splitlines()) == 9
    fit = law(found, "one")
    assert f"R² of all sizes {fit.in_sample['r2']:.3f}" in said
    assert "wider or deeper: doubling the width" in said
