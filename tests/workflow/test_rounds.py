"""A study by rounds as a user runs it: one command, from the smallest sizes to an answer."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alphascale.records.rounds import RoundRecord, RoundsLog
from alphascale.records.typed import read
from running import ENV, edited, snakemake, stale
from study_made import copy_project, own_study, write_study

pytestmark = pytest.mark.slow

LADDER = ("w2", "w4", "w6", "w8", "w12")


def by_rounds(root: Path, folder: Path) -> Path:
    """A project whose study is one table, by rounds."""
    copy_project(root, folder)
    study = own_study(folder / "data")
    study["domains"] = {"table": study["domains"]["table"]}
    # As rounds take their rates by themselves, said: the whole ladder then takes them alike.
    study["domains"]["table"]["training"]["rates"] = "law"
    study["study"] = {"until": {"interval": 1.2}, "budget": {"naive": 0.6}, "rounds": 2}
    study["device"] = "cpu"
    write_study(folder, study)
    return folder


@pytest.fixture(scope="module")
def through(root: Path, tmp_path_factory: pytest.TempPathFactory):
    """The project, and what its one command said."""
    folder = by_rounds(root, tmp_path_factory.mktemp("rounds") / "project")
    before = stale(folder)
    assert {each for each in before if each.startswith("train ")} == {
        f"train table {scale} on {fraction} of the data"
        for scale in LADDER[:4]
        for fraction in ("0.5", "1.0")
    }
    assert "plan the next round" in before and not any("plot" in each for each in before)
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder, done.stdout


def rounds_of(folder: Path) -> RoundsLog:
    return read(folder / "results/own/rounds.json", RoundsLog)


def test_one_command_goes_on_by_rounds_to_the_summary(through) -> None:
    folder, said = through
    found, log = read(folder / "results/own/round.json", RoundRecord), rounds_of(folder)
    (domain,) = found.domains
    runs = log.domains["table"].runs
    assert runs and domain.number == max(run.round for run in runs) == 2
    assert log.finished == found.asked and not domain.runs
    for number in range(1, domain.number + 1):
        assert f"table: after {number} round" in said
    assert said.index("table: after 2 rounds") < said.index("table: target accuracy")
    assert (folder / "results/own/study.html").exists()
    # Every run of a round was trained, with its seeds, and stands in the observations.
    table = (folder / "results/own/observations/table.csv").read_text()
    for run in runs:
        record = folder / f"results/own/train/table/{run.scale}/{run.fraction}.json"
        assert json.loads(record.read_text())["spec"]["seeds"] == run.seeds
        assert re.search(rf"^table,{run.scale},", table, re.M)
    assert domain.spent.flops <= 0.6 * domain.naive.flops


def test_nothing_is_to_be_done_after_it_and_another_target_trains_nothing_again(through) -> None:
    folder, _ = through
    assert stale(folder) == set()

    def nearer(study: dict) -> None:
        study["domains"]["table"]["target"] = {"accuracy": 0.7}

    def wider(study: dict) -> None:
        study["study"]["until"]["interval"] = 50.0

    for edit in (nearer, wider):
        with edited(folder, edit):
            found = stale(folder)
            assert "plan the next round" in found
            assert not any(each.startswith(("train", "prepare")) for each in found)


def test_the_whole_ladder_at_once_keeps_what_rounds_have_trained(through) -> None:
    folder, _ = through
    with edited(folder, lambda study: study.pop("study")):
        found = {each for each in stale(folder) if each.startswith("train")}
    assert found == {f"train table w12 on {fraction} of the data" for fraction in ("0.5", "1.0")}


def start(folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2"],
        cwd=folder, env=ENV | {"ALPHASCALE_CHECKPOINT_SECONDS": "0.1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def test_killed_in_any_round_it_goes_on_where_it_was(root: Path, tmp_path: Path, through) -> None:
    """After the first round was planned, before it is adopted; and while the second trains."""
    folder = by_rounds(root, tmp_path / "project")
    for sign in ("round.json", "train/table/p*/*.json"):
        process = start(folder)
        while not list((folder / "results/own").glob(sign)):
            assert process.poll() is None
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert snakemake(folder, "--unlock").returncode == 0
        trained = folder.glob("results/own/train/*/w*/*.json")
        kept = {path: path.stat().st_mtime_ns for path in trained}
        assert kept
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for path, when in kept.items():
        assert path.stat().st_mtime_ns == when, f"{path} was trained again"
    undisturbed = rounds_of(through[0])
    assert rounds_of(folder).domains == undisturbed.domains


def test_forced_jobs_are_forced_once(through, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(through[0], tmp_path / "project"))
    (folder / "results/own/rounds.json").unlink()
    done = snakemake(folder, "-R", "round")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert rounds_of(folder).domains == rounds_of(through[0]).domains
