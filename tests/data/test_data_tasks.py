"""Numbers and several labels as targets: values arrive as written, splits hold what they promise,
and whatever is wrong ends in one line that names the column and the place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from alphascale.config import Data
from alphascale.data import splits, tasks
from alphascale.data.checks import check_fractions
from alphascale.data.make import build
from alphascale.data.store import SPLITS, prefix
from alphascale.errors import UserError
from alphascale.slices import data_spec
from alphascale.sources.inspect import check_source
from data_made import built, spec, write_csv, write_json_lines
from hypothesis import given, settings
from hypothesis import strategies as st


def houses(n: int, seed: int = 0) -> tuple[list[str], list[list]]:
    """A table whose `price` is a number with a long tail."""
    rng = np.random.default_rng(seed)
    rows = [[round(a, 4), ["north", "south"][i % 2], float(np.exp(a + 8))]
            for i, a in enumerate(rng.normal(size=n))]  # fmt: skip
    return ["size", "side", "price"], rows


def priced(tmp_path, values, **section):
    path = write_csv(tmp_path / "t.csv", ["a", "price"], [[i, v] for i, v in enumerate(values)])
    return built("csv", path=path, label="price", task="numbers", **section)


def test_numbers_arrive_as_written_in_splits_of_one_distribution(tmp_path):
    header, rows = houses(500)
    path = write_csv(tmp_path / "t.csv", header, rows)
    tensors, about = built("csv", path=path, label="price", task="numbers")
    written = np.sort([row[2] for row in rows])
    arrived = np.concatenate([tensors[f"{part}_y"] for part in SPLITS])
    assert arrived.dtype == np.float64 and (np.sort(arrived) == written).all()
    assert about["task"] == "numbers" and about["classes"] == 1
    assert about["class_names"] == ["price"] and about["class_counts"] == {}
    assert about["sizes"] == {"train": 350, "validation": 50, "test": 100}
    train = tensors["train_y"]
    assert np.isclose(about["centre"], train.mean()) and np.isclose(about["spread"], train.std())
    assert about["columns"] == ["size", "side_north", "side_south"]
    # The order of the file says nothing of a row's place; each keeps its own label.
    size = tensors["train_x"][:, 0]
    assert np.corrcoef(size, np.log(train))[0, 1] > 0.999999
    # Every twentieth of the sorted labels is in every split and prefix in its share.
    edges = np.quantile(written, np.linspace(0, 1, 11)[1:-1])
    for y in (tensors["test_y"], tensors["validation_y"], train[:100], train[:35]):
        held = np.bincount(np.searchsorted(edges, y), minlength=10)
        assert np.abs(held - len(y) / 10).max() <= 3, held


numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(
    st.lists(numbers, min_size=6, max_size=60),
    st.one_of(st.floats(0.05, 0.6), st.integers(1, 20)),
    st.one_of(st.floats(0.05, 0.3), st.integers(1, 20)),
    st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_any_numbers_are_split_whole_and_in_the_sizes_asked_for(y, test, validation, seed):
    y = np.array(y)
    rng = np.random.default_rng(seed)
    try:
        rows = tasks.split("numbers", y, ["price"], test, validation, rng, "label")
    except UserError as refusal:
        n = len(y)
        asked = sum(s if s >= 1 else max(1, round(s * n)) for s in (test, validation))
        assert (y == y[0]).all() or asked >= n, str(refusal)
        return
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(y)))
    for part, wanted in (("test", test), ("validation", validation)):
        assert len(rows[part]) == (wanted if wanted >= 1 else max(1, round(wanted * len(y))))
    tensors = {f"{part}_y": y[at] for part, at in rows.items()}
    try:
        centre, spread = tasks.centre_and_spread(tensors, "label", "price")
    except UserError:
        return
    scaled = ((tensors["train_y"] - centre) / spread).astype(np.float32)
    assert np.isfinite(scaled).all()
    assert abs(scaled.mean()) < 1e-3 and abs(scaled.std() - 1) < 1e-3


@pytest.mark.parametrize("far", [0.0, 1e9, -1e15, 1e30])
def test_labels_far_from_zero_lose_nothing(tmp_path, far):
    step = max(1.0, abs(far) * 2.0**-50)
    written = [far + step * (i % 40) for i in range(200)]
    tensors, about = priced(tmp_path, written)
    z = (tensors["train_y"] - about["centre"]) / about["spread"]
    assert np.isclose(z.mean(), 0, atol=1e-2) and np.isclose(z.std(), 1, atol=1e-2)
    arrived = np.concatenate([tensors[f"{part}_y"] for part in SPLITS])
    assert len(set(arrived.tolist())) == 40 and set(arrived.tolist()) == set(written)


BAD = {
    "words": (["rose", "lily"] * 10, ["label:", "line 2", "'price'", "'rose'", "20 of 20",
                                      "leave `task: numbers` out"]),
    "a word": ([*range(19), "n.b."], ["line 21", "'n.b.'", "1 of 20", "no number"]),
    "underscores": ([*range(19), "1_000"], ["line 21", "no number"]),
    "missing": ([*range(10), "", "NA", *range(8)], ["'price'", "2 of 20", "line 12"]),
    "infinite": ([*range(10), "inf", *range(9)], ["line 12", "'price'", "infinite", "1 of 20"]),
    "overflow": ([*range(10), "1e999", *range(9)], ["line 12", "infinite"]),
    "commas": ([f"{i},5" for i in range(20)], ["line 2", "comma", "'0,5'", "decimal point"]),
    "all equal": ([4.5] * 20, ["'price'", "4.5 in all 20 rows", "nothing to predict"]),
    "too far apart": ([1e308, -1e308] * 10, ["'price'", "too large"]),
    "too small": ([0, 5e-324] * 10, ["'price'", "too small"]),
    "two rows": ([1, 2], ["2 samples", "3 are needed"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_bad_numbers_are_refused_in_one_line_that_names_column_and_place(tmp_path, fault):
    values, words = BAD[fault]
    with pytest.raises(UserError) as refusal:
        priced(tmp_path, values)
    message = str(refusal.value)
    assert len(message.splitlines()) == 1 and message.startswith("label:")
    assert all(word in message for word in words), message


def test_a_number_taken_for_a_class_says_how_to_predict_it(tmp_path):
    header, rows = houses(40)
    path = write_csv(tmp_path / "t.csv", header, rows)
    with pytest.raises(UserError, match=r"1 sample\(s\).*write `task: numbers`"):
        built("csv", path=path, label="price")
    words = [[i, f"w{i}"] for i in range(9)]
    path = write_csv(tmp_path / "w.csv", ["a", "label"], words)
    with pytest.raises(UserError) as refusal:
        built("csv", path=path)
    assert "task" not in str(refusal.value)


def test_texts_take_numbers_and_labels_too(tmp_path):
    made = [{"text": f"word {i % 7} more", "stars": i % 5 + 0.5, "tags": ["a", "b", "c"][: i % 4]}
            for i in range(90)]  # fmt: skip
    path = write_json_lines(tmp_path / "t.jsonl", made)
    tensors, about = built("text", path=path, label="stars", task="numbers", length=8)
    assert about["kind"] == "text" and about["task"] == "numbers"
    assert set(tensors["test_y"].tolist()) == {0.5, 1.5, 2.5, 3.5, 4.5}
    tensors, about = built("text", path=path, label="tags", task="labels", length=8)
    assert about["class_names"] == ["a", "b", "c"]
    assert any("of 90 samples have no label" in note for note in about["notes"])
    whole = np.concatenate([tensors[f"{part}_y"] for part in SPLITS])
    assert whole.sum(0).tolist() == [67, 44, 22] and (np.diff(whole.astype(int)) <= 0).all()


def tagged(n: int, seed: int = 0) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    names = ["red", "tall", "old", "wet"]
    return [[m for m, p in zip(names, (0.5, 0.3, 0.1, 0.05), strict=True) if rng.random() < p]
            for _ in range(n)]  # fmt: skip


def test_labels_in_one_column_in_lists_and_in_columns_are_the_same(tmp_path):
    tags = tagged(400)
    one = write_csv(
        tmp_path / "one.csv", ["a", "tags"], [[i, " ; ".join(t)] for i, t in enumerate(tags)]
    )
    bars = write_csv(
        tmp_path / "bars.csv", ["a", "tags"], [[i, "|".join(t)] for i, t in enumerate(tags)]
    )
    lists = write_json_lines(
        tmp_path / "lists.jsonl", [{"a": i, "tags": t} for i, t in enumerate(tags)]
    )
    frame = pd.DataFrame({"a": np.arange(400), "tags": tags})
    frame.to_parquet(tmp_path / "lists.parquet")
    names = ["old", "red", "tall", "wet"]
    header = ["a", *names]
    many = [[i, *(int(m in t) for m in names)] for i, t in enumerate(tags)]
    columns = write_csv(tmp_path / "columns.csv", header, many)
    pd.DataFrame(many, columns=header).astype(dict.fromkeys(names, bool)).to_feather(
        tmp_path / "columns.feather"
    )
    sections = [
        {"path": one, "label": "tags"},
        {"path": bars, "label": "tags", "separator": "|"},
        {"path": lists, "label": "tags"},
        {"path": str(tmp_path / "lists.parquet"), "label": "tags"},
        {"path": columns, "label": names},
        {"path": str(tmp_path / "columns.feather"), "label": names},
    ]
    made = []
    for section in sections:
        check_source("d", spec("csv", task="labels", **section))
        made.append(built("csv", task="labels", **section))
    first, about = made[0]
    assert first["train_y"].dtype == np.uint8 and first["train_y"].shape[1] == 4
    assert about["class_names"] == names and about["columns"] == ["a"]
    for tensors, other in made[1:]:
        assert all((tensors[key] == first[key]).all() for key in first)
        assert other["class_counts"] == about["class_counts"]
    for part in SPLITS:
        y = first[f"{part}_y"]
        assert y.sum(0).tolist() == about["class_counts"][part]
        assert (y.any(0) & ~y.all(0)).all()
    # Which row has which labels was not shuffled: a is i, standardised.
    x = np.concatenate([first[f"{part}_x"] for part in SPLITS])[:, 0]
    whole = np.concatenate([first[f"{part}_y"] for part in SPLITS])[np.argsort(x)]
    assert [[m for m, on in zip(names, row, strict=True) if on] for row in whole] == [
        sorted(t) for t in tags
    ]


@st.composite
def several(draw):
    n, k = draw(st.integers(12, 80)), draw(st.integers(2, 6))
    shares = draw(st.lists(st.floats(0.02, 0.9), min_size=k, max_size=k))
    return np.random.default_rng(draw(st.integers(0, 9999))).random((n, k)) < np.array(shares)


@given(several(), st.floats(0.05, 0.4), st.integers(1, 12), st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_each_label_is_in_every_split_and_missing_in_some_sample_of_it(y, test, validation, seed):
    names = [f"t{c}" for c in range(y.shape[1])]
    rng = np.random.default_rng(seed)
    try:
        rows = tasks.split("labels", y, names, test, validation, rng, "label")
    except UserError as refusal:
        text = str(refusal)
        assert text.startswith(("label: label 't", "test: ", "validation: ")), text
        # Never for a label that is common in splits that are large.
        assert min(test * len(y), validation) < 8 or min(*y.sum(0), *(~y).sum(0)) < 12, text
        return
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(y)))
    assert len(rows["test"]) == max(1, round(test * len(y)))
    assert len(rows["validation"]) == validation
    for at in rows.values():
        assert (y[at].any(0) & ~y[at].all(0)).all()


def test_a_rare_label_is_shared_out_and_kept_in_every_fraction():
    """By its rarest label each sample is drawn: ten of a thousand are two of a test fifth."""
    y = np.zeros((1000, 3), dtype=bool)
    y[::2, 0] = y[::3, 1] = y[::100, 2] = True
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = tasks.split("labels", y, ["a", "b", "c"], 0.2, 0.1, rng, "label")
        assert [int(y[rows[part], 2].sum()) for part in SPLITS] == [7, 1, 2]
        train = y[rows["train"], 2]
        assert train[:350].sum() in (3, 4)  # a half of them in a half of the rows


def test_splits_that_miss_a_label_by_chance_are_drawn_again():
    """Of ten samples with a and eleven with b nine have both: hardly a draw has each everywhere."""
    y = np.zeros((120, 3), dtype=bool)
    y[:10, 0] = y[1:12, 1] = y[20:, 2] = True
    once = 0
    for seed in range(20):
        strata = tasks.rarest(y, 12)
        rows = splits.split_strata(strata, 0.1, 0.1, np.random.default_rng(seed))
        once += all(y[at].any(0).all() for at in rows.values())
        rng = np.random.default_rng(seed)
        rows = tasks.split("labels", y, ["a", "b", "c"], 0.1, 0.1, rng, "label")
        assert all((y[at].any(0) & ~y[at].all(0)).all() for at in rows.values())
    assert once < 20


def test_a_label_is_in_a_fraction_once_some_have_it_and_some_have_not():
    y = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 0], [0, 0, 0]], dtype=bool)
    assert tasks.TASKS["labels"].first_rows(y, 3) == [3, 2, 1]


BAD_LABELS = {
    "rare": (["a;b", "a", "b", ""] * 9 + ["c"], ["'c' has 1 sample(s) with it", "3 are needed"]),
    "in all": (["a;b", "a", "a;c"] * 9, ["'a' has 0 sample(s) without it"]),
    "another separator": ([f"a,b{i}" for i in range(9)], ["1 sample(s)", "`separator`"]),
    "one label": (["a", ""] * 9, ["holds 1 label ('a')", "two classes"]),
    "none": (["", ""] * 9, ["holds 0 label"]),
}


@pytest.mark.parametrize("fault", BAD_LABELS)
def test_labels_that_cannot_be_split_are_named(tmp_path, fault):
    values, words = BAD_LABELS[fault]
    path = write_csv(tmp_path / "t.csv", ["a", "tags"], [[i, v] for i, v in enumerate(values)])
    with pytest.raises(UserError) as refusal:
        built("csv", path=path, label="tags", task="labels")
    assert all(word in str(refusal.value) for word in words), str(refusal.value)


def test_label_columns_hold_zero_and_one_alone(tmp_path):
    rows = [[i, i % 2, i % 3] for i in range(30)]
    path = write_csv(tmp_path / "t.csv", ["a", "one", "two"], rows)
    section = {"path": path, "task": "labels", "label": ["one", "two"]}
    with pytest.raises(UserError, match=r"line 4: column 'two' holds '2'.*0 or 1"):
        built("csv", **section)
    with pytest.raises(UserError, match=r"domains\.d\.data\.label: there is no column 'three'"):
        check_source("d", spec("csv", **section | {"label": ["one", "three"]}))


def test_fractions_that_teach_nothing_are_refused(tmp_path):
    rows = [[i, int(i % 30 == 0)] for i in range(300)]
    path = write_csv(tmp_path / "n.csv", ["a", "label"], rows)
    _, about = build(spec("csv", path=path, task="numbers"), lambda message: None)
    first = about.first_rows
    assert first[0] == 0 and about.smallest_prefix == first[1] + 1
    smallest = about.smallest_prefix / about.sizes["train"]
    check_fractions("d", about, [f"{smallest + 1e-3:.3f}"])
    with pytest.raises(UserError, match="one value of the label alone; the smallest fraction"):
        check_fractions("d", about, ["0.005"])

    tags = [[i, "a;b" if i % 10 == 0 else "b" if i % 2 else ""] for i in range(300)]
    path = write_csv(tmp_path / "t.csv", ["a", "tags"], tags)
    made, about = build(spec("csv", path=path, label="tags", task="labels"), lambda message: None)
    y = made["train_y"][: about.smallest_prefix]
    assert (y.any(0) & ~y.all(0)).all()
    before = made["train_y"][: about.smallest_prefix - 1]
    assert not (before.any(0) & ~before.all(0)).all()
    assert prefix(about.sizes["train"], "0.005") < about.smallest_prefix
    with pytest.raises(UserError, match="holds no sample with label 'a'"):
        check_fractions("d", about, ["0.005"])


@pytest.mark.parametrize("task", ["classes", "labels"])
def test_imbalance_is_told_with_both_counts(tmp_path, task):
    values = ["a"] * 220 + ["b"] * 20 + ["c"] * 80 + [""] * 3 * (task == "labels")
    path = write_csv(tmp_path / "t.csv", ["a", "label"], [[i, v] for i, v in enumerate(values)])
    _, about = built("csv", path=path, task=task)
    (note,) = [note for note in about["notes"] if "imbalanced" in note]
    assert "'a' has 220 samples, 'b' 20" in note and "macro_f1" in note
    values = ["a"] * 200 + ["b"] * 20
    path = write_csv(tmp_path / "u.csv", ["a", "label"], [[i, v] for i, v in enumerate(values)])
    _, about = built("csv", path=path)
    assert not any("imbalanced" in note for note in about["notes"])


def test_limits_keep_the_distribution_of_numbers(tmp_path):
    tensors, about = priced(tmp_path, range(1000), limit=100)
    assert sum(about["sizes"].values()) == 100
    held = np.concatenate([tensors[f"{part}_y"] for part in SPLITS])
    assert (np.bincount((held // 100).astype(int)) == 10).all()


def test_a_default_task_that_is_written_out_makes_nothing_stale():
    said = data_spec(Data(source="csv", path="t.csv", task="classes"), 0)
    assert said == data_spec(Data(source="csv", path="t.csv"), 0)


def test_a_table_in_parquet_or_feather_is_the_table_of_its_csv(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": np.where(np.arange(120) % 7 == 0, np.nan, rng.normal(size=120)),
            "count": rng.integers(0, 9, 120),
            "wild": np.arange(120) % 2 == 0,
            "colour": np.array(["red", None, "blue"], dtype=object)[rng.integers(0, 3, 120)],
            "kind": pd.Categorical(np.array(["rose", "lily"])[np.arange(120) % 2]),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_feather(tmp_path / "t.feather")
    frame.astype({"wild": int}).to_csv(tmp_path / "t.csv", index=False)
    made = [
        built("csv", path=str(tmp_path / f"t.{end}"), label="kind")
        for end in ("csv", "parquet", "feather")
    ]
    for tensors, about in made[1:]:
        assert about["columns"] == made[0][1]["columns"]
        assert all(np.allclose(tensors[k], made[0][0][k], atol=1e-6) for k in tensors)
    with pytest.raises(UserError, match=r"label: there is no column 'sort'.*size, count"):
        built("csv", path=str(tmp_path / "t.parquet"), label="sort")


@pytest.mark.parametrize("end", ["parquet", "feather"])
@pytest.mark.parametrize("damage", ["cut", "empty", "text", "middle"])
def test_damaged_tables_end_in_one_line(tmp_path, end, damage):
    path = tmp_path / f"t.{end}"
    frame = pd.DataFrame({"a": range(50), "label": ["x", "y"] * 25})
    getattr(frame, f"to_{end}")(path)
    raw = path.read_bytes()
    broken = {"cut": raw[: len(raw) // 2], "empty": b"", "text": b"a,label\n1,x\n",
              "middle": raw[:20] + bytes(len(raw) - 40) + raw[-20:]}  # fmt: skip
    path.write_bytes(broken[damage])
    with pytest.raises(UserError) as refusal:
        built("csv", path=str(path))
    assert str(refusal.value).startswith("path: ") and str(path) in str(refusal.value)
    if damage in ("empty", "text"):
        with pytest.raises(UserError, match=r"domains\.d\.data\.path: .*is not a"):
            check_source("d", spec("csv", path=str(path)))
