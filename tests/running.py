"""Snakemake as a user runs it on a small study: run it, see what is stale, edit the study."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from alphascale.running.program import Told, shared
from alphascale.slices import canonical
from study_made import write_study

ENV = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}


def job_of(spec: object, input: dict, output: dict, code: str = "code", **wildcards: str) -> str:
    """The one argument that a rule gives its program; input, output: paths by name, or lists."""

    def plain(files: dict) -> dict:
        return {
            name: [str(each) for each in path] if isinstance(path, list) else str(path)
            for name, path in files.items()
        }

    return str(Told(shared(canonical(spec), code, **wildcards), "{}", plain(input), plain(output)))


def snakemake(folder: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *options],
        cwd=folder, env=ENV, capture_output=True, text=True, timeout=1200,
    )  # fmt: skip


def stale(folder: Path, *options: str) -> set[str]:
    """The messages of the jobs a dry run would start (the target rule has none)."""
    done = snakemake(folder, "-n", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^Job \d+: (.+)$", done.stdout, re.M))


@contextmanager
def edited(folder: Path, edit) -> Iterator[None]:
    """The study after `edit(study)`, put back at the end."""
    path = folder / "config" / "config.yaml"
    before = path.read_text()
    study = own_study_of(folder)
    edit(study)
    write_study(folder, study)
    try:
        yield
    finally:
        path.write_text(before)


def own_study_of(folder: Path) -> dict:
    return copy.deepcopy(yaml.safe_load((folder / "config" / "config.yaml").read_text()))


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A real file system of `size`; the test is skipped where one may not be mounted."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no space at all."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            return path
