"""Data sets of Hugging Face's `datasets`: by name on its hub, or a file or folder of one's own.

No code that lies beside data is run: only files of the kinds in BUILDERS are read, all by the
library itself, and never a script or a pickle.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError, quoted
from ..records.data import Origin
from ..records.files import sha256_file
from .fetch import fetch, folder_of, unreachable
from .labels import label_columns, read_labels
from .pool import own_source
from .textfiles import need_columns
from .user_tables import Table, Wanted, from_arrow

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from PIL import Image

    from ..records.data import DataSpec

# What the library reads of a folder by files' endings, of all that it could.
BUILDERS = ("Parquet", "Arrow", "Json", "Csv", "Text", "ImageFolder", "Cache")
# Ending of a single file → the library's name for its kind, and what it is told.
ENDINGS: dict[str, tuple[str, dict[str, str]]] = {
    ".parquet": ("parquet", {}), ".arrow": ("arrow", {}), ".json": ("json", {}),
    ".jsonl": ("json", {}), ".ndjson": ("json", {}), ".csv": ("csv", {}),
    ".tsv": ("csv", {"sep": "\t"}), ".txt": ("text", {}),
}  # fmt: skip
VALIDATION = ("validation", "valid", "val", "dev")
BY_HAND = "put its files (parquet, arrow, json, csv, or images in folders) into"


@dataclass(frozen=True)
class Found:
    """The samples of a data set, with what it says of them itself."""

    data: datasets.Dataset  # all splits that are used, one after another
    split: list[str]  # of each sample, `train`, `validation` or `test`; the last only if labelled
    source: Origin
    name: str  # as messages call it
    notes: list[str]


def check(spec: DataSpec) -> None:
    """Raise UserError unless the section names one data set, by `name` or by `path`."""
    if (spec.name is None) == (spec.path is None):
        raise UserError(
            f"name: source `{spec.source}` needs the `name` of a data set on the hub, or the `path`"
            " of a file or folder of your own, and not both"
        )
    if isinstance(spec.name, int):
        raise UserError(f"name: {spec.name} is a number; a data set of the hub has a name")
    if spec.path is not None:
        if not os.path.exists(spec.path):
            raise UserError(f"path: {spec.path!r} does not exist: give a file or folder")
        if os.path.isfile(spec.path) and _kind(spec.path) is None:
            raise UserError(
                f"path: {spec.path} is none of {', '.join(ENDINGS)}: give such a file, or a folder"
            )


def files(spec: DataSpec) -> list[str]:
    return [spec.path] if spec.path and os.path.isfile(spec.path) else []


def state(spec: DataSpec) -> str:
    from ..sources.inspect import folder_state

    return folder_state(spec.path) if spec.path and os.path.isdir(spec.path) else ""


@contextlib.contextmanager
def opened(spec: DataSpec, wanted: Wanted) -> Iterator[Found]:
    """The data set of a section, whose memory-mapped files last as long as the context.

    wanted: columns that it must have. A test split whose labels are all missing (as competitions
    hold them back) is left out, which a note says.
    """
    with tempfile.TemporaryDirectory() as cache:
        parts, source, name = _load(spec, cache)
        yield _joined(parts, source, name, wanted)


def _load(spec: DataSpec, cache: str) -> tuple[Any, Origin, str]:
    """Splits by name, where they are from, and what messages call them."""
    import datasets

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    if spec.path is not None:
        return _local(spec.path, spec.subset, cache), _own(spec.path), spec.path
    name = str(spec.name)
    folder = folder_of(None, name)
    if folder.is_dir():
        return _local(str(folder), spec.subset, cache), _own(str(folder)), str(folder)
    parts = _from_hub(name, spec.subset, folder)
    some = next(iter(parts.values()))
    held = {Path(file["filename"]) for part in parts.values() for file in part.cache_files}
    digests = {file.name: sha256_file(file) for file in sorted(held)}
    about = " ".join((some.info.citation or f"Hugging Face hub: {name}").split())
    return parts, Origin(name, about, some.info.license or "none stated", digests), name


def _own(path: str) -> Origin:
    if os.path.isfile(path):
        return own_source(path)
    every = sorted(file for file in Path(path).rglob("*") if file.is_file())
    return own_source(path, *every)


def _local(path: str, subset: str | None, cache: str) -> Any:
    """Splits of a file or folder; the library's conversion of them goes into the folder `cache`."""
    import datasets

    def load() -> Any:
        if os.path.isfile(path):
            kind, options = _kind(path) or ("", {})
            # By a plain name: what a name holds of *, ? and [ the library would take for patterns.
            plain = os.path.join(cache, "data" + "".join(Path(path).suffixes[-2:]))
            os.symlink(os.path.abspath(path), plain)
            return _built(kind, None, data_files=plain, cache_dir=cache, **options)
        if any(os.path.exists(os.path.join(path, f"{n}.json")) for n in ("dataset_dict", "state")):
            found = datasets.load_from_disk(path)
            return found if isinstance(found, dict) else {"train": found}
        return _built(path, subset, cache_dir=cache)

    try:
        return load()
    except UserError:
        raise
    except Exception as fault:  # the library raises what its parts raise
        raise UserError(f"path: {path} cannot be read by `datasets` ({_why(fault)})") from None


