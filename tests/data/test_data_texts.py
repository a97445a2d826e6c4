"""A user's own texts, the vocabulary trained on them, and a pretrained tokenizer in a folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from alphascale.data import texts
from alphascale.data.make import prepare
from alphascale.data.pool import Pool
from alphascale.errors import UserError
from alphascale.sources.inspect import check_source
from data_made import built, spec, write_csv, write_json_lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = {"good": "fine bright lovely day", "bad": "dull grey awful night", "so-so": "well, hm"}


def rows(n: int) -> list[dict]:
    return [
        {"text": f"{WORDS[k]} no. {i}", "more": f"über {i}…", "label": k}
        for i in range(n)
        for k in WORDS
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_csv_and_json_lines_give_the_same_tensors(tmp_path, kind):
    made = rows(20)
    lines = write_json_lines(tmp_path / "t.jsonl", made)
    table = write_csv(tmp_path / "t.csv", list(made[0]), [list(row.values()) for row in made])
    sections = [{"path": path, "text": ["text", "more"], "length": 24} for path in (lines, table)]
    (one, about), (two, _) = (built("text", **section) for section in sections)
    assert all((one[name] == two[name]).all() for name in one)
    assert about["class_names"] == ["bad", "good", "so-so"]
    assert one["train_x"].dtype == np.int32 and about["shape"] == [24]
    check_source("d", spec("text", **sections[kind == "csv"]))


def test_token_ids_give_back_the_text_and_padding_is_told_apart():
    pool = ["a thing", "another thing — ünd mehr", "\tthing thing", "x" * 500]
    tokenize, vocabulary, pad, _ = texts.train_tokenizer(iter(pool), 300, 64)
    assert pad == 0 and 257 <= vocabulary <= 300
    # Bytes alone would take one token each: the vocabulary has learnt the word that recurs.
    assert len(tokenize(["another thing"])[0]) < len("another thing")
    assert all(pad not in ids for ids in tokenize([*pool, "日本語 \0 never seen"]))
    assert len(tokenize(["x" * 500])[0]) <= 64


def test_the_vocabulary_comes_from_the_training_part_alone():
    made = ["alpha beta gamma"] * 20 + ["zeta " * 9] * 10
    at = {"train": np.arange(20), "validation": np.arange(20, 25), "test": np.arange(25, 30)}

    def encoded(strings):
        pool = Pool("text", strings, np.zeros(30, int), ["k"], {})
        return texts.encode(pool, at, spec("torch_code", length=8, vocabulary=300))

    before, after = encoded(made), encoded(made[:20] + ["omega omega"] * 10)
    assert (before.x["train"] == after.x["train"]).all()
    assert before.vocabulary == after.vocabulary
    assert (before.x["train"] != 0).sum(1).max() <= 3  # whole words of training are one token each
    assert (before.x["test"] != 0).sum(1).min() == 8  # a word of the test part is none


def test_rows_without_text_are_dropped_and_counted(tmp_path):
    made = rows(20) + [{"text": "  ", "more": None, "label": "bad"}] * 7
    path = write_json_lines(tmp_path / "t.jsonl", made)
    _, about = built("text", path=path, text=["text", "more"], length=8)
    assert sum(about["sizes"].values()) == 60
    assert any("dropped 7 of 67 rows" in note for note in about["notes"])


def test_half_a_surrogate_pair_in_json_is_no_reason_to_fail(tmp_path):
    made = rows(20)
    for row in made[::3]:
        row |= {"text": row["text"] + " \ud800", "label": "good\ud800"}
    path = write_json_lines(tmp_path / "t.jsonl", made)
    about = prepare(
        "d", spec("text", path=path), tmp_path / "x", tmp_path / "x.json", lambda message: None
    )
    assert about.class_names == ["bad", "good?", "so-so"]


GOOD = [json.dumps(row) for row in rows(3)]
BAD_LINES = {
    "not JSON": ([*GOOD, "{"], ["line 10", "not JSON"]),
    "no object": (["[1]"], ["line 1", "not a JSON object"]),
    "no label": ([*GOOD, '{"text": "a"}'], ["label:", "line 10", "'label'"]),
    "no text": (['{"label": "a", "body": 1}'], ["text:", "line 1", "'text'", "label, body"]),
    "null label": ([*GOOD, '{"text": "a", "label": null}'], ["'label'", "1 of 10", "data row 10"]),
    "list": ([*GOOD, '{"text": ["a"], "label": "bad"}'], ["text:", "line 10", "is a list"]),
    "empty": ([""], ["empty"]),
    "gone": ([*GOOD, '{"text": "", "label": "odd"}'], ["'odd'", "no row with any text"]),
    "one class": ([GOOD[0], GOOD[3]], ["'good'", "at least 2"]),
}


@pytest.mark.parametrize("fault", BAD_LINES)
def test_bad_json_lines_are_refused_by_line_and_key(tmp_path, fault):
    lines, words = BAD_LINES[fault]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError) as refusal:
        built("text", path=str(path), length=8)
    message = str(refusal.value)
    assert len(message.splitlines()) == 1
    assert all(word in message for word in words), message
    if fault in ("no text", "empty", "no object"):
        with pytest.raises(UserError, match=r"^domains\.d\.data\."):
            check_source("d", spec("text", path=str(path)))


def test_a_csv_without_the_text_column_says_which_there_are(tmp_path):
    path = write_csv(tmp_path / "t.csv", ["body", "label"], [["a", "b"]])
    with pytest.raises(UserError, match=r"data\.text: there is no column 'text'.*body, label"):
        check_source("d", spec("text", path=path))


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))


@given(st.lists(st.fixed_dictionaries({"text": VALUES, "label": st.sampled_from("ab1")})))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_values_give_tensors_or_a_user_error(tmp_path, made):
    path = write_json_lines(tmp_path / "t.jsonl", made)
    try:
        tensors, about = built("text", path=path, length=8)
    except UserError:
        return
    # A row of padding alone would be a mean over nothing in a model.
    assert all((tensors[f"{part}_x"] != about["pad"]).any(1).all() for part in about["sizes"])


def test_a_pretrained_tokenizer_in_a_folder_is_used_as_it_is(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {"[UNK]": 0, "[PAD]": 1, "fine": 2, "dull": 3, "well": 4}
    made = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]"
    ).save_pretrained(tmp_path / "own")
    path = write_json_lines(tmp_path / "t.jsonl", rows(20))
    tensors, about = built("text", path=path, tokenizer=str(tmp_path / "own"), length=12)
    assert (about["vocabulary"], about["pad"]) == (5, 1)
    first = {"good": 2, "bad": 3, "so-so": 4}
    for x, y in zip(tensors["test_x"], tensors["test_y"], strict=True):
        assert x[0] == first[about["class_names"][y]] and x[-1] == 1


def test_a_folder_without_tokenizer_is_named(tmp_path):
    path = write_json_lines(tmp_path / "t.jsonl", rows(20))
    with pytest.raises(UserError, match=r"tokenizer: .* holds no tokenizer"):
        built("text", path=path, tokenizer=str(tmp_path))
