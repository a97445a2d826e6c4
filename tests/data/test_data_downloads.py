"""Downloaded sources: files already there need no network; without any, one line says what to do.

No network is made by proxies that nothing listens on, which every loader obeys.
"""

from __future__ import annotations

import gzip
import hashlib
import pickle
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from alphascale.errors import UserError
from alphascale.records.files import sha256_file
from alphascale.sources import cifar10, covertype, yahoo_answers
from data_made import built, digits, spec, write_idx
from torchvision.datasets import CIFAR10


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("cifar10", ["cifar-10-python.tar.gz into downloads/"]),
        ("fashion_mnist", ["train-images-idx3-ubyte.gz", "into downloads/FashionMNIST/raw/"]),
        ("yahoo_answers", ["train-*.parquet", "into downloads/yahoo_answers_topics/"]),
        ("covertype", ["covtype.data.gz", "into downloads/covertype/"]),
    ],
)
def test_without_network_the_message_says_what_goes_where(source, words):
    with pytest.raises(UserError) as refusal:
        built(source)
    message = str(refusal.value)
    assert message.startswith("source: could not fetch") and len(message.splitlines()) == 1
    assert all(word in message for word in words), message


def test_a_pretrained_tokenizer_out_of_reach_says_where_it_can_lie():
    with pytest.raises(UserError, match=r"tokenizer: could not fetch .*tokenizer.json.*downloads"):
        built("torch_code", tokenizer="no-such/tokenizer-at-all", limit=1000)


def test_yahoo_answers_that_lie_there_are_joined_and_keep_their_test_part(tmp_path):
    folder = tmp_path / "mine" / "yahoo_answers_topics"
    folder.mkdir(parents=True)

    def part(name, n, start=0):
        pd.DataFrame(
            {
                "id": np.arange(n),
                "topic": np.arange(n) % 10,
                "question_title": [f"title {start + i}" for i in range(n)],
                "question_content": [None if i % 3 else f"content {i}" for i in range(n)],
                "best_answer": [f"answer {start + i}" for i in range(n)],
            }
        ).to_parquet(folder / name)

    part("train-00000-of-00002.parquet", 60)
    part("test-00000-of-00001.parquet", 20, 500)
    with pytest.raises(UserError, match="could not fetch"):  # one of two parts is not there
        built("yahoo_answers", path=str(tmp_path / "mine"))
    part("train-00001-of-00002.parquet", 40, 60)
    section = {"path": str(tmp_path / "mine"), "validation": 20, "length": 32}
    _, about = built("yahoo_answers", **section)
    assert about["sizes"] == {"train": 80, "validation": 20, "test": 20}
    assert about["class_names"][5] == "Sports" and len(about["source"]["files"]) == 3
    pool = yahoo_answers.read(spec("yahoo_answers", path=str(tmp_path / "mine")))
    assert pool.x[0] == "title 0\ncontent 0\nanswer 0" and pool.x[1] == "title 1\nanswer 1"
    assert pool.x[100] == "title 500\ncontent 0\nanswer 500" and pool.own_test[100]


def test_covertype_by_hand_is_checked_and_read(tmp_path, monkeypatch):
    """A small table in the real format: the checks of sum and shape are met by what is made."""
    rng = np.random.default_rng(0)
    n = 280
    table = np.zeros((n, 55), dtype=int)
    table[:, :10] = rng.integers(0, 3000, (n, 10))
    table[np.arange(n), 10 + rng.integers(0, 4, n)] = 1
    table[np.arange(n), 14 + rng.integers(0, 30, n)] = 1  # ten kinds of soil never occur
    table[:, 54] = 1 + np.arange(n) % 7
    folder = tmp_path / "downloads" / "covertype"
    folder.mkdir(parents=True)
    raw = folder / "covtype.data.gz"
    raw.write_bytes(gzip.compress("\n".join(",".join(map(str, row)) for row in table).encode()))
    with pytest.raises(UserError, match=r"covtype\.data\.gz is not the file expected"):
        built("covertype")
    monkeypatch.setattr(covertype, "SHA256", sha256_file(raw))
    monkeypatch.setattr(covertype, "SHAPE", table.shape)
    tensors, about = built("covertype", test=70, validation=28)
    assert about["sizes"] == {"train": 182, "validation": 28, "test": 70}
    assert about["shape"] == [54] and about["class_names"][6] == "Krummholz"
    train = tensors["train_x"]
    assert np.allclose(train[:, :10].mean(0), 0, atol=1e-5)
    assert np.allclose(train[:, :10].std(0), 1, atol=1e-5)
    assert set(np.unique(train[:, 10:14])) == {0, 1} and (train[:, 10:14].sum(1) == 1).all()
    assert (train[:, 44:] == 0).all()
    raw.unlink()
    again, _ = built("covertype", test=70, validation=28)  # from what was kept of it
    assert all((again[name] == tensors[name]).all() for name in tensors)


