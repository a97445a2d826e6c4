"""Numbers, rare classes and several labels through the whole workflow, as classes go."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from alphascale.metrics import TABLE
from alphascale.records.outputs import outputs_path
from running import edited, snakemake, stale
from study_made import copy_project, write_study
from tasks_made import study_of_tasks

# Domain → its first target's column, as laws are fitted to it, and what it was asked.
ASKED = {"number": ("rmse", "rmse"), "rare": ("macro_f1", "macro_f1_error"),
         "tags": ("average_precision", "average_precision_error")}  # fmt: skip
RESULTS = Path("results/tasks")


@pytest.fixture(scope="module")
def done(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(root, tmp_path_factory.mktemp("tasks"))
    write_study(folder, study_of_tasks(folder / "data"))
    ran = snakemake(folder)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    (folder / "printed.txt").write_text(ran.stdout)
    return folder


def read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def rows_of(folder: Path, domain: str) -> list[dict[str, str]]:
    with open(folder / RESULTS / f"observations/{domain}.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def test_each_is_measured_fitted_and_decided_in_its_own_metric(done: Path) -> None:
    for domain, (metric, fitted) in ASKED.items():
        rows = rows_of(done, domain)
        values = [float(row[f"test_{metric}"]) for row in rows if row["status"] == "ok"]
        decision = read_json(done / RESULTS / f"decision/{domain}.json")
        points = read_json(done / RESULTS / f"fit/{domain}.json")["fractions"]["1.0"]["points"]
        kept = [value for point in points for value in point["values"][fitted]]
        expected = sorted(TABLE[metric].falling(value) for value in values)
        assert sorted(kept) == pytest.approx(expected)
        asked = {decision["target"]["metric"]} | {
            each["target"]["metric"] for each in decision["others"]
        }
        assert metric in asked
    assert all(row["test_accuracy"] == "" for row in rows_of(done, "number"))


def test_the_page_speaks_of_the_target_in_its_unit(done: Path) -> None:
    printed = (done / "printed.txt").read_text()
    assert "number: target RMSE 30" in printed and "tags: target average precision 70 %" in printed
    assert "decided on" in printed and "which asks for most" in printed
    assert "nan" not in printed.lower() and "None" not in printed


def test_another_metric_of_the_same_runs_trains_nothing(done: Path) -> None:
    assert stale(done) == set()
    for domain, target in (
        ("number", {"r2": 0.5}), ("rare", {"balanced_accuracy": 0.7}), ("tags", {"auroc": 0.9}),
        ("tags", {"accuracy": 0.5}),
    ):  # fmt: skip
        with edited(done, lambda s, d=domain, t=target: s["domains"][d].update(target=t)):
            jobs = stale(done)
        assert f"optimize {domain}" in jobs
        assert not any(job.startswith(("train", "prepare", "gather")) for job in jobs), jobs


def test_what_training_lowers_and_the_label_are_part_of_a_training(done: Path) -> None:
    def unweighted(study: dict) -> None:
        study["domains"]["rare"]["training"]["class_weights"] = "none"

    with edited(done, unweighted):
        jobs = stale(done)
    assert {job for job in jobs if job.startswith("train")} == {
        f"train rare w{w} on 1.0 of the data" for w in (2, 4, 8, 12)
    }

    def as_classes(study: dict) -> None:
        study["domains"]["tags"]["data"]["separator"] = "|"

    with edited(done, as_classes):
        assert "prepare the data of tags" in stale(done)


@pytest.mark.slow
def test_lost_outputs_are_made_again_and_nothing_else(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(done, folder)
    record = folder / RESULTS / "train/tags/d4/1.0.json"
    before = rows_of(folder, "tags")
    outputs_path(record).unlink()
    (folder / RESULTS / "observations/tags.csv").unlink()
    refused = snakemake(folder)
    assert refused.returncode != 0
    assert "1.0.outputs.safetensors" in refused.stdout + refused.stderr
    assert {job for job in stale(folder) if job.startswith("train")} == {
        "train tags d4 on 1.0 of the data"
    }
    assert snakemake(folder).returncode == 0
    measured = ("job_seconds", "joules", "energy_how", "watts", "watts_how", "peak_memory_bytes")
    for old, new in zip(before, rows_of(folder, "tags"), strict=True):
        assert {k: v for k, v in old.items() if k not in measured} == {
            k: v for k, v in new.items() if k not in measured
        }


@pytest.mark.slow
def test_a_prediction_is_verified_in_the_targets_metric(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(done, folder)
    # A target that the law surely reaches, so that there is something to build.
    with edited(folder, lambda s: s["domains"]["number"].update(target={"rmse": 45.0})):
        ran = snakemake(folder, str(RESULTS / "verify/number.json"))
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
        (run,) = read_json(folder / RESULTS / "verify/number.json")["runs"]
        assert run["metric"] == "rmse" and len(run["values"]) == 2
        assert snakemake(folder, str(RESULTS / "observations/number.csv")).returncode == 0
        verified = [row for row in rows_of(folder, "number") if row["role"] == "verify"]
        assert [float(row["test_rmse"]) for row in verified] == pytest.approx(run["values"])
