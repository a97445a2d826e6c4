"""The record of one training job: what was trained, what came of it, what it took. Facts alone.

What a reader makes of them (is a curve healthy, does a learning rate lie on the edge of its list)
is judged downstream, in `auditing`: a reworded warning or another threshold trains nothing anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ..errors import UserError
from .files import REBUILD, SCHEMA, digest, read_sealed
from .specs import TrainSpec
from .typed import SchemaVersion, parse


@dataclass(frozen=True)
class Params:
    """Parameters of one model, by group.

    total: all of them.
    non_embedding: total − embedding.
    embedding: tables of tokens and positions.
    body: neither embedding nor head.
    head: the last layer.
    """

    total: int
    non_embedding: int
    embedding: int
    body: int
    head: int


@dataclass(frozen=True)
class Flops:
    """Training FLOPs, 2 per multiply-add.

    forward_per_sample: of a forward pass.
    training_per_sample: of a forward and a backward pass.
    per_run: of one run to the last epoch.
    job: of all runs of the job, each as long as it went.
    counted_by: how they were counted.
    """

    forward_per_sample: int
    training_per_sample: int
    per_run: int
    job: int
    counted_by: str


@dataclass(frozen=True)
class Curves:
    """One value an epoch, of all epochs whose numbers are finite.

    train_loss: nats, mean over the epoch's steps.
    train_accuracy: share, mean over the epoch's steps.
    validation_loss: nats, after the epoch.
    validation_accuracy: share, after the epoch.
    """

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Scores:
    """A split, measured with the weights of the best epoch.

    loss: nats.
    accuracy: share.
    error: 1 − accuracy.
    """

    loss: float
    accuracy: float
    error: float


@dataclass(frozen=True)
class Perplexity:
    """e to the loss in nats per token, at most e^700.

    train_epochs, validation_epochs: by epoch.
    validation_final: after the last epoch.
    validation_best: the lowest.
    test: with the weights of the best epoch.
    """

    train_epochs: list[float]
    validation_epochs: list[float]
    validation_final: float
    validation_best: float
    test: float


@dataclass(frozen=True)
class BySplit:
    """A number of the validation split and one of the test split."""

    validation: float
    test: float


@dataclass(frozen=True)
class SeedRun:
    """One run at the learning rate that was chosen.

    seed: of weights, order, augmentation and dropout.
    learning_rate: peak of the schedule.
    status: `ok`, or `diverged`: a loss that is not finite.
    epochs_run: epochs trained, the last of a diverged run among them.
    best_epoch: 1-based, of the lowest validation loss; None where the run diverged.
    curves: loss and accuracy by epoch.
    validation, test: with the weights of the best epoch; None where the run diverged.
    flops: of this run.
    perplexity: of a language model; None elsewhere and where the run diverged.
    bits_per_byte: the same, of data whose bytes are known.
    """

    seed: int
    learning_rate: float
    status: str
    epochs_run: int
    best_epoch: int | None
    curves: Curves
    validation: Scores | None
    test: Scores | None
    flops: int
    perplexity: Perplexity | None = None
    bits_per_byte: BySplit | None = None


@dataclass(frozen=True)
class SweepRun:
    """One run of the search for a learning rate.

    learning_rate, seed, status: as in SeedRun.
    validation_loss: nats, at its best epoch; None where the run diverged.
    """

    learning_rate: float
    seed: int
    validation_loss: float | None
    status: str


@dataclass(frozen=True)
class Language:
    """What is known of a job that trains a language model.

    d_model, n_layers: of the model, None where its size has no such key.
    length: tokens of a window, which is one sample.
    vocabulary: number of token ids.
    tokens: of the training fraction.
    unigram_perplexity: of the model that knows the frequency of each token and nothing else.
    """

    d_model: int | None
    n_layers: int | None
    length: int
    vocabulary: int
    tokens: int
    unigram_perplexity: BySplit


@dataclass(frozen=True)
class Times:
    """Seconds.

    train_s: of training alone, those before a checkpoint among them.
    total_s: of the program's job, from its start or resumption.
    cpu_s: of processor time in total_s.
    """

    train_s: float
    total_s: float
    cpu_s: float


@dataclass(frozen=True)
class Energy:
    """joules: of training alone, None where no counter could be read. how: measured, or why not."""

    joules: float | None
    how: str


@dataclass(frozen=True)
class Device:
    """What was computed on.

    type: `cpu` or `cuda`.
    name: of the processor or GPU.
    precision: `float32` or `bfloat16`.
    threads: of torch on the CPU.
    """

    type: str
    name: str
    precision: str
    threads: int


@dataclass(frozen=True)
class Versions:
    """Versions of what trained."""

    python: str
    torch: str
    alphascale: str


@dataclass(frozen=True)
class TrainingRecord:
    """One training job and its provenance.

    spec: the slice of the study that it was made from: domain, scale, fraction, family, size, ….
    code: digest of the training's code.
    data_sha256: of the tensor file it was trained on.
    params: of one model.
    samples: of the training fraction, each seen once an epoch.
    samples_seen, steps: of the longest run at the chosen learning rate.
    flops: of training.
    learning_rate: the one chosen for all seeds.
    sweep: every run of the job, seeds × learning rates.
    seeds: the runs at the chosen learning rate.
    pieces: in which a batch was computed, more than 1 where it did not fit into memory.
    time: seconds.
    energy: joules.
    peak_memory_bytes: the most that torch held on the GPU, or the process on the CPU.
    device: what was computed on.
    versions: of what trained.
    language: of language models; None elsewhere.
    schema: version of the file.
    """

    spec: TrainSpec
    code: str
    data_sha256: str
    params: Params
    samples: int
    samples_seen: int
    steps: int
    flops: Flops
    learning_rate: float
    sweep: list[SweepRun]
    seeds: list[SeedRun]
    pieces: int
    time: Times
    energy: Energy
    peak_memory_bytes: int
    device: Device
    versions: Versions
    language: Language | None = None
    schema: SchemaVersion = SCHEMA


def read_record(
    path: str | os.PathLike, spec: str, code: str, data_sha256: str | None = None
) -> TrainingRecord:
    """Read a training record and check that it is whole and was made by this spec, code and data.

    `spec` is `digest` of the job's slice, `code` comes from `provenance.code_digest`, data_sha256
    from the description of the data; None for any. Raises UserError that names the file.
    """
    record = read_sealed(path)
    if record.get("schema") != SCHEMA:
        raise UserError(f"{path}: not a record of schema {SCHEMA}; {REBUILD}")
    if digest(record.get("spec")) != spec:
        raise UserError(f"{path}: made by another configuration than the present one; {REBUILD}")
    if record.get("code") != code:
        raise UserError(f"{path}: made by other code than the present one; {REBUILD}")
    if data_sha256 is not None and record.get("data_sha256") != data_sha256:
        raise UserError(f"{path}: trained on other data than is prepared now; {REBUILD}")
    return parse(TrainingRecord, record, str(path))
