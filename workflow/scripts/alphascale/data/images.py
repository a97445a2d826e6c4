"""Images: from pictures to one array, and what models need to know of any."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import UserError
from .pool import Encoded, Pool

if TYPE_CHECKING:
    from ..records.data import DataSpec

GREY = {"1", "L", "LA"}
BROKEN = (OSError, SyntaxError, ValueError, EOFError, zlib.error, Image.DecompressionBombError)


def stack_images(
    opened: Iterable[tuple[str, Callable[[], Image.Image]]], n: int, side: int | None
) -> np.ndarray:
    """uint8 [n, C, H, W] of n images, each by its name in messages and a function that opens it.

    One channel if every image is grey, else three; all of one size, or resized to a square.
    """
    x = np.empty((0, 1))
    size = (side, side)
    for row, (name, open_it) in enumerate(opened):
        with open_image(name, open_it) as image:
            if image.mode[0] in "IF":
                raise UserError(
                    f"path: {name} holds more than 8 bits a channel (PIL mode {image.mode}); "
                    "convert it to 8 bits"
                )
            if row == 0:
                size = (side, side) if side else image.size
                x = np.empty((n, 1, size[1], size[0]), dtype=np.uint8)
            if not side and image.size != size:
                raise UserError(
                    f"image_size: {name} is {image.size[0]}×{image.size[1]} pixels and others are "
                    f"{size[0]}×{size[1]}; give the side that all are resized to"
                )
            if image.mode not in GREY and x.shape[1] == 1:  # the first in colour
                x = np.repeat(x, 3, axis=1)
            try:
                pixels = image.convert("L" if image.mode in GREY else "RGB")
            except BROKEN as fault:
                raise UserError(f"path: {name} is a broken image ({fault})") from None
        if pixels.size != size:
            pixels = pixels.resize(size)
        x[row] = np.atleast_3d(np.asarray(pixels)).transpose(2, 0, 1)
    return x


def open_image(name: str, opens: Callable[[], Any]) -> Image.Image:
    """An image, by a function that opens it; its pixels may still be to be read."""
    try:
        return opens()
    except (UnidentifiedImageError, *BROKEN) as fault:
        # PIL names the file by its whole path, or an object in memory.
        why = "unknown format" if isinstance(fault, UnidentifiedImageError) else fault
        raise UserError(f"path: {name} is not an image that can be read ({why})") from None


def file_opener(path: str | os.PathLike) -> Callable[[], Image.Image]:
    return lambda: Image.open(path)


def encode(pool: Pool, rows: dict[str, np.ndarray], spec: DataSpec) -> Encoded:
    """Pick the rows, which stay uint8, and take each channel's mean and std over training."""
    x = {part: pool.x[r] for part, r in rows.items()}
    train = x["train"]
    # Moments from counts of the 256 values: exact, and no float copy of the whole training part.
    channels = range(train.shape[1])
    counts = np.stack([np.bincount(train[:, c].ravel(), minlength=256) for c in channels])
    values = np.arange(256)
    mean = counts @ values / counts.sum(1)
    std = np.sqrt((counts * (values - mean[:, None]) ** 2).sum(1) / counts.sum(1))
    notes = []
    for c in np.flatnonzero(std == 0):
        notes.append(f"channel {c} has one value in all training images")
        std[c] = 1.0
    return Encoded(
        x, train.shape[1:], mean=tuple(mean.tolist()), std=tuple(std.tolist()), notes=notes
    )
