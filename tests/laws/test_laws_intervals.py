"""Intervals cover what they say, resamples are never lost, and N* may be out of reach."""

from __future__ import annotations

import json

import numpy as np
import pytest
from alphascale.errors import UserError
from alphascale.laws import Fit, fit, load
from alphascale.laws.bootstrap import Noise, bootstrap, draw_noise, noise
from alphascale.laws.deviation import basis, make_edges, variances
from alphascale.laws.fitting import fit_form
from scipy import stats


def runs(curve, sizes: int, seeds: int, noise: float, rng, offset: float = 0.0):
    """A ladder over two decades: x, y, and the configuration of each run."""
    u = np.repeat(np.geomspace(1, 100, sizes), seeds)
    cluster = np.repeat(np.arange(sizes), seeds)
    wobble = offset * rng.standard_normal(sizes)[cluster] + noise * rng.standard_normal(u.size)
    return {"x": 1e4 * u, "y": curve(u) * np.exp(wobble), "cluster": cluster}


def coverage(curve, sizes, seeds, noise, repeats, seed, offset=0.0, law="power_floor"):
    """Shares of prediction intervals at 4 × the largest size that hold a new run, and of N*
    intervals that hold the true size.
    """
    rng = np.random.default_rng(seed)
    hits = np.zeros((repeats, 2))
    for i in range(repeats):
        found = fit(
            runs(curve, sizes, seeds, noise, rng, offset), "x", "y", law=law, cluster="cluster",
            resamples=200, seed=i, withhold=False,
        )  # fmt: skip
        wobble = np.hypot(noise, offset) * rng.standard_normal()
        new = curve(np.array([400.0]))[0] * np.exp(wobble)
        size = 100 * 10 ** rng.uniform(-0.5, 0.5)
        ahead = found.predict([4e6])
        low, high = found.solve_interval(curve(np.array([size]))[0])
        hits[i] = ahead.lower[0] <= new <= ahead.upper[0], low <= 1e4 * size <= high
    return hits.mean(axis=0)


def power_floor(u):
    return 0.06 + 0.35 * u**-0.45


def bending(u):
    """Outside the fitted form: the exponent grows by .15 around 8 times the smallest size."""
    return 0.06 + 0.35 * u**-0.35 * (1 + (u / 8) ** 2) ** -0.075


@pytest.mark.parametrize(("sizes", "seeds", "noise"), [(5, 3, 0.01), (8, 1, 0.005)])
def test_nominal_95_percent_covers_inside_the_form(sizes, seeds, noise) -> None:
    found = coverage(power_floor, sizes, seeds, noise, 120, seed=1)
    # 120 repeats of a 95 % interval: three standard errors are 6 %.
    assert np.all(found >= 0.89)


def test_nominal_95_percent_survives_a_bend_and_offsets_of_configurations() -> None:
    bent = coverage(bending, 8, 3, 0.005, 50, seed=2)
    assert np.all(bent >= 0.84)
    apart = coverage(power_floor, 6, 3, 0.002, 50, seed=3, offset=0.01)
    assert np.all(apart >= 0.84)


def test_the_deviation_is_what_survives_the_bend() -> None:
    """Without it (method parametric) the same intervals miss: the reason it exists."""
    rng = np.random.default_rng(4)
    hits = {"smooth": 0, "parametric": 0}
    for i in range(40):
        frame = runs(bending, 8, 3, 0.002, rng)
        new = bending(np.array([400.0]))[0] * np.exp(0.002 * rng.standard_normal())
        for method in hits:
            options = dict(law="power_floor", method=method, resamples=150, seed=i, withhold=False)
            ahead = fit(frame, "x", "y", **options).predict([4e6])
            hits[method] += ahead.lower[0] <= new <= ahead.upper[0]
    assert hits["parametric"] < 30 < hits["smooth"]


