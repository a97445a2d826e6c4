"""What a domain's data are asked to be, and what they are: a section of the study, a description.

Training imports this module and none of those that make the data, so a change to how data are
prepared leaves trained models alone unless the data themselves change.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from pydantic import SerializerFunctionWrapHandler, model_serializer

from .files import SCHEMA
from .typed import read, write


@dataclass(frozen=True)
class DataSpec:
    """A domain's data section with the study's seed, as jobs carry it.

    A key that its source does not read is None here and absent in JSON, so that an edit of it
    changes nothing. config.Data says what each key means and may be.
    """

    source: str  # its name
    seed: int  # of splits and order
    test: float | int  # share in (0, 1) or number of samples
    validation: float | int  # the same
    limit: int | None = None  # most samples, None for all
    name: str | int | None = None
    subset: str | None = None
    path: str | None = None
    task: str | None = None
    label: str | list[str] | None = None
    separator: str | None = None
    text: list[str] | None = None
    image: str | None = None
    drop: list[str] | None = None
    length: int | None = None
    vocabulary: int | None = None
    tokenizer: str | None = None
    image_size: int | None = None

    @model_serializer(mode="wrap")
    def _without_none(self, dump: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {key: value for key, value in dump(self).items() if value is not None}


@dataclass(frozen=True)
class Meta:
    """What a model and its training need to know of a domain's data."""

    kind: str  # `image`, `tabular`, `text` or, for language models, `tokens`
    # numbers that a model gives for a sample: classes or labels K, 1 of numbers; of tokens, the
    # vocabulary for each
    classes: int
    shape: tuple[int, ...]  # of one sample, (C, H, W), (F,) or (length,)
    vocabulary: int | None  # number of token ids; None unless text or tokens
    pad: int | None  # id that fills up short texts; None unless text
    # mean, std: per channel over the training part, in the units of the stored uint8 values, so a
    # model sees (x − mean) / std; None unless image
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    # of the training, validation and test split; None unless tokens
    bytes_per_token: tuple[float, ...] | None = None
    task: str = "classes"  # of `metrics.TASKS`, what a model is asked
    # mean and standard deviation of the training labels; None unless the task is numbers. The
    # tensors hold labels as float64 in the user's own unit (of 1e9 and 1e9 + 10, float32 makes
    # one number); (y − centre) / spread, which is in the range of float32, is what is trained on
    centre: float | None = None
    spread: float | None = None
    # id that stands for a masked token; None unless the task is masked
    mask: int | None = None


@dataclass(frozen=True)
class Origin:
    """Where data are from."""

    name: str  # of the source, or of the user's file
    provenance: str  # a citation, or the path
    licence: str  # in words
    files: dict[str, str]  # what was read → SHA-256


@dataclass(frozen=True)
class PreparedData(Meta):
    """The description that lies beside a file of tensors: Meta, and what people and checks need."""

    class_names: list[str] = field(kw_only=True)  # by class; none of tokens
    # names of the F numbers of a table
    columns: list[str] | None = field(default=None, kw_only=True)
    sizes: dict[str, int] = field(kw_only=True)  # split → samples
    # split → samples by class; none of tokens
    class_counts: dict[str, list[int]] = field(kw_only=True)
    # of numbers: root mean square error on the test labels of always naming `centre`
    constant_rmse: float | None = field(default=None, kw_only=True)
    # row of the training part at which each class first appears
    first_rows: list[int] = field(kw_only=True)
    smallest_prefix: int = field(kw_only=True)  # fewest training rows that hold every class
    source: Origin = field(kw_only=True)  # where they are from
    spec: DataSpec = field(kw_only=True)  # section that they were made by
    seed: int = field(kw_only=True)  # its own, of splits and order
    notes: list[str] = field(kw_only=True)  # what was dropped, filled, cut or looks odd, in words
    # documents, tokens, bytes: split → number of them; None unless tokens
    documents: dict[str, int] | None = field(default=None, kw_only=True)
    tokens: dict[str, int] | None = field(default=None, kw_only=True)
    bytes: dict[str, int] | None = field(default=None, kw_only=True)
    # id that closes every document; None unless tokens
    end: int | None = field(default=None, kw_only=True)
    # the tokenizer that was trained on the training part, as the library's JSON; None where one was
    # named, or there is none
    tokenizer: str | None = field(default=None, kw_only=True)
    # of the file of tensors; empty while that is not written
    sha256: str = field(default="", kw_only=True)
    schema: int = field(default=SCHEMA, kw_only=True)

    def class_shares(self, split: str) -> list[float]:
        """Share of each class, or label, among a split's samples; empty of what has none."""
        counts = self.class_counts.get(split) or []
        return [count / self.sizes[split] for count in counts]


def write_prepared(path: str | os.PathLike, data: PreparedData) -> None:
    """Write a description, sealed."""
    write(path, data)


def read_prepared(path: str | os.PathLike) -> PreparedData:
    """Read a description; raises UserError, naming the file, if it is not as it was written."""
    return read(path, PreparedData)
