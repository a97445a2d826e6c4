"""Data sets of Hugging Face, written by the library itself: values and labels arrive as written,
splits of their own are kept, what is foreign or damaged ends in one line, no code is run.

No network is made by proxies that nothing listens on, which every loader obeys.
"""

from __future__ import annotations

import io
import json
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
from alphascale.config import Data
from alphascale.data.store import SPLITS
from alphascale.errors import UserError
from alphascale.sources import source
from alphascale.sources.inspect import check_source, input_files, source_state
from data_made import built, spec
from PIL import Image

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


WORDS = {"pos": "fine bright lovely", "neg": "dull grey awful", "mid": "so so"}
NAMES = ["neg", "pos", "mid"]  # not in the order of the alphabet, nor in its reverse


def reviews(n: int, start: int = 0, labelled: bool = True):
    features = datasets.Features(
        {
            "body": datasets.Value("string"),
            "title": datasets.Value("string"),
            "mood": datasets.ClassLabel(names=NAMES),
            "stars": datasets.Value("float32"),
            "tags": datasets.Sequence(datasets.ClassLabel(names=["b", "a"])),
        }
    )
    rows = range(start, start + n)
    return datasets.Dataset.from_dict(
        {
            "body": [f"{WORDS[NAMES[i % 3]]} no. {i}" for i in rows],
            "title": [None if i % 2 else f"title {i}" for i in rows],
            "mood": [i % 3 if labelled else -1 for i in rows],
            "stars": [i % 5 + 0.1 for i in rows],
            "tags": [[0] * (i % 2) + [1] * (i % 3 == 0) for i in rows],
        },
        features=features,
    )


def write(kind: str, data, folder):
    """What a person would have: a file, or a folder, by the library's own writers."""
    folder.mkdir()
    if kind == "disk":
        data.save_to_disk(folder / "d")
        return str(folder / "d")
    if kind == "arrow":
        data.save_to_disk(folder / "d")
        return str(next((folder / "d").glob("*.arrow")))
    path = folder / f"d.{kind}"
    getattr(data, {"parquet": "to_parquet", "jsonl": "to_json", "csv": "to_csv"}[kind])(path)
    return str(path)


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv", "disk", "arrow"])
def test_texts_arrive_as_written_however_they_were(tmp_path, kind):
    path = write(kind, reviews(90), tmp_path / "in")
    section = {"path": path, "text": ["title", "body"], "label": "mood"}
    check_source("d", spec("huggingface_text", **section))
    pool = source("huggingface_text").read(spec("huggingface_text", **section))
    assert pool.x[:2] == ["title 0\ndull grey awful no. 0", "fine bright lovely no. 1"]
    names = NAMES if kind in ("parquet", "disk", "arrow") else ["0", "1", "2"]
    assert pool.class_names == names and pool.y.tolist() == [i % 3 for i in range(90)]
    tensors, about = built("huggingface_text", length=16, vocabulary=300, **section)
    assert about["kind"] == "text" and sum(about["sizes"].values()) == 90
    assert len(about["source"]["files"]) >= 1 and about["source"]["provenance"] == path
    assert tensors["train_x"].shape == (63, 16)


def test_own_splits_are_kept_and_told(tmp_path):
    parts = {"train": reviews(60), "validation": reviews(12, 60), "test": reviews(18, 72),
             "unsupervised": reviews(9, 90)}  # fmt: skip
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "d")
    section = {"path": str(tmp_path / "d"), "text": ["body"], "label": "mood"}
    pool = source("huggingface_text").read(spec("huggingface_text", **section))
    assert pool.own_test.tolist() == [False] * 72 + [True] * 18
    assert pool.x[-1].endswith("no. 89")
    _, about = built("huggingface_text", length=8, validation=15, **section)
    assert about["sizes"] == {"train": 57, "validation": 15, "test": 18}
    notes = "\n".join(about["notes"])
    assert "not used: split unsupervised" in notes
    assert "validation split, 12 samples, joined the training part" in notes
    assert "`test` (0.2) is not used" in notes


def test_rows_without_text_leave_the_test_split_where_it_is(tmp_path):
    def part(n, start):
        made = reviews(n, start).to_dict()
        made["body"][:2] = [" ", None]
        return datasets.Dataset.from_dict(made)

    parts = {"train": part(60, 0), "test": part(18, 60)}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "d")
    section = {"path": str(tmp_path / "d"), "text": ["body"], "label": "mood"}
    pool = source("huggingface_text").read(spec("huggingface_text", **section))
    assert pool.own_test.tolist() == [False] * 58 + [True] * 16
    assert [int(text.split()[-1]) >= 60 for text in pool.x] == pool.own_test.tolist()


