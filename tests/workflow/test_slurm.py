"""The workflow on a real SLURM: the local run's results, and none lost to what a cluster does.

Skipped where there is no `sbatch` or no controller that answers. What takes minutes of waiting (a
time limit, a dead node) is begun first and looked at last.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import SHARED
from study_made import copy_project, own_study, write_study

ENV = {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE", "SLURM"))}
# Of observations.csv, what may differ between two runs of one study on the same kind of device.
MAY_DIFFER = (
    "job_seconds",
    "joules",
    "energy_how",
    "watts",
    "watts_how",
    "device",
    "peak_memory_bytes",
)
CELL = "results/own/train/table/w4/1.0.json"
TRAIN_LOG = "results/own/logs/train/table/w4/1.0.log"
SLURM_UP = SHARED / "tools" / "slurm-up"
STATE = Path("/var/lib/slurm-up")
KILLABLE = STATE.is_dir() and SLURM_UP.exists()  # nodes that are ours to kill
TABLE = "results/own/observations.csv"
# A user's own model that naps at every forward pass for as long as a file says, so that a training
# lasts until a test has done to it what it means to, at no cost of CPU.
SLOW = """
import time
from pathlib import Path

import torch


class Slow(torch.nn.Module):
    def __init__(self, data, width):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(data.shape[0], width), torch.nn.ReLU(),
            torch.nn.Linear(width, data.classes),
        )

    def forward(self, x):
        time.sleep(float(Path("nap").read_text()))
        return self.layers(x)


def net(data, width):
    return Slow(data, width)
"""


def ask(*command: str) -> str:
    """What a SLURM command prints."""
    return subprocess.run(
        command, env=ENV, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def until(seconds: float, what: str, happens: Callable[[], object]) -> object:
    """Wait for `happens()` and return it; fails, saying `what` did not happen, after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := happens()):
        if time.monotonic() > end:
            pytest.fail(f"after {seconds:.0f} s still not: {what}\n{ask('squeue')}")
        time.sleep(0.3)
    return found


@pytest.fixture(scope="session")
def partition() -> str:
    """The cluster's default partition; the test is skipped where no SLURM answers."""
    if shutil.which("sbatch") is None:
        pytest.skip("no sbatch on this machine: the SLURM tests need a cluster")
    try:
        listed = ask("sinfo", "--noheader", "--format=%P").split()
    except (subprocess.SubprocessError, OSError):
        pytest.skip("sbatch is here, but no SLURM controller answers")
    return next((name for name in listed if name.endswith("*")), listed[0]).rstrip("*")


def edit_profile(folder: Path, partition: str) -> None:
    """The profile as one would edit it for a small cluster without an accounting database."""
    path = folder / "profiles" / "slurm" / "config.yaml"
    profile = yaml.safe_load(path.read_text())
    profile["slurm-status-command"] = "squeue"
    profile["slurm-init-seconds-before-status-checks"] = 2
    profile["max-jobs-per-timespan"] = "20/1s"
    profile["latency-wait"] = 10
    own = {"slurm_partition": f"'{partition}'", "mem_mb": "attempt * 700", "runtime": 10}
    profile["default-resources"] |= own
    gpu = "gpu" in ask("sinfo", "--noheader", "--format=%G")
    for rule in profile["set-resources"].values():
        rule |= own | {"gpu": int(gpu), "cpus_per_gpu": 1}
    path.write_text(yaml.safe_dump(profile))


def project(root: Path, folder: Path, partition: str) -> Path:
    """A copy of the project with the small study and a profile for this cluster."""
    copy_project(root, folder)
    study = own_study(folder / "data")
    for task in study["domains"].values():  # the fewest sizes that a law takes: 12 trainings
        task |= {"withhold": 0, "fractions": ["1.0"]}
        task["ladder"].popitem()
    write_study(folder, study)
    if partition:  # else it is to run here
        edit_profile(folder, partition)
    return folder


def slow_project(root: Path, folder: Path, partition: str, nap: float) -> Path:
    """A project whose one training job of interest, CELL, lasts until `nap` says 0."""
    project(root, folder, partition)
    study = yaml.safe_load((folder / "config" / "config.yaml").read_text())
    table = study["domains"]["table"]
    table |= {"family": "slow:net", "ladder": {f"w{w}": {"width": w} for w in (2, 4, 6, 8)}}
    table["training"] |= {"epochs": 60, "learning_rates": [1.0e-2]}
    study["domains"] = {"table": table}
    write_study(folder, study)
    (folder / "slow.py").write_text(SLOW)
    (folder / "nap").write_text(str(nap))
    return folder


def begin(folder: Path, *options: str) -> subprocess.Popen:
    """Start Snakemake in `folder`; what it prints is added to `folder/printed`."""
    with open(folder / "printed", "a") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *options],
            cwd=folder, env=ENV, stdout=stream, stderr=stream,
        )  # fmt: skip


def printed(folder: Path) -> str:
    return (folder / "printed").read_text()


