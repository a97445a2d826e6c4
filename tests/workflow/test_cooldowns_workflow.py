"""A ladder by schedule `cooldown` through the workflow: trunks that pass from job to job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import edited, snakemake, stale
from study_made import copy_project, write_study

pytestmark = pytest.mark.slow

TABLE = "results/text/observations/text.csv"
MEASURED = {"time", "energy", "peak_memory_bytes", "content_sha256", "trunk", "flops"}


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose ladder has been trained and gathered."""
    folder = copy_project(root, tmp_path_factory.mktemp("cool downs"))
    (folder / "text.txt").write_text("the sea is wide and the hill is high\n" * 400)
    task = {
        "data": {"source": "corpus", "path": "text.txt", "length": 16, "vocabulary": 270},
        "family": "transformer_lm",
        "ladder": {f"d{d}": {"n_layers": 1, "d_model": d} for d in (4, 8, 12)},
        "fractions": [0.5, 1.0], "seeds": [0, 1], "target": {"perplexity": 5.0},
        "training": {"epochs": 1, "batch_size": 8, "schedule": "cooldown"},
    }  # fmt: skip
    write_study(folder, {"run": "text", "domains": {"text": task}})
    done = snakemake(folder, TABLE)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder


def path_of(folder: Path, scale: str, fraction: str) -> Path:
    return folder / f"results/text/train/text/{scale}/{fraction}.json"


def lasting(record: dict) -> dict:
    return {key: value for key, value in record.items() if key not in MEASURED}


def asked_for(path: Path) -> str:
    """A record as a target: one that is missing amid files that are there is made only so."""
    return str(path.relative_to(path.parents[5]))


def trainings(folder: Path, *asked: str) -> set[str]:
    return {job for job in stale(folder, TABLE, *asked) if job.startswith("train ")}


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "results/text/checkpoints").glob("*"))


def test_every_size_goes_on_from_its_own_trunk_and_none_is_left(trained: Path) -> None:
    for scale in ("d4", "d8", "d12"):
        half, whole = (
            json.loads(path_of(trained, scale, fraction).read_text()) for fraction in ("0.5", "1.0")
        )
        assert half["trunk"] is None and whole["trunk"]["fraction"] == "0.5"
        spared = whole["trunk"]["samples"] * whole["flops"]["training_per_sample"] * 2
        assert whole["flops"]["job"] == 2 * whole["flops"]["per_run"] - spared
    assert left(trained) == [] and stale(trained, TABLE) == set()


def test_a_training_whose_trunk_is_gone_trains_it_all_to_the_same_record(trained: Path) -> None:
    path = path_of(trained, "d8", "1.0")
    before = json.loads(path.read_text())
    path.unlink()
    assert trainings(trained, asked_for(path)) == {"train text d8 on 1.0 of the data"}
    done = snakemake(trained, TABLE, asked_for(path))
    assert done.returncode == 0, done.stderr[-4000:]
    after = json.loads(path.read_text())
    assert lasting(after) == lasting(before) and after["trunk"] is None
    assert after["flops"]["job"] == 2 * after["flops"]["per_run"]
    said = (trained / "results/text/logs/train/text/d8/1.0.log").read_text()
    assert "no trunk of fraction 0.5" in said


def test_what_trains_a_trunk_anew_leaves_what_went_on_from_it(trained: Path) -> None:
    """The larger one's job begins, since what it is made after was missing, and keeps its record;
    the trunk that was left for nobody is gone in the end."""
    path, larger = (path_of(trained, "d12", fraction) for fraction in ("0.5", "1.0"))
    before, kept = json.loads(path.read_text()), larger.read_bytes()
    path.unlink()
    done = snakemake(trained, TABLE, asked_for(path))
    assert done.returncode == 0, done.stderr[-4000:]
    assert lasting(json.loads(path.read_text())) == lasting(before)
    assert larger.read_bytes() == kept
    assert left(trained) == [] and "checkpoint(s)" not in done.stderr
    done = snakemake(trained, "--force", asked_for(path))
    assert done.returncode == 0 and "on 1.0 of" not in done.stdout + done.stderr
    assert larger.read_bytes() == kept and left(trained) == []


def test_a_law_of_rates_and_a_fraction_more_find_an_order_to_train_in(trained: Path) -> None:
    """The swept cells wait for no trunk: the others of their sizes wait for the law."""

    def law(study: dict) -> None:
        training = study["domains"]["text"]["training"]
        training |= {"rates": "law", "learning_rates": [1e-3, 3e-3]}

    def more(study: dict) -> None:
        study["domains"]["text"]["fractions"] = [0.5, 0.75, 1.0]

    sizes = ("d4", "d8", "d12")
    with edited(trained, law):
        every = {f"train text {s} on {f} of the data" for s in sizes for f in ("0.5", "1.0")}
        assert trainings(trained) == every
    with edited(trained, more):  # what it nests is new to the larger alone
        every = {f"train text {s} on {f} of the data" for s in sizes for f in ("0.75", "1.0")}
        assert trainings(trained) == every
    assert trainings(trained) == set()
