"""CIFAR-10, Fashion-MNIST, Yahoo Answers and Covertype, fetched when a study first asks for them.

Files that lie in `path` (by default downloads/) are used without any network.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock

from ..errors import UserError
from ..records.files import replacing, sha256_file
from .fetch import fetch, folder_of
from .pool import Pool

YAHOO = "community-datasets/yahoo_answers_topics"
YAHOO_TOPICS = [
    "Society & Culture", "Science & Mathematics", "Health", "Education & Reference",
    "Computers & Internet", "Sports", "Business & Finance", "Entertainment & Music",
    "Family & Relationships", "Politics & Government",
]  # fmt: skip
YAHOO_TEXT = ["question_title", "question_content", "best_answer"]
COVERTYPE_SHAPE = (581_012, 55)
# The file of UCI and of scikit-learn's mirror of it.
COVERTYPE_SHA256 = "614360d0257557dd1792834a85a1cdebfadc3c4f30b011d56afee7ffb5b15771"
COVERTYPE_NUMBERS = [
    "Elevation", "Aspect", "Slope", "Horizontal_Distance_To_Hydrology",
    "Vertical_Distance_To_Hydrology", "Horizontal_Distance_To_Roadways", "Hillshade_9am",
    "Hillshade_Noon", "Hillshade_3pm", "Horizontal_Distance_To_Fire_Points",
]  # fmt: skip
COVERTYPE_TYPES = [
    "Spruce/Fir", "Lodgepole Pine", "Ponderosa Pine", "Cottonwood/Willow", "Aspen",
    "Douglas-fir", "Krummholz",
]  # fmt: skip


def cifar10(spec: dict[str, Any]) -> Pool:
    """60,000 colour photographs of 32×32 pixels, ten classes; its own 10,000 for testing.

    Its files are pickles; torchvision loads them only after their MD5 sums proved right.
    """
    from torchvision.datasets import CIFAR10

    root = folder_of(spec["path"])
    train, test = _torchvision(CIFAR10, root, [root / CIFAR10.filename], CIFAR10.url)
    x = np.concatenate([train.data, test.data]).transpose(0, 3, 1, 2)
    y = np.concatenate([train.targets, test.targets]).astype(np.int64)
    files = [root / CIFAR10.base_folder / f for f, _ in CIFAR10.train_list + CIFAR10.test_list]
    about = "Krizhevsky, A. (2009). Learning Multiple Layers of Features from Tiny Images."
    source = _source("cifar10", about, "none stated", files)
    return Pool("image", x, y, list(train.classes), source, _own_test(len(train), len(test)))


def fashion_mnist(spec: dict[str, Any]) -> Pool:
    """70,000 grey pictures of clothes, 28×28 pixels, ten classes; its own 10,000 for testing."""
    from torchvision.datasets import FashionMNIST

    root = folder_of(spec["path"])
    raw = root / "FashionMNIST" / "raw"
    archives = [raw / name for name, _ in FashionMNIST.resources]
    address = FashionMNIST.mirrors[0] + archives[0].name
    train, test = _torchvision(FashionMNIST, root, archives, address)
    x = np.concatenate([train.data.numpy(), test.data.numpy()])[:, None]
    y = np.concatenate([train.targets.numpy(), test.targets.numpy()]).astype(np.int64)
    files = [archive.with_suffix("") for archive in archives]
    about = "Xiao, H., Rasul, K. & Vollgraf, R. (2017). Fashion-MNIST. arXiv:1708.07747"
    source = _source("fashion_mnist", about, "MIT", files)
    return Pool("image", x, y, list(train.classes), source, _own_test(len(train), len(test)))


def yahoo_answers(spec: dict[str, Any]) -> Pool:
    """1,460,000 questions of ten topics: title, content and answer; its own 60,000 for testing."""
    folder = folder_of(spec["path"], "yahoo_answers_topics")
    parts = {part: _parquet(folder, part) for part in ("train", "test")}
    if not all(parts.values()):
        from huggingface_hub import constants, snapshot_download

        address = f"{constants.ENDPOINT}/datasets/{YAHOO}"
        by_hand = f"put its files train-*.parquet and test-*.parquet into {folder}/"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            fetch(
                "yahoo_answers",
                address,
                by_hand,
                lambda: snapshot_download(
                    YAHOO, repo_type="dataset", local_dir=folder, allow_patterns="*.parquet"
                ),
            )
        parts = {part: _parquet(folder, part) for part in ("train", "test")}
        if not all(parts.values()):
            raise UserError(f"source: {address} gave no train-*.parquet and test-*.parquet")
    frames = [_yahoo_frame(path) for path in parts["train"] + parts["test"]]
    train = sum(len(frame) for frame in frames[: len(parts["train"])])
    table = pd.concat(frames, ignore_index=True)
    columns = [table[column].fillna("") for column in YAHOO_TEXT]
    texts = ["\n".join(filter(None, row)) for row in zip(*columns, strict=True)]
    y = table["topic"].to_numpy(np.int64)
    about = "Yahoo! Answers Topic Classification; Zhang, X., Zhao, J. & LeCun, Y. (2015)."
    source = _source("yahoo_answers", about, "none stated", parts["train"] + parts["test"])
    return Pool("text", texts, y, YAHOO_TOPICS, source, _own_test(train, len(table) - train))


def covertype(spec: dict[str, Any]) -> Pool:
    """581,012 patches of forest: 10 numbers, 44 columns of 0 and 1, seven kinds of cover."""
    folder = folder_of(spec["path"], "covertype")
    packed, raw = folder / "covertype.npz", folder / "covtype.data.gz"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if raw.exists() and not packed.exists():
            _pack_covertype(_covertype_by_hand(raw), packed)
        if not packed.exists():
            fetch(
                "covertype",
                "https://ndownloader.figshare.com/files/5976039",
                f"put covtype.data.gz of the UCI repository into {folder}/",
                lambda: _pack_covertype(_covertype_by_sklearn(), packed),
            )
    try:
        with np.load(packed, allow_pickle=False) as arrays:
            table = arrays["table"]
    except (OSError, ValueError, KeyError, EOFError) as fault:
        raise UserError(f"source: {packed} is broken ({fault}); delete it") from None
    areas = [f"Wilderness_Area_{i}" for i in range(4)]
    soils = [f"Soil_Type_{i}" for i in range(40)]
    frame = pd.DataFrame(table[:, :-1], columns=COVERTYPE_NUMBERS + areas + soils)
    y = table[:, -1].astype(np.int64) - 1
    about = "Blackard, J. (1998). Covertype. UCI Machine Learning Repository. doi:10.24432/C50K5N"
    source = _source("covertype", about, "CC BY 4.0", [packed])
    return Pool("tabular", frame, y, COVERTYPE_TYPES, source)


def _torchvision(kind: Callable, root: Path, archives: list[Path], address: str) -> tuple:
    """Training and test part by a torchvision class; without network if its files are there."""

    def load(download: bool) -> tuple:
        # Where files or archives are in place, `download` only checks and unpacks them.
        return tuple(kind(root, train=train, download=download) for train in (True, False))

    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f".{kind.__name__}.lock"):
        try:
            return load(all(archive.exists() for archive in archives))
        except (OSError, RuntimeError):  # not there, or not whole
            by_hand = f"put {', '.join(a.name for a in archives)} into {archives[0].parent}/"
            return fetch(kind.__name__, address, by_hand, lambda: load(True))


def _own_test(train: int, test: int) -> np.ndarray:
    return np.repeat([False, True], [train, test])


def _source(name: str, provenance: str, licence: str, files: list[Path]) -> dict[str, Any]:
    digests = {file.name: sha256_file(file) for file in files}
    return {"name": name, "provenance": provenance, "licence": licence, "files": digests}


def _parquet(folder: Path, part: str) -> list[Path]:
    """The files of a part under `folder`; none unless they are as many as their names say."""
    files = sorted(folder.rglob(f"{part}-*.parquet"))
    said = re.search(r"-of-(\d+)", files[0].name) if files else None
    return files if not said or len(files) == int(said[1]) else []


def _yahoo_frame(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, columns=["topic", *YAHOO_TEXT])
    except Exception as fault:  # pyarrow has its own, and not all of them are public
        raise UserError(f"source: {path} is not the expected parquet file ({fault})") from None


def _covertype_by_sklearn() -> np.ndarray:
    """The table as scikit-learn fetches it, whose own cache is a pickle and is not kept."""
    from sklearn.datasets import fetch_covtype

    with tempfile.TemporaryDirectory() as home:
        found = fetch_covtype(data_home=home, n_retries=1)
    return np.column_stack([found.data, found.target])


def _covertype_by_hand(path: Path) -> np.ndarray:
    if sha256_file(path) != COVERTYPE_SHA256:
        raise UserError(
            f"source: {path} is not the file expected (SHA-256 {COVERTYPE_SHA256[:12]}…): fetch it "
            "again from the UCI repository"
        )
    return pd.read_csv(path, header=None, dtype=np.float64).to_numpy()


def _pack_covertype(table: np.ndarray, path: Path) -> None:
    """Keep the table as arrays without pickle, so that it is read again without network."""
    if table.shape != COVERTYPE_SHAPE:
        raise UserError(f"source: covertype has shape {table.shape}, not {COVERTYPE_SHAPE}")
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, table=table.astype(np.float32))
