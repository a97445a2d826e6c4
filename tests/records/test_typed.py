"""Records with types: written and read back equal; a file that is not one is refused by name."""

from __future__ import annotations

import pytest
from alphascale.errors import UserError
from alphascale.records import typed
from alphascale.records.bootstrap import BootstrapRecord, FractionDraws
from alphascale.records.decision import DecisionRecord
from alphascale.records.files import write_sealed
from alphascale.records.fit import Estimate, FitRecord
from alphascale.records.typed import Refused, as_json
from plot_records import frame, records


@pytest.fixture(scope="module")
def good():
    return records(resamples=100)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("fit", FitRecord), ("bootstrap", BootstrapRecord), ("decision", DecisionRecord)],
)
def test_a_record_reads_back_as_it_was_written(good, tmp_path, name, kind):
    typed.write(tmp_path / "record.json", getattr(good, name))
    assert typed.read(tmp_path / "record.json", kind) == getattr(good, name)


def test_a_refusal_reads_back_as_one(tmp_path):
    table = frame()
    few = records(table[table["scale"].isin(["w8", "w16"])]).bootstrap
    typed.write(tmp_path / "record.json", few)
    found = typed.read(tmp_path / "record.json", BootstrapRecord).fractions
    assert all(isinstance(each, Refused) and each.refused for each in found.values())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda value: value | {"schema": 2}, "schema: input should be 1"),
        (lambda value: value | {"level": "high"}, "level: input should be a valid number"),
        (lambda value: value | {"other": 1}, "other: unexpected"),
        (lambda value: {k: v for k, v in value.items() if k != "metric"}, "metric: field required"),
        (
            lambda value: value | {"joint": value["joint"] | {"other": 1}},
            r"joint\.JointDraws\.other: unexpected",
        ),
    ],
)
def test_a_file_that_is_no_record_is_refused_with_its_key(good, tmp_path, change, says):
    path = tmp_path / "record.json"
    write_sealed(path, change(as_json(good.bootstrap)))
    with pytest.raises(UserError, match=rf"record\.json: not a BootstrapRecord: {says}") as fault:
        typed.read(path, BootstrapRecord)
    assert "\n" not in str(fault.value)


def test_an_edit_is_told_whatever_the_file(good, tmp_path):
    """A digit of a number, in a file that a decision rests on."""
    path = tmp_path / "bootstrap.json"
    typed.write(path, good.bootstrap)
    assert typed.read(path, BootstrapRecord) == good.bootstrap
    text = path.read_text()
    path.write_text(text.replace('"level": 0.9', '"level": 0.8', 1))
    assert path.read_text() != text
    with pytest.raises(UserError, match=r"bootstrap\.json: was changed after it was written"):
        typed.read(path, BootstrapRecord)


@pytest.mark.parametrize("content", ["[]", "{}", "12"])
def test_a_file_that_no_stage_wrote_is_refused(tmp_path, content):
    path = tmp_path / "record.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"record\.json: holds no content_sha256"):
        typed.read(path, BootstrapRecord)


def test_a_field_of_another_type_is_not_written():
    with pytest.raises(TypeError, match="FractionDraws"):
        as_json(FractionDraws(fit={}, failed_resamples="few", band=None))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_without_end_is_no_number(number):
    with pytest.raises(UserError, match="mean: input should be a finite number"):
        typed.parse(Estimate, {"mean": number, "lower": 0.0, "upper": 1.0}, "x")
