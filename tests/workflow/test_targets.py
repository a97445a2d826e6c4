"""What a person asks for by name on a finished study, and what its own laws answer then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from alphascale.cli import main
from alphascale.errors import UserError
from alphascale.fitting.saved import load
from running import edited, snakemake, stale


@pytest.fixture
def study(finished: Path) -> Path:
    return finished / "results" / "own"


def test_a_domain_ends_with_its_own_summary_and_fit_shows_all(finished: Path, study: Path) -> None:
    asked = ("table", "fit")
    assert stale(finished, *asked) == {"summarise table", "show the fits"}
    done = snakemake(finished, *asked)
    assert done.returncode == 0, done.stderr
    text = (study / "summary" / "table.txt").read_text()
    assert text in (study / "summary.txt").read_text() and text in done.stdout
    fits = (study / "fit.txt").read_text()
    assert fits in done.stdout and done.stdout.count("\n  N*") == 1
    assert "fraction 0.5: accuracy = a − b·N^(−α): a " in fits
    assert [name for name in ("table", "images", "text") if f"\n{name}: law" in f"\n{fits}"] == [
        "table", "images", "text",
    ]  # fmt: skip
    assert stale(finished, *asked, "optimize", "figures") == set()
    # Once there they are part of the study, and follow its edits.
    with edited(finished, lambda s: s["domains"]["table"]["target"].update(accuracy=0.71)):
        assert {"summarise table", "show the fits"} & stale(finished) == {"summarise table"}
    for made in (study / "summary" / "table.txt", study / "fit.txt"):
        made.unlink()
    assert stale(finished) == set()


def test_another_target_on_one_fraction_leaves_the_study_alone(finished: Path, study: Path) -> None:
    changes = "domains={table: {only: [w2, w4, w6], fractions: [1.0], target: {accuracy: 0.7}}}"
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*.json")}
    jobs = stale(finished, "table", "--config", "run=tried", changes)
    trained = {job for job in jobs if job.startswith("train")}
    assert trained == {f"train table w{w} on 1.0 of the data" for w in (2, 4, 6)}
    assert "summarise table" in jobs and not any("images" in job for job in jobs)
    assert before == {path: path.stat().st_mtime_ns for path in study.rglob("*.json")}


@pytest.mark.parametrize("stage", ["bootstrap", "fit"])
def test_optimum_and_calculator_answer_with_the_studys_own_law(
    study: Path, capsys: pytest.CaptureFixture, stage: str
) -> None:
    decision = json.loads((study / "decision/table.json").read_text())
    star = decision["fractions"]["1.0"]["n_star"]
    path, error = str(study / stage / "table.json"), "0.2"  # the study's target: accuracy .8
    assert load(path).solve(float(error)) == pytest.approx(star)
    assert main(["optimum", path, "--target", error]) == 0
    assert (f"{star:.6g}" if star > decision["ladder"]["smallest"] else "smallest") in (
        capsys.readouterr().out
    )
    half = load(f"0.5:{path}")
    assert half.columns == ("params",) and half.solve(0.25) != load(path).solve(0.25)
    assert main(["calc", "loss", "--law", path, "--params", "500"]) == 0
    assert f"{load(path).curve({'params': [500.0]})[0]:.4f}" in capsys.readouterr().out
    assert load(f"joint:{path}").columns == ("params", "samples")
    with pytest.raises(UserError, match=r"has no fraction 0\.3; name one of 0\.5, 1\.0, joint"):
        load(f"0.3:{path}")


def test_what_is_no_law_of_a_study_is_one_line(study: Path, tmp_path: Path) -> None:
    shutil.copytree(study / "fit", tmp_path / "fit")
    with pytest.raises(UserError, match=r"bootstrap/table\.json: no such file"):
        load(tmp_path / "fit" / "table.json")
    with pytest.raises(UserError, match="is not a file saved by alphascale fit"):
        load(study / "decision" / "table.json")


def test_the_finished_study_tells_median_best_epochs(study: Path) -> None:
    head, *rows = (study / "best_epochs.csv").read_text().splitlines()
    assert head == "domain,scale,params,median_best_epoch,epochs,level"
    assert len(rows) == 15 and all(1 <= float(row.split(",")[3]) <= 3 for row in rows)
