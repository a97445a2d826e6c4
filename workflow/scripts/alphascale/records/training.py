"""The record of one training job: what was trained, what came of it, what it took. Facts alone.

What a reader makes of them (is a curve healthy, does a learning rate lie on the edge of its list)
is judged downstream, in `auditing`: a reworded warning or another threshold trains nothing anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from ..errors import UserError
from .files import REBUILD, SCHEMA, digest, read_sealed
from .outputs import check_outputs
from .specs import TrainSpec
from .typed import SchemaVersion, parse


@dataclass(frozen=True)
class Params:
    """Parameters of one model, by group."""

    total: int  # all of them
    non_embedding: int  # total − embedding
    embedding: int  # tables of tokens and positions
    body: int  # neither embedding nor head
    head: int  # the last layer


@dataclass(frozen=True)
class Flops:
    """Training FLOPs, 2 per multiply-add."""

    forward_per_sample: int  # of a forward pass
    training_per_sample: int  # of a forward and a backward pass
    per_run: int  # of one run to the last epoch
    job: int  # of all runs of the job, each as long as it went; without the trunks of another job
    counted_by: str  # how they were counted


@dataclass(frozen=True)
class Curves:
    """One value an epoch, of all epochs whose numbers are finite."""

    # of the task, `Scores.loss`; mean over the epoch's steps
    train_loss: list[float] = field(default_factory=list)
    # share that is right, of numbers the share of their variance that is explained; likewise
    train_accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)  # after the epoch
    validation_accuracy: list[float] = field(default_factory=list)  # after the epoch


@dataclass(frozen=True)
class Scores:
    """A split, measured with the weights of the best epoch."""

    # nats; of numbers, the mean square error over the training labels' variance
    loss: float
    # accuracy, error: share that is right, and 1 less it; None of numbers
    accuracy: float | None
    error: float | None


@dataclass(frozen=True)
class Perplexity:
    """e to the loss in nats per token, at most e^700."""

    # train_epochs, validation_epochs: by epoch
    train_epochs: list[float]
    validation_epochs: list[float]
    validation_final: float  # after the last epoch
    validation_best: float  # the lowest
    test: float  # with the weights of the best epoch


@dataclass(frozen=True)
class BySplit:
    """A number of the validation split and one of the test split."""

    validation: float
    test: float


@dataclass(frozen=True)
class SeedRun:
    """One run at the learning rate that was chosen."""

    seed: int  # of weights, order, augmentation and dropout
    learning_rate: float  # peak of the schedule
    status: str  # `ok`, or `diverged`: a loss that is not finite
    epochs_run: int  # epochs trained, the last of a diverged run among them
    best_epoch: int | None  # 1-based, of the lowest validation loss; None where the run diverged
    curves: Curves  # loss and accuracy by epoch
    # validation, test: with the weights of the best epoch; None where the run diverged
    validation: Scores | None
    test: Scores | None
    flops: int  # of this run, its trunk among them whoever trained it
    # of a language model; None elsewhere and where the run diverged
    perplexity: Perplexity | None = None
    bits_per_byte: BySplit | None = None  # the same, of data whose bytes are known


@dataclass(frozen=True)
class SweepRun:
    """One run of the search for a learning rate."""

    # learning_rate, seed, status: as in SeedRun
    learning_rate: float
    seed: int
    validation_loss: float | None  # nats, at its best epoch; None where the run diverged
    status: str  # or `stopped`: its rate could not win any more
    epochs_run: int | None = None  # epochs trained; None in records before they were kept
    why: str | None = None  # it was stopped; None where it was not


@dataclass(frozen=True)
class Language:
    """What is known of a job that trains a language model."""

    # d_model, n_layers: of the model, None where its size has no such key
    d_model: int | None
    n_layers: int | None
    length: int  # tokens of a window, which is one sample
    vocabulary: int  # number of token ids
    tokens: int  # of the training fraction
    # of the model that knows the frequency of each token and nothing else
    unigram_perplexity: BySplit


@dataclass(frozen=True)
class Trunk:
    """The trunk that runs of a job went on from: the job of a smaller fraction trained it."""

    fraction: str  # its own
    # steps, samples: that it had taken and seen, of each run
    steps: int
    samples: int
    runs: int  # of the job that went on from it, the others trained all of it themselves


@dataclass(frozen=True)
class Times:
    """Seconds."""

    train_s: float  # of training alone, those before a checkpoint among them
    total_s: float  # of the program's job, from its start or resumption
    cpu_s: float  # of processor time in total_s


@dataclass(frozen=True)
class Energy:
    """joules: of training alone, None where no counter could be read. how: measured, or why not.
    watts: what the device is taken to draw under load, and watts_how where that is from: what an
    estimate rests on where joules are None."""

    joules: float | None
    how: str
    watts: float | None = None
    watts_how: str = ""


@dataclass(frozen=True)
class Device:
    """What was computed on."""

    type: str  # `cpu` or `cuda`
    name: str  # of the processor or GPU
    precision: str  # `float32` or `bfloat16`
    threads: int  # of torch on the CPU


@dataclass(frozen=True)
class Versions:
    """Versions of what trained."""

    python: str
    torch: str
    alphascale: str


@dataclass(frozen=True)
class TrainingRecord:
    """One training job and its provenance."""

    # the slice of the study that it was made from: domain, scale, fraction, family, size, …
    spec: TrainSpec
    code: str  # digest of the training's code
    data_sha256: str  # of the tensor file it was trained on
    params: Params  # of one model
    samples: int  # of the training fraction, each seen once an epoch
    # samples_seen, steps: of the longest run at the chosen learning rate
    samples_seen: int
    steps: int
    flops: Flops  # of training
    learning_rate: float  # the one chosen for all seeds
    sweep: list[SweepRun]  # every run of the job, seeds × learning rates
    seeds: list[SeedRun]  # the runs at the chosen learning rate
    pieces: int  # in which a batch was computed, more than 1 where it did not fit into memory
    time: Times  # seconds
    energy: Energy  # joules
    peak_memory_bytes: int  # the most that torch held on the GPU, or the process on the CPU
    device: Device  # what was computed on
    versions: Versions  # of what trained
    language: Language | None = None  # of language models; None elsewhere
    # what another job trained of it, under schedule `cooldown`; None where it trained all itself
    trunk: Trunk | None = None
    # SHA-256 of the file of test outputs beside it (`outputs.py`), from which other metrics are
    # measured; None of language models, which have none
    outputs_sha256: str | None = None
    schema: SchemaVersion = SCHEMA  # version of the file


def read_record(
    path: str | os.PathLike, spec: str, code: str, data_sha256: str | None = None
) -> TrainingRecord:
    """Read a training record and check that it is whole and was made by this spec, code and data.

    `spec` is `digest` of the job's slice, which of a training by the law of rates names no rate:
    `rates.check_rate` checks that. `code` comes from `provenance.code_digest`, data_sha256 from the
    description of the data; None for any. Its test outputs are checked with it. Raises UserError
    that names the file.
    """
    record = read_sealed(path)
    if record.get("schema") != SCHEMA:
        raise UserError(f"{path}: not a record of schema {SCHEMA}; {REBUILD}")
    if digest(_asked(record.get("spec"))) != spec:
        raise UserError(f"{path}: made by another configuration than the present one; {REBUILD}")
    if record.get("code") != code:
        raise UserError(f"{path}: made by other code than the present one; {REBUILD}")
    if data_sha256 is not None and record.get("data_sha256") != data_sha256:
        raise UserError(f"{path}: trained on other data than is prepared now; {REBUILD}")
    found = parse(TrainingRecord, record, str(path))
    if found.outputs_sha256 is not None:
        check_outputs(path, found.outputs_sha256)
    return found


def _asked(spec: Any) -> Any:
    """The slice behind a record's spec: the same, but for the rate that a law gave."""
    training = spec.get("training") if isinstance(spec, dict) else None
    if not isinstance(training, dict) or training.get("rates") != "law":
        return spec
    return spec | {"training": training | {"learning_rates": []}}
