"""Records to rows: a diverged run is a row that says so, with empty cells and no level."""

from __future__ import annotations

import csv

import pytest
from alphascale.auditing.gather import gather
from alphascale.errors import UserError
from alphascale.fitting.domain import fit_domain
from alphascale.records.data import write_prepared
from alphascale.records.files import write_sealed
from alphascale.records.observations import COLUMNS, read_frame, write_table
from alphascale.records.specs import AggregateSpec, ExpectedRecord, FitSpec
from alphascale.records.training import SeedRun, read_record
from alphascale.records.typed import as_json, digest_of
from records_made import prepared_made, seed_run, training_record


def record(folder, scale: str, params: int, seeds: list[SeedRun], **more) -> ExpectedRecord:
    """Write one job's record; returns what the aggregate expects of it."""
    made = training_record(scale, seeds, params)
    write_sealed(folder / f"{scale}.json", as_json(made) | more)
    return ExpectedRecord(scale, "1.0", digest_of(made.spec))


def test_diverged_runs_are_rows_without_numbers_and_the_fit_goes_on(tmp_path) -> None:
    sizes = {f"w{n}": n for n in (100, 200, 400, 800, 1600)}
    expected = [
        record(tmp_path, scale, n, [seed_run(0, 3 * n**-0.5), seed_run(1, None)])
        for scale, n in sizes.items()
    ]
    expected.append(record(tmp_path, "w3200", 3200, [seed_run(0, None), seed_run(1, None)]))
    write_prepared(tmp_path / "meta.json", prepared_made([], sizes={"test": 100}))
    paths = [str(tmp_path / f"{scale}.json") for scale, *_ in expected]
    wanted, said = AggregateSpec("code", expected, []), []
    rows = gather("d", wanted, paths, str(tmp_path / "meta.json"), said.append)
    assert "w3200 on 1.0 of the data: diverged: 2 of 2 runs diverged" in said[-1]
    write_table(tmp_path / "d.csv", [as_json(row) for row in rows])
    with open(tmp_path / "d.csv", newline="") as stream:
        reader = csv.DictReader(stream)
        read = list(reader)
    assert reader.fieldnames == list(COLUMNS)
    gone = [row for row in read if row["status"] == "diverged"]
    assert len(gone) == 7
    for row in gone:
        assert row["test_error"] == row["test_loss"] == row["level"] == row["best_epoch"] == ""
    spec = FitSpec("power_floor", "total", withhold=0)
    fit = fit_domain("d", spec, read_frame(tmp_path / "d.csv")).fractions["1.0"]
    assert fit.diverged == 7
    assert [point.level for point in fit.points] == ["LOW"] * 5 + [None]


@pytest.mark.parametrize(("cell", "words"), [("many", "could not convert"), ("", "an empty cell")])
def test_a_cell_of_another_type_is_named_with_its_column(tmp_path, cell, words) -> None:
    write_table(tmp_path / "d.csv", [dict.fromkeys(COLUMNS, "1") | {"params": cell}])
    with pytest.raises(UserError, match=r"d\.csv: column 'params': ") as fault:
        read_frame(tmp_path / "d.csv")
    assert words in str(fault.value)


def test_a_whole_number_stays_one_and_what_may_be_empty_may(tmp_path) -> None:
    row = dict.fromkeys(COLUMNS, "7") | {"fraction": "1.0", "scale": "NA", "joules": ""}
    write_table(tmp_path / "d.csv", [row, row | {"best_epoch": "", "job_flops": str(10**20)}])
    frame = read_frame(tmp_path / "d.csv")
    assert frame["scale"].tolist() == ["NA", "NA"] and frame["fraction"].tolist() == ["1.0", "1.0"]
    assert frame["params"].dtype == int and frame["best_epoch"].isna().tolist() == [False, True]
    assert frame["joules"].isna().all() and frame["job_flops"].max() == 1e20


def test_a_record_that_lacks_a_fact_or_has_one_more_is_refused(tmp_path) -> None:
    expected = record(tmp_path, "w1", 10, [seed_run(0, 0.1)])
    path = tmp_path / "w1.json"
    found = read_record(path, expected.spec, "code", "sum")
    assert found.seeds == [seed_run(0, 0.1)]
    for more, words in (
        ({"pieces": "many"}, "pieces: "),
        ({"colour": 1}, "colour: "),
        ({"flops": {"job": 1}}, "flops.forward_per_sample: "),
    ):
        record(tmp_path, "w1", 10, [seed_run(0, 0.1)], **more)
        with pytest.raises(UserError, match=words) as fault:
            read_record(path, expected.spec, "code", "sum")
        assert str(path) in str(fault.value) and "run snakemake again" in str(fault.value)
