"""A user's own images: a folder for each class, or IDX files."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.layout import images_layout
from ..data.pool import Pool, index_labels, own_source
from ..errors import UserError
from ..records.data import DataSpec
from .descriptor import Source
from .inspect import folder_state

if TYPE_CHECKING:
    import numpy as np

# Endings that PIL reads without plug-ins and that hold 8 bits a channel.
ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


def read(spec: DataSpec) -> Pool:
    """A folder per class, or IDX files; `t10k-…` files are the source's own test set."""
    layout = images_layout(spec.path)
    if isinstance(layout, dict):
        return _read_idx(layout, spec)
    return _read_folders(layout, spec)


def _read_folders(classes: list[Path], spec: DataSpec) -> Pool:
    import numpy as np

    from ..data.images import file_opener, stack_images

    notes: list[str] = []
    files: list[tuple[Path, int]] = []
    skipped = []
    for c, folder in enumerate(classes):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            if path.suffix.lower() in ENDINGS:
                files.append((path, c))
            elif not path.name.startswith("."):
                skipped.append(path)
        if not any(label == c for _, label in files[-1:]):
            raise UserError(f"path: folder {folder} of class {folder.name!r} holds no image")
    if skipped:
        notes.append(f"skipped {len(skipped)} files that are no images, as {skipped[0].name}")
    x = stack_images(
        ((str(path), file_opener(path)) for path, _ in files), len(files), spec.image_size
    )
    y = np.array([label for _, label in files], dtype=np.int64)
    source = own_source(spec.path, *(path for path, _ in files))
    return Pool("image", x, y, [folder.name for folder in classes], source, notes=notes)


def _read_idx(files: dict[str, Path], spec: DataSpec) -> Pool:
    import numpy as np

    parts = ["train", "t10k"] if "t10k-images" in files else ["train"]
    images, labels = [], []
    for part in parts:
        pixels = read_idx(files[f"{part}-images"], 3)
        marks = read_idx(files[f"{part}-labels"], 1)
        if len(pixels) != len(marks):
            raise UserError(
                f"path: {files[f'{part}-images']} holds {len(pixels)} images and "
                f"{files[f'{part}-labels'].name} {len(marks)} labels"
            )
        if images and pixels.shape[1:] != images[0].shape[1:]:
            raise UserError(
                f"path: images are {images[0].shape[1:]} pixels for training and "
                f"{pixels.shape[1:]} for testing"
            )
        images.append(pixels)
        labels.append(marks)
    y, names = index_labels(str(mark) for mark in np.concatenate(labels))
    own_test = None
    if len(parts) == 2:
        own_test = np.repeat([False, True], [len(part) for part in labels])
    source = own_source(spec.path, *files.values())
    return Pool("image", np.concatenate(images)[:, None], y, names, source, own_test=own_test)


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """A uint8 array from an IDX file, .gz or not: 0, 0, 8, rank, big-endian sizes, bytes.

    Format: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section on the file formats.
    """
    import numpy as np

    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as fault:
        raise UserError(f"path: {path} cannot be read as a whole file ({fault})") from None
    if raw[:4] != bytes([0, 0, 8, dimensions]):
        raise UserError(
            f"path: {path} is not an IDX file of bytes in {dimensions} dimension(s): it begins "
            f"with {raw[:4].hex(' ') or 'nothing'}, not 00 00 08 {dimensions:02x}"
        )
    head = 4 + 4 * dimensions
    shape = [int.from_bytes(raw[at : at + 4], "big") for at in range(4, head, 4)]
    if len(raw) < head or len(raw) - head != math.prod(shape):
        raise UserError(
            f"path: {path} is cut or longer than its head says: {max(0, len(raw) - head)} bytes of "
            f"values for {' × '.join(map(str, shape))}"
        )
    if 0 in shape:
        raise UserError(f"path: {path} is empty: {' × '.join(map(str, shape))} values")
    return np.frombuffer(raw, dtype=np.uint8, offset=head).reshape(shape)


def check(spec: DataSpec) -> None:
    images_layout(spec.path)


def state(spec: DataSpec) -> str:
    return folder_state(spec.path)


SOURCE = Source(
    name="images",
    kind="image",
    origin="own",
    description="a folder for each class, or IDX files",
    read=read,
    keys=("path", "image_size"),
    check=check,
    state=state,
)
