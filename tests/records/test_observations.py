"""Records to rows: a diverged run is a row that says so, with empty cells and no level."""

from __future__ import annotations

import csv

from alphascale.fitting.domain import fit_domain
from alphascale.records.files import SCHEMA, digest, write_sealed
from alphascale.records.observations import COLUMNS, gather, read_frame, write_table
from alphascale.records.specs import FitSpec


def record(folder, scale: str, params: int, seeds: list[dict]) -> list[str]:
    """Write one job's record; returns what the aggregate expects of it."""
    spec = {"scale": scale}
    write_sealed(
        folder / f"{scale}.json",
        {
            "schema": SCHEMA, "spec": spec, "code": "c", "data_sha256": "s", "family": "mlp",
            "params": {"total": params, "non_embedding": params, "embedding": 0, "head": 1},
            "samples": 100, "seeds": seeds, "sweep": [{}] * len(seeds), "warnings": [],
            "flops": {"forward_per_sample": 1, "training_per_sample": 3, "job": 9},
            "time": {"train_s": 1.0}, "energy": {"joules": None, "how": ""},
            "device": {"name": "x", "precision": "float32"}, "peak_memory_bytes": 1,
        },
    )  # fmt: skip
    return [scale, "1.0", digest(spec)]


def member(seed: int, error: float | None) -> dict:
    common = {"seed": seed, "learning_rate": 0.01, "epochs_run": 2, "flops": 5}
    if error is None:
        gone = {"status": "diverged", "best_epoch": None, "validation": None, "test": None}
        return common | gone | {"warnings": None, "curves": {"train_loss": [None]}}
    test = {"loss": 2 * error, "accuracy": 1 - error, "error": error}
    fine = {"status": "ok", "best_epoch": 2, "validation": test, "test": test}
    return common | fine | {"warnings": {"level": "LOW"}, "curves": {"train_loss": [1.0, 0.5]}}


def test_diverged_runs_are_rows_without_numbers_and_the_fit_goes_on(tmp_path) -> None:
    sizes = {f"w{n}": n for n in (100, 200, 400, 800, 1600)}
    expected = [
        record(tmp_path, scale, n, [member(0, 3 * n**-0.5), member(1, None)])
        for scale, n in sizes.items()
    ]
    expected.append(record(tmp_path, "w3200", 3200, [member(0, None), member(1, None)]))
    write_sealed(tmp_path / "meta.json", {"sha256": "s"})
    paths = [str(tmp_path / f"{scale}.json") for scale, *_ in expected]
    wanted = {"code": "c", "records": expected, "verified": []}
    rows = gather("d", wanted, paths, str(tmp_path / "meta.json"), print)
    assert set(rows[0]) == set(COLUMNS)
    write_table(tmp_path / "d.csv", rows)
    with open(tmp_path / "d.csv", newline="") as stream:
        read = list(csv.DictReader(stream))
    gone = [row for row in read if row["status"] == "diverged"]
    assert len(gone) == 7
    for row in gone:
        assert row["test_error"] == row["test_loss"] == row["level"] == row["best_epoch"] == ""
    spec = FitSpec(law="power_floor", params="total", withhold=0)
    fit = fit_domain("d", spec, read_frame(tmp_path / "d.csv")).fractions["1.0"]
    assert fit.diverged == 7
    assert [point.level for point in fit.points] == ["LOW"] * 5 + [None]
