"""Files that the real libraries wrote are read, and lead to the fit that the same numbers lead to
when they are typed into a CSV."""

from __future__ import annotations

import math
import shlex
import shutil
from pathlib import Path

import pytest
from alphascale.cli import main
from alphascale.laws.api import fit
from alphascale.tables.reading import read_csv
from commands_said import said
from intake_made import (
    BEST,
    as_csv,
    evaluation,
    event_files,
    imported,
    ladder,
    lightning_run,
    mlflow_store,
    optuna_study,
    rows_of,
    trainer_run,
    wandb_panel,
    wandb_table,
)


def same_fit(out: Path, typed: Path, y: str = "loss", precision: float = 1e-12) -> None:
    """Both files give one law; rows may be in another order, so sums differ in the last digit."""
    laws = []
    for path in (out, typed):
        columns = read_csv(path).columns
        order = sorted(range(len(columns["params"])), key=lambda i: float(columns[y][i]))
        ordered = {c: [columns[c][i] for i in order] for c in ("params", y)}
        laws.append(fit(ordered, "params", y, law="power_floor", resamples=0))
    ours, theirs = (law.predict({"params": [1e4, 1e6]}).mean for law in laws)
    assert ours == pytest.approx(theirs, rel=precision)


@pytest.fixture(scope="module")
def logged(tmp_path_factory) -> Path:
    """A tracking database with the ladder: mlflow takes ten seconds to make one."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow_store(f"sqlite:///{path}", ladder())
    return path


@pytest.fixture
def typed(tmp_path: Path) -> Path:
    return as_csv(tmp_path / "typed.csv")


def test_mlflow_database_and_folder_are_the_same_runs(logged, tmp_path, typed, capsys) -> None:
    base, folder = logged, tmp_path / "mlruns"
    mlflow_store(folder.as_uri(), ladder())
    before = base.read_bytes()
    rows = imported(f"sqlite:///{base}", tmp_path / "a.csv")
    said = capsys.readouterr().out
    assert base.read_bytes() == before
    again = imported(folder, tmp_path / "b.csv")
    assert [r["run"] for r in rows] == [run.name for run in ladder()]
    without = [{k: v for k, v in r.items() if k != "source"} for r in rows]
    ours = {r["run"]: {k: v for k, v in r.items() if k != "source"} for r in again}
    assert {r["run"]: r for r in without} == ours
    first = rows[0]
    assert list(first)[:9] == [
        "run", "params", "samples", "epochs", "steps", "seed", "learning_rate", "flops", "seconds",
    ]  # fmt: skip
    assert list(first)[-2:] == ["status", "source"]
    assert (first["params"], first["seed"], first["learning_rate"]) == ("1000", "0", "0.01")
    assert first["seconds"] == "60" and first["samples"] == "" and first["status"] == "ok"
    # All of a run's results are those of the epoch that the validation loss is lowest in.
    best = ladder()[0].history()[BEST]
    assert float(first["loss"]) == best["val_loss"]
    assert float(first["train_loss"]) == best["train_loss"]
    assert "loss: val_loss" in said and "params: `n_params` (configuration)" in said
    assert "lowest loss; --take last" in said
    curves = rows_of(tmp_path / "a.curves.csv")
    assert len(curves) == 4 * len(rows) and list(curves[0])[:3] == ["run", "step", "epoch"]
    same_fit(tmp_path / "a.csv", typed)
    same_fit(tmp_path / "b.csv", typed)
    last = imported(base, tmp_path / "c.csv", "--take", "last", "--where", "seed == 1")
    assert len(last) == len(rows) / 2
    assert float(last[0]["loss"]) == ladder()[1].history()[-1]["val_loss"]


def test_mlflow_tells_runs_that_failed_diverged_or_were_deleted(logged, tmp_path, capsys) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{shutil.copy(logged, tmp_path)}"
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("ladder").experiment_id
    for name, status, value in (("burst", "FINISHED", math.nan), ("full", "FINISHED", math.inf),
                                ("cut", "FAILED", 0.5), ("going", None, 0.5)):  # fmt: skip
        run = client.create_run(experiment, run_name=name).info.run_id
        client.log_param(run, "n_params", 500)
        client.log_param(run, "seed", 7)
        client.log_metric(run, "val_loss", 1.0, step=0)
        client.log_metric(run, "val_loss", value, step=1)
        if status:
            client.set_terminated(run, status)
    gone = client.create_run(experiment, run_name="gone").info.run_id
    client.delete_run(gone)
    rows = {r["run"]: r for r in imported(uri, tmp_path / "runs.csv")}
    said = capsys.readouterr().out
    assert all(rows[name]["loss"] == "" for name in ("burst", "full", "cut", "going"))
    assert rows["burst"]["status"] == rows["full"]["status"] == "diverged"
    assert rows["cut"]["status"] == rows["going"]["status"] == "unfinished"
    assert "gone" not in rows and "1 run(s) that were deleted" in said
    assert "diverged, a row without a result: 2 run(s)" in said and "FAILED" in said
    assert "the same configuration and seed: burst, full, cut" in said


def test_event_files_of_torch_are_read_with_what_belongs_to_a_run(tmp_path, typed, capsys) -> None:
    folder = tmp_path / "runs"
    event_files(folder, ladder())
    assert len([p for p in folder.rglob("*") if ".tfevents." in p.name]) > 2 * len(ladder())
    rows = imported(folder, tmp_path / "runs.csv")
    assert {r["run"] for r in rows} == {run.name for run in ladder()}
    assert {(r["params"], r["seed"]) for r in rows} == {
        (str(run.params), str(run.seed)) for run in ladder()
    }
    # An event file holds single precision.
    same_fit(tmp_path / "runs.csv", typed, precision=1e-5)
    assert all(float(r["train_loss"]) > 0 for r in rows)
    assert "train_loss: loss/train" in capsys.readouterr().out


def test_runs_below_a_folder_with_events_of_its_own_stay_runs(tmp_path, capsys) -> None:
    from torch.utils.tensorboard import SummaryWriter

    event_files(tmp_path / "runs", ladder()[:2])
    with SummaryWriter(tmp_path / "runs") as writer:
        writer.add_scalar("val/loss", 3.0, 0)
    rows = imported(tmp_path / "runs", tmp_path / "runs.csv", "--skip-invalid")
    assert {r["run"] for r in rows} == {run.name for run in ladder()[:2]}
    assert "left out: 1 run(s) without a number of parameters: runs" in capsys.readouterr().out


def test_folders_that_keras_names_are_parts_of_one_run(tmp_path, capsys) -> None:
    from torch.utils.tensorboard import SummaryWriter

    for size in (10, 20):
        for part, value in (("train", 1.0), ("validation", 2.0)):
            with SummaryWriter(tmp_path / f"runs/params{size}/{part}") as writer:
                writer.add_scalar("epoch_loss", value + 1, 0)
                writer.add_scalar("epoch_loss", value, 1)
    rows = imported(tmp_path / "runs", tmp_path / "runs.csv")
    assert [(r["run"], r["params"], r["loss"], r["train_loss"]) for r in rows] == [
        ("params10", "10", "2", "1"), ("params20", "20", "2", "1"),
    ]  # fmt: skip


@pytest.mark.parametrize("journal", [False, True])
def test_optuna_studies_are_read_from_both_storages(journal, tmp_path, typed, capsys) -> None:
    import optuna

    path = tmp_path / ("study.log" if journal else "study.db")
    if journal:
        backend = optuna.storages.journal.JournalFileBackend(str(path))
        storage: object = optuna.storages.JournalStorage(backend)
    else:
        storage = f"sqlite:///{path}"
    optuna_study(storage, ladder())
    study = optuna.load_study(study_name="ladder", storage=storage)
    pruned = study.ask()
    pruned.set_user_attr("params", 10)
    pruned.report(0.3, 0)
    study.tell(pruned, state=optuna.trial.TrialState.PRUNED)
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    before = path.read_bytes()
    out = tmp_path / "runs.csv"
    rows = imported(path if journal else storage, out, "--metric", "loss=objective",
                    "--skip-invalid")  # fmt: skip
    assert path.read_bytes() == before
    stopped = rows.pop()
    assert (stopped["run"], stopped["status"], stopped["loss"]) == ("trial 12", "unfinished", "")
    assert len(rows) == len(ladder()) and "parameters: trial 13" in capsys.readouterr().out
    assert {r["seed"] for r in rows} == {"0", "1"}
    assert all(1e-3 <= float(r["learning_rate"]) <= 1e-1 for r in rows)
    out.write_text("".join(row for row in out.open() if ",unfinished," not in row))
    same_fit(out, typed)
    assert len(rows_of(tmp_path / "runs.curves.csv")) == 4 * len(rows) + 1


def test_lightnings_csvlogger_is_read_as_a_real_fit_leaves_it(tmp_path, capsys) -> None:
    sizes = [(2, 0), (8, 0), (8, 1)]
    counts = [lightning_run(tmp_path / "out", width, seed) for width, seed in sizes]
    given = tmp_path / "sizes.csv"
    given.write_text(
        "run,params\n" + "".join(f"lightning_logs/version_{i},{n}\n" for i, n in enumerate(counts))
    )
    rows = imported(tmp_path / "out", tmp_path / "runs.csv", "--params", str(given))
    said = capsys.readouterr().out
    assert [int(r["params"]) for r in rows] == counts
    assert [(r["seed"], r["learning_rate"]) for r in rows] == [(str(s), "0.05") for _, s in sizes]
    assert all(r["epochs"] == "3" and r["steps"] == "12" for r in rows)
    for i, row in enumerate(rows):
        log = rows_of(tmp_path / f"out/lightning_logs/version_{i}/metrics.csv")
        validated = [float(r["val_loss"]) for r in log if r["val_loss"]]
        assert float(row["loss"]) == min(validated)
        trained = [float(r["train_loss_epoch"]) for r in log if r["train_loss_epoch"]]
        assert float(row["train_loss"]) in trained
    assert "train_loss_step left out" in said


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, dict[str, tuple[int, list[dict]]]]:
    """Five sizes, one of them at two seeds, by transformers' Trainer."""
    folder = tmp_path_factory.mktemp("trainer") / "results"
    made = {}
    for width, seed in ((4, 0), (8, 0), (8, 1), (16, 0), (32, 0)):
        name = f"w{width}-seed{seed}"
        report = ["tensorboard"] if width == 32 else []
        made[name] = trainer_run(folder / name, width, seed, report_to=report)
    return folder, made


