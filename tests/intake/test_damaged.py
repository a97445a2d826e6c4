"""Files that are damaged, or that are somebody else's, end in one line that names them."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest
from intake_made import event_files, imported, ladder, optuna_study, refused, rows_of

NOISE = random.Random(0).randbytes(300)
STATE = {
    "global_step": 4, "max_steps": 4, "epoch": 2.0, "num_train_epochs": 2, "total_flos": 0.0,
    "log_history": [
        {"loss": 2.0, "step": 1, "epoch": 0.5}, {"eval_loss": 1.5, "step": 2, "epoch": 1.0},
        {"eval_loss": 1.0, "step": 4, "epoch": 2.0}, {"train_runtime": 1.0, "step": 4},
    ],
}  # fmt: skip


def state(folder: Path, **other) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "trainer_state.json"
    path.write_text(json.dumps(STATE | other))
    return path


def foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as base:
        base.execute("create table songs (name text)")


def cut(path: Path) -> None:
    whole = state(path.parent / "whole").read_bytes()
    shutil.rmtree(path.parent / "whole")
    path.write_bytes(whole[:150])


FILES = {
    "empty.csv": (lambda p: p.touch(), "is empty"),
    "empty.db": (lambda p: p.touch(), "is empty"),
    "noise": (lambda p: p.write_bytes(NOISE), "is nobody's file of runs"),
    "noise.csv": (lambda p: p.write_bytes(NOISE), "cannot be read"),
    "noise.parquet": (lambda p: p.write_bytes(b"PAR1" + NOISE), "is no whole parquet"),
    "noise.json": (lambda p: p.write_bytes(NOISE), "is no whole JSON"),
    "trainer_state.json": (cut, "is no whole JSON"),
    "list.json": (lambda p: p.write_text("[1]"), "is nobody's file of runs"),
    "songs.db": (foreign_database, "neither MLflow's nor Optuna's (its tables: songs)"),
    "cut.db": (lambda p: p.write_bytes(b"SQLite format 3\0" + NOISE), "is SQLite, but neither"),
    "head.csv": (lambda p: p.write_text("run,params,loss\n"), "has no rows"),
    "uneven.csv": (lambda p: p.write_text("run,loss\na,1\nb\n"), "line 3: 1 values for 2"),
    "events.out.tfevents.1.x": (lambda p: p.write_bytes(NOISE), "holds no event"),
    "results_1.json": (
        lambda p: p.write_text('{"results": {"x": {"acc,none": "n"}}, "configs": {}}'),
        "none of its tasks (x) has a number",
    ),
    "metrics.csv": (lambda p: p.write_text("epoch,step,loss\n0,1,x\n"), "'x' is no number"),
    "study.log": (
        lambda p: p.write_text('{"op_code": 0, "worker_id": "w"}\nrubbish\nrubbish\n'),
        "cannot be read by optuna",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_none_ends_in_one_line_that_names_it(name, tmp_path, capsys) -> None:
    make, expected = FILES[name]
    make(tmp_path / name)
    said = refused(capsys, tmp_path / name, tmp_path / "out" / "runs.csv")
    assert str(tmp_path / name) in said and expected in said, said


@pytest.mark.parametrize(
    ("kind", "name"), [("mlflow", "t.csv"), ("optuna", "t.csv"), ("trainer", "t.csv"),
                       ("tensorboard", "t.csv"), ("wandb", "t.csv"), ("lightning", "t.csv"),
                       ("lm-eval", "t.csv"), ("table", "songs.db")],
)  # fmt: skip
def test_a_file_named_as_of_a_kind_that_it_is_not_is_refused(kind, name, tmp_path, capsys) -> None:
    (tmp_path / "t.csv").write_text("run,params,loss\na,100,.5\n")
    foreign_database(tmp_path / "songs.db")
    refused(capsys, tmp_path / name, tmp_path / "out.csv", "--from", kind)


def test_folders_without_runs_say_what_was_looked_for(tmp_path, capsys) -> None:
    out = tmp_path / "out" / "runs.csv"
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "is an empty folder; known are MLflow" in refused(capsys, folder, out)
    (folder / "mine.csv").write_text("run,params,loss\na,100,.5\n")
    assert "(it has tables, as mine.csv: name one)" in refused(capsys, folder, out)
    assert "holds nothing of MLflow" in refused(capsys, folder, out, "--from", "mlflow")
    (folder / "run-1.wandb").write_bytes(NOISE)
    assert "export a CSV" in refused(capsys, folder, out)
    assert "no such file" in refused(capsys, tmp_path / "nowhere", out)
    assert "is on a server" in refused(capsys, "http://localhost:5000", out)


def test_several_kinds_in_one_folder_are_told_apart(tmp_path, capsys) -> None:
    state(tmp_path / "in/a")
    event_files(tmp_path / "in/b", ladder()[:2])
    said = refused(capsys, tmp_path / "in", tmp_path / "runs.csv")
    assert "1 of Hugging Face Trainer (--from trainer)" in said
    assert "2 of TensorBoard (--from tensorboard)" in said
    rows = imported(tmp_path / "in", tmp_path / "runs.csv", "--from", "tensorboard")
    assert len(rows) == 2


def test_one_damaged_run_of_several_is_left_out_only_on_request(tmp_path, capsys) -> None:
    state(tmp_path / "in/a")
    cut(state(tmp_path / "in/b"))
    options = ("--params", "1000")
    said = refused(capsys, tmp_path / "in", tmp_path / "runs.csv", *options)
    assert "b/trainer_state.json" in said and "--skip-invalid" in said
    rows = imported(tmp_path / "in", tmp_path / "runs.csv", *options, "--skip-invalid")
    assert [r["run"] for r in rows] == ["a"]
    assert "left out: " in capsys.readouterr().out


def test_a_trainers_state_that_is_not_as_it_writes_it(tmp_path, capsys) -> None:
    out = tmp_path / "runs.csv"
    for other, expected in (
        ({"log_history": []}, "its log_history is empty"),
        ({"log_history": [3]}, "has no log_history and global_step"),
        ({"global_step": None}, "has no log_history and global_step"),
    ):
        state(tmp_path / "in", **other)
        assert expected in refused(capsys, tmp_path / "in", out)
    state(tmp_path / "in")
    assert "neither model.safetensors nor config.json" in refused(capsys, tmp_path / "in", out)
    (tmp_path / "in/config.json").write_text('{"model_type": "no-such-model"}')
    assert "describes no model to transformers" in refused(capsys, tmp_path / "in", out)
    (tmp_path / "in/model.safetensors").write_bytes(NOISE)
    assert "model.safetensors: is no safetensors file" in refused(capsys, tmp_path / "in", out)
    (tmp_path / "in/adapter_config.json").write_text("{}")
    assert "an adapter" in refused(capsys, tmp_path / "in", out)
    history = [{"eval_loss": 1.0, "step": 1}, {"eval_loss": float("nan"), "step": 4}]
    state(tmp_path / "in", log_history=history)
    assert "no run that finished has a result" in refused(
        capsys, tmp_path / "in", out, "--params", "10"
    )
    stop = {"TrainerControl": {"args": {"should_training_stop": True}}}
    short = {"global_step": 2, "log_history": [{"eval_loss": 1.0, "step": 2}]}
    state(tmp_path / "in", **short)
    assert "no run that finished" in refused(capsys, tmp_path / "in", out, "--params", "10")
    state(tmp_path / "in", **short, stateful_callbacks=stop)
    (row,) = imported(tmp_path / "in", out, "--params", "10")
    assert row["loss"] == "1" and "early stopping at step 2 of 4" in capsys.readouterr().out


def test_what_a_trainer_logs_without_evaluating_is_of_training(tmp_path, capsys) -> None:
    history = [{"loss": 2.0, "step": 1}, {"loss": 1.0, "step": 2}, {"loss": 1.5, "step": 4}]
    state(tmp_path / "in", log_history=history)
    (row,) = imported(tmp_path / "in", tmp_path / "runs.csv", "--params", "10")
    assert row["train_loss"] == "1.5" and "loss" not in row
    assert "no history of a validation" in capsys.readouterr().out


def test_pickles_are_never_opened(tmp_path) -> None:
    import pickle

    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    state(tmp_path / "in")
    for name in ("training_args.bin", "pytorch_model.bin", "optimizer.pt"):
        (tmp_path / "in" / name).write_bytes(pickle.dumps(Trap()))
    imported(tmp_path / "in", tmp_path / "runs.csv", "--params", "10")
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv/metrics.csv").write_text("epoch,step,val_loss\n0,1,2.0\n1,2,1.0\n")
    (tmp_path / "csv/hparams.yaml").write_text(
        f"n_params: 10\nseed: !!python/object/apply:pathlib.Path.touch ['{tmp_path}/sprung']\n"
    )
    (row,) = imported(tmp_path / "csv", tmp_path / "l.csv")
    assert (row["params"], row["seed"]) == ("10", "")
    assert not (tmp_path / "sprung").exists()


def test_a_cut_event_file_is_read_as_far_as_it_goes_and_that_is_said(tmp_path, capsys) -> None:
    event_files(tmp_path / "in", ladder()[:1])
    (path,) = (p for p in next((tmp_path / "in").iterdir()).iterdir() if p.is_file())
    whole = path.read_bytes()
    imported(tmp_path / "in", tmp_path / "whole.csv")
    assert "damaged" not in capsys.readouterr().out
    path.write_bytes(whole[:-20])
    imported(tmp_path / "in", tmp_path / "cut.csv")
    assert "is damaged: its first" in capsys.readouterr().out
    # Another byte amid the file: all behind it is lost, and tensorboard itself says nothing.
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2] ^= 255
    path.write_bytes(bytes(spoilt))
    imported(tmp_path / "in", tmp_path / "spoilt.csv")
    assert "is damaged: its first" in capsys.readouterr().out
    lengths = [len(rows_of(tmp_path / f"{n}.curves.csv")) for n in ("whole", "cut", "spoilt")]
    assert lengths[0] >= lengths[1] >= lengths[2]


def test_a_scrambled_database_ends_in_one_line(tmp_path, capsys) -> None:
    path = tmp_path / "study.db"
    optuna_study(f"sqlite:///{path}", ladder()[:2])
    content = bytearray(path.read_bytes())
    content[8192:] = bytes(7 for _ in content[8192:])
    path.write_bytes(bytes(content))
    assert str(path) in refused(capsys, path, tmp_path / "runs.csv")


def test_a_library_that_is_not_there_is_named_with_its_extra(tmp_path, capsys, monkeypatch) -> None:
    event_files(tmp_path / "in", ladder()[:1])
    for name in [n for n in sys.modules if n.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    said = refused(capsys, tmp_path / "in", tmp_path / "runs.csv")
    assert "reading this needs tensorboard" in said
    assert "pip install 'alphascale[import]'" in said
