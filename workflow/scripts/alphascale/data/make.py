"""From a source to one tensor file and its description: read, split, encode, write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..records.data import DataSpec, PreparedData, write_prepared
from ..records.files import write_tensors
from ..sources import source
from . import images, splits, tables, tasks, texts
from .pool import Encoded, Pool
from .store import SPLITS
from .token_windows import build_windows

Rows = dict[str, np.ndarray]
ENCODERS: dict[str, Callable[[Pool, Rows, DataSpec], Encoded]] = {
    "image": images.encode,
    "tabular": tables.encode,
    "text": texts.encode,
}


def prepare(
    name: str, spec: DataSpec, out: Path, meta: Path, say: Callable[[str], None] = print
) -> PreparedData:
    """Make the data of domain `name` and write them to `out` (safetensors) and `meta` (JSON).

    Returns the description. Equal spec and equal files give a tensor file of equal SHA-256. Raises
    UserError whose message begins with the key that is to blame, as `domains.NAME.data.KEY`.
    """
    try:
        tensors, prepared = build(spec, say)
    except UserError as fault:
        raise UserError(f"domains.{name}.data.{fault}") from None
    prepared = replace(prepared, sha256=write_tensors(out, tensors))
    write_prepared(meta, prepared)
    return prepared


def build(
    spec: DataSpec, say: Callable[[str], None] = print
) -> tuple[dict[str, np.ndarray], PreparedData]:
    """The six arrays of `store.open_tensors` and their description, without the file's SHA-256."""
    say(f"reading {spec.source}")
    read = source(spec.source).read(spec)
    if source(spec.source).corpus:
        return build_windows(read, spec, say)
    return build_samples(read, spec, say)


def build_samples(
    pool: Pool, spec: DataSpec, say: Callable[[str], None]
) -> tuple[dict[str, np.ndarray], PreparedData]:
    """`build` of samples with a class, labels or a number each."""
    rng = np.random.default_rng(spec.seed)
    notes = list(pool.notes)
    rows = _rows(pool, spec, rng, notes)
    say("encoding " + ", ".join(f"{len(rows[s])} {s}" for s in SPLITS) + " samples")
    encoded = ENCODERS[pool.kind](pool, rows, spec)
    notes += encoded.notes
    copies = _copies(encoded.x["train"], encoded.x["test"])
    if copies:
        notes.append(f"{copies} test samples are exact copies of training samples")
    own = tasks.TASKS[pool.task]
    tensors = {}
    for part in SPLITS:
        tensors[f"{part}_x"] = np.ascontiguousarray(encoded.x[part])
        tensors[f"{part}_y"] = np.ascontiguousarray(pool.y[rows[part]], dtype=own.stored)
    classes = len(pool.class_names)
    counts = {}
    if own.counts:
        counts = {part: own.counts(pool.y[rows[part]], classes) for part in SPLITS}
        total = np.sum(list(counts.values()), axis=0).tolist()
        notes += tasks.imbalance(pool.task, total, pool.class_names)
    centre = spread = constant = None
    if pool.task == "numbers":
        centre, spread = tasks.centre_and_spread(tensors, _key(spec), pool.class_names[0])
        away = (tensors["test_y"] - centre) / spread
        constant = spread * float(np.sqrt(np.mean(away**2)))
    first = own.first_rows(pool.y[rows["train"]], classes)
    return tensors, PreparedData(
        kind=pool.kind,
        classes=classes,
        class_names=pool.class_names,
        shape=encoded.shape,
        vocabulary=encoded.vocabulary,
        pad=encoded.pad,
        mean=encoded.mean,
        std=encoded.std,
        task=pool.task,
        centre=centre,
        spread=spread,
        columns=encoded.columns,
        tokenizer=encoded.tokenizer,
        sizes={part: len(rows[part]) for part in SPLITS},
        class_counts=counts,
        constant_rmse=constant,
        first_rows=first,
        smallest_prefix=max(first) + 1,
        source=pool.source,
        spec=spec,
        seed=spec.seed,
        notes=notes,
    )


def _key(spec: DataSpec) -> str:
    """The key of the section that a message about labels blames."""
    return "label" if "label" in source(spec.source).keys else "path" if spec.path else "source"


def _rows(pool: Pool, spec: DataSpec, rng: np.random.Generator, notes: list[str]) -> Rows:
    """Positions of the three splits in the pool; a test set of the source's own is kept."""
    names, n, key = pool.class_names, len(pool.y), _key(spec)
    own = tasks.TASKS[pool.task]
    own.check(pool.y, names, 1, key)
    limit = spec.limit or n

    def drawn(at: np.ndarray, most: int) -> np.ndarray:
        return at[splits.draw(own.strata(pool.y[at], most), most, rng)]

    if pool.own_test is not None:
        parts = {"train": np.flatnonzero(~pool.own_test), "test": np.flatnonzero(pool.own_test)}
        kept = {
            part: drawn(at, max(1, round(len(at) * min(1, limit / n))))
            for part, at in parts.items()
        }
        notes.append(f"the test split is the source's own: `test` ({spec.test}) is not used")
        at = kept["train"]
        rows = tasks.split(pool.task, pool.y[at], names, None, spec.validation, rng, key)
        return {part: at[r] for part, r in rows.items()} | {"test": kept["test"]}
    at = drawn(np.arange(n), limit)
    args = (names, spec.test, spec.validation, rng, key)
    if pool.groups is not None:
        rows = splits.split_groups(pool.y[at], pool.groups[at], *args)
    else:
        rows = tasks.split(pool.task, pool.y[at], *args)
    return {part: at[r] for part, r in rows.items()}


def _copies(train: np.ndarray, test: np.ndarray) -> int:
    """How many rows of `test` equal some row of `train`, byte for byte."""
    seen = {hash(row.tobytes()) for row in train}
    return sum(hash(row.tobytes()) in seen for row in test)