def test_the_trainers_folders_are_read_and_fitted_as_its_numbers_are(trained, tmp_path, capsys):
    folder, made = trained
    out = tmp_path / "runs.csv"
    rows = {r["run"]: r for r in imported(folder, out)}
    said = capsys.readouterr().out
    assert set(rows) == set(made)
    typed = tmp_path / "typed.csv"
    lines = ["params,loss"]
    for name, (params, log) in made.items():
        evaluated = [e for e in log if "eval_loss" in e]
        best = min(evaluated, key=lambda e: e["eval_loss"])
        row = rows[name]
        assert int(row["params"]) == params
        assert float(row["loss"]) == best["eval_loss"]
        assert float(row["accuracy"]) == best["eval_accuracy"]
        assert row["samples"] in ("96", "") and row["steps"] == "9" and row["epochs"] == "3"
        assert row["seed"] == name[-1] and float(row["flops"]) > 0
        lines.append(f"{params},{best['eval_loss']}")
    typed.write_text("\n".join(lines))
    same_fit(out, typed)
    # What TensorBoard's events say of the arguments is exact; a schedule's largest is not.
    assert rows["w32-seed0"]["learning_rate"] == "0.005"
    assert float(rows["w8-seed0"]["learning_rate"]) < 0.005
    assert "loss: eval_loss" in said and "train_loss: loss" in said
    assert "training_args.bin is a pickle and is not opened" in said
    assert "1 of TensorBoard lie with the same runs" in said
    assert main(["fit", str(out), "--x", "params", "--y", "loss", "--law", "power"]) == 0


