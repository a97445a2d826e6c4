"""Records hold numbers where they say so, and nothing that could be taken for one."""

from __future__ import annotations

import pytest
from alphascale.errors import UserError
from alphascale.records.decision import DecisionRecord
from alphascale.records.training import TrainingRecord
from alphascale.records.typed import as_json, parse
from records_made import decision_made, seed_run, training_record


def records():
    yield TrainingRecord, as_json(training_record("s", [seed_run(0, 0.1), seed_run(1, None)]))
    yield DecisionRecord, as_json(decision_made())


def test_a_record_comes_back_as_it_was_written() -> None:
    for kind, value in records():
        assert as_json(parse(kind, value, "file")) == value


@pytest.mark.parametrize("wrong", ["12", True])
def test_text_and_truth_are_no_numbers(wrong: object) -> None:
    for kind, value in records():
        numbers = [
            key
            for key, given in value.items()
            if type(given) in (int, float) and key != "schema"  # which is 1, and true equals it
        ]
        assert numbers
        for key in numbers:
            with pytest.raises(UserError, match=f"file: not a {kind.__name__}: {key}"):
                parse(kind, value | {key: wrong}, "file")
