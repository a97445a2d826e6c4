"""A user's own CSV: what becomes of its columns, what is told of it, what is refused and how."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from alphascale.data import tables
from alphascale.data.pool import Pool
from alphascale.errors import UserError
from alphascale.sources.inspect import check_source
from data_made import built, flowers, spec, write_csv
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st


def test_numbers_categories_and_gaps_become_the_columns_they_should(tmp_path):
    header, rows = flowers(210)
    path = write_csv(tmp_path / "t.csv", header, rows)
    tensors, about = built("csv", path=path, label="kind", drop=["id"], test=30, validation=30)
    assert about["columns"] == [
        "size", "wild", "missingindicator_size",
        "colour_(missing)", "colour_blue", "colour_green", "colour_red",
    ]  # fmt: skip
    assert about["class_names"] == ["iris", "lily", "rose"]
    x = np.concatenate([tensors[f"{part}_x"] for part in about["sizes"]])
    y = np.concatenate([tensors[f"{part}_y"] for part in about["sizes"]])
    assert x.dtype == np.float32 and y.dtype == np.int64 and x.shape == (210, 7)

    # Undo the encoding: the same rows must come back, whatever the order.
    train = tensors["train_x"]
    present = train[:, 2] == 0
    assert abs(train[present, 0].mean()) < 0.2 and 0.8 < train[present, 0].std() < 1.3
    known = np.array(sorted(float(r[1]) for r in rows if r[1]))
    got = np.sort(x[x[:, 2] == 0, 0].astype(float))
    assert np.corrcoef(known, got)[0, 1] > 0.999999  # standardising is affine
    colours = {"NA": 3, "blue": 4, "green": 5, "red": 6}
    expected = sorted(
        (not r[1], colours[r[2]], r[3], about["class_names"].index(r[4])) for r in rows
    )
    back = sorted(
        (bool(v[2]), 3 + int(v[3:].argmax()), int(v[1]), int(k)) for v, k in zip(x, y, strict=True)
    )
    assert back == expected
    assert (x[:, 3:].sum(1) == 1).all()


def test_statistics_come_from_the_training_part_alone():
    """What lies outside the training rows may change at will and moves no training value."""
    import pandas as pd

    n = 60
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=n), "b": rng.choice(["x", "y"], n).astype(object)})
    table.loc[3, "a"] = np.nan
    rows = {"train": np.arange(40), "validation": np.arange(40, 50), "test": np.arange(50, 60)}

    def encoded(changed: pd.DataFrame) -> tables.Encoded:
        pool = Pool("tabular", changed, np.zeros(n, int), ["k"], {})
        return tables.encode(pool, rows, {})

    before = encoded(table)
    changed = table.copy()
    changed.loc[40:, "a"] = 1e6
    changed.loc[45, "a"] = np.nan
    changed.loc[40:, "b"] = "never seen"
    after = encoded(changed)
    assert after.columns == before.columns == ["a", "missingindicator_a", "b_x", "b_y"]
    assert (after.x["train"] == before.x["train"]).all()
    a = table["a"][:40]
    filled = a.fillna(a.median())
    assert np.allclose(before.x["train"][:, 0], (filled - filled.mean()) / filled.std(ddof=0))
    assert after.x["test"][0, 0] > 1e5  # standardised by training, not by itself
    assert (after.x["test"][:, 2:] == 0).all()  # a value unseen in training is none of its columns


def test_gaps_in_a_column_of_zeros_and_ones_are_told_from_both():
    """The gap becomes the median, and a column of its own says that it is one."""
    import pandas as pd

    flags = np.array([0, 1, np.nan] * 20)
    table = pd.DataFrame({"wild": flags, "size": np.arange(60.0)})
    rows = {"train": np.arange(40), "validation": np.arange(40, 50), "test": np.arange(50, 60)}
    pool = Pool("tabular", table, np.zeros(60, int), ["k"], {})
    found = tables.encode(pool, rows, {})
    assert found.columns == ["size", "wild", "missingindicator_wild"]
    for part, at in rows.items():
        wild, missing = found.x[part][:, 1], found.x[part][:, 2]
        gone = np.isnan(flags[at])
        assert (missing == gone).all() and (wild[~gone] == flags[at][~gone]).all()
        assert set(wild[gone]) == {0.0}  # 14 zeros and 13 ones were seen in training


def test_rare_categories_share_a_column(tmp_path):
    rng = np.random.default_rng(0)
    words = [f"w{min(int(rng.geometric(0.05)), 90)}" for _ in range(900)]
    rows = [[w, ["a", "b"][i % 2]] for i, w in enumerate(words)]
    path = write_csv(tmp_path / "t.csv", ["word", "label"], rows)
    _, about = built("csv", path=path)
    assert about["shape"] == [tables.CATEGORIES]
    assert about["columns"][-1] == "word_infrequent_sklearn"
    assert any("'word'" in note and "most frequent" in note for note in about["notes"])


def test_gaps_outside_training_and_empty_columns_are_told():
    import pandas as pd

    table = pd.DataFrame({"a": [1.0, 2, 3, np.nan], "b": [np.nan, np.nan, np.nan, 1.0]})
    rows = {"train": np.arange(3), "validation": np.array([3]), "test": np.array([3])}
    encoded = tables.encode(Pool("tabular", table, np.zeros(4, int), ["k"], {}), rows, {})
    assert encoded.columns == ["a"]
    assert encoded.x["test"][0, 0] == 0  # the median of 1, 2, 3 is their mean
    assert any("'b': no value in training" in note for note in encoded.notes)
    assert any("'a': 1 missing value(s), none in training" in note for note in encoded.notes)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_delimiters_gzip_and_byte_order_marks_are_read(tmp_path, mark, ending):
    text = mark.join(["a", "label"]) + "\r\n"
    text += "".join(f"{i}{mark}{'yn'[i % 2]}\r\n" for i in range(20)) + "\r\n"
    raw = b"\xef\xbb\xbf" + text.encode()
    path = tmp_path / f"t{ending}"
    path.write_bytes(gzip.compress(raw) if ending.endswith("gz") else raw)
    check_source("d", spec("csv", path=str(path)))
    _, about = built("csv", path=str(path))
    assert about["columns"] == ["a"] and sum(about["sizes"].values()) == 20
    assert about["class_names"] == ["n", "y"]


GOOD = "".join(f"{i},{'yn'[i % 2]}\n" for i in range(20))
BAD = {
    "no label column": ("a,b\n1,2\n", ["label:", "'label'", "has a, b"]),
    "drop of no column": ("a,label\n" + GOOD, ["drop:", "'gone'", "has a, label"]),
    "empty": ("", ["is empty"]),
    "blank": ("\n \n", ["is empty"]),
    "header only": ("a,label\n", ["no rows"]),
    "one class": ("a,label\n1,x\n2,x\n", ["1 class", "'x'", "at least 2"]),
    "missing labels": ("a,label\n1,\n2,x\n3,NaN\n", ["'label'", "2 of 3 rows", "data row 1"]),
    "duplicate headers": ("a,a,label\n1,2,x\n", ["two columns", "'a'"]),
    "nameless column": ("a,,label\n1,2,x\n", ["column 2 of 3", "no name"]),
    "long row": ("a,label\n" + GOOD + "1,2,3\n", ["line 22", "3 field(s)", "names 2"]),
    "short row": ("a,b,label\n1,2,x\n1,y\n", ["line 3", "2 field(s)", "names 3"]),
    "open quote": ('a,label\n1,x\n2,"y\n3,x\n', ["line 4", "end of data"]),
    "not UTF-8": (b"a,label\n\xe9t\xe9,x\n", ["not UTF-8", "0xe9"]),
    "UTF-16": ("a,label\n1,x\n".encode("utf-16"), ["not UTF-8"]),
    "binary": (b"\x7fELF\0\0\0", ["NUL"]),
    "infinite": ("a,label\n" + GOOD.replace("3,", "inf,"), ["column 'a'", "infinite"]),
    "huge": ("a,label\n" + GOOD.replace("3,", "1e300,"), ["column 'a'", "too large"]),
    "only the label": ("label\nx\ny\n", ["no column is left"]),
    "nothing in a column": ("a,label\n" + ",x\n,y\n" * 9, ["no column is left"]),
    "a number to predict": (
        "a,label\n" + "".join(f"{i},{i / 7}\n" for i in range(20)),
        ["1 sample", "really a class"],
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_tables_are_refused_in_one_line_that_names_the_fault(tmp_path, fault):
    content, words = BAD[fault]
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    drop = ["gone"] if "drop" in fault else []
    with pytest.raises(UserError) as refusal:
        built("csv", path=str(path), drop=drop)
    message = str(refusal.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize("fault", ["no label column", "drop of no column", "empty", "UTF-16"])
def test_the_check_at_parse_time_sees_what_a_header_tells(tmp_path, fault):
    content, words = BAD[fault]
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as refusal:
        check_source("mine", spec("csv", path=str(path), drop=["gone"] if "drop" in fault else []))
    assert str(refusal.value).startswith("domains.mine.data.")
    assert all(word in str(refusal.value) for word in words)


def test_labels_that_lost_their_integer_type_are_the_same_classes(tmp_path):
    rows = [[i, ["2", "10", "2.0", "10.0"][i % 4]] for i in range(24)]
    _, about = built("csv", path=write_csv(tmp_path / "t.csv", ["a", "label"], rows))
    assert about["class_names"] == ["2", "10"]


FIELDS = st.text(st.sampled_from('ab1.,;"\n\r\t é\0-ein\ud7ff'), max_size=4)
TABLES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")),
    st.lists(st.lists(FIELDS, min_size=2, max_size=3), max_size=12).map(
        lambda rows: "\n".join(["a,label", *map(",".join, rows)]).encode()
    ),
    st.lists(st.tuples(FIELDS, st.sampled_from("xy")), min_size=6, max_size=12).map(
        lambda rows: "\n".join(["a,label", *(f'"{a}",{b}' for a, b in rows)]).encode()
    ),
)


@given(TABLES)
@example(b"a,label\n1,x\n1e999,y\n")
@example(b"a,label\r1,x\r2,y\r")
@example(b'"a\nb",label\n1,x\n')
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_file_gives_finite_tensors_or_a_user_error(tmp_path, raw):
    path = tmp_path / "t.csv"
    path.write_bytes(raw)
    try:
        tensors, about = built("csv", path=str(path))
    except UserError as refusal:
        assert len(str(refusal).splitlines()) == 1
        return
    assert all(np.isfinite(tensors[f"{part}_x"]).all() for part in about["sizes"])
    assert about["classes"] >= 2 and sum(about["sizes"].values()) >= 6