def test_a_checkpoint_is_a_run_that_did_not_finish_and_the_last_one_stands_for_its_folder(
    trained, tmp_path, capsys
) -> None:
    folder, made = trained
    whole = tmp_path / "runs"
    shutil.copytree(folder / "w8-seed0", whole / "a")
    for name in ("trainer_state.json", "model.safetensors", "config.json"):
        (whole / "a" / name).unlink()
    shutil.copytree(folder / "w8-seed1/checkpoint-6", whole / "b/checkpoint-6")
    rows = {r["run"]: r for r in imported(whole, tmp_path / "runs.csv", "--seed", "3")}
    assert (rows["a"]["status"], rows["a"]["steps"]) == ("ok", "9")
    assert (rows["b"]["status"], rows["b"]["loss"]) == ("unfinished", "")
    assert "b: global_step 6 of 9" in capsys.readouterr().out
    assert int(rows["a"]["params"]) == int(rows["b"]["params"]) == made["w8-seed0"][0]
    alone = imported(folder / "w8-seed0/checkpoint-9", tmp_path / "alone.csv")
    assert [r["run"] for r in alone] == ["checkpoint-9"] and alone[0]["status"] == "ok"


def test_without_weights_the_configuration_is_counted(trained, tmp_path, capsys) -> None:
    folder, made = trained
    shutil.copytree(folder / "w16-seed0", tmp_path / "run")
    for path in (tmp_path / "run").rglob("*.safetensors"):
        path.unlink()
    (row,) = imported(tmp_path / "run", tmp_path / "runs.csv")
    assert int(row["params"]) == made["w16-seed0"][0]
    assert "BertForSequenceClassification of config.json, counted" in capsys.readouterr().out


