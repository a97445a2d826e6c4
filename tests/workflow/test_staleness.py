"""What runs again after an edit, a move or a copy: exactly the jobs whose numbers may differ.

By dry run, on a copy of a finished study.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import edited, snakemake, stale
from test_workflow import SIZES, trainings

LIBRARY = "workflow/scripts/alphascale"
PREPARED = {domain: {f"prepare the data of {domain}"} for domain in SIZES}


@pytest.fixture(scope="module")
def study(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished study that these tests may edit: every file as young as the copying
    made it, in the order of the folder."""
    folder = tmp_path_factory.mktemp("copied") / "another folder"
    subprocess.run(["cp", "-r", finished, folder], check=True)
    return folder


@pytest.fixture
def edit(study: Path) -> Iterator:
    """A function that edits a file of the study, which is put back at the end."""
    before: dict[Path, str | None] = {}

    def change(path: str, old: str, new: str) -> None:
        file = study / path
        text = file.read_text() if file.exists() else None
        before.setdefault(file, text)
        assert old in (text or "")
        file.write_text((text or "").replace(old, new) if old else new)

    yield change
    for file, text in before.items():
        if text is None:
            file.unlink()
        else:
            file.write_text(text)


def trained(jobs: set[str]) -> set[str]:
    return {job for job in jobs if job.startswith(("train ", "prepare "))}


@pytest.mark.parametrize("how", ["cp -r", "cp -a", "mv"])
def test_a_study_in_another_folder_has_nothing_to_do(
    study: Path, finished: Path, tmp_path: Path, how: str
) -> None:
    if how == "cp -r":
        assert stale(study) == set()
        return
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", finished, copy], check=True)
    if how == "mv":
        copy = shutil.move(copy, tmp_path / "moved")
    assert stale(Path(copy)) == set()


def test_whatever_is_youngest_nothing_runs(study: Path) -> None:
    """As a copy may leave it: what others are made from is younger than all of them."""
    results = study / "results" / "own"
    for pattern in ("data/*.safetensors", "data/*.json", "train/*/*/*.json", "observations/*.csv"):
        for path in results.glob(pattern):
            os.utime(path)
    assert stale(study) == set()


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_same_device_by_another_name(
    study: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    """`auto` is the CPU on a machine that shows no GPU, as this one does not for the test."""
    monkeypatch.setitem(__import__("running").ENV, "CUDA_VISIBLE_DEVICES", "")
    with edited(study, lambda s: s.update(device=device)):
        assert stale(study) == set()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("training/job.py", "going on from a checkpoint", "carries on from a checkpoint"),
        ("training/device.py", "torch finds no GPU here", "there is no GPU here"),
        ("data/store.py", "not a file of prepared data", "no prepared data"),
        ("records/files.py", "not valid JSON", "no JSON at all"),
        ("training/job.py", "def run(", "def unused():\n    return Meter\n\n\ndef run("),
        ("auditing/job_warnings.py", "runs diverged", "runs went astray"),
        ("auditing/curves.py", "GAP_MEDIUM, GAP_HIGH = 0.08,", "GAP_MEDIUM, GAP_HIGH = 0.05,"),
        ("families/another.py", "", "FAMILY = None\n"),
        ("sources/another.py", "", "SOURCE = None\n"),
        ("auditing/audit.py", "def audit(", "MORE = 1\n\n\ndef audit("),
        ("__init__.py", '__version__ = "', '__version__ = "9.'),
    ],
    ids=["progress", "error of training", "error of data", "error of records", "unused function",
         "warning", "threshold of a warning", "new family", "new source", "audit", "release"],
)  # fmt: skip
def test_what_changes_no_number_trains_nothing(
    study: Path, edit, file: str, old: str, new: str
) -> None:
    edit(f"{LIBRARY}/{file}", old, new)
    assert trained(stale(study)) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "domains"),
    [
        ("training/optimise.py", "BETA1, BETA2, EPSILON = 0.9,", "BETA1, BETA2, EPSILON = 0.8,",
         SIZES),
        ("training/choice.py", "def choose_rate(", "@staticmethod\ndef choose_rate(", SIZES),
    ],
    ids=["optimiser", "choice of the rate"],
)  # fmt: skip
def test_what_changes_numbers_trains_what_uses_it(
    study: Path, edit, file: str, old: str, new: str, domains
) -> None:
    edit(f"{LIBRARY}/{file}", old, new)
    assert trained(stale(study)) == set.union(*(trainings(domain) for domain in domains))


