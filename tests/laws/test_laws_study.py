"""Withheld sizes, groups, allocation, isoFLOP profiles, regimes and the command line."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from alphascale.cli import main
from alphascale.errors import UserError
from alphascale.laws import fit
from alphascale.laws.allocation import optimum_for_flops, optimum_for_target
from alphascale.laws.isoflop import isoflop
from alphascale.laws.published import PUBLISHED
from alphascale.laws.regimes import doubling_exponent, regimes

X = np.repeat(np.geomspace(1e4, 3e6, 6), 2)
NOISE = np.random.default_rng(0).standard_normal(len(X))


def chinchilla(noise: float = 0.0, seed: int = 0) -> dict[str, np.ndarray]:
    c = PUBLISHED["chinchilla"].constants
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(1e8, 1e10, 7), np.geomspace(1e9, 3e11, 7)))
    y = c["E"] + c["A"] * n ** -c["alpha"] + c["B"] * d ** -c["beta"]
    y = y * np.exp(noise * np.random.default_rng(seed).standard_normal(len(y)))
    return {"N": n, "D": d, "loss": y}


def test_the_largest_sizes_are_withheld_and_the_fit_does_not_see_them() -> None:
    y = (0.05 + 3 * X**-0.35) * np.exp(0.002 * NOISE)
    found = fit({"x": X, "y": y}, "x", "y", law="power_floor", resamples=0)
    spoilt = np.where(X.max() == X, 5 * y, y)
    other = fit({"x": X, "y": spoilt}, "x", "y", law="power_floor", resamples=0)
    assert found.withheld["levels"] == 1
    assert (
        found.withheld["law"] < 0.5 * found.withheld["log_log_line"] < found.withheld["carry_last"]
    )
    # Only the observations changed: every predictor misses by log 5 more.
    for name in ("law", "carry_last", "log_log_line"):
        assert other.withheld[name] == pytest.approx(
            np.log(5), abs=2 * found.withheld["carry_last"]
        )


def test_a_law_that_loses_to_naive_predictors_says_so() -> None:
    y = np.where(X < 1e6, 0.1 + 40 * X**-0.6, 0.13)
    found = fit({"x": X, "y": y}, "x", "y", law="power_floor", resamples=0)
    assert found.withheld["law"] > found.withheld["carry_last"]
    assert "did not beat carrying the last value" in found.warnings[0]


def test_too_few_levels_to_withhold_is_said() -> None:
    keep = X < 4e5
    found = fit(
        {"x": X[keep], "y": 0.1 + X[keep] ** -0.3}, "x", "y", law="power_floor", resamples=0
    )
    assert found.withheld.startswith("no size could be withheld")


def test_groups_are_fitted_apart_and_refusals_kept() -> None:
    frame = {
        "x": np.r_[X, X, 1e4, 1e5],
        "y": np.r_[0.05 + 3 * X**-0.35, 0.1 + 9 * X**-0.5, 0.3, 0.2],
        "task": ["a"] * 12 + ["b"] * 12 + ["c"] * 2,
    }
    found = fit(frame, "x", "y", law="power_floor", group="task", resamples=20)
    assert found.fits[("a",)].params["E"] == pytest.approx(0.05, rel=1e-4)
    assert found.fits[("b",)].params["alpha"] == pytest.approx(0.5, rel=1e-4)
    assert "at least 4 distinct values" in found.refused[("c",)]
    ahead = found.predict({"task": ["b", "a"], "x": [1e7, 1e7]})
    np.testing.assert_allclose(ahead.mean, [0.1 + 9 * 1e7**-0.5, 0.05 + 3 * 1e7**-0.35], rtol=1e-4)
    both = found.predict({"task": ["c", "a"], "x": [1e7, 1e7]})
    assert np.isnan(both.mean[0]) and both.mean[1] == ahead.mean[1]
    assert "group c: law power_floor" in found.without({"task": ["c", "a"], "x": [1e7, 1e7]})[0]
    with pytest.raises(UserError, match="no prediction for group c"):
        found.predict({"task": ["c"], "x": [1e7]})
    with pytest.raises(UserError, match="none of 1 groups"):
        two = {k: np.asarray(v)[-2:] for k, v in frame.items()}
        fit(two, "x", "y", law="power", group="task")
    with pytest.raises(UserError, match="group column 'model' is missing"):
        fit(frame, "x", "y", group="task,model")


def test_allocation_is_the_closed_form_and_keeps_its_budget() -> None:
    found = fit(chinchilla(), "N", "loss", x2="D", law="chinchilla", resamples=30)
    best = optimum_for_flops(found, 5.76e23)
    assert best.tokens[0] / best.params[0] == pytest.approx(58.9, abs=0.1)
    assert 6 * best.params[0] * best.tokens[0] == pytest.approx(5.76e23, rel=1e-9)
    back = optimum_for_target(found, best.loss[0])
    assert back.flops[0] == pytest.approx(5.76e23, rel=1e-4)
    assert optimum_for_target(found, 1.6).flops[0] == np.inf
    assert not best.warnings
    far = optimum_for_flops(found, 1e27)
    assert sum("outside the fitted range" in w for w in far.warnings) == 2


def test_allocation_intervals_come_from_the_resamples() -> None:
    found = fit(chinchilla(0.003), "N", "loss", x2="D", law="chinchilla", resamples=200)
    best = optimum_for_flops(found, 1e22)
    assert best.params[1] < best.params[0] < best.params[2]
    truth = optimum_for_flops(
        fit(chinchilla(), "N", "loss", x2="D", law="chinchilla", resamples=0), 1e22
    )
    assert best.params[1] < truth.params[0] < best.params[2]
    with pytest.raises(UserError, match="no N and D"):
        optimum_for_flops(fit({"x": X, "y": X**-0.3}, "x", "y", law="power", resamples=0), 1e20)


def test_isoflop_finds_the_valley_and_refuses_what_is_no_valley() -> None:
    c = PUBLISHED["chinchilla"].constants
    rows = []
    for budget in np.geomspace(1e19, 1e21, 5):
        s = c["alpha"] + c["beta"]
        best = (c["alpha"] * c["A"] / (c["beta"] * c["B"])) ** (1 / s) * (budget / 6) ** (
            c["beta"] / s
        )
        for n in best * np.geomspace(0.4, 2.5, 7):
            d = budget / 6 / n
            loss = c["E"] + c["A"] * n ** -c["alpha"] + c["B"] * d ** -c["beta"]
            rows.append((budget, n, loss))
    falling = [(1e22, n, 3 - 0.1 * np.log(n / 1e9)) for n in np.geomspace(1e9, 1e10, 6)]
    C, N, L = np.array(rows + falling).T
    found = isoflop({"C": C, "N": N, "L": L}, "C", "N", "L")
    assert found.exponent == pytest.approx(c["beta"] / (c["alpha"] + c["beta"]), abs=2e-3)
    assert list(found.refused) == [1e22]
    assert len(found.params) == 5


def random_features(cells, seeds: int, alpha: float = 0.6, dimension: int = 600):
    """Losses of random-feature regression with kernel spectrum i^-(1+alpha), exact given features
    and data: L = ½ tr[(I − FᵀA)ᵀ Λ (I − FᵀA)], A the least-norm fit (Bahri et al. 2021's solvable
    model).
    """
    spectrum = np.arange(1, dimension + 1.0) ** -(1 + alpha)
    most_p, most_d = (max(c[i] for c in cells) for i in (0, 1))
    rows = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        features = rng.standard_normal((most_p, dimension))
        data = rng.standard_normal((most_d, dimension)) * np.sqrt(spectrum)
        gram, kernel = (features * spectrum) @ features.T, data @ features.T
        for P, D in cells:
            F, Z, G = features[:P], kernel[:D, :P], gram[:P, :P]
            if D > P:
                A = np.linalg.solve(Z.T @ Z, Z.T @ data[:D])
                cross, square = np.sum(A * F * spectrum), np.sum((G @ A) * A)
            else:
                K = np.linalg.solve(Z @ Z.T, data[:D])
                cross, square = np.sum(K * (Z @ F) * spectrum), np.sum((Z @ G @ Z.T @ K) * K)
            rows.append((P, D, seed, 0.5 * (spectrum.sum() - 2 * cross + square)))
    return dict(zip(("P", "D", "seed", "loss"), np.array(rows).T, strict=True))


LARGE = (64, 96, 128, 192, 256, 384)


@pytest.mark.parametrize("axis", [0, 1])
def test_regimes_of_random_features(axis: int) -> None:
    """Much of one resource: exponent 1 by variance, whatever the spectrum. Little of it: alpha_K =
    .6.
    """
    order = (lambda much, little: (much, little)) if axis == 0 else (lambda m, s: (s, m))
    name = ("P", "D")[axis]
    study = random_features([order(m, s) for s in (3, 4, 6) for m in LARGE], 40)
    found = regimes(study, "P", "D", "loss", seed="seed")[name]
    assert found.verdict == "variance", found.evidence
    assert found.lower < 1.1
    study = random_features([order(m, 384) for m in (4, 8, 16, 32, 64)], 8)
    found = regimes(study, "P", "D", "loss", seed="seed")[name]
    assert found.verdict == "resolution", found.evidence
    assert found.exponent == pytest.approx(0.6, abs=0.12)


def test_regimes_do_not_guess() -> None:
    rng = np.random.default_rng(0)
    n, d = (v.ravel() for v in np.meshgrid([1e4, 1e5, 1e6, 1e7], [1e3, 1e4, 1e5, 1e6]))
    y = np.exp(0.3 * rng.standard_normal(16)) * (1 + n**-0.3)
    verdicts = {a.verdict for a in regimes({"n": n, "d": d, "y": y}, "n", "d", "y").values()}
    assert verdicts == {"undetermined"}
    with pytest.raises(UserError, match="no value of n or d"):
        regimes({"n": n[:3], "d": d[:3], "y": y[:3]}, "n", "d", "y")


def test_doubling_exponent_knows_no_floor() -> None:
    x = np.array([1e3, 2e3, 4e3])
    assert doubling_exponent(x, 7 + 3 * x**-0.4) == pytest.approx(0.4)
    assert np.isnan(doubling_exponent(np.array([1e3, 2e3, 5e3]), x**-0.4))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "runs.csv"
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["task", "params", "loss"])
        for task, floor in (("a", 0.05), ("b", 0.1)):
            for x, e in zip(X, NOISE, strict=True):
                writer.writerow([task, x, (floor + 3 * x**-0.35) * np.exp(0.005 * e)])
    return path


@pytest.mark.parametrize("law", ["auto", "power_floor"])
def test_the_command_line_fits_predicts_and_decides(law, table, tmp_path, capsys) -> None:
    saved, points, out = (tmp_path / n for n in ("fit.json", "points.csv", "predictions.csv"))
    points.write_text("params,task\n1e7,b\n2e7,a\n")
    arguments = ["--x", "params", "--y", "loss", "--law", law, "--group", "task"]
    assert main(["fit", str(table), *arguments, "--out", str(saved)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "== a"
    assert "withheld" in printed[1] and "log-log line" in printed[1]
    assert main(["predict", str(saved), str(points), "--level", ".9", "--out", str(out)]) == 0
    with out.open() as handle:
        rows = list(csv.DictReader(handle))
    assert [r["task"] for r in rows] == ["b", "a"]
    for row, floor in zip(rows, (0.1, 0.05), strict=True):
        truth = floor + 3 * float(row["params"]) ** -0.35
        assert float(row["lower"]) < truth < float(row["upper"])
        assert float(row["mean"]) == pytest.approx(truth, rel=0.05)
    capsys.readouterr()
    assert main(["optimum", str(saved), "--target", "0.12"]) == 0
    assert "loss = 0.12 at params" in capsys.readouterr().out


def test_the_command_line_divides_a_budget(tmp_path, capsys) -> None:
    path, saved = tmp_path / "grid.csv", tmp_path / "fit.json"
    frame = chinchilla(0.001)
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(frame)
        writer.writerows(zip(*frame.values(), strict=True))
    arguments = ["--x", "N", "--x2", "D", "--y", "loss", "--resamples", "50", "--out", str(saved)]
    assert main(["fit", str(path), *arguments]) == 0
    assert "chinchilla" in capsys.readouterr().out
    assert main(["optimum", str(saved), "--flops", "1e21"]) == 0
    assert "flops = 1e+21" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("params,loss\n1e4,.3\n1e5\n", "line 3: 1 values for 2 columns"),
        ("params,params\n1,2\n", "column 'params' occurs twice"),
        ("size,loss\n1,2\n", "column 'params' is missing; the columns are size, loss"),
        ("params,loss\n1e4,.3\n1e5,?\n1e6,.1\n", "column 'loss', row 2: '?' is not a number"),
    ],
)
def test_a_bad_table_ends_in_one_line(text, message, tmp_path, capsys) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(text)
    assert main(["fit", str(path), "--x", "params", "--y", "loss", "--law", "power"]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1
