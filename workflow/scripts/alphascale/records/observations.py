"""Observations: one row per (domain, scale, fraction, seed), stable column names, as CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ..errors import UserError
from ..metrics import TABLE
from .files import REBUILD, replacing

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Observation:
    """One run; its fields are the table's columns, None an empty cell."""

    # domain, scale, fraction: its cell
    domain: str
    scale: str
    fraction: str
    seed: int  # of the run
    role: str  # `ladder`, or `verify` where verification trained it
    family: str  # of the model
    task: str  # of `metrics.TASKS`
    # `ok`, `diverged` (no numbers of loss or accuracy) or `chance` (its numbers are those of a run
    # that learnt nothing); only `ok` enters a law
    status: str
    # params, non_embedding, embedding, head: parameters, as in training.Params
    params: int
    non_embedding: int
    embedding: int
    head: int
    samples: int  # of the training fraction
    samples_seen: int  # samples × epochs run
    learning_rate: float  # the one chosen for the cell
    best_epoch: int | None  # 1-based, of the lowest validation loss
    epochs_run: int  # epochs trained
    train_loss: float | None  # nats, in the best epoch
    validation_loss: float | None  # nats, with the best epoch's weights, like all that follow
    # validation_accuracy, test_accuracy: shares
    validation_accuracy: float | None
    test_loss: float | None  # nats; of numbers, over the training labels' variance
    test_accuracy: float | None
    test_error: float | None  # 1 − test_accuracy
    # the metrics of `metrics.TABLE` under these names, each None where the task has it not
    test_balanced_accuracy: float | None
    test_macro_f1: float | None
    test_weighted_f1: float | None
    test_top5: float | None
    test_auroc: float | None
    test_average_precision: float | None
    test_calibration_error: float | None
    test_rmse: float | None
    test_mae: float | None
    test_r2: float | None
    test_samples: int  # that the last two were counted on; of a language model, tokens
    level: str | None  # LOW, MEDIUM or HIGH, the generalisation warning of a good run's curves
    # forward_flops, step_flops: per sample, of a forward pass and of a training step
    forward_flops: int
    step_flops: int
    flops: int  # of the run
    # job_flops, job_seconds, job_members: FLOPs, seconds and runs of the whole job
    job_flops: int
    job_seconds: float
    job_members: int
    joules: float | None  # of the whole job, where they were measured
    energy_how: str  # how they were, or why not
    # watts, watts_how: what the device is taken to draw under load, and where that is from
    watts: float | None
    watts_how: str
    # device, precision: what was computed on, and in
    device: str
    precision: str
    warnings: str  # codes of the cell's warnings, separated by spaces
    # d_model, n_layers: of a language model, like all that follow but the last
    d_model: int | None
    n_layers: int | None
    tokens: int | None  # of the training fraction
    bits_per_byte: float | None  # on the test split
    unigram_perplexity: float | None  # of the test split
    peak_memory_bytes: int  # of the job


# Column → its type as written above: `int`, `float | None`, ….
COLUMNS = {each.name: str(each.type) for each in fields(Observation)}


def write_table(path: str | os.PathLike, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as CSV, columns in the order of the first row; numbers keep every digit."""
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: str | os.PathLike) -> list[dict[str, str]]:
    """The rows of a table as text, for joining; raises UserError if it is not such a table."""
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, strict=True)
            rows = list(reader)
            columns = reader.fieldnames or ()
    except (OSError, ValueError, csv.Error) as fault:
        raise UserError(f"{path}: cannot be read as observations ({fault}); {REBUILD}") from None
    _check_columns(path, columns)
    if any(None in row or None in row.values() for row in rows):
        raise UserError(f"{path}: a line is cut short or too long; {REBUILD}")
    return rows


def read_frame(path: str | os.PathLike) -> pandas.DataFrame:
    """Observations as a DataFrame, every column of its type: `fraction` names files, so is text.

    Of each metric that rises, what it lacks of 1 is added as laws are fitted to it: `test_auroc` is
    followed by `test_auroc_error`.
    """
    import pandas

    try:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as fault:  # pandas' own faults are ValueErrors
        text = str(fault).strip().splitlines()[0]
        raise UserError(f"{path}: cannot be read as observations ({text}); {REBUILD}") from None
    _check_columns(path, frame.columns)
    for name, kind in COLUMNS.items():
        if kind.startswith("str"):
            continue
        try:
            numbers = frame[name].astype(float)
            empty = bool(numbers.isna().any())
            if empty and "None" not in kind:
                raise ValueError("an empty cell")
            # Beyond 2^53 a float is as exact as an int64, which ends at 9e18 FLOPs.
            whole = kind.startswith("int") and not empty and numbers.max() < 2**53
            frame[name] = numbers.astype(int) if whole else numbers
        except ValueError as fault:
            raise UserError(f"{path}: column {name!r}: {fault}; {REBUILD}") from None
    lacking = {
        f"test_{each.fitted}": 1.0 - frame[f"test_{each.name}"]
        for each in TABLE.values()
        if each.rises and f"test_{each.fitted}" not in frame
    }
    return frame.assign(**lacking)


def _check_columns(path: str | os.PathLike, columns: Iterable[str]) -> None:
    missing = sorted(set(COLUMNS) - set(columns))
    if missing:
        raise UserError(f"{path}: has no column {missing[0]!r}; {REBUILD}")
