"""Faults around a finished study, brought about for real: of what was trained nothing is lost."""

from __future__ import annotations

import csv
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import ENV, edited, fill, own_study_of, small_disk, snakemake, stale
from study_made import copy_project, own_study, write_study

pytestmark = pytest.mark.slow

TARGET = "results/own/observations/table.csv"
MODEL = """
from torch import nn

def net(data, width):
    return nn.Sequential(nn.Linear(data.shape[0], width), nn.ReLU(), nn.Linear(width, data.classes))
"""


@pytest.fixture(scope="module")
def once(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose study, one table in five runs of a user's own model, has its observations."""
    folder = copy_project(root, tmp_path_factory.mktemp("intake") / "project")
    study = own_study(folder / "data")
    task = study["domains"]["table"] | {"fractions": ["1.0"], "seeds": [0]}
    task["training"] = {"epochs": 2, "batch_size": 64, "learning_rates": [0.01]}
    task["family"], task["naive"] = "plain_net:net", {"width": 64}
    study["domains"], study["device"] = {"table": task}, "cpu"
    (folder / "plain_net.py").write_text(MODEL)
    write_study(folder, study)
    assert snakemake(folder, TARGET).returncode == 0
    return folder


@pytest.fixture
def project(once: Path, tmp_path: Path) -> Path:
    """A copy of it, times of files and all."""
    return Path(shutil.copytree(once, tmp_path / "project"))


def records(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.glob("results/own/train/*/*/*.json"))}


def more_epochs(study: dict) -> None:
    study["domains"]["table"]["training"]["epochs"] = 3


def damage(folder: Path) -> Path:
    data = folder / "results/own/data/table.safetensors"
    content = bytearray(data.read_bytes())
    content[-100] ^= 1
    data.write_bytes(content)
    return data


def last_words(done: subprocess.CompletedProcess) -> str:
    assert done.returncode != 0
    return done.stderr.strip().splitlines()[-1]


def started(done: subprocess.CompletedProcess) -> bool:
    return bool(re.search(r"^Job \d+: ", done.stderr, flags=re.M))


def trained(done: subprocess.CompletedProcess) -> bool:
    """Whether a training that was started was made: one whose record fits says so."""
    begun = re.findall(r"^Job \d+: train ", done.stderr, flags=re.M)
    return len(begun) > done.stderr.count("it is kept")


def test_damaged_data_are_refused_before_anything_trains(project: Path) -> None:
    before = records(project)
    data = damage(project)
    with edited(project, more_epochs):
        done = snakemake(project, TARGET)
        assert "table.safetensors: was changed after the data were prepared" in last_words(done)
        assert not started(done) and records(project) == before
    data.unlink()
    done = snakemake(project, TARGET)
    assert done.returncode == 0 and not trained(done)
    assert records(project) == before and stale(project, TARGET) == set()


def test_a_retraining_that_was_ended_goes_on_and_the_old_record_stands(project: Path) -> None:
    """Snakemake by itself would take the old records for new ones, and all would be refused."""
    before = records(project)
    config = project / "config/config.yaml"
    old = config.read_text()
    study = own_study_of(project)
    study["domains"]["table"]["training"]["epochs"] = 100_000
    write_study(project, study)
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", TARGET],
        cwd=project, env=ENV | {"ALPHASCALE_CHECKPOINT_SECONDS": "0.1"}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    while not list(project.glob("results/own/checkpoints/*/state.pt")):
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode != 0 and "its state at" in said
    assert records(project) == before
    assert {job for job in stale(project, TARGET) if job.startswith("train")} == {
        f"train table w{w} on 1.0 of the data" for w in (2, 4, 6, 8, 12)
    }
    config.write_text(old)
    done = snakemake(project, TARGET)
    assert done.returncode == 0 and not trained(done) and records(project) == before
    assert not list(project.glob("results/own/train/**/*.refused"))


def test_a_table_that_is_moved_trains_nothing(project: Path) -> None:
    """Its path is in the description of the data, its content in every record."""
    before = records(project)
    (project / "elsewhere").mkdir()
    shutil.move(project / "data" / "people.csv", project / "elsewhere" / "people.csv")

    def moved(study: dict) -> None:
        study["domains"]["table"]["data"]["path"] = "./elsewhere/people.csv"

    with edited(project, moved):
        done = snakemake(project, TARGET)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "has a record: it is kept" in done.stderr and not trained(done)
    assert records(project) == before


