"""Data by the names that OpenML, scikit-learn and torchvision give them: values and labels arrive
as the library has them; without network one line says what goes where.

No network is made by proxies that nothing listens on, which every loader obeys.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from alphascale.data.store import SPLITS
from alphascale.errors import UserError
from alphascale.sources import source
from alphascale.sources.inspect import check_source, input_files, source_state
from alphascale.sources.torchvision_named import SETS
from data_made import built, digits, spec, write_idx
from PIL import Image


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


def read(origin, **section):
    asked = spec(origin, **section)
    check_source("d", asked)
    return source(origin).read(asked)


# scikit-learn


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_tables_of_sklearn_are_its_own(name):
    pool = read("sklearn", name=name)
    bunch = getattr(sklearn.datasets, f"load_{name}")()
    assert (pool.x.to_numpy() == bunch.data).all() and (pool.y == bunch.target).all()
    assert pool.class_names == [str(each) for each in bunch.target_names]
    _, about = built("sklearn", name=name)
    assert about["classes"] == len(bunch.target_names) and about["shape"] == [bunch.data.shape[1]]
    assert any(file.startswith("scikit-learn ") for file in about["source"]["files"])


def test_diabetes_holds_numbers():
    tensors, about = built("sklearn", name="diabetes", task="numbers")
    held = np.concatenate([tensors[f"{part}_y"] for part in SPLITS])
    assert sorted(held.tolist()) == sorted(sklearn.datasets.load_diabetes().target.tolist())
    assert about["task"] == "numbers" and about["class_names"] == ["diabetes"]


def packed(folder: Path, archive: Path) -> str:
    with tarfile.open(archive, "w:gz") as stream:
        for inside in sorted(folder.iterdir()):
            stream.add(inside, inside.name)
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def known(monkeypatch, module: str, checksum: str) -> None:
    """scikit-learn takes an archive made here for its own."""
    own = getattr(sklearn.datasets, module)
    monkeypatch.setattr(own, "ARCHIVE", own.ARCHIVE._replace(checksum=checksum))


def test_houses_by_hand_are_checked_and_read_and_kept_without_pickles(tmp_path, monkeypatch):
    made = tmp_path / "made"
    (made / "CaliforniaHousing").mkdir(parents=True)
    rng = np.random.default_rng(0)
    # As the file has them: place, age, rooms, bedrooms, people, households, income, value.
    table = np.abs(rng.normal(5, 1, (60, 9))).round(3) + 1
    np.savetxt(made / "CaliforniaHousing" / "cal_housing.data", table, delimiter=",")
    folder = tmp_path / "downloads" / "sklearn"
    folder.mkdir(parents=True)
    checksum = packed(made, folder / "cal_housing.tgz")
    with pytest.raises(UserError, match=r"cal_housing\.tgz is not the file expected"):
        built("sklearn", name="california_housing", task="numbers")
    known(monkeypatch, "_california_housing", checksum)
    pool = read("sklearn", name="california_housing", task="numbers")
    assert np.allclose(pool.y, table[:, 8] / 100_000) and np.allclose(pool.x["MedInc"], table[:, 7])
    assert sorted(file.name for file in folder.iterdir() if file.suffix != ".lock") == [
        ".lock", "cal_housing.tgz", "california_housing.parquet",
    ]  # fmt: skip
    (folder / "cal_housing.tgz").unlink()  # what was packed is enough
    assert (read("sklearn", name="california_housing", task="numbers").y == pool.y).all()
    (folder / "california_housing.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"california_housing\.parquet is broken"):
        built("sklearn", name="california_housing", task="numbers")


def test_newsgroups_lose_headers_and_keep_their_test_part(tmp_path, monkeypatch):
    made = tmp_path / "made"
    for part, n in (("train", 8), ("test", 4)):
        for group in ("sci.space", "rec.autos", "talk.misc"):
            folder = made / f"20news-bydate-{part}" / group
            folder.mkdir(parents=True)
            for i in range(n):
                body = "" if i == 3 else f"{group[4:]} post {part} {i}, caf\xe9 and more words"
                head = f"From: me@{group}\nSubject: {group}\n\n"
                (folder / f"{i:05d}").write_bytes((head + body).encode("latin1"))
    folder = tmp_path / "downloads" / "newsgroups"
    folder.mkdir(parents=True)
    checksum = packed(made, folder / "20news-bydate.tar.gz")
    known(monkeypatch, "_twenty_newsgroups", checksum)
    pool = read("newsgroups")
    assert pool.class_names == ["rec.autos", "sci.space", "talk.misc"]
    assert len(pool.x) == 30 and pool.own_test.sum() == 9
    assert "dropped 6 of 36 posts that have no text" in pool.notes
    assert all(text.endswith("café and more words") for text in pool.x)
    for text, c, test in zip(pool.x, pool.y, pool.own_test, strict=True):
        assert "@" not in text and pool.class_names[c][4:] in text
        assert ("test" if test else "train") in text
    _, about = built("newsgroups", length=16, validation=6)
    assert about["sizes"]["test"] == 9


# OpenML

ARFF = """% a comment
@relation flowers
@attribute 'petal length' numeric
@attribute colour {red, 'light blue'}
@attribute kind {rose, lily}
@data
"""


def write_arff(path: Path, n: int = 40) -> str:
    rows = [
        f"{'?' if i % 9 == 0 else i / 4},{['red', chr(39) + 'light blue' + chr(39), '?'][i % 3]},"
        f"{['rose', 'lily'][i % 2]}"
        for i in range(n)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ARFF + "\n".join(rows) + "\n")
    return str(path)


def test_an_arff_file_gives_its_numbers_words_and_gaps(tmp_path):
    path = write_arff(tmp_path / "t.arff")
    pool = read("openml", path=path)
    assert pool.class_names == ["lily", "rose"] and pool.y.tolist() == [1, 0] * 20
    length = pool.x["petal length"]
    assert length.isna().sum() == 5 and length[1] == 0.25
    assert pool.x["colour"].iloc[:3].fillna("").tolist() == ["red", "light blue", ""]
    _, about = built("openml", path=path)
    assert "colour_(missing)" in about["columns"]
    tensors, _ = built("openml", path=path, label="kind")
    assert tensors["train_x"].shape[1] == 5
    asked = spec("openml", path=path)
    before = source_state(asked)
    assert input_files(asked) == [path] and before
    write_arff(tmp_path / "t.arff", 44)
    assert source_state(asked) != before


def test_an_arff_by_hand_stands_for_a_name(tmp_path):
    write_arff(tmp_path / "downloads" / "openml" / "flowers.arff")
    write_arff(tmp_path / "downloads" / "openml" / "61.arff", 30)
    assert len(read("openml", name="flowers").y) == 40
    assert len(read("openml", name=61).y) == 30


def keep_as_sklearn_does(folder: Path, targets: tuple[str, ...] = ("kind",)) -> None:
    """The answers of OpenML on its set 61, `flowers`, in the folders of scikit-learn's cache."""
    raw = Path(write_arff(folder / "t.arff")).read_bytes()
    (folder / "t.arff").unlink()
    api, address = "api/v1/json/data", "data/v1/download/61/flowers.arff"
    about = {"id": "61", "name": "flowers", "version": "1", "format": "ARFF", "licence": "Public",
             "status": "active", "description": "made",
             "default_target_attribute": ",".join(targets), "url": f"https://www.openml.org/{address}",
             "md5_checksum": hashlib.md5(raw).hexdigest()}  # fmt: skip
    columns = {"petal length": "numeric", "colour": "nominal", "kind": "nominal"}
    features = [
        {"index": str(i), "name": name, "data_type": kind, "number_of_missing_values": "0",
         "is_target": "true" if name in targets else "false",
         "is_ignore": "false", "is_row_identifier": "false"}
        for i, (name, kind) in enumerate(columns.items())
    ]  # fmt: skip
    quality = [{"name": "NumberOfInstances", "value": "40.0"}]
    said = {
        f"{api}/61": {"data_set_description": about},
        f"{api}/features/61": {"data_features": {"feature": features}},
        f"{api}/qualities/61": {"data_qualities": {"quality": quality}},
        f"{api}/list/data_name/flowers/limit/2/status/active/": {"data": {"dataset": [
            {"did": 61, "name": "flowers", "version": 1, "status": "active", "format": "ARFF"}]}},
    }  # fmt: skip
    for path, content in {
        **{k: json.dumps(v).encode() for k, v in said.items()},
        address: raw,
    }.items():
        place = folder / "openml.org" / f"{path}.gz"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(gzip.compress(content))