def _from_hub(name: str, subset: str | None, folder: Path) -> Any:
    """Splits of a data set by name, of the library's cache where there is no network.

    Raises UserError that says what to put into `folder` instead.
    """
    import datasets
    from huggingface_hub import constants

    def load() -> Any:
        return _built(name, subset)

    offline = datasets.config.HF_HUB_OFFLINE or constants.HF_HUB_OFFLINE
    address = f"{constants.ENDPOINT}/datasets/{name}"
    reason = "HF_HUB_OFFLINE is set" if offline else unreachable(address)
    if reason is None:
        return fetch(name, address, f"{BY_HAND} {folder}/", load, key="name")
    with _offline():
        try:
            return load()
        except UserError:
            raise
        except Exception:
            raise UserError(
                f"name: could not fetch {name} from {address} ({reason}), and it is not in the "
                f"cache of Hugging Face; {BY_HAND} {folder}/"
            ) from None


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """The library looks into its cache alone, without minutes of trying."""
    import datasets
    from huggingface_hub import constants

    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def _built(path: str, subset: str | None, **options: Any) -> Any:
    """Splits by the library's own reader, if it is one of BUILDERS."""
    import datasets

    builder = datasets.load_dataset_builder(path, subset, **options)
    kinds = {kind.__name__ for kind in type(builder).__mro__}
    if not kinds & set(BUILDERS):
        raise UserError(
            f"{'path' if os.path.exists(path) else 'name'}: {path} holds files of kind "
            f"{type(builder).__name__}, which are not read here: parquet, arrow, json, csv, or "
            "images in folders are"
        )
    builder.download_and_prepare()
    return builder.as_dataset()


def _joined(parts: Any, source: Origin, name: str, wanted: Wanted) -> Found:
    import datasets

    notes = []
    if "train" not in parts and len(parts) > 1:
        raise UserError(
            f"path: {name} has the splits {', '.join(parts)} and none called `train`; give one of "
            "their files"
        )
    roles = {part: "train" for part in parts if part == "train" or len(parts) == 1}
    roles |= {part: "validation" for part in parts if part in VALIDATION and part not in roles}
    roles |= {part: "test" for part in parts if part == "test" and part not in roles}
    unused = [part for part in parts if part not in roles]
    if unused:
        notes.append(f"not used: split {', '.join(unused)}")
    for part in roles:
        need_columns(wanted, parts[part].column_names)
    labels = [column for key, column in wanted if key == "label"]
    for part in [part for part, role in roles.items() if role != "train"]:
        if labels and _unlabelled(parts[part], labels):
            notes.append(f"not used: split {part}, whose labels are all missing")
            del roles[part]
    held = {part: parts[part] for part in roles if len(parts[part])}
    if not any(roles[part] == "train" for part in held):
        raise UserError(f"path: {name} has no rows")
    try:
        data = datasets.concatenate_datasets(list(held.values()))
    except (ValueError, TypeError) as fault:
        raise UserError(
            f"path: the splits of {name} have columns of different types ({_why(fault)})"
        ) from None
    split = [roles[part] for part in held for _ in range(len(held[part]))]
    return Found(data, split, source, name, notes)


def _unlabelled(part: datasets.Dataset, labels: list[str]) -> bool:
    """Whether no row has a label: none, or −1, by which Hugging Face marks what is held back."""
    plain = [label for label in labels if not hasattr(part.features[label], "feature")]
    return bool(plain) and all(set(part.unique(label)) <= {None, -1} for label in plain)


