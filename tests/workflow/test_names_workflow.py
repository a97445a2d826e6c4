"""Models of other libraries through the whole workflow: killed on the way, gone on with, verified,
and stale exactly where an edit may change a number. Minutes, so marked slow."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import ENV, edited, own_study_of, snakemake, stale
from safetensors.numpy import load_file, save_file
from study_made import copy_project, write_study
from tasks_made import study_of_names

pytestmark = [pytest.mark.slow, pytest.mark.long]
RESULTS = Path("results/names")
MEASURED = ("job_seconds", "joules", "energy_how", "watts", "watts_how", "peak_memory_bytes")
STAGE = "optimize"  # without the figures, which take as long as all trainings
COMPARED = ("lora", "timm", "causal")


@pytest.fixture(scope="module")
def done(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study, killed when a third of its trainings had ended, and run to its end."""
    folder = copy_project(root, tmp_path_factory.mktemp("names"))
    write_study(folder, study_of_names(folder / "data"))
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", STAGE], cwd=folder,
        env=ENV | {"ALPHASCALE_CHECKPOINT_SECONDS": "0.1"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    while len(list(folder.glob(f"{RESULTS}/train/*/*/1.0.json"))) < 7:
        assert process.poll() is None, process.communicate()[0][-4000:]
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert snakemake(folder, "--unlock").returncode == 0
    ran = snakemake(folder, STAGE)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    return folder


def rows_of(folder: Path, domain: str) -> list[dict[str, str]]:
    with open(folder / RESULTS / f"observations/{domain}.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in rows]


def trained(jobs: set[str]) -> set[str]:
    return {job for job in jobs if job.startswith("train ")}


def trainings(domain: str, *scales: str) -> set[str]:
    return {f"train {domain} {scale} on 1.0 of the data" for scale in scales}


def test_what_was_killed_ends_as_if_it_had_not_been(done: Path, root: Path, tmp_path: Path) -> None:
    folder = copy_project(root, tmp_path / "undisturbed")
    shutil.copytree(done / "data", folder / "data")
    study = own_study_of(done)
    study["domains"] = {name: study["domains"][name] for name in COMPARED}
    write_study(folder, study)
    targets = [str(RESULTS / f"observations/{name}.csv") for name in COMPARED]
    ran = snakemake(folder, *targets)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    for name in COMPARED:
        assert rows_of(folder, name) == rows_of(done, name), name


def test_each_has_a_decision_and_nothing_is_left_to_do(done: Path) -> None:
    assert stale(done, STAGE) == set()
    for name in own_study_of(done)["domains"]:
        rows = rows_of(done, name)
        assert len(rows) == 6 and all(int(row["step_flops"]) > 0 for row in rows), name
        assert json.loads((done / RESULTS / f"decision/{name}.json").read_text())["domain"] == name


def test_tuning_less_takes_fewer_flops(done: Path) -> None:
    """Of the same checkpoint: the head alone, then LoRA, then all of it."""
    steps = {
        how: int(next(row["step_flops"] for row in rows_of(done, how) if row["scale"] == "b24"))
        for how in ("head", "lora", "whole")
    }
    assert steps["head"] < steps["lora"] < steps["whole"]


def test_weights_are_part_of_a_training_and_where_they_lie_is_not(
    done: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    subprocess.run(["cp", "-a", done, folder], check=True)
    weights = folder / "data/bert16/model.safetensors"
    os.utime(weights)
    assert stale(folder, STAGE) == set()
    tensors = load_file(weights)
    name = next(key for key in tensors if key.endswith("query.weight"))
    save_file(tensors | {name: tensors[name] + 0.5}, weights, metadata={"format": "pt"})
    expected = trainings("whole", "b16") | trainings("head", "b16") | trainings("lora", "b16")
    assert trained(stale(folder, STAGE)) == expected


def test_edits_train_what_they_concern_alone(done: Path) -> None:
    def rank(study: dict) -> None:
        study["domains"]["lora"]["ladder"]["b8"]["rank"] = 4

    def deeper(study: dict) -> None:
        study["domains"]["timm"]["ladder"]["v8"]["depth"] = 2

    with edited(done, rank):
        assert trained(stale(done, STAGE)) == trainings("lora", "b8")
    with edited(done, deeper):
        assert trained(stale(done, STAGE)) == trainings("timm", "v8")
    with edited(done, lambda s: s["domains"]["whole"].update(target={"auroc": 0.8})):
        assert trained(stale(done, STAGE)) == set()


@pytest.mark.parametrize("domain", ["lora", "timm"])
def test_what_is_recommended_is_trained_and_judged(done: Path, tmp_path: Path, domain: str) -> None:
    """At a target that the largest size reached, so that there is something to build."""
    folder = tmp_path / "project"
    shutil.copytree(done, folder)
    reached = [float(row["test_error"]) for row in rows_of(done, domain)]
    goal = min(0.95, max(reached) + 0.02)
    with edited(folder, lambda s: s["domains"][domain].update(target={"error": goal})):
        ran = snakemake(folder, str(RESULTS / f"verify/{domain}.json"))
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
        found = json.loads((folder / RESULTS / f"verify/{domain}.json").read_text())
        built = json.loads((folder / RESULTS / f"decision/{domain}.json").read_text())
    if found["nothing_to_build"] is not None:
        assert built["architecture"] is None
        return
    (run,) = found["runs"]
    assert run["size"] == built["architecture"]["size"] and len(run["values"]) == 2
