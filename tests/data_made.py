"""Small data of a user's own, made for tests: a table, images in folders and IDX, texts."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from alphascale.config import Data
from alphascale.data.make import build
from alphascale.records.data import DataSpec
from alphascale.records.typed import as_json
from alphascale.slices import data_spec


def spec(source: str, seed: int = 0, **section: Any) -> DataSpec:
    """A data section as prepare.py gets it."""
    return data_spec(Data(source=source, **section), seed)


def built(source: str, **section: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and description of a section, in silence."""
    tensors, prepared = build(spec(source, **section), say=lambda message: None)
    return tensors, as_json(prepared)


def write_csv(path: Path, header: list[str], rows: list[list[Any]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return str(path)


def write_idx(path: Path, values: np.ndarray) -> None:
    head = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    raw = head + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def digits(n: int, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Grey images 6×5 whose first row of pixels tells the class; uint8 [n, 6, 5] and [n]."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    images = rng.integers(0, 256, (n, 6, 5))
    images[:, 0] = 60 * labels[:, None]
    return images.astype(np.uint8), labels.astype(np.uint8)


def write_json_lines(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def flowers(n: int, seed: int = 0) -> tuple[list[str], list[list[Any]]]:
    """A table with numbers, categories and gaps: header and n rows; `kind` is the label."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        size = "" if i % 7 == 0 else f"{rng.normal(50, 10):.3f}"
        colour = ["red", "blue", "NA", "green"][rng.integers(4)]
        rows.append([f"f{i}", size, colour, i % 2, ["rose", "lily", "iris"][i % 3]])
    return ["id", "size", "colour", "wild", "kind"], rows
