"""`snakemake literature`: one command, every table and figure, and figures that show the laws."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from alphascale.calculator.allocation import allocate
from alphascale.calculator.calculator import Calculator
from alphascale.calculator.historical import BERT, HISTORICAL, MEASURED
from alphascale.calculator.known_laws import get_law, law_names
from alphascale.calculator.strategies import strategies
from alphascale.plots import literature as figures
from study_made import copy_project


def snakemake(folder: Path, *options: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *options],
        cwd=folder, env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def written(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `snakemake literature` fills in a fresh copy of the project."""
    folder = copy_project(root, tmp_path_factory.mktemp("a project"))
    snakemake(folder, "literature")
    return folder / "results" / "literature"


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with open(folder / f"{name}.csv", newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_tables_hold_the_numbers_of_the_laws(written: Path) -> None:
    loss = {(r["name"], r["law"]): r["loss"] for r in rows(written, "comparison")}
    assert round(float(loss["GPT-3", "kaplan-nd"]), 4) == 1.6610
    assert round(float(loss["Chinchilla", "kaplan-nd-separate"]), 4) == 1.7399
    allocations = rows(written, "allocations")
    for row in allocations:
        spent = 6 * float(row["params"]) * float(row["tokens"])
        assert spent == pytest.approx(float(row["flops"]), rel=1e-12)
    gopher = {r["law"]: r for r in allocations if float(r["flops"]) == 5.76e23}
    assert round(float(gopher["chinchilla"]["tokens_per_param"]), 1) == 58.9
    assert round(float(gopher["chinchilla-rounded"]["tokens_per_param"]), 1) == 92.6
    assert {r["law"] for r in rows(written, "laws")} == set(law_names())
    assert all(r["source"] for r in rows(written, "laws"))
    for row in rows(written, "strategies"):
        spent = 6 * float(row["params"]) * float(row["batch"]) * float(row["steps"])
        assert spent == pytest.approx(float(row["flops"]), rel=1e-12)


def test_a_second_run_has_nothing_to_do(written: Path) -> None:
    assert "Nothing to be done" in snakemake(written.parents[1], "literature", "-n")


def test_every_figure_is_written_twice_and_names_its_axes(written: Path) -> None:
    for name in figures.FIGURES:
        assert (written / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        text = (written / f"{name}.svg").read_text()
        assert "et al." in text, "a figure names its sources"
        assert any(unit in text for unit in ("nats per token", "FLOP"))


def test_the_frontier_is_the_allocation_and_the_models_are_where_they_were() -> None:
    left, right = figures.frontier().axes
    for axes, quantity in ((left, "params"), (right, "tokens")):
        lines = {line.get_label(): line.get_xydata() for line in axes.get_lines()}
        for law in figures.FRONTIER_LAWS:
            budget, drawn = lines[get_law(law).name][-1]
            assert drawn == pytest.approx(getattr(allocate(law, budget), quantity))
        for model in HISTORICAL:
            ((budget, drawn),) = lines[model.name]
            assert (budget, drawn) == (6 * model.params * model.tokens, getattr(model, quantity))


def test_training_curves_end_at_one_cost_and_at_the_loss_of_their_strategy() -> None:
    left, right = figures.training_curves(1e22).axes
    plans = strategies(1e22)
    for plan, by_steps, by_flops in zip(plans, left.get_lines(), right.get_lines(), strict=True):
        assert by_steps.get_xydata()[-1] == pytest.approx((plan.steps, plan.loss))
        assert by_flops.get_xydata()[-1] == pytest.approx((1e22, plan.loss))
        assert np.all(np.diff(by_steps.get_ydata()) < 0)


def test_loss_curves_are_the_laws() -> None:
    for axes, tokens in zip(figures.loss_over_params().axes, (1e10, 3e11), strict=True):
        for law, line in zip(figures.LOSS_LAWS, axes.get_lines(), strict=True):
            n, loss = line.get_xydata()[50]
            assert loss == pytest.approx(get_law(law).value(params=n, tokens=tokens))


def test_loss_over_one_amount_of_data_or_one_size_is_one_panel_on_logarithmic_axes() -> None:
    """Given as a number, or as a list of one; these raised a TypeError once."""
    for figure in (
        figures.loss_over_params([3e11]),
        figures.loss_over_params(3e11),
        figures.loss_over_tokens([1e9]),
        figures.loss_over_tokens(1e9),
    ):
        (axes,) = figure.axes
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert len(axes.get_lines()) == len(figures.LOSS_LAWS)


def test_the_plane_holds_the_allocations_and_the_models() -> None:
    (axes,) = figures.plane().axes
    lines = {line.get_label(): line.get_xydata() for line in axes.get_lines()}
    for law in figures.FRONTIER_LAWS:
        tokens, params = lines[law][-1]
        assert params == pytest.approx(allocate(law, 6 * params * tokens).params)
    points = {tuple(xy) for line in axes.get_lines() for xy in line.get_xydata()}
    assert {(m.tokens, m.params) for m in (BERT, *HISTORICAL)} <= points
    assert {text.get_text() for text in axes.texts} >= {m.name for m in HISTORICAL}


def test_measured_losses_stand_beside_predicted_ones_at_the_same_run() -> None:
    panels = figures.measured().axes
    assert [axes.get_title() for axes in panels] == ["GPT-2", "Cerebras-GPT"]
    for axes in panels:
        own = [m for m in MEASURED if m.name.startswith(axes.get_title())]
        lines = {line.get_label(): line.get_xydata() for line in axes.get_lines()}
        for model, point in zip(own, lines["measured"], strict=True):
            assert tuple(point) == (model.params, model.loss)
        expected = [get_law("chinchilla").value(params=m.params, tokens=m.tokens) for m in own]
        assert lines["chinchilla"][:, 1] == pytest.approx(expected)
    assert all(model.source for model in MEASURED)


def test_texts_say_what_the_calculator_says_and_one_page_shows_all(written: Path) -> None:
    text = (written / "calculator.txt").read_text()
    losses = ("2.3451", "1.7323", "1.7077", "1.7399")  # facts of the literature
    assert all(value in text for value in losses)
    percent, *_ = Calculator().how_much_better(1e9, 1e10, 1e10, 1e10)
    assert f"{percent:.1f} %" in text
    for row in rows(written, "measured"):
        assert row["name"] in text and float(row["measured"]) > 0 and row["source"]
    budgets = (written / "allocation.txt").read_text()
    for found in Calculator().generate_allocation_table():
        assert f"{found.params:.5g}" in budgets
    page = (written / "summary.html").read_text()
    assert page.count("src='data:image/png;base64,") == len(figures.FIGURES)
    assert "src='http" not in page and "1. What loss does GPT-3 reach?" in page


def test_the_page_and_the_figures_are_part_of_a_report(written: Path, tmp_path: Path) -> None:
    snakemake(written.parents[1], "literature", "--report", str(tmp_path / "report.html"))
    report = (tmp_path / "report.html").read_text()
    for name in ("summary.html", "calculator.txt", "plane.png"):
        assert name in report
