"""Faults of whole workflows, injected for real: a killed, interrupted or doubled `snakemake`,
records and data that change under it, a study that diverges. After each, running again ends with
the observations of an undisturbed run.
"""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from running import ENV
from study_made import copy_project, own_study, write_study

pytestmark = pytest.mark.slow

# What no two equal runs share.
MEASURED = ("job_seconds", "joules", "energy_how", "watts", "watts_how", "peak_memory_bytes")
TARGET = "results/own/observations.csv"


def mini(folder: Path, **training) -> Path:
    """A project whose study is one table and five sizes, long enough to be hit in training."""
    study = own_study(folder / "data")
    task = study["domains"]["table"]
    task["fractions"] = ["1.0"]
    task["training"] |= {"epochs": 50} | training
    study["domains"] = {"table": task}
    study["device"] = "cpu"
    write_study(folder, study)
    return folder


def start(folder: Path, *options: str) -> subprocess.Popen:
    """`snakemake` in a process group of its own, as a terminal or a scheduler starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", *(options or (TARGET,))],
        cwd=folder, env=ENV | {"ALPHASCALE_CHECKPOINT_SECONDS": "0.1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def ended(process: subprocess.Popen) -> tuple[int, str]:
    said, _ = process.communicate(timeout=300)
    return process.returncode, said


def last_line(said: str) -> str:
    return said.strip().splitlines()[-1]


def lasting(folder: Path) -> list[dict[str, str]]:
    """The observations without what is measured."""
    with open(folder / TARGET, newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in rows]


def wait_for(folder: Path, process: subprocess.Popen, pattern: str, count: int = 1) -> None:
    while len(list(folder.glob(pattern))) < count:
        assert process.poll() is None
        time.sleep(0.01)


def wait_for_checkpoint(folder: Path, process: subprocess.Popen) -> None:
    wait_for(folder, process, "results/own/checkpoints/*/state.pt")


def trains_to(folder: Path, expected: list[dict[str, str]], *target: str) -> str:
    """Run again, compare, and give what was said."""
    status, said = ended(start(folder, *target))
    assert status == 0, said
    assert lasting(folder) == expected
    assert not list((folder / "results/own/checkpoints").glob("*"))
    return said


@pytest.fixture(scope="module")
def undisturbed(root: Path, tmp_path_factory) -> list[dict[str, str]]:
    folder = mini(copy_project(root, tmp_path_factory.mktemp("undisturbed")))
    status, said = ended(start(folder))
    assert status == 0, said
    return lasting(folder)


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A project that has not run, in a folder whose name a shell would cut."""
    return mini(copy_project(root, tmp_path / "it's a $HOME; 100 %"))


@pytest.mark.parametrize(("draw", "name"), [(0, "SIGKILL"), (2, "SIGINT")])
def test_the_whole_workflow_is_ended_at_any_moment(project, undisturbed, draw, name) -> None:
    """Power loss, or Ctrl-C: everything of the process group gets the signal at once."""
    process = start(project)
    # Told by what is done, not by the clock: a machine may be three times slower today. The lock
    # comes first, and two of the five trainings are always left.
    chance = random.Random(draw)
    wait_for(project, process, ".snakemake/locks/*")
    wait_for(project, process, "results/own/train/table/*/1.0.json", chance.randrange(4))
    time.sleep(chance.uniform(0.0, 1.0))
    os.killpg(process.pid, getattr(signal, name))
    status, said = ended(process)
    # Ctrl-C while the interpreter still loads a program is the interpreter's own to tell.
    told = re.sub(r"Traceback .*?\nKeyboardInterrupt\n", "", said, flags=re.S)
    assert status != 0 and "Traceback" not in told
    if name == "SIGKILL":
        # Snakemake's own lock stays; its message says how it goes away.
        status, said = ended(start(project))
        assert status != 0 and "--unlock" in said
        assert ended(start(project, "--unlock"))[0] == 0
    trains_to(project, undisturbed)