def on_slurm(folder: Path, target: str, *options: str) -> subprocess.Popen:
    return begin(folder, "--profile", "profiles/slurm", *options, "--", target)


def end(run: subprocess.Popen) -> None:
    """Interrupt Snakemake, if it still runs, so that it cancels its jobs."""
    if run.poll() is None:
        run.send_signal(signal.SIGINT)
        run.wait(timeout=90)


def finish(folder: Path, run: subprocess.Popen, seconds: float) -> None:
    """Wait for Snakemake, which has to end well."""
    try:
        assert run.wait(timeout=seconds) == 0, printed(folder)[-5000:]
    finally:
        end(run)


def submitted(folder: Path) -> list[str]:
    """SLURM ids of the training jobs that were submitted in this folder, in order."""
    return re.findall(r"SLURM jobid (\d+) \(log: .*rule_train", printed(folder))


def told(folder: Path) -> str:
    """The log of CELL's training, which Snakemake removes as it submits the job anew."""
    log = folder / TRAIN_LOG
    return log.read_text() if log.exists() else ""


def state(job: str) -> str:
    return ask("squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={job}").strip()


def trains(folder: Path) -> bool:
    """Whether the training has begun and not ended: its checkpoint folder is held."""
    return any(folder.glob("results/own/checkpoints/*/lock"))


def result(folder: Path) -> dict:
    """What a training found: its record without times, energy and what it ran on, asked or done."""
    record = json.loads((folder / CELL).read_text())
    measured = ("time", "energy", "device", "peak_memory_bytes", "versions")
    for key in (*measured, "content_sha256"):
        record.pop(key)
    # A cluster's `auto` stays `auto`: the node that trains decides. Here it is the CPU by name.
    record["spec"].pop("device")
    return record


def processes_of(job: str) -> list[int]:
    """Everything that runs of a SLURM job on this machine, SLURM's own step daemons first."""
    daemons, others = [], []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"slurmstepd: [{job}.".encode() in (process / "cmdline").read_bytes():
                daemons.append(int(process.name))
            elif f"SLURM_JOB_ID={job}".encode() in (process / "environ").read_bytes().split(b"\0"):
                others.append(int(process.name))
        except OSError:  # it has ended, or is not ours
            continue
    return daemons + others


@dataclass
class Started:
    """What runs side by side, because it mostly waits: (folder, Snakemake's process)."""

    timed: tuple[Path, subprocess.Popen]
    small: tuple[Path, subprocess.Popen]
    lost: tuple[Path, subprocess.Popen] | None = None


def kill_node_of(job: str) -> str:
    """SIGKILL the daemon of the node where `job` runs, and all of the job; the node's name."""
    node = ask("squeue", "--noheader", "--format=%N", f"--jobs={job}").strip()
    os.kill(int((STATE / f"slurmd-{node}.pid").read_text()), signal.SIGKILL)
    for process in processes_of(job):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return node


def wake_after_the_limit(folder: Path) -> None:
    """Let the training go at full speed once its first job has run out of time."""
    job, *_ = until(90, "the job is submitted", lambda: submitted(folder))
    until(300, "the time limit has ended the job", lambda: state(job) == "TIMEOUT")
    (folder / "nap").write_text("0")