@pytest.mark.parametrize(
    ("family", "domain"), [("mlp", "table"), ("cnn", "images"), ("transformer", "text")]
)
def test_a_changed_forward_pass_trains_its_family(study, edit, family: str, domain: str) -> None:
    edit(f"{LIBRARY}/networks/{family}.py", "def forward(", "@staticmethod\n    def forward(")
    assert trained(stale(study)) == trainings(domain)


@pytest.mark.parametrize(
    ("encoder", "domain"), [("tables", "table"), ("images", "images"), ("texts", "text")]
)
def test_a_changed_encoding_prepares_and_trains_its_data(study, edit, encoder, domain) -> None:
    edit(f"{LIBRARY}/data/{encoder}.py", "def encode(", "@staticmethod\ndef encode(")
    assert trained(stale(study)) == PREPARED[domain] | trainings(domain)


def test_an_image_replaced_by_one_of_the_same_size_and_time_is_noticed(study: Path) -> None:
    path = study / "data" / "bars" / "train-labels-idx1-ubyte"
    content, times = path.read_bytes(), path.stat()
    path.write_bytes(content[:-1] + bytes([1 - content[-1]]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    try:
        assert trained(stale(study)) == PREPARED["images"] | trainings("images")
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_plan_follows_the_fit_that_it_was_made_on(study: Path) -> None:
    """As after `snakemake plan`: nothing to do until a law is another one."""
    results = study / "results" / "own"
    made = [results / "plan" / f"{domain}.json" for domain in SIZES]
    made.append(results / "plan.txt")
    for path in made:
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}\n")
    record = results / "fit" / "table.json"
    content, times = record.read_bytes(), record.stat()
    try:
        assert stale(study, "plan") == set()
        record.write_bytes(content + b"\n")
        assert stale(study, "plan") == {
            "bootstrap the law of table", "optimize table",  # of which the plan takes its target
            "plan the next runs of table", "write the plan",
        }  # fmt: skip
    finally:
        record.write_bytes(content)
        os.utime(record, ns=(times.st_atime_ns, times.st_mtime_ns))
        for path in made:
            path.unlink()


@pytest.mark.slow
def test_tensors_that_are_gone_are_made_when_a_training_needs_them(study: Path) -> None:
    results = study / "results" / "own"
    tensors, record = results / "data/table.safetensors", results / "train/table/w4/0.5.json"
    content, made = tensors.read_bytes(), record.read_bytes()
    tensors.unlink()
    try:
        assert stale(study) == set()
        record.unlink()
        done = snakemake(study, str(record.relative_to(study)))
        assert done.returncode != 0 and f"{tensors.relative_to(study)}: is gone; run" in done.stderr
        done = snakemake(study)
        assert done.returncode == 0, done.stderr[-3000:]
        # One is trained; the others, started because the data are made anew, keep their records.
        assert done.stderr.count("has a record: it is kept") == len(trainings("table")) - 1
        assert tensors.read_bytes() == content and stale(study) == set()
    finally:
        tensors.write_bytes(content)
        record.write_bytes(made)


def test_equal_data_prepared_again_train_nothing_unless_forced(study: Path) -> None:
    """Snakemake starts the trainings; each finds its own record, of the same spec, code, data."""
    target = "results/own/train/table/w2/1.0.json"
    record = (study / target).read_bytes()
    path = study / "data" / "people.csv"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\n", b"\r\n"))
    assert path.read_bytes() != content
    try:
        done = snakemake(study, target)
        assert done.returncode == 0, done.stderr[-3000:]
        assert "has a record: it is kept" in done.stderr
        assert (study / target).read_bytes() == record
        done = snakemake(study, "--forcerun", "train", "--", target)
        assert done.returncode == 0 and "it is kept" not in done.stderr
        assert (study / target).read_bytes() != record
    finally:
        path.write_bytes(content)