def test_covertype_that_scikit_learn_fetched_is_kept_without_a_pickle(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    table = np.zeros((280, 55))
    table[:, :10] = rng.integers(0, 3000, (280, 10))
    table[:, 54] = 1 + np.arange(280) % 7
    found = SimpleNamespace(data=table[:, :54], target=table[:, 54].astype(int))
    monkeypatch.setattr("sklearn.datasets.fetch_covtype", lambda **_: found)
    monkeypatch.setattr("alphascale.data.fetch.unreachable", lambda address: None)
    monkeypatch.setattr(covertype, "SHAPE", table.shape)
    pool = covertype.read(spec("covertype"))
    assert (pool.x.to_numpy() == table[:, :54]).all() and (pool.y == np.arange(280) % 7).all()
    with np.load(tmp_path / "downloads/covertype/covertype.npz", allow_pickle=False) as kept:
        assert (kept["table"] == table).all()


def test_cifar_that_lies_there_is_read_colour_by_colour_and_keeps_its_test_part(
    tmp_path, monkeypatch
):
    """Files in the real format, whose sums are made known."""
    folder = tmp_path / "downloads" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 3, 32, 32), dtype=np.uint8)

    def write(name: str, content: dict) -> list[str]:
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    def batch(name: str, rows: range) -> list[str]:
        flat = images[rows.start : rows.stop].reshape(len(rows), -1)
        return write(name, {"data": flat, "labels": [row % 10 for row in rows]})

    train = [batch(f"data_batch_{i + 1}", range(8 * i, 8 * i + 8)) for i in range(5)]
    test = [batch("test_batch", range(40, 60))]
    name, md5 = write("batches.meta", {"label_names": list("abcdefghij")})
    monkeypatch.setattr(CIFAR10, "train_list", train)
    monkeypatch.setattr(CIFAR10, "test_list", test)
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"filename": name, "md5": md5})
    pool = cifar10.read(spec("cifar10"))
    assert (pool.x == images).all() and (pool.y == np.arange(60) % 10).all()
    assert pool.own_test.tolist() == [False] * 40 + [True] * 20
    assert pool.class_names == list("abcdefghij") and len(pool.source.files) == 6


def test_fashion_mnist_that_lies_there_is_read_without_network(tmp_path):
    folder = tmp_path / "downloads" / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    images, labels = digits(140, classes=10)
    for part, rows in (("train", slice(100)), ("t10k", slice(100, 140))):
        write_idx(folder / f"{part}-images-idx3-ubyte", images[rows])
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels[rows])
    tensors, about = built("fashion_mnist", validation=20)
    assert about["sizes"] == {"train": 80, "validation": 20, "test": 40}
    assert about["class_names"][1] == "Trouser" and about["shape"] == [1, 6, 5]
    assert {x.tobytes() for x in tensors["test_x"]} == {x.tobytes() for x in images[100:]}


def test_cifar_pickles_that_are_not_the_known_ones_are_never_loaded(tmp_path):
    """A pickle can run any code; what is not the file of the known sum must not be opened."""
    folder = tmp_path / "downloads" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    witness = tmp_path / "executed"
    harm = f"cos\nsystem\n(S'touch {witness}'\ntR.".encode()
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch", "batches.meta"]:
        (folder / name).write_bytes(harm)
    with pytest.raises(UserError, match="could not fetch CIFAR10"):
        built("cifar10")
    time.sleep(0.1)
    assert not witness.exists()