@pytest.fixture(scope="module")
def started(
    root: Path, partition: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    """A training whose first submission may take a minute and needs ten; one whose node dies at a
    random moment; and the small study, on the other nodes."""
    folder = slow_project(root, tmp_path_factory.mktemp("timed") / "project", partition, nap=0.5)
    profile = yaml.safe_load((folder / "profiles/slurm/config.yaml").read_text())
    profile["set-resources"]["train"]["runtime"] = "1 if attempt == 1 else 10"
    (folder / "profiles/slurm/config.yaml").write_text(yaml.safe_dump(profile))
    runs = [(folder, on_slurm(folder, CELL))]
    threading.Thread(target=wake_after_the_limit, args=(folder,), daemon=True).start()
    options = []
    try:
        if KILLABLE:
            folder = tmp_path_factory.mktemp("lost") / "project"
            slow_project(root, folder, partition, nap=0.5)
            runs.append((folder, on_slurm(folder, CELL)))
            until(90, "the training has begun", lambda: trains(folder))
            time.sleep(random.uniform(0, 3))
            (job,) = submitted(folder)
            options = ["--slurm-exclude-failed-nodes", kill_node_of(job)]
            (folder / "nap").write_text("0")
        folder = project(root, tmp_path_factory.mktemp("small") / "project", partition)
        runs.insert(1, (folder, on_slurm(folder, TABLE, *options)))
        yield Started(*runs)
    finally:
        for _, run in runs:
            end(run)
        if KILLABLE:  # starts the dead node anew
            subprocess.run([SLURM_UP], check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="module")
def undisturbed(root: Path, started: Started, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What CELL's training finds on this machine when nobody disturbs it."""
    folder = slow_project(root, tmp_path_factory.mktemp("quiet") / "project", "", nap=0)
    finish(folder, begin(folder, "--cores", "1", "--", CELL), 120)
    return result(folder)


def test_the_small_study_through_slurm_equals_the_local_one(
    root: Path, tmp_path: Path, started: Started
) -> None:
    local = project(root, tmp_path / "local", "")
    finish(local, begin(local, "--cores", "2", "--", TABLE), 300)
    folder, run = started.small
    finish(folder, run, 300)
    assert len(submitted(folder)) == 12, "one job is one training"
    log = (folder / TRAIN_LOG).read_text()
    assert re.search(r"SLURM job \d+ gives GPU .*; no lease", log)
    tables = []
    for each in (local, folder):
        with open(each / TABLE, newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == 2 * 12 and set(MAY_DIFFER) < set(rows[0])
        tables.append([{k: v for k, v in row.items() if k not in MAY_DIFFER} for row in rows])
    assert tables[0] == tables[1]


def test_a_killed_workflow_run_again_has_one_writer_and_the_same_result(
    root: Path, tmp_path: Path, partition: str, undisturbed: dict
) -> None:
    folder = slow_project(root, tmp_path / "project", partition, nap=0.5)
    first = on_slurm(folder, CELL)
    until(90, "the training has begun", lambda: trains(folder))
    time.sleep(random.uniform(0, 3))
    first.kill()
    first.wait()
    (orphan,) = submitted(folder)
    assert state(orphan) == "RUNNING"
    assert begin(folder, "--unlock", "--cores", "1").wait(timeout=60) == 0
    second = on_slurm(folder, CELL)
    try:
        # The new job finds the old one at work and waits for it, rather than write beside it.
        until(120, "the second job waits", lambda: "waits: another process" in told(folder))
        assert state(orphan) == "RUNNING" and state(submitted(folder)[1]) == "RUNNING"
    finally:
        (folder / "nap").write_text("0")
        finish(folder, second, 180)
    assert state(orphan) == "COMPLETED"
    assert "its record is kept" in told(folder)
    assert result(folder) == undisturbed
    assert not trains(folder)


def test_a_study_by_rounds_submits_two_rounds(root: Path, tmp_path: Path, partition: str) -> None:
    folder = project(root, tmp_path / "project", partition)
    study = yaml.safe_load((folder / "config" / "config.yaml").read_text())
    study["domains"] = {"table": study["domains"]["table"]}
    study["study"] = {"start": 3, "until": {"interval": 1.2}, "budget": {"naive": 1}, "rounds": 2}
    write_study(folder, study)
    finish(folder, on_slurm(folder, "all"), 600)
    log = json.loads((folder / "results/own/rounds.json").read_text())
    runs = log["domains"]["table"]["runs"]
    assert runs and {run["round"] for run in runs} == {2} and log["finished"]
    assert len(submitted(folder)) == 3 + len(runs), "one job is one training, and each trains once"
    assert "table: after 2 rounds" in printed(folder)
    assert (folder / "results/own/study.html").exists()


def test_a_dead_node_costs_no_result(started: Started, undisturbed: dict) -> None:
    if started.lost is None:
        pytest.skip("only nodes that slurm-up started may be killed")
    folder, run = started.lost
    finish(folder, run, 240)
    assert result(folder) == undisturbed
    # SLURM put it back into the queue under its number; nothing was submitted beside it.
    (job,) = submitted(folder)
    restarts = re.search(r"Restarts=(\d+)", ask("scontrol", "show", "job", job))
    assert restarts and int(restarts[1]) >= 1


def test_a_time_limit_ends_in_another_attempt_and_the_same_result(
    started: Started, undisturbed: dict
) -> None:
    folder, run = started.timed
    finish(folder, run, 300)
    first, second = submitted(folder)
    assert f"SLURM-job '{first}' failed, SLURM status is: 'TIMEOUT'" in printed(folder)
    assert [state(first), state(second)] == ["TIMEOUT", "COMPLETED"]
    assert result(folder) == undisturbed


def test_a_profile_is_edited_in_places_that_exist(root: Path) -> None:
    """The keys that docs/cluster.md tells to edit are in the profile, and `never`s are not."""
    text = (root / "profiles" / "slurm" / "config.yaml").read_text()
    profile = yaml.safe_load(text)
    assert profile["executor"] == "slurm" and profile["retries"] >= 1
    assert set(profile["set-resources"]) == {
        "train",
        "pace_domain",
        "serving_domain",
        "verify_domain",
    }
    for rule in profile["set-resources"].values():
        assert rule["gpu"] == 1 and rule["cpus_per_gpu"] >= 1 and "tasks" not in rule
    assert "slurm-array-jobs" not in text
    # Used as the workflow profile it replaces profiles/default: all of that is in it, but for what
    # that works out for the command at hand, and how a report looks.
    default = yaml.safe_load((root / "profiles" / "default" / "config.yaml").read_text())
    looks = default.pop("report-stylesheet")
    fixed = {key: value for key, value in default.items() if key[0] not in "_?"}
    assert looks and fixed and fixed.items() <= profile.items()
