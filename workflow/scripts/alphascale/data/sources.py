"""The data sources by name: each reads a data section into a `Pool`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import downloaded, embedded, images, tables, texts, torch_code
from .pool import Pool

SOURCES: dict[str, Callable[[dict[str, Any]], Pool]] = {
    "optdigits": embedded.optdigits,
    "letter": embedded.letter,
    "torch_code": torch_code.read,
    "cifar10": downloaded.cifar10,
    "fashion_mnist": downloaded.fashion_mnist,
    "yahoo_answers": downloaded.yahoo_answers,
    "covertype": downloaded.covertype,
    "csv": tables.read_csv,
    "images": images.read,
    "text": texts.read,
}
