"""Kaplan's worked examples by their own names: the published numbers, one implementation, budgets
that are spent, and all of it without torch, Snakemake or matplotlib."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from alphascale.calculator import (
    Calculator,
    commands,
    compare_training_strategies,
    plot_scaling_law_D,
    plot_scaling_law_N,
    training_loss_curve,
    visualize_optimal_frontier,
)
from alphascale.calculator.improvement import improvement
from alphascale.calculator.strategies import loss_after, strategies
from alphascale.errors import UserError
from alphascale.literature.published import PF_DAY

MODELS = [
    ("GPT-2", 1.5e9, 40e9),
    ("GPT-3", 175e9, 300e9),
    ("Gopher", 280e9, 300e9),
    ("Chinchilla", 70e9, 1.4e12),
]


def test_no_law_is_kaplans_and_has_the_losses_of_its_equation() -> None:
    calculator = Calculator()
    found = [round(loss, 4) for _, _, _, loss in calculator.compare_models(MODELS)]
    assert found == [2.3451, 1.7323, 1.7077, 1.7399]
    assert [name for name, *_ in calculator.compare_models(MODELS)] == [m[0] for m in MODELS]
    assert calculator.predict_loss(N=175e9, D=300e9) == calculator.predict_loss(175e9, 300e9)


def test_any_two_of_n_d_and_c_and_c_alone() -> None:
    calculator = Calculator()
    loss = calculator.predict_loss(N=1e9, D=1e10)
    C = 6 * 1e9 * 1e10 / PF_DAY
    assert calculator.predict_loss(N=1e9, C=C) == pytest.approx(loss)
    assert calculator.predict_loss(D=1e10, C=C) == pytest.approx(loss)
    assert calculator.predict_loss(C=C) < loss  # its best split
    assert Calculator("kaplan-c").predict_loss(C=2 * 3.1e8) == pytest.approx(1)  # C = 2·C_min


@pytest.mark.parametrize("law", ["kaplan-nd-separate", "kaplan-table6", "chinchilla"])
def test_the_allocation_spends_its_budget_and_is_that_of_allocate(law: str) -> None:
    calculator = Calculator(law)
    N, D = calculator.compute_optimal_allocation(3.0)
    assert pytest.approx(3 * PF_DAY, rel=1e-12) == 6 * N * D
    assert tuple(calculator.allocate(3 * PF_DAY)) == (N, D)


def test_a_wrong_split_of_a_budget_costs_loss_at_the_same_compute() -> None:
    found = Calculator().compare_allocation_strategies(1.0)
    assert all(a.spent == pytest.approx(PF_DAY) for a in found.values())
    best = found.pop("optimal")
    assert all(a.loss > best.loss for a in found.values())
    assert found["N × 3"].params == pytest.approx(3 * best.params)
    with pytest.raises(UserError, match="predicts no loss"):
        Calculator("kaplan-table6").compare_allocation_strategies(1.0)


def test_how_much_better_is_the_improvement() -> None:
    percent, before, after = Calculator().how_much_better(1e9, 10e9, 10e9, 10e9)
    found = improvement(
        "kaplan-nd-separate", {"params": 1e9, "tokens": 1e10}, {"params": 1e10, "tokens": 1e10}
    )
    assert (percent, before, after) == (
        100 * found["share"], found["from"]["loss"], found["to"]["loss"],
    )  # fmt: skip
    assert round(percent, 1) == 6.9


def test_pf_days_and_flop_are_not_mixed_up() -> None:
    for call in (Calculator().predict_loss, Calculator().compute_optimal_allocation):
        with pytest.raises(UserError, match="PF-days"):
            call(C=5.76e23)


def test_a_training_curve_falls_to_what_its_steps_and_its_data_allow() -> None:
    steps, loss = training_loss_curve(N=5e8, D=1e12, S_max=20_000)
    assert steps[-1] == pytest.approx(20_000) and np.all(np.diff(loss) < 0)
    assert loss[-1] == pytest.approx(loss_after(5e8, 2**19, 20_000))
    few = training_loss_curve(N=5e8, D=1e7, S_max=1e7)[1]
    assert few[-1] == few[-2] == pytest.approx(Calculator("kaplan-nd").predict_loss(5e8, 1e7))
    with pytest.raises(UserError, match="steps must be at least 1"):
        training_loss_curve(5e8, 5e9, 0.5)


def test_strategies_are_charged_one_cost_and_drawn(tmp_path: Path) -> None:
    found = compare_training_strategies(C=1.0, save_path=tmp_path / "ways.png")
    assert found == strategies(PF_DAY)
    assert all(s.spent == pytest.approx(PF_DAY) for s in found)
    assert (tmp_path / "ways.png").read_bytes().startswith(b"\x89PNG")


def test_figures_by_their_names(tmp_path: Path) -> None:
    visualize_optimal_frontier(tmp_path / "frontier.png")
    plot_scaling_law_N(D_fixed=10e9, save_path=tmp_path / "n.svg")
    plot_scaling_law_D(N_fixed=1e9, save_path=tmp_path / "d.svg")
    assert "10 B" in (tmp_path / "n.svg").read_text()
    with pytest.raises(UserError, match=r"\.png or \.svg"):
        visualize_optimal_frontier(tmp_path / "frontier.bmp")


def test_commands_for_curves_splits_and_figures(tmp_path: Path, capsys) -> None:
    def answer(*words: str) -> dict:
        assert commands.main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    curve = answer("curve", "--params", "500M", "--tokens", "1T", "--steps", "20000")
    assert curve["loss"][-1] == pytest.approx(loss_after(5e8, 2**19, 20_000))
    split = answer("allocate", "--law", "chinchilla", "--pf-days", "1", "--around", "3")
    assert [row["strategy"] for row in split] == ["optimal", "N × 3", "D × 3"]
    assert answer("loss", "--params", "175B", "--tokens", "300B")["law"] == "kaplan-nd-separate"
    measured = answer("compare", "--measured", "--law", "kaplan-nd")
    assert {row["measured"] for row in measured} >= {2.54, 1.575}
    file = tmp_path / "one.png"
    answer("figure", "loss_over_params", "--tokens", "3e11", "--out", str(file))
    assert file.read_bytes().startswith(b"\x89PNG")
    for words, message in (
        (("figure", "plane", "--tokens", "1e9", "--out", str(file)), "takes no numbers"),
        (("allocate", "--pf-days", "1", "--around", "3"), "give one --law"),
        (("compare", "models.csv", "--measured"), "either a file"),
        (("curve", "--params", "1", "--tokens", "1", "--steps", "9", "--points", "1"), "between 2"),
    ):
        assert commands.main(list(words)) == 2
        told = capsys.readouterr().err
        assert message in told and told.count("\n") == 1


def test_the_names_of_the_figures_are_those_that_are_drawn() -> None:
    from alphascale.plots.literature import FIGURES

    assert list(commands.FIGURES) == list(FIGURES)


def test_the_example_of_the_documentation_runs(root: Path, tmp_path: Path, monkeypatch) -> None:
    text = (root / "docs/calculator.md").read_text(encoding="utf-8")
    block = text.partition("### Kaplan's examples by their names")[2].partition("\n    from ")[2]
    lines = "    from " + block.partition("\n\nThey are")[0]
    monkeypatch.chdir(tmp_path)
    exec(textwrap.dedent(lines), {})
    drawn = {"strategies.png", "frontier.png", "N.png", "D.png"}
    assert {path.name for path in tmp_path.iterdir()} == drawn


def test_every_command_of_the_documentation_answers(
    root: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    text = (root / "docs/calculator.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("    alphascale calc ")]
    assert len(lines) > 12
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.csv").write_text("name,params,tokens\nmine,1e9,2e10\n")
    for line in lines:
        words = shlex.split(line, comments=True)[2:]
        assert commands.main(words) == 0, line + capsys.readouterr().err
        assert capsys.readouterr().out


LIGHT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "snakemake", "matplotlib", "pandas", "sklearn"}:
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Absent())
from alphascale.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "words",
    [
        "laws",
        "loss --params 175B --tokens 300B",
        "solve --law chinchilla --for params --loss 2 --tokens 1T",
        "allocate --pf-days 1",
        "allocate --law chinchilla --pf-days 1 --around 3",
        "compare",
        "compare --measured",
        "improvement --params 1B --tokens 20B --to-params 2B --to-tokens 20B",
        "critical-batch --loss 2.5",
        "steps --loss 2.5 --params 1.5B --batch 5e5 --tokens 20B",
        "strategies --pf-days 1",
        "curve --params 500M --tokens 5B --steps 20000",
    ],
)
def test_all_of_calc_runs_on_a_light_installation(words: str, tmp_path: Path) -> None:
    done = _light("calc", *words.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_figure_without_matplotlib_says_what_to_install(tmp_path: Path) -> None:
    done = _light("calc", "figure", "plane", "--out", "plane.png", cwd=tmp_path)
    assert done.returncode == 2
    assert "alphascale[plots]" in done.stderr and done.stderr.count("\n") == 1


def _light(*words: str, cwd: Path) -> subprocess.CompletedProcess:
    scripts = str(Path(commands.__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", LIGHT, *words],
        cwd=cwd, env=os.environ | {"PYTHONPATH": scripts}, capture_output=True, text=True,
    )  # fmt: skip
