"""What a domain's data are asked to be, and what they are: a section of the study, a description.

Training imports this module and none of those that make the data, so a change to how data are
prepared leaves trained models alone unless the data themselves change.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from pydantic import SerializerFunctionWrapHandler, model_serializer

from .files import SCHEMA, read_sealed, write_sealed
from .typed import as_json, parse


@dataclass(frozen=True)
class DataSpec:
    """A domain's data section with the study's seed, as jobs carry it.

    A key that its source does not read is None here and absent in JSON, so that an edit of it
    changes nothing. config.Data says what each key means and may be.

    source: name of the source. seed: of splits and order.
    test, validation: share in (0, 1) or number of samples. limit: most samples, None for all.
    """

    source: str
    seed: int
    test: float | int
    validation: float | int
    limit: int | None = None
    path: str | None = None
    label: str | None = None
    text: list[str] | None = None
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
    """What a model and its training need to know of a domain's data.

    kind: `image`, `tabular`, `text` or, for language models, `tokens`.
    classes: number of classes K; of tokens, the vocabulary.
    shape: of one sample, (C, H, W), (F,) or (length,).
    vocabulary: number of token ids; None unless text or tokens.
    pad: id that fills up short texts; None unless text.
    mean, std: per channel over the training part, in the units of the stored uint8 values, so a
        model sees (x − mean) / std; None unless image.
    bytes_per_token: of the training, validation and test split; None unless tokens.
    """

    kind: str
    classes: int
    shape: tuple[int, ...]
    vocabulary: int | None
    pad: int | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    bytes_per_token: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Origin:
    """Where data are from.

    name: of the source, or of the user's file. provenance: a citation, or the path.
    licence: in words. files: what was read → SHA-256.
    """

    name: str
    provenance: str
    licence: str
    files: dict[str, str]


@dataclass(frozen=True)
class PreparedData(Meta):
    """The description that lies beside a file of tensors: Meta, and what people and checks need.

    class_names: by class; none of tokens.
    columns: names of the F numbers of a table.
    sizes: split → samples. class_counts: split → samples by class; none of tokens.
    first_rows: row of the training part at which each class first appears.
    smallest_prefix: fewest training rows that hold every class.
    source: where they are from.
    spec: section that they were made by. seed: its own, of splits and order.
    notes: what was dropped, filled, cut or looks odd, in words.
    documents, tokens, bytes: split → number of them; None unless tokens.
    end: id that closes every document; None unless tokens.
    sha256: of the file of tensors; empty while that is not written.
    """

    class_names: list[str] = field(kw_only=True)
    columns: list[str] | None = field(default=None, kw_only=True)
    sizes: dict[str, int] = field(kw_only=True)
    class_counts: dict[str, list[int]] = field(kw_only=True)
    first_rows: list[int] = field(kw_only=True)
    smallest_prefix: int = field(kw_only=True)
    source: Origin = field(kw_only=True)
    spec: DataSpec = field(kw_only=True)
    seed: int = field(kw_only=True)
    notes: list[str] = field(kw_only=True)
    documents: dict[str, int] | None = field(default=None, kw_only=True)
    tokens: dict[str, int] | None = field(default=None, kw_only=True)
    bytes: dict[str, int] | None = field(default=None, kw_only=True)
    end: int | None = field(default=None, kw_only=True)
    sha256: str = field(default="", kw_only=True)
    schema: int = field(default=SCHEMA, kw_only=True)


def write_prepared(path: str | os.PathLike, data: PreparedData) -> None:
    """Write a description, sealed."""
    write_sealed(path, as_json(data))


def read_prepared(path: str | os.PathLike) -> PreparedData:
    """Read a description; raises UserError, naming the file, if it is not as it was written."""
    return parse(PreparedData, read_sealed(path), str(path))
