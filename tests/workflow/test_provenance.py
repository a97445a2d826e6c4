"""The code digest changes when behaviour may, and only then; records are whole or refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alphascale import provenance
from alphascale.errors import UserError
from alphascale.records import files as results
from alphascale.records.training import read_record
from alphascale.records.typed import as_json, digest_of
from records_made import training_record

PROGRAMS = [
    f"{name}.py"
    for name in ("prepare", "train", "aggregate", "fit", "bootstrap", "optimize", "plot")
]


@pytest.fixture
def scripts(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the scripts that a test may edit, and provenance looking at it."""
    copy = tmp_path / "scripts"
    shutil.copytree(
        root / "workflow" / "scripts", copy, ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(provenance, "SCRIPTS", copy)
    return copy


def digests() -> dict[str, str]:
    for cached in (
        provenance.code_digest,
        provenance._parse,
        provenance._imports,
    ):
        cached.cache_clear()
    return {program: provenance.code_digest(program) for program in PROGRAMS}


def stale_after(path: Path, edit) -> set[str]:
    before = digests()
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    after = digests()
    return {program for program in PROGRAMS if before[program] != after[program]}


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "# a comment\n" + text,
        lambda text: text + "\n\n# another\n",
        lambda text: text.replace('"""', '"""Told otherwise. ', 1),
        lambda text: text,
    ],
    ids=["comment", "comment-at-end", "docstring", "touch"],
)
def test_comments_docstrings_and_touches_change_nothing(scripts: Path, edit) -> None:
    assert stale_after(scripts / "alphascale" / "training" / "job.py", edit) == set()


def add_constant(text: str) -> str:
    return text + "\nANOTHER = 1\n"


@pytest.mark.parametrize(
    ("module", "stale"),
    [
        ("training/job.py", {"train.py"}),
        ("networks/__init__.py", {"train.py", "optimize.py"}),
        ("laws/fitting.py", {"fit.py", "bootstrap.py", "optimize.py", "plot.py"}),
        ("deciding/decision.py", {"optimize.py"}),
        ("plots/__init__.py", {"plot.py"}),
        ("records/data.py", {"prepare.py", "train.py", "optimize.py"}),
        ("config/study.py", set()),
        # A warning reworded, or another threshold, trains nothing anew.
        ("auditing/curves.py", {"aggregate.py"}),
        ("auditing/job_warnings.py", {"aggregate.py"}),
    ],
)
def test_an_edit_makes_stale_what_imports_it(scripts: Path, module: str, stale: set[str]) -> None:
    assert stale_after(scripts / "alphascale" / module, add_constant) == stale


def test_imports_inside_functions_count(root: Path) -> None:
    closure = provenance.import_closure(root / "workflow" / "scripts" / "train.py")
    names = {path.relative_to(root / "workflow" / "scripts").as_posix() for path in closure}
    assert "alphascale/training/job.py" in names  # train.py imports it inside main
    assert "alphascale/config.py" not in names  # or a new key would re-train everything


def test_record_of_another_spec_code_or_schema_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = training_record("w8", [])
    good, spec = as_json(record), digest_of(record.spec)
    results.write_sealed(path, good)
    assert read_record(path, spec, "code") == record
    for change, words in (
        ({"spec": {**good["spec"], "scale": "w9"}}, "another configuration"),
        ({"code": "coda"}, "other code"),
        ({"schema": 0}, "not a record of schema"),
    ):
        results.write_sealed(path, good | change)
        with pytest.raises(UserError, match=words) as fault:
            read_record(path, spec, "code")
        assert str(path) in str(fault.value)
    path.write_text(path.read_text()[:40])
    with pytest.raises(UserError, match="not valid JSON"):
        read_record(path, spec, "code")


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    results.write_json(path, {"loss": 1.0})
    with pytest.raises(ValueError, match="JSON"):
        results.write_json(path, {"loss": float("nan")})
    with pytest.raises(KeyboardInterrupt), results.replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert results.read_json(path) == {"loss": 1.0}
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_what_a_killed_program_left_is_removed_later_and_a_live_one_is_left_alone(
    tmp_path: Path,
) -> None:
    left, live = tmp_path / ".record.json.a1b2c3d4", tmp_path / ".record.json.e5f6a7b8"
    other = tmp_path / ".other.json.a1b2c3d4"
    for path in (left, live, other):
        path.write_text("half")
    for path in (left, other):
        os.utime(path, (0, 0))
    results.write_json(tmp_path / "record.json", {})
    assert {p.name for p in tmp_path.iterdir()} == {"record.json", live.name, other.name}


def test_a_sealed_file_tells_any_edit(tmp_path: Path) -> None:
    path, value = tmp_path / "record.json", {"loss": 0.1, "names": ["ü", "\ud800"], "none": None}
    results.write_sealed(path, value)
    assert results.read_sealed(path) == value
    for edit in ({"loss": 0.2}, {"more": 1}, {results.SEAL: "0" * 64}, {"loss": float("inf")}):
        path.write_text(json.dumps(value | {results.SEAL: results._seal(value)} | edit))
        with pytest.raises(UserError, match="was changed after it was written"):
            results.read_sealed(path)
    for text in ("{}", "[]", "1", "null"):
        path.write_text(text)
        with pytest.raises(UserError, match="holds no content_sha256"):
            results.read_sealed(path)


FAULTY = """
import errno, sys
from alphascale.running import program

def main(args):
    raise {fault}

program.run(main, program.arguments("", "out"))
"""


@pytest.mark.parametrize(
    ("fault", "status", "words", "traced"),
    [
        ("ValueError('two\\nlines')", 1, ["unexpected ValueError: two", "x.log"], True),
        ("MemoryError()", 2, ["out of memory", "batch_size"], False),
        ("RuntimeError('[enforce] can\\'t allocate memory: 9 GB')", 2, ["out of memory"], False),
        ("OSError(errno.ENOSPC, 'No space left', 'a/b')", 2, ["a/b: No space left", "free"], False),
    ],
)
def test_whatever_ends_a_program_is_one_line(root, tmp_path, fault, status, words, traced) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY.format(fault=fault))
    log, faults = tmp_path / "x.log", tmp_path / "faults.txt"
    done = subprocess.run(
        [sys.executable, "faulty.py", "--out=results/x.json", f"--log={log}", f"--faults={faults}"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root / "workflow/scripts")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == status
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: results/x.json: ") and all(word in line for word in words)
    assert faults.read_text() == done.stderr
    assert ("Traceback" in log.read_text()) == traced


def test_key_order_is_not_part_of_a_digest() -> None:
    assert results.digest({"a": 1, "b": [2, 3]}) == results.digest({"b": [2, 3], "a": 1})
    assert results.digest({"b": [3, 2]}) != results.digest({"b": [2, 3]})