@pytest.mark.parametrize("name", [61, "flowers"])
def test_what_was_fetched_from_openml_before_needs_no_network(tmp_path, name):
    keep_as_sklearn_does(tmp_path / "downloads" / "openml")
    pool = read("openml", name=name)
    assert pool.class_names == ["lily", "rose"] and pool.y.tolist() == [1, 0] * 20
    assert list(pool.x.columns) == ["petal length", "colour"]
    assert pool.x["petal length"].isna().sum() == 5
    assert "OpenML's data set 61, version 1 of flowers" in pool.notes
    assert pool.source.licence == "Public" and len(pool.source.files) >= 1
    pool = read("openml", name=name, label="kind", drop=["colour"])
    assert list(pool.x.columns) == ["petal length"]
    with pytest.raises(UserError, match=r"label: there is no column 'sort'"):
        read("openml", name=name, label="sort")


def test_openml_without_one_target_asks_for_it(tmp_path):
    keep_as_sklearn_does(tmp_path / "downloads" / "openml", ("kind", "petal length"))
    with pytest.raises(UserError, match=r"label: flowers.* names kind, petal length as its target"):
        read("openml", name=61)
    pool = read("openml", name=61, label="kind")
    assert any("'petal length', the target that OpenML names" in note for note in pool.notes)