def test_a_wrong_size_of_ones_own_model_ends_before_the_others_train(project: Path) -> None:
    before = records(project)

    def misspelt(study: dict) -> None:
        more_epochs(study)
        study["domains"]["table"]["ladder"]["w12"] = {"widht": 12}

    with edited(project, misspelt):
        done = snakemake(project, TARGET)
        said = last_words(done)
    assert said.startswith("error: domains.table.family: plain_net:net, w12 {'widht': 12}")
    assert records(project) == before and not started(done)


@pytest.mark.parametrize("ahead", [2 * 86400, -20 * 365 * 86400])
def test_a_clock_that_jumps_loses_nothing(project: Path, ahead: float) -> None:
    """All results are dated as by another clock; then one of them is wanted anew."""
    before = records(project)
    for path in project.glob("results/own/**/*"):
        if path.is_file():
            there = path.stat().st_mtime + ahead
            os.utime(path, (there, there))
    (project / TARGET).unlink()
    done = snakemake(project, TARGET, "--max-checksum-file-size", "0")
    assert done.returncode == 0, done.stderr[-2000:]
    assert records(project) == before and not trained(done)
    assert stale(project, TARGET, "--max-checksum-file-size", "0") == set()


def test_a_file_of_ones_own_that_is_dated_ahead_is_named(project: Path) -> None:
    before = records(project)
    there = time.time() + 7200
    os.utime(project / "data/people.csv", (there, there))
    with edited(project, more_epochs):
        said = last_words(snakemake(project, TARGET))
    assert "data/people.csv: is dated 2.0 hours ahead of this machine's clock" in said
    assert records(project) == before


def test_a_folder_that_cannot_be_written_to_is_named(project: Path) -> None:
    before = records(project)
    logs = project / "results/own/logs"
    logs.chmod(0o555)
    with edited(project, more_epochs):
        # Root writes everywhere, unless it goes without that capability.
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", TARGET], cwd=project, env=ENV,
            capture_output=True, text=True, preexec_fn=as_anybody,
        )  # fmt: skip
    logs.chmod(0o755)
    assert last_words(done).startswith("error: results/own/logs: nothing can be written there")
    assert records(project) == before


def as_anybody() -> None:
    """Drop root's rights to write where permissions forbid it (CAP_DAC_OVERRIDE, of Linux)."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


def test_a_full_disk_is_named_by_the_last_words(project: Path, tmp_path: Path) -> None:
    """Where the lines of faults go to the same disk, no program can leave one."""
    before = records(project)
    results, aside = project / "results", tmp_path / "aside"
    results.rename(aside)
    with small_disk(results, "2m") as disk:
        shutil.copytree(aside, disk, dirs_exist_ok=True)
        filler = fill(disk)
        said = last_words(snakemake(project, "results/own/fit/table.json"))
        assert f"{disk}/own: the disk is full (0 kB" in said and "free some space" in said
        filler.unlink()
        assert records(project) == before
        assert snakemake(project, "results/own/fit/table.json").returncode == 0


def test_two_versions_of_the_program_take_turns(project: Path) -> None:
    """Each trains anew what the other trained, and neither mistakes it for its own."""
    before = errors(project)
    file = project / "workflow/scripts/alphascale/training/optimise.py"
    text = file.read_text()
    file.write_text(text.replace("= 0.9, 0.999, ", "= 0.5, 0.999, "))
    assert file.read_text() != text
    assert snakemake(project, TARGET).returncode == 0
    assert errors(project) != before
    file.write_text(text)
    assert snakemake(project, TARGET).returncode == 0
    assert errors(project) == before
    assert stale(project, TARGET) == set() and len(records(project)) == 5


def errors(folder: Path) -> list[tuple[str, str]]:
    """What came of every run: all but its time, energy and memory."""
    with open(folder / TARGET, newline="") as stream:
        return [(row["scale"], row["test_loss"]) for row in csv.DictReader(stream)]