def test_a_test_split_without_labels_is_left_out(tmp_path):
    for part, data in (("train", reviews(60)), ("test", reviews(30, labelled=False))):
        data.to_parquet(tmp_path / "d" / f"{part}.parquet")
    section = {"path": str(tmp_path / "d"), "text": ["body"], "label": "mood"}
    _, about = built("huggingface_text", length=8, **section)
    assert sum(about["sizes"].values()) == 60
    assert any("split test, whose labels are all missing" in note for note in about["notes"])
    reviews(30, labelled=False).to_parquet(tmp_path / "bare.parquet")
    with pytest.raises(UserError, match=r"label: column 'mood' .*no value in 30 of 30 rows"):
        built("huggingface_text", **section | {"path": str(tmp_path / "bare.parquet")})


def test_numbers_and_several_labels_of_texts(tmp_path):
    path = write("parquet", reviews(90), tmp_path / "in")
    section = {"path": path, "text": ["body"], "length": 8}
    tensors, about = built("huggingface_text", label="stars", task="numbers", **section)
    held = np.concatenate([tensors[f"{part}_y"] for part in SPLITS])
    assert about["task"] == "numbers"
    assert set(held.tolist()) == {float(np.float32(i + 0.1)) for i in range(5)}
    tensors, about = built("huggingface_text", label="tags", task="labels", **section)
    assert about["class_names"] == ["b", "a"]  # the data set's own order
    held = np.concatenate([tensors[f"{part}_y"] for part in SPLITS])
    assert held.sum(0).tolist() == [45, 30] and held.all(1).sum() == 15
    bare = int((~held.any(1)).sum())
    assert f"{bare} of 90 samples have no label" in about["notes"]


def test_a_table_keeps_its_numbers_names_and_gaps(tmp_path):
    features = datasets.Features(
        {
            "age": datasets.Value("int32"),
            "pay": datasets.Value("float64"),
            "side": datasets.ClassLabel(names=["left", "right"]),
            "member": datasets.Value("bool"),
            "when": datasets.Value("timestamp[s]"),
            "class": datasets.Value("string"),
        }
    )
    rng = np.random.default_rng(0)
    n = 80
    columns = {
        "age": [None if i % 9 == 0 else int(a) for i, a in enumerate(rng.integers(18, 80, n))],
        "pay": rng.normal(size=n).tolist(),
        "side": (np.arange(n) % 2).tolist(),
        "member": (np.arange(n) % 3 == 0).tolist(),
        "when": [np.datetime64("2026-01-01", "s").astype(int) + i for i in range(n)],
        "class": [["yes", "no"][i % 2] for i in range(n)],
    }
    data = datasets.Dataset.from_dict(columns, features=features)
    data.to_parquet(tmp_path / "t.parquet")
    section = {"path": str(tmp_path / "t.parquet"), "label": "class", "drop": ["when"]}
    pool = source("huggingface_table").read(spec("huggingface_table", **section))
    assert pool.x["pay"].tolist() == columns["pay"]
    assert pool.x["age"].dropna().tolist() == [a for a in columns["age"] if a is not None]
    assert pool.x["side"].tolist() == ["left", "right"] * 40
    assert pool.x["member"].tolist() == [float(i % 3 == 0) for i in range(n)]
    _, about = built("huggingface_table", **section)
    assert about["columns"] == [
        "age", "pay", "member", "missingindicator_age", "side_left", "side_right",
    ]  # fmt: skip
    tensors, about = built("huggingface_table", **section | {"label": "pay", "task": "numbers"})
    held = np.concatenate([tensors[f"{part}_y"] for part in SPLITS])
    assert sorted(held.tolist()) == sorted(columns["pay"])


def pictures(n: int, side: int = 6):
    rng = np.random.default_rng(0)
    return [
        Image.fromarray(rng.integers(0, 256, (side, side, 3)).astype(np.uint8)) for _ in range(n)
    ]


