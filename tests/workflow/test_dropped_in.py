"""A family and a source, dropped in as one file each: they work, and nothing else becomes stale."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from alphascale.errors import UserError
from alphascale.registry import discover
from running import snakemake, stale
from study_made import copy_project, write_study

FAMILY = '''
"""Tanh units between two layers: a family of a test."""

from .descriptor import Family, Key


def build(members, meta, units):
    from torch import nn

    from ..networks.members import Linear

    class Units(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Linear(members, meta.shape[0], units)
            self.head = Linear(members, units, meta.classes)

        def forward(self, x, masks=None):
            return self.head(self.body(x).tanh())

    return Units()


def widest(size, shape, vocabulary):
    return size["units"]


def step(shape, sizes):
    return 1


FAMILY = Family(
    name="units", title="Units", description="one layer of tanh units", kinds=("tabular",),
    build=build, widest=widest, cached=10_000, keys={"units": Key(int, 1)}, turned="units",
    step=step,
)
'''
SOURCE = '''
"""Points inside or outside of a ring: a source of a test."""

from ..data.pool import Pool
from ..records.data import DataSpec, Origin
from .descriptor import Source


def read(spec: DataSpec) -> Pool:
    import numpy as np
    import pandas as pd

    points = np.random.default_rng(spec.seed).normal(size=(600, 2))
    y = (np.hypot(*points.T) > 1.18).astype(np.int64)
    origin = Origin("ring", "made by a test", "none", {})
    return Pool("tabular", pd.DataFrame(points, columns=["x", "y"]), y, ["in", "out"], origin)


SOURCE = Source(name="ring", kind="tabular", origin="embedded", description="points", read=read)
'''
STUDY = {
    "run": "toy",
    "bootstrap": {"resamples": 100},
    "domains": {
        "ring": {
            "data": {"source": "ring"},
            "family": "units",
            "ladder": {f"u{n}": {"units": n} for n in (2, 3, 4, 6, 8)},
            "naive": {"units": 256},
            "seeds": [0, 1],
            "training": {"epochs": 6, "batch_size": 32, "learning_rates": [3.0e-2]},
            "target": {"accuracy": 0.7},
        }
    },
}


def drop(folder: Path) -> None:
    """Put a family and a source into a project, one file each, and nothing else."""
    package = folder / "workflow" / "scripts" / "alphascale"
    (package / "families" / "units.py").write_text(FAMILY)
    (package / "sources" / "ring.py").write_text(SOURCE)


@pytest.mark.slow
def test_a_dropped_family_and_source_work_and_make_nothing_stale(
    finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(finished, folder)
    drop(folder)
    assert stale(folder) == set()
    (folder / "toy.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    done = snakemake(folder, "--configfile", "toy.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    results = folder / "results" / "toy"
    record = json.loads((results / "train/ring/u8/1.0.json").read_text())
    assert record["spec"]["family"] == "units" and record["params"]["total"] == 8 * (2 + 1) + 2 * (
        8 + 1
    )
    assert max(seed["test"]["accuracy"] for seed in record["seeds"]) > 0.7
    decision = json.loads((results / "decision/ring.json").read_text())
    assert decision["naive"]["params"]["total"] == 256 * 5 + 2
    star = decision["architecture"]
    assert star is None or set(star["size"]) == {"units"}
    assert stale(folder) == set()
    # The family's own forward pass is what its trainings, and theirs alone, depend on.
    path = folder / "workflow/scripts/alphascale/families/units.py"
    path.write_text(FAMILY.replace(".tanh()", ".relu()"))
    found = stale(folder, "--configfile", "toy.yaml")
    assert {f"train ring u{n} on 1.0 of the data" for n in (2, 3, 4, 6, 8)} <= found
    assert stale(folder) == set()


def test_nothing_of_the_default_study_becomes_stale(root: Path, tmp_path: Path) -> None:
    """Its outputs stand in as empty files that Snakemake is told to take for made."""
    folder = copy_project(root, tmp_path / "project")
    listed = snakemake(folder, "--summary").stdout.splitlines()[1:]
    files = [folder / line.split("\t")[0] for line in listed]
    assert sum("/train/" in str(file) for file in files) == 70
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    touched = snakemake(folder, "--touch")
    assert touched.returncode == 0, touched.stderr[-3000:]
    assert stale(folder) == set()
    drop(folder)
    assert stale(folder) == set()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ValueError('half written')", ["families/units.py", "half written"]),
        (FAMILY.replace('name="units"', 'name="mlp"'), ["'mlp'", "another file"]),
    ],
    ids=["broken", "name-taken"],
)
def test_a_faulty_file_is_named_in_one_line(
    root: Path, tmp_path: Path, code: str, words: list[str]
) -> None:
    folder = copy_project(root, tmp_path / "project")
    (folder / "workflow/scripts/alphascale/families/units.py").write_text(code)
    write_study(folder, STUDY)
    done = snakemake(folder, "-n")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ") and all(word in last for word in words), last


def test_modules_without_a_descriptor_are_no_entries(root: Path) -> None:
    package = root / "workflow" / "scripts" / "alphascale" / "families"
    found = discover("alphascale.families", [str(package)], "FAMILY")
    assert sorted(found) == [
        "cnn", "hf", "mlp", "random_features", "resnet_bk", "timm", "torchvision", "transformer",
        "transformer_lm",
    ]  # fmt: skip
    with pytest.raises(UserError, match="cannot be imported"):
        discover("no_such_package", [str(package)], "FAMILY")