def test_snakemake_alone_is_killed_and_its_orphans_train_on(project, undisturbed) -> None:
    """A second run meets them: it waits for a cell that is in training, and takes its record."""
    process = start(project)
    wait_for_checkpoint(project, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert ended(start(project, "--unlock"))[0] == 0
    trains_to(project, undisturbed)
    process.communicate()


def test_a_training_is_asked_to_end(project, undisturbed) -> None:
    """The last words of the workflow name the cell and say that its state is saved."""
    process = start(project)
    while not (pids := trainings(process.pid)):
        assert process.poll() is None
        time.sleep(0.05)
    wait_for_checkpoint(project, process)
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    status, said = ended(process)
    assert status != 0
    assert "ended by SIGTERM" in last_line(said)
    assert "its state at runs 1–4 of 4" in said and "is saved; run snakemake again" in said
    trains_to(project, undisturbed)


def trainings(group: int) -> list[int]:
    """The training programs of a process group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes().split(b"\0")
            trains = len(command) > 1 and command[1].endswith(b"/train.py")
            if trains and os.getpgid(int(entry.name)) == group:
                found.append(int(entry.name))
    return found


def test_records_and_data_that_change_are_refused_and_made_again(project, undisturbed) -> None:
    """One record cut, one edited by hand, one deleted; then the prepared data damaged."""
    expected = undisturbed
    trains_to(project, expected, "all")
    train = project / "results/own/train/table"
    cut, edited, gone = (train / f"{scale}/1.0.json" for scale in ("w2", "w12", "w4"))
    kept = {train / f"{scale}/1.0.json": 0 for scale in ("w6", "w8")}
    kept = {path: path.stat().st_mtime_ns for path in kept}
    cut.write_text(cut.read_text()[:500])
    record = json.loads(edited.read_text())
    record["seeds"][1]["test"]["error"] = 0.001
    edited.write_text(json.dumps(record))
    status, said = ended(start(project, "all"))
    assert status != 0
    assert str(cut.relative_to(project)) in last_line(said) and "and 1 more" in last_line(said)
    assert "w12/1.0.json)" in last_line(said)
    log = (project / "results/own/logs/aggregate/table.log").read_text()
    assert "w12/1.0.json: was changed after it was written; set aside" in log
    gone.unlink()
    trains_to(project, expected, "all")
    assert cut.exists() and edited.exists() and gone.exists()
    assert kept == {path: path.stat().st_mtime_ns for path in kept}

    data = project / "results/own/data/table.safetensors"
    content, stamp = bytearray(data.read_bytes()), data.stat()
    content[-100] ^= 1
    data.write_bytes(content)
    os.utime(data, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as a failing disk does it
    gone.unlink()
    status, said = ended(start(project, "all"))
    assert status != 0 and "was changed after the data were prepared" in last_line(said)
    data.unlink()
    trains_to(project, expected, "all")


def test_two_workflows_in_one_folder(project, undisturbed) -> None:
    """Snakemake refuses the second; told not to, neither harms the other."""
    first = start(project)
    wait_for_checkpoint(project, first)
    # Held, so that it cannot be done before the second looks.
    os.killpg(first.pid, signal.SIGSTOP)
    status, said = ended(start(project))
    os.killpg(first.pid, signal.SIGCONT)
    assert status != 0 and "cannot be locked" in said and "--unlock" in said
    second = start(project, "--nolock", TARGET)
    ends = [ended(first), ended(second)]
    assert any(status == 0 for status, _ in ends)
    trains_to(project, undisturbed)


def test_a_study_that_diverges_says_so_and_shows_no_number(root, tmp_path) -> None:
    folder = mini(copy_project(root, tmp_path / "p"), learning_rates=[1.0e6], epochs=3)
    status, said = ended(start(folder, "all"))
    assert status == 0 and "Traceback" not in said
    summary = (folder / "results/own/summary.txt").read_text()
    assert summary in said and "10 of 10 runs diverged: w2 (fraction 1.0)" in summary
    assert "N*        none" in summary and "saving    none" in summary
    rows = lasting(folder)
    assert {row["status"] for row in rows} == {"diverged"}
    for row in rows:
        assert row["test_error"] == row["test_loss"] == row["validation_loss"] == ""
    with open(folder / "results/own/summary.csv", newline="") as stream:
        (row,) = csv.DictReader(stream)
    for column in ("n_star", "n_star_lower", "predicted", "withheld_mae_law", "saving_net_flops"):
        assert row[column] == ""


@pytest.fixture(scope="module")
def decided(root: Path, tmp_path_factory) -> Path:
    """A study that is done but for its verification."""
    folder = mini(copy_project(root, tmp_path_factory.mktemp("decided") / "project"))
    status, said = ended(start(folder, "results/own/summary.txt"))
    assert status == 0, said
    return folder


@pytest.fixture(scope="module")
def verified(decided: Path, tmp_path_factory) -> dict[str, object]:
    folder = Path(shutil.copytree(decided, tmp_path_factory.mktemp("verified") / "project"))
    status, said = ended(start(folder, "verify"))
    assert status == 0, said
    return found_by_verify(folder)


def found_by_verify(folder: Path) -> dict[str, object]:
    """Predicted and measured of each model, without what time measures."""
    report = json.loads((folder / "results/own/verify/table.json").read_text())
    kept = ("role", "size", "predicted", "measured", "values", "inside", "reached")
    return {run["scale"]: {key: run[key] for key in kept} for run in report["runs"]}


# What each stage of a verification leaves, in their order.
STAGES = (
    "verify/table/*.promise.json",
    "checkpoints/*/state.pt",
    "verify/table/*-????????????????.json",
    "verify/table.json",
    "verify.csv",
)


def test_a_verification_is_killed_at_every_stage(decided, verified, tmp_path) -> None:
    """As by a power cut, as soon as what the stage leaves is there: the promise is the one that was
    made first, nothing that was trained is trained again, and the end is the undisturbed one."""
    folder = Path(shutil.copytree(decided, tmp_path / "project"))
    results = folder / "results/own"
    before: dict[Path, bytes] = {}
    for stage in STAGES:
        process = start(folder, "verify")
        wait_for(results, process, stage)
        os.killpg(process.pid, signal.SIGKILL)
        ended(process)
        assert {path: path.read_bytes() for path in before} == before, stage
        before = {path: path.read_bytes() for path in results.glob("verify/table/*.json")}
        assert before
        assert ended(start(folder, "--unlock"))[0] == 0
    status, said = ended(start(folder, "verify"))
    assert status == 0, said
    assert found_by_verify(folder) == verified
    assert {path: path.read_bytes() for path in before} == before
    assert not list(results.glob("checkpoints/*"))