BAD_ARFF = {
    "no arff": "a,b\n1,2\n",
    "empty": "",
    "no rows": ARFF,
    "a short row": ARFF + "1,red\n",
    "a word for a number": ARFF + "much,red,rose\n",
    "an unknown word": ARFF + "1,green,rose\n",
}


@pytest.mark.parametrize("fault", BAD_ARFF)
def test_damaged_arff_files_end_in_one_line(tmp_path, fault):
    path = tmp_path / "t.arff"
    path.write_text(BAD_ARFF[fault])
    with pytest.raises(UserError) as refusal:
        built("openml", path=str(path))
    message = str(refusal.value)
    assert message.startswith(("path: ", "label: ")) and len(message.splitlines()) == 1, message


# torchvision


def test_mnist_by_name_is_read_from_its_files(tmp_path):
    raw = tmp_path / "downloads" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, n in (("train", 60), ("t10k", 20)):
        images, labels = digits(n, 10)
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", labels)
    pool = read("torchvision", name="MNIST")
    assert pool.x.shape == (80, 1, 6, 5) and pool.own_test.sum() == 20
    assert (pool.x[:60, 0] == digits(60, 10)[0]).all()
    assert pool.y.tolist() == [*(np.arange(60) % 10), *(np.arange(20) % 10)]
    assert pool.class_names[3] == "3 - three"
    _, about = built("torchvision", name="MNIST", image_size=4, validation=10)
    assert about["shape"] == [1, 4, 4] and about["sizes"]["test"] == 20


def test_svhn_in_colour_and_eurosat_without_a_test_part(tmp_path, monkeypatch):
    from scipy.io import savemat
    from torchvision.datasets import SVHN

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 6, 3, 40)).astype(np.uint8)
    labels = np.arange(40) % 10
    (tmp_path / "downloads").mkdir()
    sums = {}
    for part in ("train", "test"):
        file = tmp_path / "downloads" / f"{part}_32x32.mat"
        savemat(file, {"X": images, "y": np.where(labels == 0, 10, labels)[:, None]})
        sums[part] = ["", file.name, hashlib.md5(file.read_bytes()).hexdigest()]
    monkeypatch.setattr(SVHN, "split_list", sums)
    pool = read("torchvision", name="SVHN")
    assert pool.x.shape == (80, 3, 5, 6)
    assert (pool.x[:40] == images.transpose(3, 2, 0, 1)).all()
    assert pool.y[:40].tolist() == labels.tolist() and pool.class_names == list("0123456789")

    for i in range(24):
        folder = tmp_path / "downloads" / "eurosat" / "2750" / ["Forest", "River"][i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[..., i]).save(folder / f"{i}.png")
    pool = read("torchvision", name="EuroSAT")
    assert pool.own_test is None and pool.class_names == ["Forest", "River"]
    assert pool.x.shape == (24, 3, 5, 6) and pool.y.sum() == 12


@pytest.mark.parametrize("name", SETS)
def test_each_name_of_torchvision_says_what_goes_where(name):
    with pytest.raises(UserError) as refusal:
        read("torchvision", name=name)
    message = str(refusal.value)
    own = SETS[name]
    assert message.startswith(f"name: could not fetch {name} from {own.address}")
    assert len(message.splitlines()) == 1
    assert f"put {', '.join(own.archives)} into downloads/{own.folder}".rstrip("/") in message


OFFLINE = [
    ("openml", {"name": "credit-g"}, "name: ", "credit-g.arff into downloads/openml/"),
    ("sklearn", {"name": "california_housing", "task": "numbers"}, "name: ",
     "cal_housing.tgz into downloads/sklearn/"),
    ("newsgroups", {}, "source: ", "20news-bydate.tar.gz into downloads/newsgroups/"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "section", "key", "words"), OFFLINE)
def test_without_network_the_message_says_what_goes_where(name, section, key, words):
    with pytest.raises(UserError) as refusal:
        built(name, **section)
    message = str(refusal.value)
    assert message.startswith(f"{key}could not fetch") and words in message, message
    assert len(message.splitlines()) == 1


SAID = [
    ("sklearn", {}, "name: None is none of scikit-learn's"),
    ("sklearn", {"name": "irises"}, "'irises' is none of"),
    ("sklearn", {"name": "diabetes"}, "task: diabetes holds numbers: write `task: numbers`"),
    ("sklearn", {"name": "iris", "task": "numbers"}, "task: iris holds classes"),
    ("torchvision", {"name": "mnist"}, "'mnist' is none of torchvision's"),
    ("openml", {}, "name: source `openml` needs"),
    ("openml", {"path": "gone.arff"}, "'gone.arff' does not exist"),
    ("openml", {"name": "../../etc/passwd"}, "holds a slash"),
]


@pytest.mark.parametrize(("name", "section", "words"), SAID)
def test_what_a_section_says_is_checked_before_anything_is_read(name, section, words):
    with pytest.raises(UserError) as refusal:
        check_source("d", spec(name, **section))
    assert str(refusal.value).startswith("domains.d.data.") and words in str(refusal.value)
