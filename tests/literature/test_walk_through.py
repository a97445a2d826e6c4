"""The walk-through of docs/curves.md, as a script that runs."""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from alphascale.cli import main
from alphascale.literature.learning_curves import COLUMNS, read_tasks
from curves_benchmark import markdown, score, summarise, won

SCRIPT = "docs/examples/learning_curves.py"


def run(root: Path, *words: str) -> subprocess.CompletedProcess:
    env = os.environ | {"PYTHONPATH": str(root / "workflow/scripts")}
    return subprocess.run(
        [sys.executable, root / SCRIPT, *words], env=env, capture_output=True, text=True
    )


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with one made curve, M2's, in the benchmark's format."""
    with open(tmp_path / "benchmark.vision.csv", "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        noise = np.random.default_rng(0)
        for x in np.geomspace(1e6, 4e9, 60):
            y = (0.2 + 150 * x**-0.4) * np.exp(0.003 * noise.standard_normal())
            writer.writerow(["IC", "inet_5", "ViT/B/16", x, y, int(x < 1e9)])
    return tmp_path


def test_it_runs_and_tells_the_four_laws_apart(root: Path, made: Path) -> None:
    done = run(root, str(made), "--figure", str(made / "laws.png"))
    assert done.returncode == 0, done.stderr
    rmse = dict(re.findall(r"(M\d)  RMSE ([\d.]+) ± [\d.]+", done.stdout))
    assert list(rmse) == ["M1", "M2", "M3", "M4"]
    assert float(rmse["M2"]) < 0.01 < float(rmse["M1"])
    assert re.search(r"M2 .*err_inf = 0\.(19|20)", done.stdout)
    assert (made / "laws.png").read_bytes().startswith(b"\x89PNG")


def test_on_the_benchmark_it_has_the_benchmarks_figures(root: Path, shared_data: Path) -> None:
    done = run(root, str(shared_data / "learning_curves"))
    assert done.returncode == 0, done.stderr
    reference = shared_data / "learning_curves/reference_rmse.csv"
    with open(reference, newline="", encoding="utf-8") as stream:
        (own,) = (r for r in csv.DictReader(stream)
                  if (r["model"], r["task"]) == ("ViT/B/16", "inet_5"))  # fmt: skip
    rmse = dict(re.findall(r"(M\d)  RMSE ([\d.]+)", done.stdout))
    assert float(rmse["M1"]) == pytest.approx(float(own["M1"]), abs=1e-4)
    assert float(rmse["M4"]) < float(rmse["M1"]) / 2


def test_what_is_missing_is_one_line(root: Path, made: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, message in (
        ([str(tmp_path / "empty")], "holds neither"),
        ([str(made), "--task", "inet_7"], "no task ViT/B/16 inet_7"),
    ):
        done = run(root, *words)
        assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1


def test_the_commands_of_curves_md_answer(root: Path, made: Path, monkeypatch, capsys) -> None:
    text = (root / "docs/curves.md").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("    alphascale ")]
    assert len(lines) == 2
    monkeypatch.chdir(made)
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, line + capsys.readouterr().err
    told = capsys.readouterr().out
    assert re.search(r"over \d+ row\(s\): 0\.00\d+, standard error 0\.00", told)


def test_curves_md_names_it(root: Path) -> None:
    assert SCRIPT in (root / "docs/curves.md").read_text(encoding="utf-8")


def test_every_table_of_the_benchmark_has_the_standard_error(made: Path) -> None:
    rows = score(read_tasks([made / "benchmark.vision.csv"]), lambda line: None)
    assert all(0 < row["standard_error"] < row["log_rmse"] for row in rows)
    both = rows + [row | {"task": "other", "log_rmse": 3 * row["log_rmse"]} for row in rows]
    lines = summarise(both)
    mine = next(line for line in lines if line["law"] == "m4")
    values = [row["log_rmse"] for row in both if row["law"] == "m4"]
    assert mine["image_se"] == pytest.approx(np.std(values, ddof=1) / np.sqrt(2))
    table = markdown(lines)
    assert f"{mine['image']:.4f} ± {mine['image_se']:.4f}" in table
    assert "0.0415 ± 0.0046" in table  # M4, published code, measured on the benchmark's files


def test_won_shares_a_task_among_equals() -> None:
    rows = [
        {"domain": "image", "model": "m", "task": task, "law": law, "log_rmse": error}
        for task, errors in (("a", (0.0101, 0.0109)), ("b", (0.02, 0.01)))
        for law, error in zip(("m1", "m2"), errors, strict=True)
    ]
    assert won(rows) == {"m1": 0.25, "m2": 0.75}
