"""Labels that cost money: the cheapest pair is the cheapest in money, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from alphascale import laws
from alphascale.config import read_study
from alphascale.deciding.decision import decide
from alphascale.deciding.summary import text
from alphascale.deciding.summary_table import table_rows
from alphascale.errors import UserError
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.fitting.joint import cheapest
from alphascale.networks.count import count_params
from alphascale.records.data import Meta
from alphascale.records.decision import CheapestPair, DecisionRecord
from alphascale.records.specs import BootstrapSpec, DecisionSpec, FitSpec, Prices, Target
from alphascale.records.typed import read, write
from alphascale.slices import audit_slice, bootstrap_slice, compare_slice, decision_slice, fit_slice
from alphascale.units import count, money, significant
from observations_made import observed
from study_made import own_study

TABLE = Meta("tabular", 7, (54,), None, None, None, None)
WIDTHS = (8, 16, 32, 64, 128, 256)
POOL, EPOCHS, BATCH = 20_000, 5, 100
FRACTIONS = ("0.125", "0.25", "0.5", "1.0")
# One hour costs 3,600: a second costs 1.
PRICES = Prices(
    watts=100.0, flops_per_second=1e9, carbon_g_per_kwh=400.0, carbon_source="stated", pue=1.0,
    price_per_kwh=0.5, price_per_hour=3600.0, currency="EUR",
)  # fmt: skip
TARGET = Target("error", 0.10)


def hoffmann(n: float, d: float) -> float:
    return 0.02 + 3.0 * n**-0.5 + 30.0 * d**-0.7


def ladder(noise: float = 0.002) -> pd.DataFrame:
    sizes = {f"w{w}": count_params("mlp", {"width": w}, TABLE)["total"] for w in WIDTHS}
    return observed(sizes, hoffmann, noise=noise, pool=POOL, epochs=EPOCHS, fractions=FRACTIONS)


@pytest.fixture(scope="module")
def fitted() -> tuple:
    frame = ladder()
    fits = fit_domain("d", FitSpec("power_floor", "total", withhold=1), frame)
    boot = BootstrapSpec("power_floor", "total", "error", 200, level=0.95, seed=0)
    return frame, fits, bootstrap_domain("d", boot, frame, fits)


def spec_of(prices: Prices, target: Target = TARGET) -> DecisionSpec:
    return DecisionSpec(
        domain="d", metric="error", target=target, family="mlp",
        ladder={f"w{w}": {"width": w} for w in WIDTHS}, naive={"width": 4096}, epochs=EPOCHS,
        batch_size=BATCH, members=3, counted="total", level=0.95, costs=prices,
    )  # fmt: skip


def decided(fitted: tuple, label: float | None, **changes) -> DecisionRecord:
    frame, fits, bootstrap = fitted
    prices = replace(PRICES, price_per_label=label, **changes)
    return decide(spec_of(prices), frame, fits, bootstrap, TABLE)


def said(decision: DecisionRecord) -> str:
    return " ".join(text([decision]).split())


def test_the_optimum_of_a_law_that_is_known_in_closed_form() -> None:
    """A N^−a + B D^−a = τ − E and p·D + q·N least: D / N = (B q / (A p))^(1 / (1 + a))."""
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(500, 5e4, 7), np.geomspace(500, 5e4, 7)))
    e, a, b, power = 0.02, 3.0, 6.0, 0.5
    columns = {"params": n, "samples": d, "error": e + a * n**-power + b * d**-power}
    fit = laws.fit(columns, x="params", x2="samples", y="error", law="chinchilla", resamples=0)
    for p, q in ((1.0, 1.0), (5.0, 1.0), (1.0, 20.0)):
        ways = cheapest(
            fit, 0.15, lambda params: params, (500, 5e4), (500, 5e5), 1.0,
            # The FLOPs are N·D here: over D they are N.
            lambda flops, labels, params, p=p, q=q: p * labels + q * flops / labels,
        )  # fmt: skip
        beside = (b * q / (a * p)) ** (1 / (1 + power))
        size = ((a + b * beside**-power) / (0.15 - e)) ** (1 / power)
        least = p * beside * size + q * size
        assert ways[0, 3] == pytest.approx(least, rel=0.005)  # an optimum is flat
        assert ways[0, 0] == pytest.approx(size, rel=0.12)
        assert ways[0, 1] == pytest.approx(beside * size, rel=0.12)


def by_hand(label: float) -> tuple[float, float, float]:
    """The cheapest pair in money of the law above, on a fine grid of D, N in closed form."""
    d = np.geomspace(POOL / 8, POOL, 20_001)
    left = TARGET.value - 0.02 - 30.0 * d**-0.7
    n = np.where(left > 0, (3.0 / np.maximum(left, 1e-12)) ** 2, np.inf)
    money = label * d + 6 * n * d * EPOCHS / 1e9
    best = money.argmin()
    return n[best], d[best], money[best]


@pytest.mark.parametrize("label", [1e-5, 1e-4, 1e-3])
def test_the_pair_is_the_cheapest_in_labels_and_training(fitted: tuple, label: float) -> None:
    pair = decided(fitted, label).joint
    assert isinstance(pair, CheapestPair)
    size, labels, least = by_hand(label)
    assert pair.money.total == pytest.approx(least, rel=0.02)
    assert pair.samples == pytest.approx(labels, rel=0.1)
    assert pair.params == pytest.approx(size, rel=0.2)
    assert pair.money.labels == pytest.approx(label * pair.samples)
    low, high = pair.money.interval
    assert low < least < high and high / low < 1.5
    assert pair.money.factor == 1.0  # a stated throughput is taken as it is


def test_dearer_labels_never_ask_for_more_labels_nor_cost_less(fitted: tuple) -> None:
    pairs = [decided(fitted, label).joint for label in (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0)]
    samples = [pair.samples for pair in pairs]
    assert samples == sorted(samples, reverse=True) and samples[0] > 1.5 * samples[-1]
    totals = [pair.money.total for pair in pairs]
    assert totals == sorted(totals)
    sizes = [pair.params for pair in pairs]
    assert sizes == sorted(sizes)  # what is spared in labels is paid in size
    assert all(POOL / 8 <= each <= POOL for each in samples)


@pytest.mark.parametrize("label", [0.0, None])
def test_labels_without_a_price_change_nothing(fitted: tuple, label: float | None) -> None:
    before, after = decided(fitted, None), decided(fitted, label)
    assert replace(after, costs=before.costs) == before
    assert text([after]) == text([before]) and "label" not in text([before])
    assert not [name for name in table_rows([before])[0] if "label" in name or "cheapest" in name]


def test_cheap_training_makes_labels_all_of_the_price_and_the_summary_says_so(fitted) -> None:
    decision = decided(fitted, 0.05)
    pair, words = decision.joint, said(decision)
    assert pair.money.labels / pair.money.total > 0.9
    assert f"{pair.samples:,} samples" in words and "the cheapest in money: " in words
    share = 100 * pair.money.labels / pair.money.total
    assert f"{share:.3g} % of it labels" in words
    # What is built is trained on all the data, and the saving leaves labels out.
    assert "beside the training, its 20,000 labels: 1,000 EUR" in words
    assert "labels are no part of it: either is trained on 1,000 EUR of them" in words
    assert decision.saving == decided(fitted, None).saving
    (row,) = table_rows([decision])
    assert row["cheapest_samples"] == pair.samples and row["build_labels_money"] == 1000
    assert row["cheapest_money"] == pytest.approx(pair.money.total)
    assert row["cheapest_labels_share"] == pytest.approx(share / 100)
    assert row["cheapest_money_lower"] < row["cheapest_money"] < row["cheapest_money_upper"]


def test_labels_at_the_edge_of_what_was_trained_say_so(fitted: tuple) -> None:
    frame, fits, bootstrap = fitted
    spec = spec_of(replace(PRICES, price_per_label=10.0), Target("error", 0.2))
    decision = decide(spec, frame, fits, bootstrap, TABLE)
    assert decision.joint.samples == POOL // 8
    assert "with less than the smallest fraction nothing was trained" in said(decision)
    assert "far from what was measured" not in said(decision)
    # As few labels as the law allows, whatever the size: told where that is far out.
    dear = decided(fitted, 1e6)
    far = dear.joint.params / dear.ladder.largest
    assert far > 10 and f"; {significant(far, 2)} × the largest size trained, far from" in said(
        dear
    )


def test_times_that_carry_no_money_leave_the_labels_priced_alone(fitted: tuple) -> None:
    frame, fits, bootstrap = fitted
    noisy = frame.assign(job_seconds=np.random.default_rng(0).uniform(1, 400, len(frame)))
    prices = replace(PRICES, flops_per_second=None, price_per_label=0.05)
    decision = decide(spec_of(prices), noisy, fits, bootstrap, TABLE)
    pair, plain = decision.joint, decided(fitted, None).joint
    assert (pair.params, pair.samples, pair.flops) == (plain.params, plain.samples, plain.flops)
    assert pair.money.training is None
    assert pair.money.total == pair.money.labels == pytest.approx(0.05 * pair.samples)
    assert pair.money.interval[0] == pytest.approx(0.05 * pair.interval["samples"][0])
    words = said(decision)
    assert "the jobs' times do not carry what a training costs" in words
    assert "in money" not in words
    assert table_rows([decision])[0]["cheapest_money"] is None


def test_more_data_says_what_its_labels_would_cost() -> None:
    frame = ladder()
    fits = fit_domain("d", FitSpec("auto", "total", withhold=1), frame)
    boot = BootstrapSpec("auto", "total", "error", 200, level=0.95, seed=0)
    known = frame, fits, bootstrap_domain("d", boot, frame, fits)
    decision = decided(known, 0.05)
    needs = int(np.ceil(decision.data.needs * decision.data.have))
    words = said(decision)
    paid = f"{money(0.05 * needs, 'EUR')} ({count(needs)} labels)"
    assert f"the labels would cost {paid} at even chance, with 90 % " in words
    assert "labels would cost" not in said(decided(known, None))


def test_a_target_that_no_pair_reaches_has_no_money(fitted: tuple, tmp_path) -> None:
    frame, fits, bootstrap = fitted
    spec = spec_of(replace(PRICES, price_per_label=0.1), Target("error", 0.021))
    decision = decide(spec, frame, fits, bootstrap, TABLE)
    assert decision.joint.params is None and decision.joint.money is None
    assert "never reaches the target" in said(decision)
    assert table_rows([decision])[0]["cheapest_money"] is None
    write(tmp_path / "decision.json", decision)
    assert read(tmp_path / "decision.json", DecisionRecord) == decision
    priced = decided(fitted, 0.1)
    write(tmp_path / "priced.json", priced)
    assert read(tmp_path / "priced.json", DecisionRecord) == priced


def test_the_key_is_the_decisions_and_of_nothing_else(tmp_path) -> None:
    config = own_study(tmp_path)
    config["domains"]["other"] = config["domains"]["table"] | {"compare": "table"}
    before = read_study(config)
    study = read_study(config | {"costs": {"price_per_label": 0.05}})
    assert decision_slice(study, "table").costs.price_per_label == 0.05
    for slice_of in (compare_slice, fit_slice, bootstrap_slice, audit_slice):
        assert slice_of(study, "table") == slice_of(before, "table")
    with pytest.raises(UserError, match=r"costs\.price_per_label"):
        read_study(config | {"costs": {"price_per_label": -1}})
