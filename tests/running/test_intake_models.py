"""A user's own model is tried at every size before anything trains; its faults are one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alphascale.errors import UserError
from alphascale.families.own import load_factory
from alphascale.records.data import Meta
from alphascale.running import trial
from alphascale.study import load_study
from data_made import spec, write_csv
from study_made import own_study

META = Meta("tabular", 3, (4,), None, None, None, None)
MODEL = """
import os, sys
import torch
from torch import nn

def net(data, width, bad=""):
    if bad == "exit":
        sys.exit(0)
    if bad == "raise":
        raise RuntimeError("no such layer")
    if bad == "decides" and torch.rand(1) < 0.5:
        width += 1
    if bad == "list":
        return [1]
    if bad == "frozen":
        return nn.Sequential(nn.Flatten(), nn.Softmax(-1))
    out = data.classes + (bad == "shape")
    found = nn.Sequential(nn.Linear(data.shape[0], width), nn.ReLU(), nn.Linear(width, out))
    if bad == "nan":
        nn.init.constant_(found[0].weight, float("nan"))
    if bad == "detached":
        class Detached(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = found
            def forward(self, x):
                return self.inner(x).detach()
        return Detached()
    return found
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model of the user's own, known to no other test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "tried_models.py").write_text(MODEL)
    sys.modules.pop("tried_models", None)
    return tmp_path


def refused(**size: object) -> str:
    good = {"width": 4}
    with pytest.raises(UserError) as fault:
        trial.try_model("d", "tried_models:net", {"w4": good, "w8": size}, META)
    said = str(fault.value)
    assert said.startswith("domains.d.family: tried_models:net, w8 {") and "\n" not in said
    return said


def test_sizes_that_can_be_trained_pass(here: Path) -> None:
    trial.try_model("d", "tried_models:net", {"w4": {"width": 4}, "w8": {"width": 8}}, META)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ({"widht": 8}, "unexpected keyword argument 'widht'"),
        ({"width": 8, "bad": "exit"}, "ends the program (SystemExit: 0)"),
        ({"width": 8, "bad": "raise"}, "RuntimeError: no such layer ("),
        ({"width": 8, "bad": "decides"}, "made on torch's device `meta`, where tensors have"),
        ({"width": 8, "bad": "list"}, "returned list, not a torch.nn.Module"),
        ({"width": 8, "bad": "shape"}, "must return logits of shape [2, 3]"),
        ({"width": 8, "bad": "frozen"}, "no parameter to train"),
        ({"width": 8, "bad": "nan"}, "not finite"),
        ({"width": 8, "bad": "detached"}, "does not depend on its parameters"),
    ],
)
def test_each_fault_names_the_size(here: Path, size: dict, words: str) -> None:
    assert words in refused(**size)


def test_the_line_of_the_users_file_is_named(here: Path) -> None:
    assert f"{here}/tried_models.py, line 10)" in refused(width=8, bad="raise")


def test_a_large_size_is_counted_without_its_memory(here: Path) -> None:
    trial.try_model("d", "tried_models:net", {"huge": {"width": 2_000_000_000}}, META)


@pytest.mark.parametrize("end", ["sys.exit(0)", "os._exit(0)", "1 / 0"])
def test_a_file_that_ends_the_process_is_no_success(here: Path, end: str, root: Path) -> None:
    """Tried as the workflow does it, in a process of its own."""
    (here / "ending.py").write_text(f"import os, sys\n{end}\n")
    from alphascale.data.make import prepare

    rows = [[i, i % 7, "ab"[i % 2]] for i in range(60)]
    table = write_csv(here / "t.csv", ["x", "z", "label"], rows)
    prepare("d", spec("csv", path=table), here / "d.safetensors", here / "d.json", lambda _: None)
    task = {"family": "ending:net", "sizes": {"w": {}}, "meta": str(here / "d.json")}
    said: list[str] = []
    with pytest.raises(UserError) as fault:
        trial.tried(root / "workflow/scripts/try_models.py", json.dumps({"d": task}), said.append)
    assert ("status 0" if "_exit" in end else "ending.py, line 2") in str(fault.value)


def test_an_import_that_fails_names_the_line(here: Path) -> None:
    (here / "broken_at_import.py").write_text("x = 1\ny = x / 0\n")
    with pytest.raises(UserError, match=r"ZeroDivisionError: .*broken_at_import\.py, line 2"):
        load_factory("broken_at_import:net")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"def net(:\n", "unreadable.py, line 1: not Python that can be read"),
        (b"# caf\xe9\n", "unreadable.py: not Python that can be read"),
        (b"import unread_too\n", "unread_too.py, line 1: not Python that can be read"),
        (b"\0", "unreadable.py"),
    ],
)
def test_a_file_that_is_no_python_is_refused_with_the_study(
    here: Path, content: bytes, words: str
) -> None:
    study = own_study(here / "data")
    study["domains"] = {"table": study["domains"]["table"] | {"family": "unreadable:net"}}
    (here / "unread_too.py").write_text("def f(:\n")
    (here / "unreadable.py").write_bytes(content)
    with pytest.raises(UserError) as fault:
        load_study(study)
    assert str(fault.value).startswith("configuration: domains.table.family: ")
    assert words in str(fault.value)


def test_a_program_that_is_ended_by_what_it_calls_has_failed(root: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from alphascale.running import program\n"
        "def main(job): sys.exit(0)\n"
        "program.run(main)"
    )
    job = json.dumps(
        {"spec": None, "code": "", "cell": {}, "wildcards": {}, "input": {}, "output": {"a": "b"}}
    )
    done = subprocess.run(
        [sys.executable, "-c", code, job], cwd=tmp_path, env=dict(os.environ),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and "error: b: something called sys.exit(0)" in done.stderr