def test_images_in_folders_and_in_parquet_are_the_same(tmp_path):
    made = pictures(36)
    for i, image in enumerate(made):
        part = "test" if i >= 30 else "train"
        folder = tmp_path / "folder" / part / ["cat", "ant", "bee"][i % 3]
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{i:03d}.png")
    pool = source("huggingface_images").read(
        spec("huggingface_images", path=str(tmp_path / "folder"))
    )
    assert pool.class_names == ["ant", "bee", "cat"] and pool.own_test.sum() == 6
    assert pool.x.shape == (36, 3, 6, 6) and pool.x.dtype == np.uint8
    by_content = {x.tobytes(): pool.class_names[y] for x, y in zip(pool.x, pool.y, strict=True)}
    for i, image in enumerate(made):
        x = np.asarray(image).transpose(2, 0, 1).tobytes()
        assert by_content[x] == ["cat", "ant", "bee"][i % 3]

    datasets.load_dataset(str(tmp_path / "folder"), cache_dir=str(tmp_path / "c"))[
        "train"
    ].rename_column("image", "img").to_parquet(tmp_path / "t.parquet")
    again = source("huggingface_images").read(
        spec("huggingface_images", path=str(tmp_path / "t.parquet"))
    )
    assert (again.x == pool.x[:30]).all() and (again.y == pool.y[:30]).all()

    # Written by another program: bytes in a struct, or bare.
    raw = []
    for image in made:
        stream = io.BytesIO()
        image.save(stream, "png")
        raw.append(stream.getvalue())
    for column in (raw, [{"bytes": r, "path": None} for r in raw]):
        frame = pd.DataFrame({"pic": column, "label": [i % 3 for i in range(36)]})
        frame.to_parquet(tmp_path / "p.parquet")
        section = {"path": str(tmp_path / "p.parquet"), "image_size": 4}
        _, about = built("huggingface_images", **section)
        assert about["shape"] == [3, 4, 4] and about["class_names"] == ["0", "1", "2"]


def test_images_that_cannot_be_are_named(tmp_path):
    def refused(column, **section):
        features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
        data = datasets.Dataset.from_dict(
            {"image": column, "label": [i % 2 for i in range(len(column))]}, features=features
        )
        data.save_to_disk(tmp_path / "d")
        with pytest.raises(UserError) as refusal:
            built("huggingface_images", path=str(tmp_path / "d"), **section)
        return str(refusal.value)

    assert "row 3 is 7×7 pixels and others are 6×6" in refused([*pictures(2), *pictures(2, 7)])
    address = {"bytes": None, "path": "http://127.0.0.1:9/x.png"}
    frame = pd.DataFrame({"image": [address] * 8, "label": [0, 1] * 4})
    frame.to_parquet(tmp_path / "p.parquet")
    with pytest.raises(UserError, match=r"row 1 has no image.*http.*no file here"):
        built("huggingface_images", path=str(tmp_path / "p.parquet"))
    assert "row 1 is not an image" in refused([{"bytes": b"no image", "path": None}] * 4)
    assert "column 'label' holds no images" in refused(pictures(4), image="label")


def test_running_text_keeps_three_splits_or_is_split_anew(tmp_path):
    parts = {part: datasets.Dataset.from_dict({"text": [f"{part} text {i} " * 9 for i in range(12)]
                                               + [" "]}) for part in SPLITS}  # fmt: skip
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "d")
    section = {"length": 8, "vocabulary": 300}
    corpus = source("huggingface_corpus").read(
        spec("huggingface_corpus", path=str(tmp_path / "d"), **section)
    )
    assert len(corpus.documents) == 36 and corpus.own_split == [
        s for s in SPLITS for _ in range(12)
    ]
    assert "dropped 3 of 39 rows that have no text" in corpus.notes
    _, about = built("huggingface_corpus", path=str(tmp_path / "d"), **section)
    assert about["kind"] == "tokens" and about["documents"] == dict.fromkeys(SPLITS, 12)
    parts["train"].to_json(tmp_path / "t.jsonl")
    _, about = built("huggingface_corpus", path=str(tmp_path / "t.jsonl"), **section)
    assert sum(about["documents"].values()) == 12 and about["documents"]["test"] >= 1


def test_files_by_hand_stand_for_a_name(tmp_path):
    folder = tmp_path / "downloads" / "someone" / "moods"
    folder.mkdir(parents=True)
    reviews(60).to_parquet(folder / "train-00000-of-00001.parquet")
    reviews(30, 60).to_parquet(folder / "test-00000-of-00001.parquet")
    section = {"name": "someone/moods", "text": ["body"], "label": "mood", "length": 8}
    check_source("d", spec("huggingface_text", **section))
    _, about = built("huggingface_text", **section)
    assert about["sizes"]["test"] == 30 and about["class_names"] == NAMES


