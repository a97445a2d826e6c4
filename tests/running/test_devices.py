"""GPU leases and checkpoint folders: real processes that must never share one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alphascale.errors import UserError
from alphascale.running import devices
from study_made import copy_project, own_study, write_study

JOB = """
import os, sys, time
from alphascale.running.devices import lease
with lease("auto", lambda text: None):
    start = time.monotonic()
    time.sleep(0.25)
    print(os.environ["CUDA_VISIBLE_DEVICES"], start, time.monotonic())
"""
HOLD = """
import sys, time
from pathlib import Path
from alphascale.training.checkpoints import exclusive
folder, log = Path(sys.argv[1]), Path(sys.argv[2])
with exclusive(folder, lambda text: print(text, flush=True)) as waited:
    with open(log, "a") as stream:
        stream.write(f"{time.monotonic()} in {waited}\\n")
    time.sleep(0.5)
    with open(log, "a") as stream:
        stream.write(f"{time.monotonic()} out\\n")
"""


def start(root: Path, code: str, *args: str, **env: str) -> subprocess.Popen:
    scripts = str(root / "workflow" / "scripts")
    return subprocess.Popen(
        [sys.executable, "-c", code, *args],
        env=os.environ | {"PYTHONPATH": scripts} | env,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def logged(folder: Path) -> list[tuple[str, str, float, float]]:
    """(device, place, start, end) of every lease in the log below `folder`; all have ended."""
    (log,) = folder.glob("alphascale-leases-*/leases.csv")
    begun: dict[str, tuple[str, str, float]] = {}
    spans = []
    for line in log.read_text().splitlines():
        seconds, event, device, place, process = line.split(",")
        if event == "start":
            begun[process] = (device, place, float(seconds))
        else:
            assert begun[process][:2] == (device, place)
            spans.append((*begun.pop(process), float(seconds)))
    assert not begun
    return spans


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """The most spans that overlap at any moment."""
    return max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)


@pytest.mark.parametrize("share", [1, 2])
def test_eight_jobs_on_four_devices(root: Path, tmp_path: Path, share: int) -> None:
    env = {"CUDA_VISIBLE_DEVICES": "0,1,2,3", "TMPDIR": str(tmp_path)}
    code = JOB.replace("None)", f"None, {share})")
    jobs = [start(root, code, **env) for _ in range(8)]
    seen: dict[str, list[tuple[float, float]]] = {}
    for job in jobs:
        device, begin, end = job.communicate(timeout=60)[0].split()
        seen.setdefault(device, []).append((float(begin), float(end)))
    assert set(seen) <= {"0", "1", "2", "3"} and sum(map(len, seen.values())) == 8
    # What the jobs saw and what the log says agree: never more on a device than may share it.
    leases = logged(tmp_path)
    assert sorted(device for device, *_ in leases) == sorted(
        device for device, spans in seen.items() for _ in spans
    )
    for device, spans in seen.items():
        assert most_at_once(spans) <= share
        held = [(begin, end) for name, _, begin, end in leases if name == device]
        assert most_at_once(held) <= share
    for device, place in {lease[:2] for lease in leases}:
        held = [(begin, end) for *name, begin, end in leases if name == [device, place]]
        assert most_at_once(held) == 1


def test_sharing_fills_all_devices_before_any_is_shared(root: Path, tmp_path: Path) -> None:
    env = {"CUDA_VISIBLE_DEVICES": "0,1", "TMPDIR": str(tmp_path)}
    code = JOB.replace("None)", "None, 2)").replace("0.25", "2")
    jobs = [start(root, code, **env) for _ in range(2)]
    assert {job.communicate(timeout=60)[0].split()[0] for job in jobs} == {"0", "1"}


def test_a_study_on_fake_devices_leases_them_and_trains(root: Path, tmp_path: Path) -> None:
    """Through Snakemake: torch finds no GPU behind the names, so `auto` computes on the CPU."""
    folder = copy_project(root, tmp_path / "project")
    study = own_study(folder / "data")
    table = study["domains"]["table"] | {"fractions": ["1.0"], "seeds": [0]}
    study |= {"domains": {"table": table}, "jobs_per_gpu": 2}
    write_study(folder, study)
    cells = [f"results/own/train/table/w{w}/1.0.json" for w in (2, 4, 8)]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE", "SLURM"))}
    env |= {"CUDA_VISIBLE_DEVICES": "0", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "4", "--", *cells],
        cwd=folder, env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    # The default cap, one device times two jobs, lets no job start that would have to wait.
    assert "waits for a free GPU" not in done.stderr
    # A line after every job says where the run stands, and after a training how long still.
    lines = re.findall(
        r"^done: (?:prepare|train) .*; (\d) of 4 jobs(?:, (\d) running)?(.*)$", done.stderr, re.M
    )
    assert [int(line[0]) for line in lines] == [1, 2, 3, 4] and int(lines[1][1] or 0) >= 1
    told = ["trainings to finish" in left for *_, left in lines]
    assert told == [False, True, True, False]
    leases = logged(tmp_path)
    assert [device for device, *_ in leases] == ["0"] * 3
    assert most_at_once([(begin, end) for *_, begin, end in leases]) <= 2
    for cell in cells:
        assert json.loads((folder / cell).read_text())["device"]["type"] == "cpu"
    log = (folder / "results/own/logs/train/table/w2/1.0.log").read_text()
    assert "uses GPU 0, place" in log and "leases.csv" in log


def test_a_killed_job_frees_its_device(root: Path, tmp_path: Path) -> None:
    env = {"CUDA_VISIBLE_DEVICES": "5", "TMPDIR": str(tmp_path)}
    first = start(root, JOB.replace("0.25", "60"), **env)
    while not list(tmp_path.rglob("gpu-5.lock")):
        time.sleep(0.02)
    first.kill()
    first.wait()
    second = start(root, JOB, **env)
    assert second.communicate(timeout=30)[0].split()[0] == "5"


SHARERS = """
import sys
from alphascale.running.devices import lease, sharers
print(sharers(), flush=True)
with lease("auto", lambda text: None, 3):
    for line in sys.stdin:
        print(sharers(), flush=True)
