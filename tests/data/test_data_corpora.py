"""Corpora: what stands where, no document on two sides, and bytes that make bits comparable."""

from __future__ import annotations

import math

import numpy as np
import pytest
from alphascale.data import token_windows
from alphascale.data.pool import Corpus
from alphascale.errors import UserError
from alphascale.records.data import Origin
from alphascale.sources import corpus, wikitext2
from alphascale.sources.inspect import input_files, source_state
from data_made import built, spec

WORDS = ("north", "south", "river", "stone", "lamp", "under", "seven", "quiet", "é", "\n")


def write_folder(folder, files: int = 12, words: int = 600):
    """Texts of common words; each file has one word that no other file has."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for i in range(files):
        text = " ".join([f"only{i:02d}", *rng.choice(WORDS, words)])
        (folder / f"{i:02d}.txt").write_text(text, encoding="utf-8")
    return str(folder)


def test_y_is_what_follows_x_and_windows_cover_the_split_in_order(tmp_path):
    path = write_folder(tmp_path / "texts")
    tensors, sidecar = built("corpus", path=path, length=16, vocabulary=300)
    assert sidecar["kind"] == "tokens" and sidecar["shape"] == [16]
    assert sidecar["classes"] == sidecar["vocabulary"] <= 300
    for split in ("train", "validation", "test"):
        x, y = tensors[f"{split}_x"], tensors[f"{split}_y"]
        assert x.dtype == np.int32 and y.dtype == np.int64 and x.shape == y.shape
        assert (x[:, 1:] == y[:, :-1]).all()
        # All but what does not fill a window is used, once.
        assert len(x) == (sidecar["tokens"][split] - 1) // 16 == sidecar["sizes"][split]
    # Without a permutation, the last label of a window is the first token of the next.
    assert (tensors["test_y"][:-1, -1] == tensors["test_x"][1:, 0]).all()
    assert not (tensors["train_y"][:-1, -1] == tensors["train_x"][1:, 0]).all()


def test_no_document_is_on_two_sides_and_shares_are_met(tmp_path):
    path = write_folder(tmp_path / "texts", files=20)
    given = spec("corpus", path=path, test=0.2, validation=0.1)
    sides = token_windows._split(corpus.read(given), given, np.random.default_rng(0), [])
    firsts = {split: {text.split()[0] for text in texts} for split, texts in sides.items()}
    assert {split: len(texts) for split, texts in sides.items()} == {
        "train": 14, "validation": 2, "test": 4,
    }  # fmt: skip
    assert len(set.union(*firsts.values())) == 20


def test_one_file_is_cut_where_lines_end_the_last_part_for_testing(tmp_path):
    lines = [f"line {i} of the file" for i in range(1000)]
    (tmp_path / "one.txt").write_text("\n".join(lines))
    given = spec("corpus", path=str(tmp_path / "one.txt"), test=0.2, validation=0.1)
    notes = []
    sides = token_windows._split(corpus.read(given), given, np.random.default_rng(0), notes)
    parts = [sides[split][0] for split in ("train", "validation", "test")]
    assert "".join(parts) == "\n".join(lines)
    assert [len(p.splitlines()) for p in parts] == pytest.approx([700, 100, 200], abs=8)
    assert all(part.startswith("line") for part in parts)
    assert "too few files" in notes[0]


def test_bytes_per_token_are_those_of_the_text(tmp_path):
    path = write_folder(tmp_path / "texts")
    given = spec("corpus", path=path, length=16, vocabulary=300)
    _, sidecar = built("corpus", path=path, length=16, vocabulary=300)
    sides = token_windows._split(corpus.read(given), given, np.random.default_rng(given.seed), [])
    for at, split in enumerate(("train", "validation", "test")):
        size = sum(len(text.encode()) for text in sides[split])
        assert sidecar["bytes"][split] == size  # "é" is two
        assert sidecar["bytes_per_token"][at] == size / sidecar["tokens"][split]
    # A uniform guess of one of 256 bytes, token by token, is 8 bits a byte or fewer.
    uniform = math.log(sidecar["vocabulary"]) / math.log(2) / sidecar["bytes_per_token"][2]
    assert uniform < 8


def test_the_vocabulary_is_that_of_the_training_part_alone():
    """Other words in validation and test move no token of training."""
    rng = np.random.default_rng(0)
    train = [" ".join(rng.choice(WORDS, 400)) for _ in range(4)]
    origin = Origin("made", "", "", {})

    def windows(apart: str):
        documents, sides = [*train, apart, apart], ["train"] * 4 + ["validation", "test"]
        given = spec("corpus", path="none", length=16, vocabulary=300)
        return token_windows.build_windows(Corpus(documents, origin, sides), given, len)

    before, about = windows("north lamp " * 100)
    after, other = windows("zyxwvut zyxwvut " * 100)
    assert (before["train_x"] == after["train_x"]).all()
    assert about.tokens["train"] == other.tokens["train"] and about.classes == other.classes
    # Words of training are single tokens; a word that training lacks is spelt out, byte by byte.
    assert about.tokens["test"] < 2.2 * 100 + 10 and other.tokens["test"] > 10 * 100


def test_what_is_no_text_is_passed_over_and_said(tmp_path):
    folder = tmp_path / "texts"
    path = write_folder(folder, files=5)
    (folder / "picture.bin").write_bytes(b"\x89PNG\0\0")
    (folder / "latin.txt").write_bytes("schön".encode("latin-1"))
    (folder / ".hidden").write_text("nobody reads this")
    (folder / "empty.txt").write_text(" \n")
    found = corpus.read(spec("corpus", path=path))
    assert len(found.documents) == 5
    assert found.notes[0].startswith("passed over 3 of 8 files")
    with pytest.raises(UserError, match="holds no file of UTF-8 text"):
        (tmp_path / "bare").mkdir()
        corpus.read(spec("corpus", path=str(tmp_path / "bare")))
    with pytest.raises(UserError, match="empty or not text"):
        corpus.read(spec("corpus", path=str(folder / "latin.txt")))


def test_an_edit_of_the_text_is_noticed_be_it_one_file_or_a_folder(tmp_path):
    """One file is an input of the workflow; what lies in a folder makes its state."""
    folder = tmp_path / "texts"
    path = write_folder(folder, files=3)
    assert input_files(spec("corpus", path=path)) == []
    one = str(folder / "00.txt")
    assert input_files(spec("corpus", path=one)) == [one]
    before = source_state(spec("corpus", path=path))
    text = (folder / "01.txt").read_text(encoding="utf-8")
    (folder / "01.txt").write_text(text.swapcase(), encoding="utf-8")
    assert before != source_state(spec("corpus", path=path))


def test_limit_takes_a_prefix_of_the_training_windows_alone(tmp_path):
    path = write_folder(tmp_path / "texts")
    whole, _ = built("corpus", path=path, length=16, vocabulary=300)
    some, sidecar = built("corpus", path=path, length=16, vocabulary=300, limit=20)
    assert (some["train_x"] == whole["train_x"][:20]).all() and sidecar["sizes"]["train"] == 20
    assert (some["test_x"] == whole["test_x"]).all()


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"length": 100_000}, "length: 100000 is more than"),
        ({"test": 50}, "test: is 50; of a corpus it must be a share"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_key(tmp_path, section, words):
    path = write_folder(tmp_path / "texts")
    with pytest.raises(UserError, match=words):
        built("corpus", path=path, vocabulary=300, **section)


def test_torch_sources_are_read_as_far_as_the_windows_need():
    tensors, sidecar = built("torch_source", length=32, vocabulary=512, limit=300)
    again, _ = built("torch_source", length=32, vocabulary=512, limit=300)
    assert all((tensors[name] == again[name]).all() for name in tensors)
    assert sidecar["sizes"]["train"] == 300 and sidecar["sizes"]["test"] > 10
    assert sum(sidecar["bytes"].values()) < 300 * 32 * 6 / 0.7 + 60_000
    assert sidecar["source"]["licence"] == "BSD-3-Clause"


ARTICLES = {
    split: "".join(
        f" = Article {split} {i} = \n \n The brown fox {i} . \n \n = = Part = = \n \n Text . \n"
        for i in range(n)
    )
    for split, n in (("train", 40), ("valid", 8), ("test", 9))
}


def test_wikitext_that_lies_there_keeps_its_own_splits(tmp_path):
    folder = tmp_path / "mine" / "wikitext2"
    folder.mkdir(parents=True)
    for split, text in ARTICLES.items():
        (folder / f"wiki.{split}.raw").write_text(text)
    path = str(tmp_path / "mine")
    found = wikitext2.read(spec("wikitext2", path=path))
    assert [found.own_split.count(s) for s in ("train", "validation", "test")] == [40, 8, 9]
    assert found.documents[0].startswith(" = Article train 0 = ")
    assert "".join(found.documents) == "".join(ARTICLES.values())
    _, sidecar = built("wikitext2", path=path, length=8, vocabulary=300)
    assert sidecar["documents"] == {"train": 40, "validation": 8, "test": 9}
    assert any("the source's own" in note for note in sidecar["notes"])


def test_wikitext_in_parquet_is_the_same_text(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    folder = tmp_path / "wikitext2" / "wikitext-2-raw-v1"
    folder.mkdir(parents=True)
    for split, text in ARTICLES.items():
        name = {"valid": "validation"}.get(split, split)
        frame = pd.DataFrame({"text": text.splitlines(keepends=True)})
        frame.to_parquet(folder / f"{name}-00000-of-00001.parquet")
    found = wikitext2.read(spec("wikitext2", path=str(tmp_path)))
    assert "".join(found.documents) == "".join(ARTICLES.values())


def test_without_network_the_message_says_what_goes_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(UserError) as refusal:
        built("wikitext2")
    assert "wiki.train.raw" in str(refusal.value) and "downloads/wikitext2/" in str(refusal.value)
