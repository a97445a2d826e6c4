"""The prepared data of one domain, as training reads it: a tensor file and what models must know.

Every training program imports this module and none of those that make the data, so a change to how
data are prepared leaves trained models alone unless the data themselves change.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..records.files import REBUILD, read_sealed, sha256_file

if TYPE_CHECKING:
    import torch

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Meta:
    """What a model and its training need to know of a domain's data.

    kind: `image`, `tabular`, `text` or, for language models, `tokens`. classes: number of classes K
    (of tokens, the vocabulary). shape: of one sample, (C, H, W), (F,) or (length,). vocabulary,
    pad: number of token ids and the id that fills up short texts; None unless text or tokens. mean,
    std: per channel over the training part, in the units of the stored uint8 values, so a model
    sees (x − mean) / std; None unless image. bytes_per_token: of the training, validation and test
    split; None unless tokens.
    """

    kind: str
    classes: int
    shape: tuple[int, ...]
    vocabulary: int | None
    pad: int | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    bytes_per_token: tuple[float, ...] | None = None


def read_sidecar(path: str | Path) -> dict[str, Any]:
    """The whole description of a tensor file; raises UserError if it is not as it was written."""
    sidecar = read_sealed(path)
    if not isinstance(sidecar.get("sha256"), str):
        raise UserError(f"{path}: not the description of prepared data; {REBUILD}")
    return sidecar


def read_meta(path: str | Path) -> Meta:
    """What models need of the description; raises UserError if it is not one."""
    try:
        return meta_of(read_sidecar(path))
    except (KeyError, TypeError) as fault:
        raise UserError(
            f"{path}: not the description of prepared data ({fault}); {REBUILD}"
        ) from None


def meta_of(sidecar: dict) -> Meta:
    """The part of a sidecar that models need."""

    def numbers(key: str) -> tuple[float, ...] | None:
        return None if sidecar.get(key) is None else tuple(sidecar[key])

    return Meta(
        kind=sidecar["kind"],
        classes=sidecar["classes"],
        shape=tuple(sidecar["shape"]),
        vocabulary=sidecar["vocabulary"],
        pad=sidecar["pad"],
        mean=numbers("mean"),
        std=numbers("std"),
        bytes_per_token=numbers("bytes_per_token"),
    )


def open_tensors(path: str | Path, sha256: str | None = None) -> dict[str, torch.Tensor]:
    """The six tensors `{train,validation,test}_{x,y}`, memory-mapped: pages load as they are used.

    x is uint8 [n, C, H, W], float32 [n, F] or int32 [n, length]; y is int64 [n], or for language
    models [n, length], the ids that follow. The training rows
    lie in one seeded, class-interleaved order: see `prefix`. sha256: what the file's must be, from
    its description (1.8 GB/s, once a job, of a file that the job reads anyway). Raises UserError
    naming the file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        if sha256 is not None and sha256_file(path) != sha256:
            raise UserError(f"{path}: was changed after the data were prepared; {REBUILD}")
    except OSError as fault:
        raise UserError(f"{path}: cannot be read ({fault.strerror or fault}); {REBUILD}") from None

    names = [f"{split}_{part}" for split in SPLITS for part in "xy"]
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as fault:
        raise UserError(f"{path}: not a file of prepared data ({fault}); {REBUILD}") from None


def prefix(rows: int, fraction: str | float) -> int:
    """How many of the first `rows` training rows make up a fraction in (0, 1]; at least one."""
    return max(1, round(float(fraction) * rows))
