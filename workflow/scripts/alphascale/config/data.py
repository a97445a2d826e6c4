"""A domain's `data` section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ..metrics import CORPUS_TASKS, TASKS
from ..sources import source, sources
from .base import Count, Number, Section

SourceName = Literal[tuple(sources())]


class Data(Section):
    """Where a domain's samples come from and how they are split."""

    source: SourceName = Field(description="A name of the table of sources.")
    name: str | Annotated[int, Field(ge=1, strict=True)] | None = Field(
        None,
        description="Which of a library's data sets: its name on the Hugging Face hub (as "
        "`stanfordnlp/imdb`), OpenML's name or number, scikit-learn's (`iris`) or torchvision's "
        "(`CIFAR100`).",
    )
    subset: str | None = Field(
        None,
        min_length=1,
        description="Hugging Face: the part of a data set that has several (as `sst2` of "
        "`nyu-mll/glue`).",
    )
    path: str | None = Field(
        None,
        description="File or folder of your own data; for a downloaded source, the folder "
        "where its files lie or go (default `downloads/`).",
    )
    task: Literal[TASKS] | None = Field(
        None,
        description="What a model is asked for a sample: one of some `classes` (default), any of "
        "some `labels` (multi-label), or a number (`numbers`, regression). Of running text: the "
        "`next` token (default), or those that are `masked`.",
    )
    label: str | list[str] | None = Field(
        None,
        description="Your own tables and texts: the column that holds the class, the labels or the "
        "number (default `label`). Of task `labels` also a list of columns that hold 0 or 1.",
    )
    separator: str | None = Field(
        None,
        min_length=1,
        description="Task `labels` in one column: what stands between two labels (default `;`).",
    )
    text: list[str] | None = Field(
        None, description="Texts: the columns that are joined into the text (default `[text]`)."
    )
    image: str | None = Field(
        None,
        description="Hugging Face: the column that holds the images (default: the one that does).",
    )
    drop: list[str] = Field([], description="Tables: columns to leave out (identifiers, dates).")
    test: Number | int = Field(
        0.2, description="Test split: a share in (0, 1) or a number of samples."
    )
    validation: Number | int = Field(
        0.1, description="Validation split: a share in (0, 1) or a number of samples."
    )
    limit: Count | None = Field(
        None,
        description="Use at most this many samples, drawn stratified; all by default. Of a corpus: "
        "at most this many training windows.",
    )
    length: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        128,
        description="Text: tokens per sample; longer ones are cut. Of a corpus: tokens per window.",
    )
    vocabulary: Annotated[int, Field(ge=257, le=10_000_000)] = Field(
        4096,
        description="Text: size of the byte-pair vocabulary trained on the training part; the 256 "
        "bytes and the padding are always in it.",
    )
    tokenizer: str | None = Field(
        None,
        description="Text: a pretrained tokenizer by name or folder (as `bert-base-uncased`) "
        "instead of one trained here.",
    )
    image_size: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Images of several sizes: side in pixels every image is resized to.",
    )

    @field_validator("path", "name", "tokenizer")
    @classmethod
    def _a_name_that_all_can_take(cls, path: str | int | None) -> str | int | None:
        if isinstance(path, int):
            return path
        if path is not None and not (path and path.isprintable()):
            raise ValueError(f"{path!r} is empty or holds characters that cannot be printed")
        if path is not None and set("{}<>") & set(path):
            raise ValueError(
                f"{path!r} holds {{, }}, < or >, which Snakemake does not take as such"
            )
        return path

    @property
    def asks(self) -> str:
        """The task, by default that of the source's kind."""
        return self.task or ("next" if source(self.source).corpus else "classes")

    @model_validator(mode="after")
    def _task_fits_source(self) -> Data:
        corpus = source(self.source).corpus
        if corpus != (self.asks in CORPUS_TASKS):
            fits = [each for each in TASKS if (each in CORPUS_TASKS) == corpus]
            raise ValueError(
                f"task `{self.asks}`: of source `{self.source}` it is {' or '.join(fits)}"
            )
        if not corpus and self.asks != "classes" and "task" not in source(self.source).reads:
            raise ValueError(f"task `{self.task}`: source `{self.source}` has classes alone")
        if isinstance(self.label, list) and self.asks != "labels":
            raise ValueError("`label` is a list of columns for task `labels` alone")
        if isinstance(self.label, list):
            if not self.label:
                raise ValueError("`label` is an empty list: name the columns that hold 0 or 1")
            if len(set(self.label)) < len(self.label):
                raise ValueError("`label` names a column twice")
        if self.separator is not None and self.asks != "labels":
            raise ValueError("`separator` stands between the labels of task `labels` alone")
        return self

    @model_validator(mode="after")
    def _fits_source(self) -> Data:
        if source(self.source).origin == "own" and not self.path:
            raise ValueError(f"source `{self.source}` needs `path`: a file or folder of your own")
        for split in ("test", "validation"):
            value = getattr(self, split)
            if not (0 < value < 1 or (value >= 1 and value == int(value))):
                raise ValueError(f"`{split}` is {value}: a share in (0, 1) or a number of samples")
        if 0 < self.test < 1 and 0 < self.validation < 1 and self.test + self.validation >= 1:
            raise ValueError("`test` and `validation` together leave nothing to train on")
        return self
