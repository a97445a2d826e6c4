"""Studies of models of other libraries through the whole workflow, and what makes them stale."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from foreign_made import checkpoint
from running import edited, snakemake, stale
from study_made import copy_project, write_study, write_texts


def test_the_fine_tuning_study_dry_runs_without_a_network(root, tmp_path):
    copy_project(root, tmp_path)
    done = snakemake(tmp_path, "-n", "--configfile", "config/finetune.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("train topics ") == 16
    quick = snakemake(
        tmp_path, "-n", "--configfile", "config/finetune.yaml", "--config", "quick=true"
    )
    assert quick.returncode == 0 and quick.stdout.count("train topics ") == 8


def test_the_pretrained_study_asks_for_the_pretraining(root, tmp_path):
    copy_project(root, tmp_path)
    done = snakemake(tmp_path, "-n", "--configfile", "config/pretrain.yaml")
    assert done.returncode == 0 and done.stdout.count("train sources ") == 3
    done = snakemake(tmp_path, "-n", "--configfile", "config/pretrained.yaml")
    assert done.returncode and "there is no folder 'results/pretrain/models/sources/d16" in (
        done.stdout + done.stderr
    )
    # Both domains see the same tokens, and only where they begin differs.
    study = yaml.safe_load((root / "config/pretrained.yaml").read_text())["domains"]
    before = yaml.safe_load((root / "config/pretrain.yaml").read_text())["domains"]["sources"]
    assert study["scratch"]["ladder"] == before["ladder"]
    same = [{k: v for k, v in task.items() if k != "ladder"} for task in study.values()]
    assert same[0] == same[1]


def test_reading_a_study_of_checkpoints_imports_nothing_heavy(tmp_path):
    """Their content is digested, no library is asked."""
    folder = checkpoint(tmp_path / "tiny")
    ladder = {f"s{i}": {"pretrained": folder, "tune": "lora", "rank": i + 1} for i in range(3)}
    study = {"domains": {"d": {
        "data": {"source": "torch_code"}, "family": "hf", "ladder": ladder,
        "target": {"accuracy": 0.5},
    }}}  # fmt: skip
    heavy = ("torch", "numpy", "pandas", "transformers", "peft", "timm", "torchvision")
    code = (
        "import json, sys; from alphascale.study import load_study; from alphascale import slices; "
        "study = load_study(json.loads(sys.argv[1])); "
        "spec = slices.train_slice(study, 'd', 's0', '1.0'); "
        f"print(spec.size, [m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(study)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "sha256:" in done.stdout and done.stdout.strip().endswith("[]")


@pytest.fixture(scope="module")
def finished(root, tmp_path_factory) -> Path:
    """A ladder of three checkpoints, fine-tuned with LoRA, from beginning to end."""
    folder = copy_project(root, tmp_path_factory.mktemp("tuned") / "project")
    for width in (8, 16, 32):
        checkpoint(folder / f"bert{width}", width, layers=1)
    (folder / "data").mkdir()
    write_texts(folder / "data" / "letters.csv", rows=200)
    write_study(folder, {"run": "tuned", "bootstrap": {"resamples": 100}, "domains": {"text": {
        "data": {"source": "text", "path": "data/letters.csv", "length": 16},
        "family": "hf",
        "ladder": {f"b{w}": {"pretrained": f"bert{w}", "tune": "head"} for w in (8, 16, 32)},
        "withhold": 0, "seeds": [0, 1],
        "training": {"epochs": 2, "batch_size": 32, "learning_rates": [1.0e-2]},
        "target": {"accuracy": 0.5},
    }}})  # fmt: skip
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_a_finished_study_of_checkpoints_is_stale_by_their_content_alone(finished):
    assert stale(finished) == set()
    weights = finished / "bert8" / "model.safetensors"
    os.utime(weights)
    assert stale(finished) == set()
    before = weights.read_bytes()
    try:
        weights.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        jobs = stale(finished)
    finally:
        weights.write_bytes(before)
    assert "train text b8 on 1.0 of the data" in jobs
    assert not {"prepare the data of text", "train text b16 on 1.0 of the data"} & jobs
    assert stale(finished) == set()


@pytest.mark.slow
def test_checkpoints_that_were_moved_leave_the_records_as_they_are(finished):
    shutil.copytree(finished / "bert8", finished / "elsewhere")

    def moved(study):
        study["domains"]["text"]["ladder"]["b8"]["pretrained"] = "elsewhere"

    record = finished / "results/tuned/train/text/b8/1.0.json"
    before = record.read_bytes()
    with edited(finished, moved):
        done = snakemake(finished)
        assert done.returncode == 0, done.stdout + done.stderr
    assert record.read_bytes() == before
    assert snakemake(finished).returncode == 0


@pytest.mark.slow
def test_a_recommended_checkpoint_is_verified(finished):
    done = snakemake(finished, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
