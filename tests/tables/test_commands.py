"""`alphascale fit`, `predict`, `optimum` and `regimes` on a CSV."""

from __future__ import annotations

import csv
import sys

import numpy as np
import pytest
from alphascale.cli import main
from laws_made import NOISE, X, chinchilla


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


@pytest.fixture
def grid(tmp_path):
    """Data scarce enough to limit by variance, at three fractions with three seeds."""
    path = tmp_path / "grid.csv"
    rng = np.random.default_rng(3)
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["params", "samples", "seed", "loss"])
        for n in (1e4, 1e5, 1e6):
            for d in (1e3, 1e4, 1e5):
                for s in range(3):
                    loss = (1.6 + 3 * n**-0.3 + 400 / d) * np.exp(0.001 * rng.standard_normal())
                    writer.writerow([n, d, s, loss])
    return path


def test_the_command_line_names_the_regimes_and_draws_them(grid, tmp_path, capsys) -> None:
    arguments = ["regimes", str(grid), "--x", "params", "--x2", "samples", "--y", "loss"]
    figure = tmp_path / "regimes.svg"
    assert main([*arguments, "--figure", str(figure)]) == 0
    printed = capsys.readouterr().out
    assert "params: resolution-limited   exponent 0.3" in printed
    assert "samples: variance-limited   exponent " in printed
    drawn = figure.read_text(encoding="utf-8")
    assert "variance-limited" in drawn and "loss above its floor (unit of loss)" in drawn
    assert "samples" in drawn and "params" in drawn
    assert main([*arguments, "--exponents", "0.3", "1"]) == 0
    assert "params: variance-limited" in capsys.readouterr().out


def test_regimes_that_cannot_be_told_or_drawn_end_in_one_line(grid, monkeypatch, capsys) -> None:
    arguments = ["regimes", str(grid), "--x", "params", "--x2", "samples", "--y", "loss"]
    monkeypatch.setitem(sys.modules, "alphascale.plots.regimes", None)  # as without matplotlib
    for more, message in (
        (["--figure", "a.pdf"], "ends in .png or .svg"),
        (["--figure", "a.png"], "pip install 'alphascale[plots]'"),
        (["--seeds", "luck"], "grid.csv: column 'luck' is missing"),
        (["--level", "2"], "level must lie between 0 and 1"),
    ):
        assert main([*arguments, *more]) == 2
        told = capsys.readouterr().err
        assert message in told and told.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("params,loss\n1e4,.3\n1e5\n", "line 3: 1 values for 2 columns"),
        ("params,params\n1,2\n", "column 'params' occurs twice"),
        ("size,loss\n1,2\n", "column 'params' is missing; the columns are size, loss"),
        (
            "params,loss\n1e4,.3\n1e5,?\n1e6,.1\n",
            "runs.csv, line 3: column 'loss': '?' is not a number above 0 (1 such row(s))",
        ),
    ],
)
def test_a_bad_table_ends_in_one_line(text, message, tmp_path, capsys) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(text)
    assert main(["fit", str(path), "--x", "params", "--y", "loss", "--law", "power"]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1
