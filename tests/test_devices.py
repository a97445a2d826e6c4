"""GPU leases and checkpoint folders: real processes that must never share one."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alphascale import devices
from alphascale.errors import UserError

JOB = """
import os, sys, time
from alphascale.devices import lease
with lease("auto", lambda text: None):
    start = time.monotonic()
    time.sleep(0.25)
    print(os.environ["CUDA_VISIBLE_DEVICES"], start, time.monotonic())
"""
HOLD = """
import sys, time
from pathlib import Path
from alphascale.training.checkpoints import hold
folder, log = Path(sys.argv[1]), Path(sys.argv[2])
with hold(folder, lambda text: print(text, flush=True)) as waited:
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
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_eight_jobs_on_four_devices_never_share_one(root: Path, tmp_path: Path) -> None:
    env = {"CUDA_VISIBLE_DEVICES": "0,1,2,3", "TMPDIR": str(tmp_path)}
    jobs = [start(root, JOB, **env) for _ in range(8)]
    held: dict[str, list[tuple[float, float]]] = {}
    for job in jobs:
        device, begin, end = job.communicate(timeout=60)[0].split()
        held.setdefault(device, []).append((float(begin), float(end)))
    assert set(held) <= {"0", "1", "2", "3"} and sum(map(len, held.values())) == 8
    for spans in held.values():
        spans.sort()
        for (_, end), (begin, _) in itertools.pairwise(spans):
            assert begin >= end


def test_a_killed_job_frees_its_device(root: Path, tmp_path: Path) -> None:
    env = {"CUDA_VISIBLE_DEVICES": "5", "TMPDIR": str(tmp_path)}
    first = start(root, JOB.replace("0.25", "60"), **env)
    while not list(tmp_path.rglob("gpu-5.lock")):
        time.sleep(0.02)
    first.kill()
    first.wait()
    second = start(root, JOB, **env)
    assert second.communicate(timeout=30)[0].split()[0] == "5"


def test_under_slurm_the_lease_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    devices.visible_devices.cache_clear()
    try:
        with devices.lease("auto", print):
            assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
        assert not list(tmp_path.rglob("*.lock"))
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
