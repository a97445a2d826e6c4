"""The tensors of one domain's prepared data, as training reads them.

Every training program imports this module and none of those that make the data, so a change to how
data are prepared leaves trained models alone unless the data themselves change.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..records.files import REBUILD, sha256_file

if TYPE_CHECKING:
    import torch

SPLITS = ("train", "validation", "test")


def open_tensors(path: str | Path, sha256: str | None = None) -> dict[str, torch.Tensor]:
    """The six tensors `{train,validation,test}_{x,y}`, memory-mapped: pages load as they are used.

    x is uint8 [n, C, H, W], float32 [n, F] or int32 [n, length]; y is, by task,
    int64 [n], positions in the names of classes; uint8 [n, K], 1 for a label that the sample has;
    float64 [n], numbers as the user wrote them; or for language models int64 [n, length], the ids
    that follow. The training rows lie in one seeded, class-interleaved order: see `prefix`.
    sha256: what the file's must be, from its description (1.8 GB/s, once a job, of a file that the
    job reads anyway). Raises UserError naming the file.
    """
    from safetensors import SafetensorError, safe_open

    if sha256 is not None:
        check_content(path, sha256)
    names = [f"{split}_{part}" for split in SPLITS for part in "xy"]
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as fault:
        raise UserError(f"{path}: not a file of prepared data ({fault}); {REBUILD}") from None


def check_content(path: str | Path, sha256: str) -> None:
    """Raise UserError, naming the file, if its content is not what its description says."""
    try:
        if sha256_file(path) != sha256:
            raise UserError(f"{path}: was changed after the data were prepared; {REBUILD}")
    except FileNotFoundError:
        raise UserError(
            f"{path}: is gone; run snakemake for the whole study, which prepares the data again"
        ) from None
    except OSError as fault:
        raise UserError(f"{path}: cannot be read ({fault.strerror or fault}); {REBUILD}") from None


def prefix(rows: int, fraction: str | float) -> int:
    """How many of the first `rows` training rows make up a fraction in (0, 1]; at least one."""
    return max(1, round(float(fraction) * rows))
