"""Splits and the order that fractions cut: proportions, disjointness, named refusals."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale.data import splits
from alphascale.data.checks import check_fractions, smallest_fraction
from alphascale.data.store import prefix
from alphascale.errors import UserError
from alphascale.records.data import DataSpec, Origin, PreparedData
from hypothesis import given, settings
from hypothesis import strategies as st

counts_of_classes = st.lists(st.integers(3, 200), min_size=2, max_size=8)


def labels(counts: list[int], seed: int = 0) -> np.ndarray:
    y = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(seed).permutation(y)


def names(counts: list[int]) -> list[str]:
    return [f"class{c}" for c in range(len(counts))]


@given(counts_of_classes, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_every_prefix_holds_the_classes_in_proportion(counts, seed):
    y = labels(counts)
    order = splits.interleave(y, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(y)))
    ones = np.eye(len(counts))[y[order]]
    held = np.cumsum(ones, axis=0)
    fair = np.outer(np.arange(1, len(y) + 1) / len(y), counts)
    # Half a sample by the key, and as much again for each class that ties may push before it.
    assert np.abs(held - fair).max() <= 1 + len(counts) / 2


def test_the_order_is_random_but_for_the_classes():
    y = labels([100, 100])
    one = splits.interleave(y, np.random.default_rng(1))
    two = splits.interleave(y, np.random.default_rng(2))
    assert (one != two).mean() > 0.9
    # Neither is the order inside a class the one of the file.
    assert (np.diff(one[y[one] == 0]) < 0).any()


@given(
    counts_of_classes,
    st.one_of(st.floats(0.01, 0.45), st.integers(8, 20)),
    st.one_of(st.floats(0.01, 0.45), st.integers(8, 20)),
    st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_splits_are_disjoint_sized_and_stratified_or_refused(counts, test, validation, seed):
    y = labels(counts)
    try:
        rows = splits.split(y, names(counts), test, validation, np.random.default_rng(seed))
    except UserError as refusal:
        assert str(refusal).startswith(("test:", "validation:"))
        return
    together = np.concatenate(list(rows.values()))
    assert sorted(together) == list(range(len(y)))
    for part, wanted in (("test", test), ("validation", validation)):
        size = max(1, round(wanted * len(y))) if wanted < 1 else wanted
        assert len(rows[part]) == size
    for part in rows.values():
        held = np.bincount(y[part], minlength=len(counts))
        assert (held >= 1).all()
    big = np.array(counts) >= 50
    if big.all():  # small classes get their one sample at the cost of the others
        held = np.bincount(y[rows["test"]], minlength=len(counts))
        assert np.abs(held - len(rows["test"]) * np.array(counts) / len(y)).max() <= len(counts)


def test_a_seed_gives_one_split_and_another_seed_another():
    y = labels([60, 60])
    a, b, c = (
        splits.split(y, ["a", "b"], 0.2, 0.1, np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert all((a[part] == b[part]).all() for part in a)
    assert any((np.sort(a[part]) != np.sort(c[part])).any() for part in ("train", "test"))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([40, 2], ["label", "'class1'", "2 sample", "3 are needed"]),
        ([40, 2, 1, 2], ["'class1'", "2 more of 4", "really a class"]),
        ([40], ["'class0'", "at least 2"]),
    ],
)
def test_too_few_samples_or_classes_are_named(counts, words):
    with pytest.raises(UserError) as refusal:
        splits.split(labels(counts), names(counts), 0.2, 0.1, np.random.default_rng(0))
    assert all(word in str(refusal.value) for word in words)


def test_a_split_larger_than_the_data_or_smaller_than_the_classes_is_refused():
    y = labels([20, 20, 20])
    for test, words in ((60, "60 samples asked for, of 60"), (2, "2 samples cannot hold every")):
        with pytest.raises(UserError, match=words):
            splits.split(y, names([1] * 3), test, 0.1, np.random.default_rng(0))


@given(st.lists(st.lists(st.integers(1, 30), min_size=3, max_size=12), min_size=2, max_size=5))
@settings(max_examples=60, deadline=None)
def test_no_group_is_on_two_sides(sizes):
    sizes_flat = [n for own in sizes for n in own]
    groups = np.repeat(np.arange(len(sizes_flat)), sizes_flat)
    class_of_group = np.repeat(np.arange(len(sizes)), [len(own) for own in sizes])
    y = class_of_group[groups]
    try:
        rows = splits.split_groups(y, groups, names(sizes), 0.2, 0.1, np.random.default_rng(0))
    except UserError as refusal:
        assert str(refusal).startswith("source: class")  # fewer than 3 samples in 3 groups
        return
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(y)))
    sides = [set(groups[r]) for r in rows.values()]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    for r in rows.values():
        assert set(y[r]) == set(range(len(sizes)))


def prepared(first_rows: list[int], rows: int) -> PreparedData:
    classes = len(first_rows)
    return PreparedData(
        "tabular", classes, (1,), None, None, None, None,
        sizes={"train": rows}, first_rows=first_rows, smallest_prefix=max(first_rows) + 1,
        class_names=[f"class{c}" for c in range(classes)], class_counts={}, seed=0, notes=[],
        source=Origin("made", "", "", {}), spec=DataSpec("csv", 0, 0.2, 0.1),
    )  # fmt: skip


def test_a_fraction_that_leaves_a_class_out_names_it_and_the_smallest_that_works():
    with pytest.raises(UserError) as refusal:
        check_fractions("cats", prepared([0, 1, 230], 1000), ["1.0", "0.2"])
    message = str(refusal.value)
    assert "domains.cats.fractions: 0.2 is 200 of 1000" in message
    assert "'class2'" in message
    smallest = message.split()[-1]
    check_fractions("cats", prepared([0, 1, 230], 1000), ["1.0", smallest])
    assert float(smallest) < 0.25


def test_the_last_row_of_a_fraction_counts_and_the_next_does_not():
    check_fractions("cats", prepared([0, 99], 200), ["0.5"])
    with pytest.raises(UserError, match="'class1' without any"):
        check_fractions("cats", prepared([0, 100], 200), ["0.5"])


@given(st.integers(2, 10**6).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))))
@settings(max_examples=200, deadline=None)
def test_the_smallest_fraction_holds_the_prefix_and_little_more(rows_and_prefix):
    rows, smallest = rows_and_prefix
    fraction = smallest_fraction(rows, smallest)
    assert 0 < float(fraction) <= 1
    assert smallest <= prefix(rows, fraction) <= 1.05 * smallest