def test_what_the_library_has_in_its_cache_needs_no_network(tmp_path):
    """The folder is the library's own work; only the namespace, which a hub gives, is added."""
    (tmp_path / "moods").mkdir()
    reviews(60).to_parquet(tmp_path / "moods" / "train.parquet")
    reviews(30, 60).to_parquet(tmp_path / "moods" / "test.parquet")
    datasets.load_dataset(str(tmp_path / "moods"))
    shutil.move(tmp_path / "cache" / "moods", tmp_path / "cache" / "someone___moods")
    for config in (tmp_path / "cache" / "someone___moods").iterdir():
        config.rename(config.with_name("default"))
    section = {"name": "someone/moods", "text": ["body"], "label": "mood", "length": 8}
    _, about = built("huggingface_text", **section)
    assert about["sizes"]["test"] == 30 and about["class_names"] == NAMES
    assert sorted(about["source"]["files"]) == ["moods-test.arrow", "moods-train.arrow"]


@pytest.mark.parametrize("said", [True, False])
def test_without_network_a_name_says_what_goes_where(said, monkeypatch):
    if said:
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError) as refusal:
        built("huggingface_text", name="someone/moods", label="mood")
    message = str(refusal.value)
    assert len(message.splitlines()) == 1 and message.startswith("name: could not fetch")
    assert "into downloads/someone/moods/" in message and "parquet" in message
    assert ("HF_HUB_OFFLINE is set" in message) == said
    assert said == datasets.config.HF_HUB_OFFLINE  # as it was before


SAID = {
    "neither": ({}, "needs the `name`"),
    "both": ({"name": "a/b", "path": "."}, "not both"),
    "a number": ({"name": 7}, "7 is a number"),
    "no such path": ({"path": "gone"}, "'gone' does not exist"),
    "another ending": ({"path": "t.xlsx"}, "none of .parquet"),
}


@pytest.mark.parametrize("fault", SAID)
def test_what_a_section_says_is_checked_before_anything_is_read(fault, tmp_path):
    (tmp_path / "t.xlsx").touch()
    section, words = SAID[fault]
    with pytest.raises(UserError, match=r"domains\.d\.data\.(name|path): ") as refusal:
        check_source("d", spec("huggingface_text", **section))
    assert words in str(refusal.value)


def test_damaged_and_foreign_files_end_in_one_line(tmp_path):
    whole = tmp_path / "whole.parquet"
    reviews(30).to_parquet(whole)
    (tmp_path / "cut.parquet").write_bytes(whole.read_bytes()[:900])
    (tmp_path / "bad.jsonl").write_text('{"text": "a", "label": 1}\n{"text":')
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "none.csv").write_text("text,label\n")
    for folder in ("void", "pickles", "script", "odd"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pickles" / "train.pkl").write_bytes(pickle.dumps([1]))
    (tmp_path / "script" / "script.py").write_text("open('ran', 'w')")
    (tmp_path / "odd" / "train.xml").write_text("<a><text>b</text></a>")
    for name in ("cut.parquet", "bad.jsonl", "empty.csv", "none.csv", *("void", "pickles"),
                 "script", "odd"):  # fmt: skip
        with pytest.raises(UserError) as refusal:
            built("huggingface_text", path=str(tmp_path / name))
        message = str(refusal.value)
        assert message.startswith("path: ") and name in message, message
        assert ("holds files of kind Xml" in message) == (name == "odd"), message
        assert len(message.splitlines()) == 1
    assert not (tmp_path / "ran").exists()
    with pytest.raises(UserError, match=r"label: there is no column 'label'.*body, title, mood"):
        built("huggingface_text", path=str(whole), text=["body"])


def test_a_name_with_marks_of_a_pattern_is_a_name(tmp_path):
    path = tmp_path / "a[1]*?.jsonl"
    reviews(30).to_json(path)
    _, about = built("huggingface_text", path=str(path), text=["body"], label="mood", length=8)
    assert sum(about["sizes"].values()) == 30


def test_an_edited_file_or_folder_is_another_state(tmp_path):
    path = tmp_path / "d" / "t.jsonl"
    path.parent.mkdir()
    reviews(30).to_json(path)
    one = spec("huggingface_text", path=str(path))
    folder = spec("huggingface_text", path=str(path.parent))
    assert input_files(one) == [str(path)] and input_files(folder) == []
    before = [source_state(one), source_state(folder)]
    assert all(before)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(lines[0]) | {"body": "new"}), *lines[1:]]))
    assert source_state(one) != before[0] and source_state(folder) != before[1]
    assert source_state(spec("huggingface_text", name="a/b")) == ""


def test_a_classless_name_and_keys_of_others_change_nothing():
    said = spec("huggingface_text", name="a/b", image="pic", drop=["x"], image_size=3)
    assert said == spec("huggingface_text", name="a/b")
    with pytest.raises(ValueError, match="task"):
        Data(source="huggingface_text", name="a/b", task="next")