def test_the_deviation_follows_the_points_where_the_form_cannot() -> None:
    """Curves drawn with their deviation pass nearer to the observations than the form does."""
    frame = runs(lambda u: bending(u) * (1 + 0.03 * np.sin(np.log(u))), 10, 3, 0.001,
                 np.random.default_rng(9))  # fmt: skip
    found = fit(frame, "x", "y", law="power_floor", withhold=False)
    x = np.unique(frame["x"])
    mean = np.log(frame["y"].reshape(10, 3)).mean(axis=1)
    curves = np.log(found.curves(x))
    form = np.sqrt(np.mean((np.log(found.curve(x)) - mean) ** 2))
    drawn = np.sqrt(np.mean((np.median(curves, axis=0) - mean) ** 2))
    assert drawn < 0.25 * form


def test_a_linear_law_gets_student_intervals() -> None:
    """A power law on the log scale is a straight line: its intervals are known exactly."""
    rng = np.random.default_rng(0)
    x = np.geomspace(1e4, 1e6, 6)
    y = 3 * x**-0.3 * np.exp(0.02 * rng.standard_normal(6))
    found = fit({"x": x, "y": y}, "x", "y", law="power", method="parametric", resamples=20000)
    line = stats.linregress(np.log(x), np.log(y))
    reach = stats.t.ppf(0.975, 4) * line.stderr
    low, high = found.interval("alpha")
    assert low == pytest.approx(-line.slope - reach, abs=0.05 * reach)
    assert high == pytest.approx(-line.slope + reach, abs=0.05 * reach)
    assert np.std(found.noise) > 0  # every resample has its own noise level


def test_noise_is_split_between_and_within_configurations() -> None:
    rng = np.random.default_rng(0)
    frame = runs(power_floor, 12, 5, 0.003, rng, offset=0.02)
    estimate = noise(fit_form("power_floor", frame["x"], frame["y"]), frame["cluster"])
    assert estimate.within_df == 48
    assert np.sqrt(estimate.within) == pytest.approx(0.003, rel=0.3)
    offset, within = draw_noise(estimate, 2000, rng)
    assert np.median(np.sqrt(offset)) == pytest.approx(0.02, rel=0.6)
    assert np.median(np.sqrt(within)) == pytest.approx(0.003, rel=0.3)
    alone, _ = draw_noise(Noise(1e-6, 40, 0.9e-6 / 5, 6, 5), 2000, rng)
    assert np.mean(alone == 0) > 0.5


def test_variance_posterior_sees_a_bend_and_only_a_bend() -> None:
    t = np.linspace(0, 4.6, 10)
    columns = basis(t, make_edges(4.6))
    line = np.stack([np.ones(10), t], axis=1)
    flat = 1e-3 * np.random.default_rng(0).standard_normal(10)
    for residual, seen in [(flat, False), (flat + 0.02 * np.sin(t), True)]:
        left = residual - line @ np.linalg.lstsq(line, residual, rcond=None)[0]
        post = variances(left, line, columns, np.ones(10), 1e-6 * 20, 20)
        assert (post.weight[post.smooth > 0].sum() > 0.9) == seen


def test_resamples_that_fail_are_counted_and_kept() -> None:
    x = np.geomspace(1e4, 1e6, 6)
    found = fit({"x": x, "y": 0.1 + 3 * x**-0.3}, "x", "y", law="power_floor", resamples=300)
    assert found.samples.shape == (300, 3)
    assert found.failed_resamples == int(np.isnan(found.samples).any(axis=1).sum()) == 0


def test_a_law_through_every_point_has_no_interval_and_says_why() -> None:
    frame = runs(bending, 6, 1, 0.01, np.random.default_rng(8))
    found = fit(frame, "x", "y", law="broken", resamples=50)
    if not found.bounds_hit:
        assert any("there are no intervals" in w for w in found.warnings)
        alone = found.predict([4e6])
        assert alone.mean[0] == found.curve([4e6])[0] > 0
        assert np.isnan([alone.lower[0], alone.upper[0]]).all()
    with_seeds = fit(runs(bending, 6, 3, 0.01, np.random.default_rng(8)), "x", "y", law="broken")
    ahead = with_seeds.predict([4e6])
    assert ahead.lower[0] < ahead.mean[0] < ahead.upper[0]


