"""From observations to N*: known laws are found again, costs add up, no promise out of reach."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from alphascale import laws
from alphascale.config import Training
from alphascale.deciding import costs
from alphascale.deciding.decision import decide
from alphascale.deciding.run_warnings import guessing
from alphascale.deciding.settling import settling, untrusted
from alphascale.deciding.star import star_of
from alphascale.deciding.summary import star_text, text
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.fitting.joint import fit_cells, joint_columns
from alphascale.networks.count import count_flops, count_params
from alphascale.networks.search import smallest_with
from alphascale.records.data import Meta
from alphascale.records.decision import DecisionRecord, Price, PricedRun, Star, Throughput
from alphascale.records.fit import Estimate, FractionFit
from alphascale.records.pace import Pace, PaceRecord
from alphascale.records.specs import (
    BootstrapSpec,
    DecisionSpec,
    FitSpec,
    PaceSpec,
    Prices,
    Target,
)
from alphascale.records.training import Device
from alphascale.records.typed import Refused, as_json
from hypothesis import given, settings
from hypothesis import strategies as st
from observations_made import observed
from records_made import prepared_made

PRICES = Prices(
    watts=100.0, flops_per_second=None, carbon_g_per_kwh=400.0, carbon_source="stated", pue=1.2,
    price_per_kwh=0.5, price_per_hour=None, currency="EUR",
)  # fmt: skip
TABLE = Meta("tabular", 7, (54,), None, None, None, None)
IMAGE = Meta("image", 10, (1, 8, 8), None, None, (0.5,), (0.2,))
TEXT = Meta("text", 5, (16,), 256, 0, None, None)
WIDTHS = (8, 16, 32, 64, 128, 256)


def observations(
    floor: float = 0.05,
    amplitude: float = 4.0,
    alpha: float = 0.5,
    noise: float = 0.001,
    fractions: tuple[str, ...] = ("1.0",),
) -> pd.DataFrame:
    """Runs of an MLP ladder whose error is floor + amplitude · N^−alpha, plus noise."""
    sizes = {f"w{w}": count_params("mlp", {"width": w}, TABLE)["total"] for w in WIDTHS}
    return observed(
        sizes, lambda n, samples: floor + amplitude * n**-alpha,
        noise=noise, additive=True, pool=1000, epochs=10, fractions=fractions,
    )  # fmt: skip


FIT = FitSpec(law="power_floor", params="total", withhold=1)
BOOT = BootstrapSpec("power_floor", "total", "error", resamples=200, level=0.95, seed=0)


def spec_of(target: Target) -> DecisionSpec:
    return DecisionSpec(
        domain="d", metric="error", target=target, family="mlp",
        ladder={f"w{w}": {"width": w} for w in WIDTHS}, naive={"width": 4096}, epochs=10,
        batch_size=100, members=3, counted="total", level=0.95, costs=PRICES,
    )  # fmt: skip


def decided(
    frame: pd.DataFrame, target: Target, law: str = "power_floor", others: Sequence[Target] = ()
) -> DecisionRecord:
    spec = replace(spec_of(target), others=list(others))
    fits = fit_domain("d", replace(FIT, law=law), frame)
    asked = replace(BOOT, law=law, metric=target.law, others=tuple(t.law for t in others))
    return decide(spec, frame, fits, bootstrap_domain("d", asked, frame, fits), TABLE)


def fitted(frame: pd.DataFrame) -> FractionFit:
    return fit_domain("d", FIT, frame).fractions["1.0"]


def test_a_known_law_is_recovered_and_predicts_the_withheld_size() -> None:
    fit = fitted(observations()).laws["error"]
    assert fit.params["E"] == pytest.approx(0.05, abs=0.005)
    assert fit.params["alpha"] == pytest.approx(0.5, abs=0.05)
    withheld = fit.withheld
    assert [p.scale for p in withheld.predictions] == ["w256"]
    assert withheld.errors.law < withheld.errors.carry and withheld.beats_naive


def test_the_withheld_fit_never_sees_the_withheld_size() -> None:
    frame = observations()
    spoiled = frame.copy()
    spoiled.loc[spoiled["scale"] == "w256", "test_error"] = 0.9
    before, after = (fitted(f).laws["error"] for f in (frame, spoiled))
    assert after.withheld.params == before.withheld.params
    assert after.withheld.errors.law > 0.5 and after.params != before.params


def test_diverged_runs_are_counted_and_left_out() -> None:
    frame = observations()
    bad = frame.index[(frame["scale"] == "w64") & (frame["seed"] == 1)]
    frame.loc[bad, "status"] = "diverged"
    frame.loc[bad, ["test_error", "test_loss"]] = np.nan
    fit = fitted(frame)
    assert fit.diverged == 1
    assert [point.runs for point in fit.points] == [3, 3, 3, 2, 3, 3]
    assert fit.laws["error"].params["alpha"] == pytest.approx(0.5, abs=0.05)


def test_too_few_sizes_are_refused_not_fitted() -> None:
    frame = observations()
    fit = fitted(frame[frame["params"] < 12_000]).laws["error"]
    assert isinstance(fit, Refused) and "4" in fit.refused


def test_n_star_is_the_laws_closed_form_and_the_architecture_has_it() -> None:
    target = 0.05 + 4.0 * 30_000**-0.5
    found = decided(observations(noise=1e-4), Target("accuracy", 1 - target))
    assert found.n_star == pytest.approx(30_000, rel=0.03)
    low, high = found.star.interval
    assert low < found.n_star < high and high / low < 1.2
    built = found.architecture
    assert built.params["total"] >= found.recommended >= found.n_star
    narrower = built.size | {"width": built.size["width"] - 1}
    assert count_params("mlp", narrower, TABLE)["total"] < found.recommended
    assert built.predicted.mean < target


def test_a_size_is_priced_with_all_its_epochs_batches_and_samples() -> None:
    """1,000 samples in batches of 100, ten epochs: 10,000 samples and 100 steps."""
    found = decided(observations(noise=1e-4), Target("error", 0.075))
    for run in (found.architecture, found.naive):
        flops = count_flops("mlp", run.size, TABLE)["training"] * 10_000
        assert run.price.flops == flops
        # As made: 1 ms a step and 1e10 FLOP/s.
        assert run.price.seconds == pytest.approx(100 * 1e-3 + flops / 1e10, rel=1e-6)
        assert run.price.kwh == pytest.approx(100 * run.price.seconds / 3.6e6 * 1.2)


def test_what_the_study_does_not_count_builds_nothing() -> None:
    """N without embeddings, which are most of a narrow model: it is built, and predicted, by N."""
    ladder = {f"d{d}": {"d_model": d, "n_layers": 1} for d in (8, 16, 24, 32, 48, 64)}
    counts = {scale: count_params("transformer", size, TEXT) for scale, size in ladder.items()}
    frame = observed(
        {scale: each["non_embedding"] for scale, each in counts.items()},
        lambda n, samples: 0.05 + 4 * n**-0.5,
        noise=1e-4, additive=True, pool=1000, epochs=10,
    )  # fmt: skip
    for column, counted in (("params", "total"), ("non_embedding", "non_embedding")):
        frame[column] = frame["scale"].map({name: each[counted] for name, each in counts.items()})
    fits = fit_domain("d", replace(FIT, params="non_embedding"), frame)
    draws = bootstrap_domain("d", replace(BOOT, params="non_embedding"), frame, fits)
    wanted = 12_000
    spec = DecisionSpec(
        domain="d", metric="error", target=Target("error", 0.05 + 4 * wanted**-0.5),
        family="transformer", ladder=ladder, naive={"d_model": 128, "n_layers": 1}, epochs=10,
        batch_size=100, members=3, counted="non_embedding", level=0.95, costs=PRICES,
    )  # fmt: skip
    found = decide(spec, frame, fits, draws, TEXT)
    assert found.n_star == pytest.approx(wanted, rel=0.03)
    size, params = found.architecture.size, found.architecture.params
    assert params["non_embedding"] >= found.recommended > params["total"] / 2
    narrower = count_params("transformer", size | {"d_model": size["d_model"] - 8}, TEXT)
    assert narrower["non_embedding"] < found.recommended < narrower["total"]
    for run in (found.architecture, found.naive):
        law = 0.05 + 4 * run.params["non_embedding"] ** -0.5
        assert run.predicted.mean == pytest.approx(law, rel=0.01)
    assert found.ladder.largest == counts["d64"]["non_embedding"]


def test_resamples_that_failed_say_nothing_of_what_is_in_reach() -> None:
    frame = observations(noise=0.004)
    draws = bootstrap_domain("d", BOOT, frame, fit_domain("d", FIT, frame)).fractions["1.0"]
    law = laws.read(draws.fit)
    target = Target("error", 0.052)
    whole = star_of(draws, target, 0.95)
    theta = law.theta_samples.copy()
    out = np.isinf(law.solve_samples(target.fitted))
    lost = np.flatnonzero(~out)[:40]
    theta[lost] = np.nan
    spoiled = replace(law, theta_samples=theta, failed_resamples=40)
    found = star_of(replace(draws, fit=spoiled.to_json(), failed_resamples=40), target, 0.95)
    assert (whole.draws, found.draws) == (200, 160) and found.failed_resamples == 40
    assert whole.out_of_reach == out.sum() / 200
    assert found.out_of_reach == out.sum() / 160


@pytest.mark.parametrize("law", ["power_floor", "auto"])
def test_nine_runs_in_ten_of_what_is_recommended_reach_the_target(law: str) -> None:
    """The promise is about a run, so it is tested on new runs of the true law."""
    reached, even = [], []
    for seed in range(12):
        scatter = np.random.default_rng(seed)
        frame = observations(noise=0.0)
        frame["test_error"] *= np.exp(scatter.normal(0, 0.06, len(frame)))
        found = decided(frame, Target("error", 0.075), law)
        runs = np.exp(scatter.normal(0, 0.06, 2000))
        for sizes, params in ((reached, found.recommended), (even, found.n_star)):
            sizes.append(np.mean((0.05 + 4 * params**-0.5) * runs <= 0.075))
        assert found.architecture.chance >= 0.88
    assert np.mean(reached) > 0.85
    assert 0.3 < np.mean(even) < 0.75 < np.mean(reached)


def test_where_no_size_is_sure_enough_n_star_is_built_and_said_to_be_that() -> None:
    found = decided(observations(noise=0.004), Target("error", 0.055, confidence=0.999), "auto")
    assert found.star.confident is None and found.recommended == found.n_star
    page = " ".join(text([found]).split())
    assert "no size up to 10 × the largest trained reaches the target with 99.9 %" in page
    assert "this is N*: one run reaches the target with" in page


def test_what_would_settle_an_open_interval_narrows_it_when_it_is_trained() -> None:
    """The named size, trained on the true law, leaves about as little as was promised."""
    frame = observations(floor=0.02, noise=0.002)
    small = frame[frame["params"] < 40_000]
    before = decided(small, Target("error", 0.032), "auto")
    assert before.settling is not None and before.star.interval[1] is None
    named = before.settling
    assert "settle it" in text([before]) and named.members == 3
    more = observed(
        {"next": named.run.params["total"]}, lambda n, samples: 0.02 + 4 * n**-0.5,
        noise=0.002, additive=True, pool=1000, epochs=10,
    )  # fmt: skip
    after = decided(pd.concat([small, more]), Target("error", 0.032), "auto")
    assert after.star.interval[0] > before.star.interval[0]
    laws_of = [own_law(small), own_law(pd.concat([small, more]))]
    wide, narrow = (np.std(np.log(law.curves([before.n_star]))) for law in laws_of)
    assert narrow / wide < named.left + 0.2


def test_what_is_left_is_what_a_look_at_the_named_size_leaves() -> None:
    """Played out: a mean of three noisy runs at the named size, for every draw of the law."""
    small = observations(floor=0.02, noise=0.002)
    small = small[small["params"] < 40_000]
    law, largest = own_law(small), small["params"].max()
    star = Star(3e5, None, (1e5, None), 0.1, 200, 0, 0.02, Estimate(0.02, 0.01, 0.03))

    def run_of(params: float) -> PricedRun:
        return PricedRun({"width": 8}, {"total": int(params)}, Price(1.0, 1.0, 1.0, 1.0, 1.0), None)

    found = settling(law, star, largest, 3, 3, run_of, "why")
    at, goal = np.log(law.curves([found.run.params["total"], 3e5])).T
    rng = np.random.default_rng(0)
    seen = at[:, None] + np.median(law.noise) / np.sqrt(3) * rng.standard_normal((len(at), 400))
    slope = np.cov(goal, at)[0, 1] / np.var(seen)
    unknown = goal[:, None] - goal.mean() - slope * (seen - seen.mean())
    assert found.left == pytest.approx(unknown.std() / goal.std(), rel=0.03)
    assert found.multiple in (2.0, 4.0, 8.0)
    assert found.run.params["total"] == int(found.multiple * largest)


def own_law(frame: pd.DataFrame) -> laws.AutoLaw:
    columns = {"params": frame["params"], "error": frame["test_error"]}
    return laws.fit(columns, x="params", y="error")


def test_the_data_that_the_largest_size_lacks_are_told_from_the_joint_law() -> None:
    """Error .02 + 3·N^−.5 + 6·D^−.5: at the largest size the target asks for 2.5 × the data."""

    def law(n, samples):
        return 0.02 + 3 * n**-0.5 + 6 * samples**-0.5

    sizes = {f"w{w}": count_params("mlp", {"width": w}, TABLE)["total"] for w in WIDTHS}
    frame = observed(
        sizes, law, noise=0.01, pool=4000, epochs=10, fractions=("0.125", "0.25", "0.5", "1.0")
    )
    found = decided(frame, Target("error", law(max(sizes.values()), 10_000)), "auto")
    needed = found.data
    assert needed.have == 4000 and needed.params == max(sizes.values())
    low, high = needed.interval
    assert low < 2.5 < (high or np.inf) and needed.needs == pytest.approx(2.5, rel=0.35)
    assert (needed.confident or np.inf) > needed.needs
    # With so much data one run in two reaches the target, with the other nine in ten.
    columns = joint_columns(frame, "auto", "error", "total")
    joint = laws.hold(fit_cells(columns, "auto", "error", seed=0), {"params": needed.params})
    for needs, chance in ((needed.needs, 0.5), (needed.confident, 0.9)):
        if needs is not None:
            found_chance = joint.reach([needs * needed.have], found.target.fitted)[0]
            assert found_chance == pytest.approx(chance, abs=0.03)
    assert "of the 4,000 samples trained on, the largest size" in " ".join(text([found]).split())
    assert isinstance(decided(frame, Target("error", 0.15)).data, Refused)


def test_an_interval_holds_what_the_law_itself_says() -> None:
    """The cheapest pair where every resample says the same, and the law something else."""
    sizes = {f"w{w}": count_params("mlp", {"width": w}, TABLE)["total"] for w in WIDTHS}
    frame = observed(
        sizes, lambda n, samples: 0.02 + 3 * n**-0.5 + 6 * samples**-0.5,
        noise=0.02, pool=4000, epochs=10, fractions=("0.25", "0.5", "1.0"),
    )  # fmt: skip
    fits = fit_domain("d", FIT, frame)
    draws = bootstrap_domain("d", BOOT, frame, fits)
    law = laws.read(draws.joint.fit)
    same = replace(law, theta_samples=np.tile(law.theta_samples[0], (200, 1)))
    draws = replace(draws, joint=replace(draws.joint, fit=same.to_json()))
    found = decide(spec_of(Target("error", 0.16)), frame, fits, draws, TABLE).joint
    for name, own in (("params", found.params), ("flops", found.flops)):
        low, high = found.interval[name]
        assert low < high and own in (low, high)


def test_a_decision_is_not_trusted_for_what_is_wrong_with_it() -> None:
    good = decided(observations(), Target("error", 0.075))
    assert good.withheld.beats_naive and untrusted(good.star, good.withheld) is None
    lost = replace(good.withheld, errors=replace(good.withheld.errors, carry=0.0))
    beaten = "the law does not beat a naive predictor"
    open_above = replace(good.star, interval=(good.star.interval[0], None))
    for star, withheld, why in (
        (good.star, lost, beaten),
        (good.star, Refused("none"), None),
        (open_above, good.withheld, "N*'s interval is open above"),
        (open_above, lost, f"N*'s interval is open above and {beaten}"),
        (replace(good.star, confident=None), good.withheld, "no size is sure enough"),
        (replace(open_above, n_star=None), good.withheld, "the law does not reach the target"),
        (Refused("three sizes"), lost, None),
    ):
        assert untrusted(star, withheld) == why


def test_accuracy_and_error_targets_are_one_question() -> None:
    frame = observations()
    by_accuracy = decided(frame, Target("accuracy", 0.92))
    by_error = decided(frame, Target("error", 1 - 0.92))
    assert by_accuracy.n_star == by_error.n_star


def test_a_target_below_the_floor_is_out_of_reach_and_priced_at_nothing() -> None:
    found = decided(observations(), Target("error", 0.01))
    assert found.n_star is None and found.architecture is None and found.saving is None
    assert found.star.out_of_reach > 0.95 and found.star.interval[1] is None


def test_resamples_out_of_reach_are_counted_not_dropped() -> None:
    # A target at the floor's edge: some resamples reach it, some never do.
    found = decided(observations(noise=0.004), Target("error", 0.052))
    assert 0.05 < found.star.out_of_reach < 0.95
    assert found.star.interval[1] is None  # infinity is part of the interval


def test_study_cost_counts_every_job_once() -> None:
    frame = observations(fractions=("0.5", "1.0"))
    each = frame.drop_duplicates(["scale", "fraction"])
    study = costs.study_price(frame, PRICES)
    assert study.flops == pytest.approx(each["job_flops"].sum())
    kwh = each["job_seconds"].sum() * 100 / 3.6e6 * 1.2
    assert study.kwh == pytest.approx(kwh) and not study.measured
    assert (study.co2_g, study.money) == pytest.approx((kwh * 400, kwh * 0.5))


def test_measured_joules_win_over_watts() -> None:
    frame = observations().assign(joules=50.0)
    study = costs.study_price(frame, PRICES)
    assert study.measured and study.kwh == pytest.approx(6 * 50 / 3.6e6 * 1.2)


def test_a_run_not_made_is_priced_at_the_power_that_was_measured() -> None:
    frame = observations()
    frame["joules"] = 40.0 * frame["job_seconds"]
    run = costs.price(1e9, 0, Throughput(0.0, 1e9 / 30, ""), PRICES, costs.power(frame, PRICES))
    assert run.kwh == pytest.approx(40 * 30 / 3.6e6 * 1.2)
    assert not run.measured and "40 W" in run.how and "measured over 6 of 6 jobs" in run.how


def test_a_study_measured_in_part_says_so_and_estimates_the_rest() -> None:
    frame = observations()
    half = frame["params"] > frame["params"].median()
    frame["joules"] = np.where(half, 40.0 * frame["job_seconds"], np.nan)
    study = costs.study_price(frame, PRICES)
    assert not study.measured and "3 of 6 jobs" in study.how
    seconds = frame.drop_duplicates("scale")["job_seconds"].sum()
    assert study.kwh == pytest.approx(40 * seconds / 3.6e6 * 1.2)


def test_a_device_hour_is_paid_for_in_place_of_energy() -> None:
    hourly = replace(PRICES, price_per_hour=3.0)
    run = costs.price(1e9, 0, Throughput(0.0, 1e9 / 1200, ""), hourly, costs.Power(100.0, ""))
    assert run.money == pytest.approx(1.0)
    assert run.kwh == pytest.approx(100 * 1200 / 3.6e6 * 1.2)


def test_throughput_separates_overhead_from_arithmetic() -> None:
    rate = costs.throughput(observations(), batch_size=100, stated=None)
    # Written into the observations: 1 ms a step and 1e10 FLOP/s.
    assert rate.step_seconds == pytest.approx(1e-3, rel=1e-6)
    assert rate.flops_per_second == pytest.approx(1e10, rel=1e-6)
    assert rate.seconds(2e10, 500) == pytest.approx(2.5)


def test_saving_takes_the_study_off() -> None:
    def run(kwh: float) -> Price:
        return Price(kwh * 1e9, 1.0, 2 * kwh**2, 0.0, 0.0, factor=1.1)  # energy is no FLOPs

    gains = costs.saving(naive=run(10), star=run(1), study=run(4), ratio=1.25)
    assert gains.gross == pytest.approx(0.9) and gains.net == pytest.approx(0.5)
    assert gains.pays_after_runs == pytest.approx(4 / 9)
    assert costs.saving(run(1), run(2), run(4), 1.0).pays_after_runs is None
    assert gains.energy.gross == pytest.approx(1 - 1 / 100)
    assert gains.energy.gross_interval == pytest.approx((1 - 1.25 / 100, 1 - 0.8 / 100))
    assert gains.energy.net == pytest.approx(1 - 17 / 100)
    low = 1 - 1.1 * 16 / 100 - 1.25 / 100
    assert gains.energy.net_interval == pytest.approx((low, 1 - 16 / 1.1 / 100 - 0.8 / 100))
    assert costs.saving(run(10), run(1), run(4), None).energy is None


def test_what_rests_on_time_is_known_as_well_as_the_jobs_times_carry_it() -> None:
    """Nine of ten factors about a run's seconds hold the truth's; timings of noise say nothing."""
    frame, rng = observations(), np.random.default_rng(0)
    true, held = 1e-3 * 500 + 2e12 / 1e10, []
    for _ in range(200):
        noisy = frame.copy()
        per_job = np.exp(0.1 * rng.standard_normal(noisy["scale"].nunique()))
        noisy["job_seconds"] *= noisy["scale"].map(
            dict(zip(noisy["scale"].unique(), per_job, strict=True))
        )
        rate = costs.throughput(noisy, batch_size=100, stated=None)
        near = replace(rate, largest_step=4e9)  # a step no larger than one that was timed
        found = costs.factor(near, (2e12, 500))
        assert found is not None and 1.0 < found < 1.6
        held.append(abs(np.log(rate.seconds(2e12, 500) / true)) < np.log(found))
    assert 0.8 < np.mean(held) <= 1.0
    noisy["job_seconds"] = 0.01 * np.exp(rng.standard_normal(len(noisy)))
    rate = costs.throughput(noisy, batch_size=100, stated=None)
    assert costs.factor(rate, (2e12, 500)) is None
    stated = costs.throughput(noisy, batch_size=100, stated=1e9)
    assert costs.factor(stated, (2e12, 500)) == costs.factor(stated, (1, 1), (2e12, 5)) == 1.0


def test_the_factor_widens_with_how_far_a_step_lies_beyond_those_timed() -> None:
    """Times without noise: all that is left is how far beyond, .4 a unit of its logarithm."""
    frame = observations()
    rate = costs.throughput(frame, batch_size=100, stated=None)
    steps = frame["samples_seen"] / np.minimum(100, frame["samples"])
    assert rate.largest_step == pytest.approx((frame["flops"] / steps).max())

    def run(times: float) -> tuple[float, float]:
        return times * rate.largest_step * 500, 500

    assert costs.factor(rate, run(0.1)) == pytest.approx(1, abs=1e-4)
    assert costs.factor(rate, run(1)) == pytest.approx(1, abs=1e-4)
    assert costs.factor(rate, run(2)) == pytest.approx(2 ** (1.96 * 0.4), rel=1e-3)
    assert costs.factor(rate, run(4)) == pytest.approx(2.96, abs=0.01)
    assert costs.factor(rate, run(4.2)) is None  # more than 3
    # Of a ratio what is common to both falls out.
    assert costs.factor(rate, run(40), run(40)) == pytest.approx(1, abs=1e-4)
    assert costs.factor(rate, run(20), run(40)) == pytest.approx(2 ** (1.96 * 0.4), rel=1e-3)
    inside = costs.factor(rate, run(0.1), run(2))
    assert costs.factor(rate, run(1), run(2)) == pytest.approx(inside)
    far = costs.price(*run(60), rate, PRICES, costs.Power(100.0, ""))
    assert far.factor is None and far.beyond == pytest.approx(60)


# Seconds said and measured of six naive models, and how far their step lay beyond the largest
# timed: four of the default study, two of another's, by the lines of their studies' jobs.
TRAINED = (
    (140.8, 37.1, 40), (223, 60.7, 138), (28.3, 102, 85), (14.3, 28.1, 9), (429, 7.2, 280),
    (45, 7.2, 26),
)  # fmt: skip


def test_the_spread_is_that_of_naive_models_that_were_trained() -> None:
    off = [abs(math.log(said / took)) / math.log(times) for said, took, times in TRAINED]
    assert np.sqrt(np.mean(np.square(off))) == pytest.approx(costs.SPREAD, abs=0.06)
    assert all(
        1 / costs.far(times) < said / took < costs.far(times) for said, took, times in TRAINED
    )


FAMILIES = {
    "mlp": (TABLE, [{"width": w, "depth": 2} for w in (8, 16, 64)]),
    "cnn": (IMAGE, [{"width": w / 64} for w in (1, 2, 6)]),
    "transformer": (TEXT, [{"n_layers": n, "d_model": d} for n, d in ((1, 8), (2, 16), (2, 24))]),
}


@settings(max_examples=40, deadline=None)
@given(family=st.sampled_from(sorted(FAMILIES)), log_params=st.floats(3, 7.5))
def test_search_finds_the_smallest_that_has_enough(family: str, log_params: float) -> None:
    meta, rungs = FAMILIES[family]
    size, counts = smallest_with(family, 10**log_params, rungs, meta)
    assert counts == count_params(family, size, meta)
    assert counts["total"] >= 10**log_params
    steps = {"mlp": ("width", 1), "cnn": ("width", 1 / 64), "transformer": ("d_model", 8)}
    knob, step = steps[family]
    if size[knob] > step:
        smaller = count_params(family, size | {knob: size[knob] - step}, meta)
        assert smaller["total"] < 10**log_params


def test_a_fit_whose_parameters_cannot_be_told_apart_is_still_valid_json() -> None:
    frame = observations()
    frame["test_error"] = 0.25  # no size is better than another
    found = fit_domain("d", FIT, frame)
    json.dumps(as_json(found), allow_nan=False)
    error = found.fractions["1.0"].laws["error"]
    assert isinstance(error, Refused) or error.condition is None or error.warnings


def test_a_law_too_flat_to_build_is_said_not_raised() -> None:
    frame = observations()
    frame["test_error"] = 0.5 * (frame["params"] / 1e3) ** -0.03
    found = decided(frame, Target("error", 0.2))
    assert found.n_star > 1e15 and found.architecture is None and found.saving is None
    page = text([found])
    assert "none: no mlp" in page and "N* cannot be built" in page


@pytest.mark.parametrize(
    ("counts", "accuracy", "met"),
    [
        ([525, 475], 0.5001, True),
        ([90, 10], 0.85, True),
        ([90, 10], 0.91, False),
        ([5, 5], 0.6, False),
    ],
)
def test_a_target_that_the_commonest_class_meets_is_said(counts, accuracy, met) -> None:
    assert bool(guessing(Target("accuracy", accuracy), prepared_made(counts))) is met


def test_the_smallest_size_is_one_that_the_law_was_fitted_to() -> None:
    """Runs of the two smallest rungs all diverged: what lies below the third was not measured."""
    frame, target = observations(), Target("accuracy", 0.7)
    small = sorted(frame["params"].unique())[:2]
    gone = frame["params"].isin(small)
    frame.loc[gone, "status"] = "diverged"
    frame.loc[gone, ["test_error", "test_loss"]] = np.nan
    found = decided(frame, target, "auto")
    least = frame.loc[frame["status"] == "ok", "params"].min()
    assert found.ladder.smallest == least and found.star.n_star == least
    assert "met by the smallest size trained" in star_text(found)


def test_of_several_targets_what_is_built_reaches_them_all() -> None:
    """Whichever comes first in the study; the one that asks for most may not be that of the larger
    N*, since another may be sure sooner."""
    frame, found = observations(), []
    pairs = [(Target("accuracy", a), Target("loss", x)) for a, x in ((0.88, 0.33), (0.9, 0.33))]
    for targets in [*pairs, *(pair[::-1] for pair in pairs)]:
        one = decided(frame, targets[0], "auto", others=[targets[1]])
        (beside,) = one.others
        assert {one.target.metric, beside.target.metric} == {"accuracy", "loss"}
        assert one.recommended >= max(beside.asks, one.star.asks)
        assert one.architecture.params["total"] >= one.recommended
        found.append(one.target.metric)
    assert found[:2] == found[2:]


def test_a_naive_model_that_was_timed_is_priced_by_its_own_steps() -> None:
    frame, target = observations(), Target("error", 0.1)
    line = decided(frame, target)
    fits = fit_domain("d", FIT, frame)
    draws = bootstrap_domain("d", BOOT, frame, fits)
    spec = spec_of(target)

    def with_pace(pace: Pace | Refused) -> DecisionRecord:
        asked = PaceSpec("d", "mlp", spec.naive, "1.0", Training(), "cpu")
        record = PaceRecord(asked, "code", pace, Device("cpu", "made", "float32", 1))
        return decide(spec, frame, fits, draws, TABLE, pace=record)

    found = with_pace(Pace(1e9, 0.25, 9, 0.02, 1.0))
    steps = spec.epochs * math.ceil(found.samples / spec.batch_size)
    price = found.naive.price
    assert price.seconds == pytest.approx(0.25 * steps + spec.epochs + 2)
    assert price.factor == costs.LEAST_TIMED
    assert (price.timed, price.flops) == (9, line.naive.price.flops)
    assert found.architecture == line.architecture
    ratio = costs.independent(found.architecture.price.factor, price.factor)
    assert found.saving == costs.saving(price, found.architecture.price, found.study, ratio)
    assert "estimated, timed over 9 steps" in " ".join(text([found]).split())
    why = with_pace(Refused("a step takes longer than 20 s")).naive.price
    assert replace(why, how="") == replace(line.naive.price, how="")
    assert "no step was timed: a step takes longer than 20 s" in why.how