def tests_own(found: Found) -> np.ndarray | None:
    """bool [n], True for samples of the data set's own test split; None if it has none.

    Its validation split is training data here, of which `validation` is drawn anew: a note says so.
    """
    import numpy as np

    split = np.array(found.split)
    joined = int((split == "validation").sum())
    if joined:
        found.notes.append(
            f"its own validation split, {joined} samples, joined the training part, of which "
            "`validation` is drawn"
        )
    own = split == "test"
    return own if own.any() else None


def table_of(found: Found, columns: list[str]) -> Table:
    """Columns as a user's table has them; of classes by number, as the library knows them, the
    names, and nothing for −1."""
    from datasets import ClassLabel

    data = found.data.select_columns(columns).flatten_indices()
    table = from_arrow(data.data.table, found.name)
    named = dict(table.columns)
    for column in columns:
        feature = data.features[column]
        inner = getattr(feature, "feature", feature)
        if isinstance(inner, ClassLabel):
            named[column] = [_named(cell, inner.names) for cell in table.columns[column]]
    return Table(found.name, named)


def _named(cell: Any, names: list[str]) -> Any:
    if isinstance(cell, list):
        return [_named(each, names) for each in cell]
    return None if cell is None or cell < 0 else names[int(cell)]


def labels_of(found: Found, table: Table, spec: DataSpec) -> tuple[np.ndarray, list[str]]:
    """`read_labels`, in the data set's own order of names; its notes go to those of `found`."""
    import numpy as np

    y, names, notes = read_labels(spec, table)
    found.notes.extend(notes)
    feature = found.data.features[label_columns(spec)[0]]
    said = getattr(getattr(feature, "feature", feature), "names", None)
    if spec.task == "numbers" or isinstance(spec.label, list) or not said:
        return y, names
    if not set(names) <= set(said):  # of 01 and 1 one class was made: the order is its own
        return y, names
    kept = [name for name in said if name in set(names)]
    if len(kept) < len(said):
        absent = [name for name in said if name not in kept]
        found.notes.append(
            f"{len(absent)} of its {len(said)} classes have no sample, as {quoted(absent[0])}"
        )
    order = np.array([names.index(name) for name in kept])
    if y.ndim == 2:
        return y[:, order], kept
    return np.argsort(order)[y], kept


def image_column(found: Found, spec: DataSpec) -> str:
    """The column that `image` names, or the one that holds images."""
    features = found.data.features
    holding = [name for name, feature in features.items() if _holds_images(feature)]
    column = spec.image or (holding[0] if len(holding) == 1 else None)
    if column is None or column not in holding:
        asked = f"column {quoted(column)} holds no images" if column else "name the column"
        raise UserError(
            f"image: {asked}; of {found.name} "
            f"{', '.join(holding) or 'none'} of {', '.join(features)} holds images"
        )
    return column


def _holds_images(feature: Any) -> bool:
    from datasets import Image

    if isinstance(feature, dict):  # as other programs write parquet
        return set(feature) >= {"bytes"} and set(feature) <= {"bytes", "path"}
    return isinstance(feature, Image) or getattr(feature, "dtype", None) in ("binary",)


def images_of(found: Found, column: str) -> Iterator[tuple[str, Callable[[], Image.Image]]]:
    """For each sample its name in messages and a function that opens its image; an address on the
    network is not followed."""
    import io

    from datasets import Image as Feature
    from PIL import Image

    data = found.data
    if isinstance(data.features[column], Feature):
        data = data.cast_column(column, Feature(decode=False))

    def opener(cell: Any, name: str) -> Callable[[], Image.Image]:
        raw = cell.get("bytes") if isinstance(cell, dict) else cell
        path = cell.get("path") if isinstance(cell, dict) else None
        if raw is None and (not path or not os.path.isfile(path)):
            raise UserError(f"path: {name} has no image, but {quoted(path)}, which is no file here")
        return lambda: Image.open(io.BytesIO(raw) if raw is not None else path)

    for row, cell in enumerate(data.select_columns([column])):
        name = f"{found.name}, row {row + 1}"
        yield name, opener(cell[column], name)


def _kind(path: str) -> tuple[str, dict[str, str]] | None:
    return ENDINGS.get(Path(path.lower().removesuffix(".gz")).suffix)


def _why(fault: Exception) -> str:
    """The first line of what went wrong first: the library wraps it."""
    while fault.__cause__ is not None and isinstance(fault.__cause__, Exception):
        fault = fault.__cause__
    return f"{type(fault).__name__}: {(str(fault).strip() or '-').splitlines()[0][:200]}"