print(sharers(), flush=True)
"""


def test_a_job_knows_how_many_hold_its_device(root: Path, tmp_path: Path) -> None:
    """Another comes, a third one too, is killed, and the second ends."""
    env = {"CUDA_VISIBLE_DEVICES": "3", "TMPDIR": str(tmp_path)}

    def begun() -> subprocess.Popen:
        job = start(root, SHARERS, **env)
        assert job.stdout.readline() == "1\n"
        asked(job)
        return job

    def asked(job: subprocess.Popen) -> int:
        job.stdin.write("\n")
        job.stdin.flush()
        return int(job.stdout.readline())

    first = begun()
    assert asked(first) == 1
    second = begun()
    assert asked(first) == asked(second) == 2
    third = begun()
    assert [asked(each) for each in (first, second, third)] == [3, 3, 3]
    third.kill()
    third.communicate(timeout=30)
    assert asked(first) == asked(second) == 2
    assert second.communicate(timeout=30)[0] == "1\n"
    assert asked(first) == 1
    assert first.communicate(timeout=30)[0] == "1\n"


def test_under_slurm_the_lease_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    devices.visible_devices.cache_clear()
    try:
        with devices.lease("auto", print):
            assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
        assert not list(tmp_path.rglob("*.lock")) and not list(tmp_path.rglob("*.csv"))
    finally:
        devices.visible_devices.cache_clear()


def test_cuda_without_a_device_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    devices.visible_devices.cache_clear()
    try:
        with pytest.raises(UserError, match="no GPU"), devices.lease("cuda", print):
            raise AssertionError("leased a device that is not there")
        assert devices.gpus_per_job("auto", local=True) == 0
        assert devices.gpus_per_job("auto", local=False) == 1
        assert devices.gpus_per_job("cpu", local=False) == 0
    finally:
        devices.visible_devices.cache_clear()


def test_two_writers_of_one_job_take_turns(root: Path, tmp_path: Path) -> None:
    folder, log = tmp_path / "job", tmp_path / "log"
    jobs = [start(root, HOLD, str(folder), str(log)) for _ in range(3)]
    assert [job.wait(timeout=60) for job in jobs] == [0, 0, 0]
    lines = [line.split()[1:] for line in sorted(log.read_text().splitlines())]
    assert [line[0] for line in lines] == ["in", "out"] * 3
    assert not folder.exists()
