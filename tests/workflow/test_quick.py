"""One switch turns a study into its quick test: other sizes and epochs, results of its own."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml
from alphascale.config import read_study
from alphascale.config.files import typed
from alphascale.errors import UserError
from alphascale.slices import cells
from running import snakemake
from study_made import copy_project


@pytest.fixture(scope="module")
def paper(root: Path) -> dict:
    return yaml.safe_load((root / "config/paper.yaml").read_text())


def test_the_quick_test_of_the_reference_grid_is_two_by_two_for_three_epochs(paper) -> None:
    study = read_study(paper | {"quick": True})
    assert study.run == "paper-quick" and list(study.domains) == ["language", "language_bk"]
    for name, task in study.domains.items():
        sizes = {(each["d_model"], each["n_layers"]) for each in task.ladder.values()}
        assert sizes == {(64, 4), (64, 8), (128, 4), (128, 8)}
        assert task.training.epochs == 3 and task.withhold == 1
        assert len(list(cells(study, name))) == 4
        # What the switch does not name is the study's own.
        assert task.training.batch_size == 32 and task.training.clip == 0.5
    whole = read_study(paper)
    assert whole.run == "paper" and len(whole.domains["language"].ladder) == 16


def test_the_switch_is_read_from_the_command_line_as_it_is_written() -> None:
    given = {"quick": "true", "run": "mine", "n": 3}
    assert typed(given) == {"quick": True, "run": "mine", "n": 3}


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda s: [d.pop("quick", 0) for d in s["domains"].values()], "no domain has a `quick`"),
        (lambda s: s["domains"]["language"]["quick"].update(only=["d1"]), "`only` names 'd1'"),
        (lambda s: s["domains"]["language"]["quick"].update(epoch=3), "epoch"),
        (lambda s: s["domains"].pop("language"), "domains.language_bk.compare"),
        (lambda s: s.update(quick="yes"), "quick: input should be a valid boolean"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_quick_test_is_one_line(paper, edit, says: str) -> None:
    study = copy.deepcopy(paper) | {"quick": True}
    edit(study)
    with pytest.raises(UserError) as fault:
        read_study(study)
    assert says in str(fault.value) and "\n" not in str(fault.value)


def test_snakemake_says_what_it_runs_and_where(root: Path, tmp_path: Path) -> None:
    folder = copy_project(root, tmp_path / "project")
    told = snakemake(folder, "-n", "--configfile", "config/paper.yaml", "--config", "quick=true")
    said = told.stdout + told.stderr
    assert told.returncode == 0, said
    assert "the quick test, of language, language_bk: results go to results/paper-quick" in said
    trained = [line for line in said.splitlines() if "of the data" in line and ": train " in line]
    assert len(trained) == 8 and all("results/paper/" not in line for line in trained)