def test_pairs_draw_whole_configurations() -> None:
    rng = np.random.default_rng(1)
    frame = runs(power_floor, 40, 3, 0.01, rng)
    found = fit_form("power_floor", frame["x"], frame["y"])
    clustered = bootstrap(found, frame["cluster"], 400, 0)
    single = bootstrap(found, np.arange(120), 400, 0)
    assert clustered.method == single.method == "pairs"
    # Copies of runs inside a configuration are no evidence: with three copies the spread stays.
    copies = fit_form("power_floor", np.repeat(frame["x"], 3), np.repeat(frame["y"], 3))
    again = bootstrap(copies, np.repeat(frame["cluster"], 3), 400, 0)
    np.testing.assert_allclose(again.theta.std(axis=0), clustered.theta.std(axis=0), rtol=1e-3)


def test_targets_out_of_reach_stay_in_the_sample() -> None:
    rng = np.random.default_rng(5)
    found = fit(runs(power_floor, 6, 1, 0.02, rng), "x", "y", law="power_floor", resamples=400)
    near_floor = found.params["E"] * 1.02
    samples = found.solve_samples(near_floor)
    assert len(samples) == 400
    assert 0 < np.isinf(samples).sum() < 400
    assert found.solve_interval(near_floor)[1] == np.inf
    assert found.solve(found.params["E"] * 0.99) == np.inf


def test_solve_finds_the_first_crossing() -> None:
    x = np.geomspace(1e4, 1e8, 30)
    y = 0.02 + 2 * x**-0.1 * (1 + (x / 1e6) ** 2) ** -0.2
    found = fit({"x": x, "y": y}, "x", "y", law="broken", resamples=0)
    target = y[20]
    assert found.solve(target) == pytest.approx(x[20], rel=1e-3)


def test_saved_fits_predict_the_same_bit_for_bit(tmp_path) -> None:
    rng = np.random.default_rng(6)
    frame = runs(power_floor, 6, 2, 0.01, rng)
    for law in ("power_floor", "m3", "auto"):
        found = fit(frame, "x", "y", law=law, resamples=100)
        found.save(tmp_path / "fit.json")
        again = load(tmp_path / "fit.json")
        for one, two in zip(found.predict([2e6, 9e6]), again.predict([2e6, 9e6]), strict=True):
            assert np.array_equal(one, two)
        assert again.solve_interval(0.1) == found.solve_interval(0.1)
        assert again.warnings == found.warnings
    (tmp_path / "other.json").write_text('{"format": "something"}')
    with pytest.raises(UserError, match="not saved by this version"):
        Fit.load(tmp_path / "other.json")
    saved = json.loads((tmp_path / "fit.json").read_text())
    for edit in ({"noise": [-1.0] * 600}, {"level": 0.5}, {"columns": ["y"]}, {"P": []}):
        (tmp_path / "fit.json").write_text(json.dumps(saved | edit))
        with pytest.raises(UserError, match=r"fit\.json: was changed after it was saved"):
            load(tmp_path / "fit.json")


def test_same_seed_same_samples_other_seed_others() -> None:
    frame = runs(power_floor, 6, 2, 0.01, np.random.default_rng(0))
    one, two, other = (
        fit(frame, "x", "y", law="power_floor", resamples=50, seed=s).samples for s in (1, 1, 2)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_intervals_widen_with_distance_and_level() -> None:
    found = fit(
        runs(power_floor, 6, 3, 0.01, np.random.default_rng(0)), "x", "y", law="power_floor"
    )
    at = found.predict([1e6, 1e7, 1e8])
    width = np.log(at.upper / at.lower)
    assert np.all(np.diff(width) > 0)
    assert np.all(found.band([1e7]).upper < found.predict([1e7]).upper)
    assert found.predict([1e7], level=0.5).upper[0] < at.upper[1]
