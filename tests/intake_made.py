"""Runs as other tools leave them, written by those tools; and the same numbers as a plain CSV."""

from __future__ import annotations

import csv
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from alphascale.cli import main

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # without it mlflow 3.17 writes no mlruns/
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["TRANSFORMERS_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000)
BEST = 2  # place of the epoch with the lowest validation loss: it rises in the last


@dataclass(frozen=True)
class Made:
    """One run: loss .1 + 20 N^-.4 and noise at its best epoch."""

    params: int
    seed: int

    @property
    def name(self) -> str:
        return f"n{self.params}-seed{self.seed}"

    def history(self) -> list[dict[str, float]]:
        """Per epoch the validation loss and accuracy, and the training loss."""
        draw = np.random.default_rng([self.params, self.seed])
        best = (0.1 + 20 * self.params**-0.4) * np.exp(0.02 * draw.normal())
        shape = (1.6, 1.2, 1.0, 1.1)
        return [
            {
                "val_loss": float(best * s),
                "val_accuracy": float(np.exp(-best * s)),
                "train_loss": float(best * 1.8 / (e + 1)),
            }
            for e, s in enumerate(shape)
        ]


def ladder() -> list[Made]:
    return [Made(size, seed) for size in SIZES for seed in (0, 1)]


def imported(source: object, out: Path, *options: str) -> list[dict[str, str]]:
    """The rows that `alphascale import` writes; it must end well."""
    assert main(["import", str(source), "--out", str(out), *options]) == 0
    return rows_of(out)


def refused(capsys, source: object, out: Path, *options: str) -> str:
    """The one line with which `alphascale import` ends; nothing may be written."""
    assert main(["import", str(source), "--out", str(out), *options]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("alphascale import: "), said
    assert not out.exists()
    return said.strip()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def as_csv(path: Path, runs: list[Made] | None = None, place: int = BEST) -> Path:
    """The same numbers as a person would type them."""
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["params", "seed", "loss", "accuracy"])
        for run in runs or ladder():
            at = run.history()[place]
            writer.writerow([run.params, run.seed, at["val_loss"], at["val_accuracy"]])
    return path


def mlflow_store(uri: str, runs: list[Made]) -> None:
    """Runs as mlflow's client logs them."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("ladder")
    for start, run in enumerate(runs):
        made = client.create_run(experiment, run_name=run.name, start_time=1_000 + start)
        logged = [
            Metric(name, value, 1_000 + epoch, epoch)
            for epoch, values in enumerate(run.history())
            for name, value in values.items()
        ]
        params = {"n_params": run.params, "seed": run.seed, "lr": 0.01, "optimizer": "adamw"}
        asked = [Param(k, str(v)) for k, v in params.items()]
        client.log_batch(made.info.run_id, metrics=logged, params=asked)
        client.set_terminated(made.info.run_id, end_time=61_000 + start)


def event_files(folder: Path, runs: list[Made]) -> None:
    """Runs as torch's SummaryWriter logs them."""
    from torch.utils.tensorboard import SummaryWriter

    for run in runs:
        with SummaryWriter(folder / run.name) as writer:
            writer.add_hparams({"n_params": run.params, "seed": run.seed}, {})
            for epoch, values in enumerate(run.history()):
                writer.add_scalar("val/loss", values["val_loss"], epoch)
                writer.add_scalar("val/accuracy", values["val_accuracy"], epoch)
                writer.add_scalars("loss", {"train": values["train_loss"]}, epoch)


def optuna_study(storage: object, runs: list[Made]) -> None:
    """Runs as trials, each reporting its loss on the way and returning the best."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=storage, study_name="ladder")
    for run in runs:
        trial = study.ask()
        trial.suggest_float("lr", 1e-3, 1e-1, log=True)
        trial.set_user_attr("params", run.params)
        trial.set_user_attr("seed", run.seed)
        for epoch, values in enumerate(run.history()):
            trial.report(values["val_loss"], epoch)
        study.tell(trial, run.history()[BEST]["val_loss"])


def lightning_run(folder: Path, width: int, seed: int) -> int:
    """A real tiny fit with the CSVLogger; returns the number of parameters."""
    import lightning
    import torch
    from lightning.pytorch.loggers import CSVLogger

    class Tiny(lightning.LightningModule):
        def __init__(self, width: int, seed: int, lr: float) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = torch.nn.Sequential(
                torch.nn.Linear(4, width), torch.nn.ReLU(), torch.nn.Linear(width, 1)
            )

        def training_step(self, batch, place):
            loss = self._loss(batch)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch, place):
            self.log("val_loss", self._loss(batch))

        def _loss(self, batch):
            return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), self.hparams.lr)

    torch.manual_seed(seed)
    x = torch.randn(64, 4)
    data = torch.utils.data.TensorDataset(x, x.pow(2).sum(1, keepdim=True))
    loader = torch.utils.data.DataLoader(data, 16)
    model = Tiny(width, seed, 0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightning.Trainer(
            max_epochs=3, logger=CSVLogger(folder), accelerator="cpu", log_every_n_steps=1,
            enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        ).fit(model, loader, loader)  # fmt: skip
    return sum(p.numel() for p in model.parameters())


def trainer_run(folder: Path, width: int, seed: int, **options) -> tuple[int, list[dict]]:
    """A real tiny training by transformers' Trainer; its parameters and its log."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    class Data(torch.utils.data.Dataset):
        def __init__(self, count: int, seed: int) -> None:
            draw = torch.Generator().manual_seed(seed)
            self.x = torch.randint(5, 40, (count, 6), generator=draw)

        def __len__(self) -> int:
            return len(self.x)

        def __getitem__(self, place: int) -> dict:
            return {"input_ids": self.x[place], "labels": (self.x[place, 0] > 20).long()}

    def measured(predicted) -> dict[str, float]:
        right = predicted.predictions.argmax(-1) == predicted.label_ids
        return {"accuracy": float(right.mean())}

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=40, hidden_size=width, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=width, max_position_embeddings=8,
    )  # fmt: skip
    asked = {
        "num_train_epochs": 3, "per_device_train_batch_size": 32, "eval_strategy": "epoch",
        "save_strategy": "epoch", "logging_steps": 2, "learning_rate": 5e-3, "seed": seed,
        "report_to": [], "use_cpu": True, "disable_tqdm": True,
    }  # fmt: skip
    trainer = Trainer(
        model=BertForSequenceClassification(config),
        args=TrainingArguments(output_dir=str(folder), **(asked | options)),
        train_dataset=Data(96, 1), eval_dataset=Data(64, 2), compute_metrics=measured,
    )  # fmt: skip
    trainer.train()
    trainer.save_state()
    trainer.save_model()
    return trainer.model.num_parameters(), trainer.state.log_history


