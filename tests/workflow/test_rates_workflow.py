"""A ladder by the law of learning rates, through the workflow: what trains, at what, and what an
edit makes stale."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from alphascale import slices, sweeps
from alphascale.config import read_study
from alphascale.progress.sizes import works
from alphascale.records.files import read_sealed, write_sealed
from alphascale.records.rates import RateLaw
from alphascale.records.typed import read
from running import edited, own_study_of, snakemake, stale
from study_made import copy_project, own_study, write_study

pytestmark = pytest.mark.slow

TABLE = "results/own/observations/table.csv"
FIT = "fit the learning rates of table"


def by_law(study: dict, **training) -> dict:
    """The study of a table alone, by the law of rates."""
    task = study["domains"]["table"]
    task["training"] |= {"learning_rates": [3e-3, 1e-2, 3e-2], "rates": "law"} | training
    task["ladder"] = {f"w{w}": {"width": w} for w in (2, 4, 8, 12)}
    study["domains"] = {"table": task}
    return study


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose ladder by the law has been trained and gathered."""
    folder = copy_project(root, tmp_path_factory.mktemp("by law"))
    write_study(folder, by_law(own_study(folder / "data")))
    done = snakemake(folder, TABLE)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder


def record(folder: Path, scale: str, fraction: str = "1.0") -> dict:
    path = folder / f"results/own/train/table/{scale}/{fraction}.json"
    return json.loads(path.read_text())


def jobs(folder: Path) -> set[str]:
    """Trainings and fits of rates that a run of all would start."""
    return {job for job in stale(folder) if job.startswith(("train ", FIT, "prepare "))}


def training(*cells: str) -> set[str]:
    return {f"train table {cell.replace('/', ' on ')} of the data" for cell in cells}


def test_the_smallest_are_swept_the_largest_is_checked_and_all_else_follows(trained: Path) -> None:
    law = read(trained / "results/own/rates/table.json", RateLaw)
    assert [(each.scale, each.fraction) for each in law.optima] == [("w2", "1.0"), ("w4", "1.0")]
    tried = {}
    for scale in ("w2", "w4", "w8", "w12"):
        for fraction in ("0.5", "1.0"):
            found = record(trained, scale, fraction)
            rates = [run["learning_rate"] for run in found["sweep"]]
            tried[scale, fraction] = len(rates)
            if (scale, fraction) not in (("w2", "1.0"), ("w4", "1.0")):
                wanted = law.rate(found["params"]["total"])
                assert found["spec"]["training"]["learning_rates"] == [wanted]
                assert rates[:2] == [wanted, wanted]
    # Two seeds: of three rates where they are swept, and one more where the law is checked.
    assert tried.pop(("w12", "1.0")) in (3, 4)
    assert tried.pop(("w2", "1.0")) == tried.pop(("w4", "1.0")) == 6
    assert set(tried.values()) == {2}
    with open(trained / TABLE, newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 4 * 2 * 2


def test_an_edit_makes_stale_what_its_rates_rest_on(trained: Path) -> None:
    def task(study: dict) -> dict:
        return study["domains"]["table"]

    assert jobs(trained) == set()
    with edited(trained, lambda s: task(s).update(target={"accuracy": 0.7})):
        assert jobs(trained) == set()
    with edited(trained, lambda s: task(s)["ladder"].update(w16={"width": 16})):
        assert jobs(trained) == training("w16/0.5", "w16/1.0")
    with edited(trained, lambda s: task(s)["ladder"].pop("w12")):
        assert jobs(trained) == set()
    # What was swept stays as it is where all is to be swept.
    with edited(trained, lambda s: task(s)["training"].update(rates="sweep")):
        swept = training("w2/1.0", "w4/1.0")
        cells = [f"{scale}/{f}" for scale in ("w2", "w4", "w8", "w12") for f in ("0.5", "1.0")]
        assert jobs(trained) == training(*cells) - swept


def test_a_law_that_says_the_same_rates_trains_nothing(trained: Path) -> None:
    path = trained / "results/own/rates/table.json"
    before, law = record(trained, "w8"), read_sealed(path)
    os.utime(path)  # the same file anew
    assert jobs(trained) == set()
    write_sealed(path, law | {"log_rate_sd": law["log_rate_sd"] * 1.01})
    assert FIT not in jobs(trained) and training("w8/1.0") <= jobs(trained)
    done = snakemake(trained, TABLE)
    assert done.returncode == 0 and done.stderr.count("it is kept") == 6
    assert record(trained, "w8") == before and jobs(trained) == set()


def test_a_record_of_another_rate_is_refused_and_trained_anew(trained: Path) -> None:
    path = trained / "results/own/train/table/w8/1.0.json"
    before, times = read_sealed(path), path.stat()
    changed = json.loads(json.dumps(before))
    changed["spec"]["training"]["learning_rates"] = [0.5]
    write_sealed(path, changed)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    (trained / TABLE).unlink()
    done = snakemake(trained, TABLE)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0 and "w8/1.0.json: trained at 0.5" in last
    assert snakemake(trained, TABLE).returncode == 0
    again = record(trained, "w8")["spec"]["training"]["learning_rates"]
    assert again == before["spec"]["training"]["learning_rates"]


def test_members_are_counted_as_they_are_trained(trained: Path) -> None:
    """In the costs of a dry run, in what a cluster is asked for, and in what follows a decision."""
    study = read_study(own_study_of(trained))
    task = study.domains["table"]
    cells = list(slices.cells(study, "table"))
    counted = works(study, str(trained / "results/own"), [("table", *cell) for cell in cells])
    for scale, fraction in cells:
        made = record(trained, scale, fraction)["sweep"]
        if (scale, fraction) == ("w12", "1.0"):
            made = made[:3]  # without those that follow a check which has won
        members = sweeps.members(task, scale, fraction)
        assert members == len(made) == counted["table", scale, fraction].members
        asked = SimpleNamespace(domain="table", scale=scale, fraction=fraction)
        assert slices.load(study, asked)[1] == members
    assert slices.load(study, SimpleNamespace(domain="table"))[1] == 2  # a verification's
    assert slices.decision_slice(study, "table").members == 2
    assert slices.plan_slice(study, "table", []).rates == 1
    assert slices.verify_slice(study, "table").train.training.rates == "law"


def test_a_planned_rung_is_neither_swept_nor_checked() -> None:
    """Below the smallest or above the largest: it is trained at the law's rate, and nothing else
    changes."""
    made = by_law({"domains": {"table": {
        "data": {"source": "letter"}, "family": "mlp", "target": {"accuracy": 0.8},
        "training": {"epochs": 3}, "fractions": [0.5, 1.0],
    }}})  # fmt: skip
    before = read_study(made)
    for width in (3, 64):
        task = made["domains"]["table"]
        task["ladder"]["p"] = {"width": width}
        task["runs"] = {"p": {"fractions": ["1.0"], "seeds": [0, 1, 2]}}
        study = read_study(made)
        assert sweeps.by_law(study.domains["table"], "p", "1.0")
        assert sweeps.members(study.domains["table"], "p", "1.0") == 3
        for cell in slices.cells(before, "table"):
            assert slices.train_slice(study, "table", *cell) == slices.train_slice(
                before, "table", *cell
            )
            was, now = (s.domains["table"] for s in (before, study))
            assert sweeps.checked(was, *cell) == sweeps.checked(now, *cell)
        assert slices.rates_slice(study, "table", "") == slices.rates_slice(before, "table", "")
        del task["ladder"]["p"], task["runs"]
