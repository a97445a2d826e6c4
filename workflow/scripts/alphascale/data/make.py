"""From a source to one tensor file and its description: read, split, encode, write."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..records.files import SCHEMA, replacing, sha256_file, write_sealed
from . import images, splits, tables, texts
from .corpora import CORPORA
from .pool import Encoded, Pool
from .sources import SOURCES
from .store import SPLITS
from .windows import build_windows

Rows = dict[str, np.ndarray]
ENCODERS: dict[str, Callable[[Pool, Rows, dict[str, Any]], Encoded]] = {
    "image": images.encode,
    "tabular": tables.encode,
    "text": texts.encode,
}


def prepare(
    name: str, spec: dict[str, Any], out: Path, meta: Path, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Make the data of domain `name` and write them to `out` (safetensors) and `meta` (JSON).

    spec: the domain's data section with the study's `seed`. Returns the description. Equal spec and
    equal files give a tensor file of equal SHA-256. Raises UserError whose message begins with the
    key that is to blame, as `domains.NAME.data.KEY`.
    """
    try:
        tensors, sidecar = build(spec, say)
    except UserError as fault:
        raise UserError(f"domains.{name}.data.{fault}") from None
    sidecar["sha256"] = _write_tensors(out, tensors)
    write_sealed(meta, sidecar)
    return sidecar


def build(
    spec: dict[str, Any], say: Callable[[str], None] = print
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The six arrays of `store.open_tensors` and their description, without the file's SHA-256."""
    if spec["source"] in CORPORA:
        return build_windows(spec, say)
    say(f"reading {spec['source']}")
    pool = SOURCES[spec["source"]](spec)
    rng = np.random.default_rng(spec["seed"])
    notes = list(pool.notes)
    rows = _rows(pool, spec, rng, notes)
    say("encoding " + ", ".join(f"{len(rows[s])} {s}" for s in SPLITS) + " samples")
    encoded = ENCODERS[pool.kind](pool, rows, spec)
    notes += encoded.notes
    copies = _copies(encoded.x["train"], encoded.x["test"])
    if copies:
        notes.append(f"{copies} test samples are exact copies of training samples")
    tensors = {}
    for part in SPLITS:
        tensors[f"{part}_x"] = np.ascontiguousarray(encoded.x[part])
        tensors[f"{part}_y"] = np.ascontiguousarray(pool.y[rows[part]], dtype=np.int64)
    classes = len(pool.class_names)
    first = splits.first_rows(tensors["train_y"], classes)
    sidecar = {
        "schema": SCHEMA,
        "kind": pool.kind,
        "classes": classes,
        "class_names": pool.class_names,
        "shape": encoded.shape,
        "vocabulary": encoded.vocabulary,
        "pad": encoded.pad,
        "mean": encoded.mean,
        "std": encoded.std,
        "columns": encoded.columns,
        "sizes": {part: len(rows[part]) for part in SPLITS},
        "class_counts": {
            part: np.bincount(tensors[f"{part}_y"], minlength=classes).tolist() for part in SPLITS
        },
        # Row at which each class first appears in training: what a fraction must reach.
        "first_rows": first,
        "smallest_prefix": max(first) + 1,
        "source": pool.source,
        "seed": spec["seed"],
        "spec": spec,
        "notes": notes,
    }
    return tensors, sidecar


def _rows(pool: Pool, spec: dict[str, Any], rng: np.random.Generator, notes: list[str]) -> Rows:
    """Positions of the three splits in the pool; a test set of the source's own is kept."""
    names, n = pool.class_names, len(pool.y)
    key = "label" if spec["source"] in ("csv", "text") else "path" if spec["path"] else "source"
    splits.check_classes(pool.y, names, 1, key)
    limit = spec["limit"] or n
    if pool.own_test is not None:
        parts = {"train": np.flatnonzero(~pool.own_test), "test": np.flatnonzero(pool.own_test)}
        kept = {
            part: at[splits.draw(pool.y[at], max(1, round(len(at) * min(1, limit / n))), rng)]
            for part, at in parts.items()
        }
        notes.append(f"the test split is the source's own: `test` ({spec['test']}) is not used")
        at = kept["train"]
        rows = splits.split(pool.y[at], names, None, spec["validation"], rng, key)
        return {part: at[r] for part, r in rows.items()} | {"test": kept["test"]}
    at = splits.draw(pool.y, limit, rng)
    args = (names, spec["test"], spec["validation"], rng, key)
    if pool.groups is not None:
        rows = splits.split_groups(pool.y[at], pool.groups[at], *args)
    else:
        rows = splits.split(pool.y[at], *args)
    return {part: at[r] for part, r in rows.items()}


def _copies(train: np.ndarray, test: np.ndarray) -> int:
    """How many rows of `test` equal some row of `train`, byte for byte."""
    seen = {hash(row.tobytes()) for row in train}
    return sum(hash(row.tobytes()) in seen for row in test)


def _write_tensors(path: Path, tensors: dict[str, np.ndarray]) -> str:
    """Write a safetensors file whole or not at all; returns its SHA-256."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    with replacing(path) as temporary:
        try:
            save_file(tensors, os.fspath(temporary))
        except SafetensorError as fault:  # an I/O error of its own, without the system's number
            number = errno.ENOSPC if f"os error {errno.ENOSPC}" in str(fault) else errno.EIO
            raise OSError(number, str(fault), os.fspath(path)) from None
        return sha256_file(temporary)
