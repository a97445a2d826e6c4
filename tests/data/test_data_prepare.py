"""prepare.py and the tensor file: whole, deterministic, memory-mapped, refusals in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from alphascale.data.make import prepare
from alphascale.data.store import open_tensors, prefix
from alphascale.errors import UserError
from alphascale.records.data import DataSpec, Meta, read_prepared
from alphascale.records.files import sha256_file
from alphascale.records.typed import as_json
from data_made import flowers, spec, write_csv
from running import job_of

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"


def run(section: DataSpec, folder: Path, name: str = "mine") -> subprocess.CompletedProcess:
    made = {"data": folder / "x.safetensors", "meta": folder / "x.json"}
    job = job_of(as_json(section), {"files": []}, made, domain=name)
    program = [sys.executable, SCRIPTS / "prepare.py", job]
    program += ["--fractions", json.dumps({name: ["1.0"]})]
    return subprocess.run(program, capture_output=True, text=True, check=False)


@pytest.fixture
def table(tmp_path):
    return spec("csv", path=write_csv(tmp_path / "t.csv", *flowers(120)), label="kind")


def quietly(section: DataSpec, folder: Path) -> dict:
    files = folder / "x.safetensors", folder / "x.json"
    return as_json(prepare("d", section, *files, lambda message: None))


def test_the_program_gives_what_models_and_training_read(tmp_path, table):
    done = run(table, tmp_path)
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "x.json").read_text())
    tensors = open_tensors(tmp_path / "x.safetensors")
    meta = read_prepared(tmp_path / "x.json")
    expected = Meta("tabular", 3, tuple(about["shape"]), None, None, None, None)
    assert {field: getattr(meta, field) for field in asdict(expected)} == asdict(expected)
    assert about["sha256"] == sha256_file(tmp_path / "x.safetensors")
    assert about["source"]["files"] == {"t.csv": sha256_file(tmp_path / "t.csv")}
    for part, size in about["sizes"].items():
        assert tensors[f"{part}_x"].shape == (size, *meta.shape)
        held = np.bincount(tensors[f"{part}_y"].numpy(), minlength=3)
        assert held.tolist() == about["class_counts"][part]
    assert "note: column 'id'" in done.stderr  # an identifier left among the columns is told


def test_equal_input_gives_equal_bytes_and_another_seed_others(tmp_path, table):
    sums = []
    for seed in (0, 0, 1):
        sums.append(quietly(replace(table, seed=seed), tmp_path)["sha256"])
    assert sums[0] == sums[1] != sums[2]


def test_bytes_do_not_depend_on_the_process(tmp_path):
    """Hash seeds and threads differ between processes; vocabularies and splits must not."""
    lines = [{"text": f"{w} {w[::-1]} {i}", "label": w} for i in range(60) for w in ("ab", "cd")]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    section = spec("text", path=str(path), length=16, vocabulary=300)
    here = quietly(section, tmp_path)["sha256"]
    assert run(section, tmp_path).returncode == 0
    assert json.loads((tmp_path / "x.json").read_text())["sha256"] == here


def test_fractions_are_nested_and_hold_every_class_from_the_smallest_prefix_on(tmp_path, table):
    about = quietly(table, tmp_path)
    y = open_tensors(tmp_path / "x.safetensors")["train_y"].numpy()
    rows = [prefix(len(y), fraction) for fraction in ("0.1", "0.25", "0.5", "1.0")]
    assert rows == sorted(rows) and rows[-1] == len(y)
    smallest = about["smallest_prefix"]
    assert len(set(y[:smallest])) == 3 and len(set(y[: smallest - 1])) < 3
    shares = np.bincount(y[: rows[2]]) / rows[2]
    assert np.abs(shares - np.bincount(y) / len(y)).max() < 0.05


def test_tensors_are_mapped_not_read(tmp_path):
    """Two openings of one file share its pages: no private memory grows with the file."""
    rows = [[i, *(f"{i * k % 97}" for k in range(40)), "ab"[i % 2]] for i in range(4000)]
    path = write_csv(tmp_path / "t.csv", [*(f"c{k}" for k in range(41)), "label"], rows)
    quietly(spec("csv", path=path), tmp_path)
    tensors = open_tensors(tmp_path / "x.safetensors")
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs /proc")
    spans = [
        tuple(int(end, 16) for end in line.split()[0].split("-"))
        for line in maps.read_text().splitlines()
        if line.endswith("x.safetensors")
    ]
    address = tensors["train_x"].data_ptr()
    assert any(start <= address < end for start, end in spans)


def test_a_refusal_is_one_line_that_names_the_key_and_leaves_nothing(tmp_path, table):
    done = run(replace(table, label="colour"), tmp_path, name="blooms")
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: domains.blooms.data.label: column 'colour'")
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_files_that_are_no_prepared_data_are_named(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"\x80\x04}q\0.")
    (tmp_path / "x.json").write_text('{"kind": "image"}')
    for read, name in ((open_tensors, "x.safetensors"), (read_prepared, "x.json")):
        with pytest.raises(UserError, match=name):
            read(tmp_path / name)


def test_limit_draws_stratified(tmp_path, table):
    about = quietly(replace(table, limit=60), tmp_path)
    assert sum(about["sizes"].values()) == 60
    assert np.sum(list(about["class_counts"].values()), axis=0).tolist() == [20, 20, 20]


def test_exact_copies_between_training_and_test_are_counted(tmp_path):
    rows = [[i // 2, "ab"[i // 2 % 2]] for i in range(200)]
    path = write_csv(tmp_path / "t.csv", ["a", "label"], rows)
    about = quietly(spec("csv", path=path), tmp_path)
    tensors = open_tensors(tmp_path / "x.safetensors")
    train = set(tensors["train_x"][:, 0].tolist())
    copies = sum(value in train for value in tensors["test_x"][:, 0].tolist())
    assert copies and f"{copies} test samples are exact copies" in " ".join(about["notes"])


def test_what_runs_at_parse_time_imports_nothing_heavy():
    code = (
        "import sys; import alphascale.study; from alphascale.families import families; "
        "from alphascale.sources import sources; families(), sources(); "
        "print([m for m in ('torch', 'pandas', 'numpy', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
