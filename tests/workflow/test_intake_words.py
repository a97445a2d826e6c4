"""What commands and captions say is true of this study, and of these figures."""

from __future__ import annotations

import shlex
from pathlib import Path

import yaml
from alphascale.planning.text import text
from alphascale.plots import accuracy
from matplotlib.colors import same_color
from plot_records import records
from running import snakemake
from study_made import copy_project, own_study


def test_a_plan_names_the_study_that_it_is_of(root: Path, tmp_path: Path) -> None:
    folder = copy_project(root, tmp_path / "project")
    (folder / "my study.yaml").write_text(yaml.safe_dump(own_study(folder / "data")))
    given = ("--configfile", "my study.yaml", "--config", "seed=3")
    done = snakemake(folder, "results/own/plan.txt", "-n", "-p", *given)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if "/plan.py" in line)
    (word,) = (word for word in shlex.split(line) if word.startswith("--apply="))
    assert word.partition("=")[2] == (
        "snakemake --cores all --configfile 'my study.yaml' --config seed=3 plan=apply"
    )


def test_the_page_of_a_plan_says_the_command_that_it_was_told(root: Path, tmp_path: Path) -> None:
    assert "  snakemake --told      (they are in" in text([], Path("p.yaml"), "snakemake --told")


def test_the_caption_tells_dots_from_rings_as_the_figure_draws_them(root: Path) -> None:
    caption = (root / "workflow/report/accuracy.rst").read_text()
    (axes,) = accuracy.draw(records(resamples=100)).axes
    looks = {line.get_label(): line for line in axes.lines}
    run, mean = looks["one run (seed)"], looks["size: mean measured"]
    assert run.get_markersize() < mean.get_markersize()
    assert same_color(mean.get_markerfacecolor(), "white") and run.get_marker() == "o"
    assert "dots are single runs, the rings around them the means" in caption
    assert same_color(looks["withheld size: mean measured"].get_markerfacecolor(), "white")
    assert "Hollow diamonds are the means of the withheld sizes" in caption