def test_every_command_of_the_page_runs(root, logged, trained, tmp_path, monkeypatch, capsys):
    """docs/intake.md, as it is typed, on what the page names."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained[0], "results")
    shutil.copy(logged, "mlflow.db")
    event_files(Path("tb"), ladder()[:2])
    Path("exported").mkdir()
    wandb_table(Path("exported/runs.csv"), ladder()[:2])
    wandb_panel(Path("exported/loss.csv"), ladder()[:2])
    Path("lightning_logs/version_0").mkdir(parents=True)
    Path("lightning_logs/version_0/metrics.csv").write_text("epoch,step,val_loss\n0,1,.5\n")
    Path("sizes.csv").write_text("run,params\nversion_0,25\n")
    optuna_study("sqlite:///study.db", ladder()[:2])
    for task in ("hellaswag", "arc"):
        evaluation(Path(f"evaluations/{task}/results_1.json"), "org/m70", 70, **{task: 0.3})
    Path("mine.csv").write_text("name,size,score\na,1.2M,0.52\nb,4.7M,0.41\n")
    page = [command for command, pages in said(root).items() if "docs/intake.md" in pages]
    commands = [
        shlex.split(command)[1:] for command in page if command.startswith("alphascale import ")
    ]
    assert len(commands) == 8
    for words in commands:
        assert main(words) == 0, capsys.readouterr().err
        assert rows_of(Path("runs.csv"))


@pytest.mark.parametrize("which", ["bert", "gpt2", "resnet"])
def test_parameters_are_counted_as_transformers_counts_them(which, tmp_path) -> None:
    """Tied weights once, buffers not at all; of one file, of shards, and of a configuration."""
    import transformers as hf

    small = {"vocab_size": 40, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = {
        "bert": lambda: hf.BertForMaskedLM(hf.BertConfig(**small, intermediate_size=8)),
        "gpt2": lambda: hf.GPT2LMHeadModel(
            hf.GPT2Config(vocab_size=40, n_embd=8, n_layer=1, n_head=2)
        ),
        "resnet": lambda: hf.ResNetForImageClassification(
            hf.ResNetConfig(embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1])
        ),
    }[which]()
    for name, options in (("one", {}), ("shards", {"max_shard_size": "3KB"}), ("none", {})):
        folder = tmp_path / name
        model.save_pretrained(folder, **options)
        (folder / "trainer_state.json").write_text(
            '{"global_step": 1, "log_history": [{"eval_loss": 1.0, "step": 1}]}'
        )
    for path in (tmp_path / "none").glob("*.safetensors"):
        path.unlink()
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    rows = imported(tmp_path, tmp_path / "runs.csv")
    assert [int(r["params"]) for r in rows] == [model.num_parameters()] * 3
