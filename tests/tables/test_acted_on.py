"""Answers that were given as if right, and were not: counts of no error, percents, clusters that
are sizes, weights in another unit, limits, predictors that are no N and D, files written over."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from alphascale.cli import main
from alphascale.columns import response
from alphascale.errors import UserError
from alphascale.grids.allocation import optimum_for_flops, optimum_for_target
from alphascale.laws import fit
from alphascale.laws import load as fit_of

SIZES = np.geomspace(1e3, 6.4e4, 7)


def counted(draw: int, tested: int = 500) -> dict[str, np.ndarray]:
    """Errors of 50/N, counted: the largest sizes make fewer than one."""
    errors = np.random.default_rng(draw).binomial(tested, 50 / SIZES) / tested
    return {"params": SIZES, "error": errors}


def test_sizes_without_an_error_are_no_floor() -> None:
    """The truth reaches two errors in a thousand at 25,000, in the ladder, and one at 50,000."""
    held, far = 0, []
    for draw in range(12):
        law = fit(counted(draw), "params", "error", tested=500)
        low, high = law.solve_interval(0.002)
        held += low <= 25_000 <= high
        _, low, high = law.floor()
        far.append(high / max(low, 1e-12))
    assert held >= 10
    # Counted in full, seven equal ½/501 gave floors with ends 1.01 × apart.
    assert np.median(far) > 2


def test_less_than_one_error_of_all_tested_is_no_target() -> None:
    law = fit(counted(0), "params", "error", tested=500)
    named = fit(counted(0), "params", "error", law="power", tested=500)
    for each in (law, named):
        with pytest.raises(UserError, match=r"target 0\.0015: less than one error in the 500 sam"):
            each.solve(0.0015)
    frame = {"params": SIZES, "error": np.array([0.002, 0, 0, 0, 0, 0, 0])}
    with pytest.raises(UserError, match="6 of 7 sizes made no error in 500 samples, and 3 that"):
        fit(frame, "params", "error", tested=500)


def test_percents_are_no_shares() -> None:
    frame = {"params": SIZES, "acc": 95 - 800 * SIZES**-0.5}
    with pytest.raises(UserError, match="name --law accuracy for it / 100"):
        fit(frame, "params", "acc")
    with pytest.raises(UserError, match=r"goes up to 91\.8.*: divide percents by 100"):
        fit(frame, "params", "acc", law="accuracy")
    shares = fit({"params": SIZES, "acc": frame["acc"] / 100}, "params", "acc", law="accuracy")
    assert shares.params["a"] == pytest.approx(0.95, abs=1e-3)
    small = {"params": SIZES, "error_percent": 20 * SIZES**-0.5}  # all below 1 %
    law = fit(small, "params", "error_percent")
    assert law.limits[1] == 100 and law.solve(0.05) > SIZES[-1]


@pytest.mark.parametrize(
    ("name", "rises", "high"),
    [("dice_loss", False, np.inf), ("1-acc", False, 1), ("one_minus_r2", False, 1),
     ("top1", True, 1), ("accuracy_pct", True, 100), ("error", False, 1)],
)  # fmt: skip
def test_what_a_name_says(name: str, rises: bool, high: float) -> None:
    found = response(name, np.array([0.3, 0.2]))
    assert (found.rises, found.high) == (rises, high)


def test_clusters_are_seeds_not_sizes() -> None:
    frame = {"params": [1e6, 4e6, 1.6e7, 6.4e7], "loss": [3.1, 2.7, 2.4, 2.2], "cfg": list("aabb")}
    with pytest.raises(UserError, match=r"cluster 'a' holds runs of different sizes \(1e\+06 to 4"):
        fit(frame, "params", "loss", cluster="cfg")
    # What they count may differ a little, as tokens do.
    frame["params"] = [1e6, 1.02e6, 4e6, 4.01e6]
    assert fit(frame, "params", "loss", cluster="cfg").in_sample["clusters"] == 2


@pytest.mark.parametrize("law", ["auto", "power_floor", "chinchilla"])
def test_what_rises_beyond_doubt_is_refused_whatever_its_name(law: str) -> None:
    tokens = np.geomspace(1e6, 1e9, 5)
    both = {"params": np.repeat(SIZES, 5), "tokens": np.tile(tokens, 7)}
    both["score"] = 0.95 - both["params"] ** -0.3 - both["tokens"] ** -0.2
    two = law == "chinchilla"
    if not two:
        saturating = np.array([5, 28, 33, 34, 34.2, 34.25, 34.3])
        for name, y in (("loss", 2 * SIZES**0.05), ("bleu", saturating)):
            with pytest.raises(UserError, match=f"column '{name}' rises with params"):
                fit({"params": SIZES, name: y}, "params", name, law=law, resamples=0)
    if law != "power_floor":
        with pytest.raises(UserError, match="column 'score' rises with params"):
            fit(both, "params", "score", x2="tokens", law=law, resamples=0)


def test_a_turn_at_the_largest_sizes_is_said() -> None:
    frame = {"params": SIZES, "loss": [3.0, 2.5, 2.2, 2.1, 2.1, 2.3, 2.6]}
    assert any("% worse at the largest" in line for line in fit(frame, "params", "loss").warnings)
    frame["loss"] = [3.0, 2.5, 2.2, 2.0, 1.9, 1.85, 1.851]
    assert not any("at the largest" in line for line in fit(frame, "params", "loss").warnings)


def test_the_unit_of_weights_says_nothing() -> None:
    wave = np.array([1.003, 0.99, 1.01, 0.995, 1.006, 0.992, 1.0])
    frame = {"params": SIZES, "loss": (1.5 + 100 * SIZES**-0.6) * wave, "one": np.ones(7)}
    frame |= {"hundred": 100 * frame["one"], "none": np.array([1, 1, 0, 1, 1, 1, 1.0])}
    found = {
        name: fit(frame, "params", "loss", law="power_floor", weights=name)
        for name in ("one", "hundred", "none")
    }
    one, hundred = (found[name].predict([1e6]) for name in ("one", "hundred"))
    assert np.allclose(one, hundred, rtol=1e-9)
    assert "1 row(s) of weight 0 are left out" in found["none"].warnings[-1]
    left = {key: np.delete(values, 2) for key, values in frame.items()}
    again = fit(left, "params", "loss", law="power_floor", weights="one")
    assert np.allclose(found["none"].predict([1e6]), again.predict([1e6]), rtol=1e-9)


def pairs(n: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(each.ravel() for each in np.meshgrid(n, d))


def grid(metric: str = "perplexity") -> dict[str, np.ndarray]:
    n, d = (
        each.ravel() for each in np.meshgrid(np.geomspace(1e5, 1e7, 5), np.geomspace(1e6, 1e9, 4))
    )
    y = (1.2e8 / n) ** 0.12 + (1e9 / d) ** 0.12
    return {"params": n, "tokens": d, metric: y, "flops": 6 * n * d, "width": np.sqrt(n)}


def test_a_budget_leaves_no_metric_below_its_limit() -> None:
    law = fit(grid(), "params", "perplexity", x2="tokens")
    best = optimum_for_flops(law, 1e24)
    assert min(best.loss) >= 1 and best.params[0] > 1e10


def test_the_best_of_many_draws_is_the_best() -> None:
    """N and D are a minimum: nothing on the same budget is lower by more than rounding."""
    law = fit(grid("loss"), "params", "loss", x2="tokens")
    for flops in (1e13, 1e15, 1e18):
        best = optimum_for_flops(law, flops)
        n = np.geomspace(best.params[0] / 30, best.params[0] * 30, 2001)
        assert law.curve({"params": n, "tokens": flops / 6 / n}).min() > best.loss[0] * (1 - 1e-6)


def test_predictors_that_are_no_n_and_d_divide_no_budget() -> None:
    law = fit(grid("loss"), "params", "loss", x2="flops")
    with pytest.raises(UserError, match="flops is no number of tokens"):
        optimum_for_flops(law, 1e15)
    wide = fit(grid("loss"), "width", "loss", x2="tokens")
    assert "width is taken for the number of params" in optimum_for_flops(wide, 1e15).warnings[0]
    with pytest.raises(UserError, match="must be different columns"):
        fit(grid("loss"), "params", "params")


def test_a_target_of_n_and_d_says_how_often_it_is_out_of_reach() -> None:
    n, d = (
        each.ravel() for each in np.meshgrid(np.geomspace(1e6, 1e8, 5), np.geomspace(1e8, 1e10, 4))
    )
    noise = 1 + 0.004 * np.random.default_rng(0).standard_normal(len(n))
    loss = (1.7 + 400 * n**-0.34 + 410 * d**-0.28) * noise
    law = fit({"params": n, "tokens": d, "loss": loss}, "params", "loss", x2="tokens")
    near, far = (optimum_for_target(law, target) for target in (2.9, 1.75))
    assert near.never < 0.05 < far.never <= 1


def test_a_confident_size_is_told_beside_the_even_one(tmp_path, capsys) -> None:
    (tmp_path / "runs.csv").write_text("params,loss\n" + "".join(
        f"{n},{(1.5 + 100 * n**-0.3) * k}\n"
        for n, k in zip([1e4, 1e5, 1e6, 1e7], [1.01, 0.99, 1.01, 0.99], strict=True)
    ))  # fmt: skip
    saved = str(tmp_path / "fit.json")
    assert (
        main(["fit", str(tmp_path / "runs.csv"), *["--x", "params", "--y", "loss", "--out"], saved])
        == 0
    )
    capsys.readouterr()
    assert main(["optimum", saved, "--target", "2.4"]) == 0
    said = capsys.readouterr().out
    assert "with even chance" in said and "one run reaches it with 90 % at params = " in said
    assert main(["optimum", saved, "--target", "2.4", "--confidence", "1.5"]) == 2
    assert "confidence must lie" in capsys.readouterr().err
    assert main(["optimum", saved, "--target", "2.4", "--unique", "5"]) == 2
    assert "belong to a law of N and D" in capsys.readouterr().err


def test_nothing_but_an_earlier_output_is_written_over(tmp_path, capsys) -> None:
    runs, other = tmp_path / "runs.csv", tmp_path / "notes.txt"
    runs.write_text("params;loss\n1000;4,87\n")
    other.write_text("mine")
    asked = ["fit", str(runs), *["--x", "params", "--y", "loss"]]
    for out, why in ((runs, "is what is read here"), (other, "was not written by this command"),
                     (tmp_path, "is a folder")):  # fmt: skip
        assert main([*asked, "--out", str(out)]) == 2
        assert why in capsys.readouterr().err
    assert main(asked) == 2
    assert "line 2: column 'loss': '4,87' is not a number above 0 (a decimal comma?" in (
        capsys.readouterr().err
    )
    runs.write_text("params;loss\n1000;4.87\n4000;4.1\n16000;3.6\n")
    saved = tmp_path / "fit.json"
    for _ in range(2):  # its own fit may be replaced
        assert main([*asked, "--out", str(saved)]) == 0
    points = tmp_path / "points.csv"
    points.write_text("params\n1e5\n")
    for out, status in (
        (points, 2),
        (runs, 2),
        (tmp_path / "new.csv", 0),
        (tmp_path / "new.csv", 0),
    ):
        assert main(["predict", str(saved), str(points), "--out", str(out)]) == status
    assert json.loads(saved.read_text())["format"].startswith("alphascale-")
    assert points.read_text() == "params\n1e5\n"


def test_a_fit_is_saved_before_it_is_printed(tmp_path) -> None:
    """As in `alphascale fit … | head -1`."""
    (tmp_path / "runs.csv").write_text("params,loss\n1e3,3\n1e4,2.5\n1e5,2.2\n1e6,2\n")
    command = f"{sys.executable} -m alphascale.cli fit runs.csv --x params --y loss --out f.json"
    subprocess.run(f"{command} | true", shell=True, cwd=tmp_path, check=True)
    assert fit_of(tmp_path / "f.json").solve(2.3) > 1e4


@pytest.mark.parametrize(
    ("law", "options", "says"),
    [
        (
            "m2",
            {"err_inf": 0.5, "update_err_inf": False},
            "err_inf 0.5 must lie below",
        ),
        ("m2", {"lo_bound": 0.9}, "lo_bound 0.9 must lie below the smallest response"),
        ("m2", {"err_inf": 0.1, "update_err_inf": False, "lo_bound": 0.19}, "outside lo_bound"),
        ("m4", {"err_0": 5, "update_err_0": False, "up_bound": 1}, "err_0 5 lies outside up_bound"),
    ],
)
def test_options_against_the_data_are_refused(law: str, options: dict, says: str) -> None:
    frame = {"samples": SIZES, "error": 0.2 + 3 * SIZES**-0.4}
    with pytest.raises(UserError, match=says):
        fit(frame, "samples", "error", law=law, options=options)