WANDB = (
    "Name", "State", "Notes", "User", "Tags", "Created", "Runtime", "Sweep", "batch_size", "lr",
    "seed", "n_params", "epoch", "eval/accuracy", "eval/loss", "train/loss",
)  # fmt: skip


def wandb_table(path, runs: list[Made], **other) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
        writer.writerow(WANDB)
        for run in runs:
            last = run.history()[-1]
            row = {
                "Name": run.name, "State": "finished", "User": "me", "Runtime": 60, "lr": 0.01,
                "seed": run.seed, "n_params": run.params, "batch_size": 32, "epoch": 3,
                "eval/accuracy": last["val_accuracy"], "eval/loss": last["val_loss"],
                "train/loss": last["train_loss"],
            }  # fmt: skip
            writer.writerow([(row | other).get(name, "") for name in WANDB])


def wandb_panel(path, runs: list[Made]) -> None:
    """One metric of several runs, as a panel exports it: each with its least and greatest."""
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
        heads = [f"{run.name} - eval/loss" for run in runs]
        writer.writerow(["Step", *(h + end for h in heads for end in ("", "__MIN", "__MAX"))])
        for step in range(4):
            values = [run.history()[step]["val_loss"] for run in runs]
            writer.writerow([step, *(cell for v in values for cell in (v, 0, 99))])


def evaluation(path, model: str, params: int | None, **tasks) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    config = {"model": "hf", "model_args": f"pretrained={model}", "random_seed": 0}
    value = {
        "results": {
            task: {"alias": task, "acc,none": acc, "acc_stderr,none": 0.01, "sample_len": 9}
            for task, acc in tasks.items()
        },
        "configs": {}, "config": config | {"model_num_parameters": params}, "model_name": model,
    }  # fmt: skip
    path.write_text(json.dumps(value))
