"""The workflow as a user runs it: a study on one's own files, then edits, then what is stale.

One small study (a CSV, IDX images, a text file) is run once; every edit is answered by a dry run
whose jobs must be exactly the stale ones.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
from alphascale.records.files import read_sealed, write_sealed
from running import edited, snakemake, stale
from study_made import copy_project, own_study, write_study

SIZES = {
    "table": ["w2", "w4", "w6", "w8", "w12"],
    "images": ["c1", "c2", "c3", "c4", "c6"],
    "text": ["d2", "d4", "d6", "d8", "d12"],
}
FRACTIONS = {"table": ["0.5", "1.0"], "images": ["1.0"], "text": ["1.0"]}
SUMMARY = {"summarise the study", "draw the summary table", "draw the audit", "write the page"}
JOIN = {"join the observations of all domains", "write the regimes of all domains"}


def trainings(domain: str, sizes=None, fractions=None) -> set[str]:
    return {
        f"train {domain} {scale} on {fraction} of the data"
        for scale in sizes or SIZES[domain]
        for fraction in fractions or FRACTIONS[domain]
    }


def from_(stage: str, domain: str) -> set[str]:
    """Jobs of a domain from a stage onward, with the summary they end in."""
    stages = {
        "gather": "gather the records of {}",
        "fit": "fit the law of {}",
        "bootstrap": "bootstrap the law of {}",
        "optimize": "optimize {}",
        "audit": "audit {}",
        "draw": "draw the figures of {}",
    }
    names = list(stages)
    jobs = {stages[name].format(domain) for name in names[names.index(stage) :]}
    joined = JOIN | {f"judge the regimes of {domain}"} if stage == "gather" else set()
    return jobs | (SUMMARY if stage != "draw" else set()) | joined


def test_the_study_leaves_every_result(finished: Path) -> None:
    results = finished / "results" / "own"
    for domain, sizes in SIZES.items():
        for scale in sizes:
            for fraction in FRACTIONS[domain]:
                record = json.loads(
                    (results / f"train/{domain}/{scale}/{fraction}.json").read_text()
                )
                assert [member["status"] for member in record["seeds"]] == ["ok", "ok"]
                assert record["flops"]["per_run"] > 6 * record["params"]["non_embedding"]
    with open(results / "observations.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * (10 + 5 + 5)
    table = [row for row in rows if row["domain"] == "table" and row["fraction"] == "1.0"]
    assert len({row["params"] for row in table}) == 5
    # The made tasks are easy: three epochs of the largest size beat a coin by far.
    assert max(float(row["test_accuracy"]) for row in table) > 0.75
    printed = (finished / "printed.txt").read_text()
    for domain in SIZES:
        assert domain in printed
    assert "N*" in printed and "withheld" in printed


def test_nothing_is_stale_after_a_run(finished: Path) -> None:
    assert stale(finished) == set()


def test_results_from_another_folder_are_told_of(finished: Path, tmp_path: Path) -> None:
    """Snakemake takes what it has no account of for up to date, whatever is asked by now."""
    folder = Path(shutil.copytree(finished, tmp_path / "moved"))
    assert "Snakemake has no account" not in snakemake(folder, "-n").stdout
    shutil.rmtree(folder / ".snakemake")
    told = snakemake(folder, "-n")
    assert told.returncode == 0 and "of images, table, text Snakemake has no account" in told.stdout
    checked = stale(folder, "-R", "aggregate")
    assert {f"gather the records of {domain}" for domain in SIZES} <= checked
    assert not any(each.startswith("train") for each in checked)


def test_target_edit_redecides_that_domain(finished: Path) -> None:
    with edited(finished, lambda s: s["domains"]["text"].update(target={"accuracy": 0.7})):
        assert stale(finished) == from_("optimize", "text")


def test_serving_is_measured_where_it_is_asked_for_and_trains_nothing(finished: Path) -> None:
    with edited(finished, lambda s: s.update(serving={"requests": 1000, "latency_ms": 20})):
        own = {f"measure what it takes to serve {d}" for d in SIZES}
        own |= {f"draw what it takes to serve {d}" for d in SIZES}
        assert stale(finished) == own | set.union(*(from_("optimize", d) for d in SIZES))


def test_bootstrap_count_edit_rebootstraps(finished: Path) -> None:
    with edited(finished, lambda s: s["bootstrap"].update(resamples=300)):
        assert stale(finished) == set.union(*(from_("bootstrap", d) for d in SIZES))


def test_epochs_edit_retrains_that_domain(finished: Path) -> None:
    with edited(finished, lambda s: s["domains"]["images"]["training"].update(epochs=4)):
        assert stale(finished) == trainings("images") | from_("gather", "images")


def test_new_scale_and_new_fraction_train_only_themselves(finished: Path) -> None:
    rung = {"d16": {"n_layers": 1, "d_model": 16}}
    with edited(finished, lambda s: s["domains"]["text"]["ladder"].update(rung)):
        assert stale(finished) == trainings("text", ["d16"]) | from_("gather", "text")
    with edited(finished, lambda s: s["domains"]["table"].update(fractions=[0.25, 0.5, 1.0])):
        assert stale(finished) == (
            trainings("table", fractions=["0.25"]) | from_("gather", "table")
        )


def test_the_order_of_seeds_runs_nothing(finished: Path) -> None:
    with edited(finished, lambda s: s["domains"]["table"]["seeds"].reverse()):
        assert stale(finished) == set()


def test_key_order_spelling_and_comments_in_the_study_run_nothing(finished: Path) -> None:
    def reorder(study: dict) -> None:
        table = study["domains"]["table"]
        study["domains"]["table"] = dict(reversed(table.items()))
        table["fractions"] = ["1", "0.50"]
        study["domains"] = dict(reversed(study["domains"].items()))

    with edited(finished, reorder):
        path = finished / "config" / "config.yaml"
        path.write_text("# a comment\n" + path.read_text())
        assert stale(finished) == set()


def test_another_naive_model_is_timed_and_trains_nothing(finished: Path) -> None:
    def edit(study: dict) -> None:
        study["domains"]["table"]["naive"] = {"width": 128}

    with edited(finished, edit):
        assert stale(finished) == {"time the naive model of table"} | from_("optimize", "table")
    with edited(finished, lambda s: s.update(costs={"flops_per_second": 1.0e9})):
        assert stale(finished) == set.union(*(from_("optimize", d) for d in SIZES))


def test_touched_and_commented_code_runs_nothing(finished: Path) -> None:
    scripts = finished / "workflow" / "scripts"
    job = scripts / "alphascale" / "training" / "job.py"
    before = job.read_text()
    job.write_text("# a comment\n" + before.replace('"""', '"""Told anew. ', 1))
    for program in scripts.glob("*.py"):
        program.touch()
    try:
        assert stale(finished) == set()
    finally:
        job.write_text(before)


@pytest.mark.parametrize(
    ("module", "jobs"),
    [
        (
            "plots/__init__.py",
            set.union(*(from_("draw", d) for d in SIZES))
            | {f"judge the regimes of {d}" for d in SIZES}
            | {"draw the summary table", "draw the audit", "write the regimes of all domains"},
        ),
        (
            "training/job.py",
            set.union(*(trainings(d) | from_("gather", d) for d in SIZES))
            | {f"time the naive model of {d}" for d in SIZES},
        ),
        ("data/make.py", {f"prepare the data of {d}" for d in SIZES}),
    ],
)
def test_code_edit_reruns_what_imports_it(finished: Path, module: str, jobs: set[str]) -> None:
    path = finished / "workflow" / "scripts" / "alphascale" / module
    before = path.read_text()
    path.write_text(before + "\nassert True\n")  # runs whenever it is imported
    try:
        found = stale(finished)
    finally:
        path.write_text(before)
    if module.startswith("data/"):  # preparation may change the data: all of it follows
        assert jobs <= found and set.union(*(trainings(d) for d in SIZES)) <= found
    else:
        assert found == jobs


def test_changed_data_file_reruns_its_domain(finished: Path) -> None:
    path = finished / "data" / "people.csv"
    stamp, before = path.stat(), path.read_text()
    os.utime(path)
    touched = stale(finished)
    path.write_text(before + "400,1.5,0.2,red,tall\n")
    try:
        found = stale(finished)
        os.utime(path, (0, 0))  # as `mv`, `cp -p` and `tar` leave a file that is older
        old = stale(finished)
    finally:
        path.write_text(before)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert touched == set()
    assert "prepare the data of table" in found and trainings("table") <= found
    assert not trainings("text") & found
    assert old == found


@pytest.mark.slow
def test_verification_is_kept_joins_the_fit_and_ends(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(finished, folder)
    report, results = "results/own/verify/table.json", folder / "results" / "own"
    done = snakemake(folder, report)
    assert done.returncode == 0, done.stderr[-3000:]
    decision = json.loads((results / "decision/table.json").read_text())
    (run,) = json.loads((results / "verify/table.json").read_text())["runs"]
    built = decision["architecture"]
    assert run["size"] == built["size"] and run["predicted"] == built["predicted"]
    assert run["measured"] == sum(run["values"]) / 2 and len(run["values"]) == 2
    # A training that was interrupted is judged by the promise it began with, whatever is known now.
    (kept,) = results.glob("verify/table/*.promise.json")
    promise = read_sealed(kept)
    promise["predicted"]["mean"] *= 0.99
    write_sealed(kept, promise)
    kept.with_name(kept.name.replace(".promise", "")).unlink()
    (folder / report).unlink()
    assert snakemake(folder, report).returncode == 0
    (again,) = json.loads((results / "verify/table.json").read_text())["runs"]
    assert again["predicted"] == promise["predicted"] and again["values"] == run["values"]
    run = again
    # The study takes the record in, once, marked, at no cost to the study's price.
    assert stale(folder) == from_("gather", "table")
    assert snakemake(folder).returncode == 0 and stale(folder) == set()
    with open(results / "observations/table.csv", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["role"] == "verify"]
    assert [row["seed"] for row in rows] == ["2", "3"]  # the ladder's are 0 and 1
    assert [float(row["test_error"]) for row in rows] == run["values"]
    after = json.loads((results / "decision/table.json").read_text())
    assert after["study"]["flops"] == decision["study"]["flops"]
    # Verified again: the old promise stands as it was made, whatever the new fit says of it.
    assert snakemake(folder, report).returncode == 0
    again = json.loads((results / "verify/table.json").read_text())["runs"]
    assert run in again
    # Another training makes it another model: its record is no longer taken in.
    with edited(folder, lambda s: s["domains"]["table"]["training"].update(epochs=4)):
        assert snakemake(folder, "results/own/observations/table.csv").returncode == 0
        assert "verify" not in (results / "observations/table.csv").read_text()


@pytest.mark.slow
def test_a_foreign_record_is_refused_by_name(finished: Path) -> None:
    path = finished / "results/own/train/text/d2/1.0.json"
    stamp, before = path.stat(), path.read_text()
    record = read_sealed(path)
    record["spec"]["training"]["epochs"] = 99
    write_sealed(path, record)
    try:
        done = snakemake(finished, "results/own/observations/text.csv")
        assert done.returncode != 0
        last = done.stderr.strip().splitlines()[-1]
        assert "train/text/d2/1.0.json" in last and "another configuration" in last
    finally:
        path.write_text(before)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        snakemake(finished)


def make_fault(study: dict, table: Path, name: str) -> None:
    """Put one fault into the study or its table."""
    task = study["domains"]["table"]
    lines = table.read_text().splitlines()
    if name == "no label column":
        task["data"]["label"] = "species"
    elif name == "labels missing":
        lines[3:6] = [line.rpartition(",")[0] + "," for line in lines[3:6]]
    elif name == "one class":
        lines[1:] = [line.rpartition(",")[0] + ",tall" for line in lines[1:]]
    elif name == "fraction without a class":
        task["fractions"] = [0.001, 1.0]
    elif name == "unknown size key":
        task["ladder"]["w2"] = {"widht": 2}
    elif name == "unknown law":
        study["fit"] = {"law": "powr"}
    elif name == "law of two":
        study["fit"] = {"law": "chinchilla"}
    elif name == "family of another kind":
        task["family"], task["naive"] = "transformer", None
        task["ladder"] = {f"d{d}": {"n_layers": 1, "d_model": d} for d in (2, 4, 6, 8, 12)}
    elif name == "tau":
        task["target"] = {"accuracy": 1.2}
    table.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("no label column", ["domains.table.data.label", "species", "kind"]),
        ("labels missing", ["domains.table.data.label", "kind", "3"]),
        ("one class", ["domains.table.data.label", "tall"]),
        ("fraction without a class", ["domains.table.fractions", "0.001"]),
        ("unknown size key", ["domains.table.ladder.w2", "widht", "width"]),
        ("unknown law", ["fit.law", "powr", "power_floor"]),
        ("law of two", ["fit.law", "chinchilla", "power_floor"]),
        ("family of another kind", ["domains.table", "transformer", "mlp"]),
        ("tau", ["domains.table.target.accuracy", "less than 1"]),
    ],
)
def test_a_faulty_study_ends_in_one_line_before_training(
    root: Path, tmp_path: Path, fault: str, words: list[str]
) -> None:
    folder = copy_project(root, tmp_path / "project")
    study = own_study(folder / "data")
    make_fault(study, folder / "data" / "people.csv", fault)
    write_study(folder, study)
    done = snakemake(folder)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    for word in words:
        assert word in last
    assert "Traceback" not in done.stderr + done.stdout
    assert not list(folder.glob("results/own/train/**/*.json"))


def test_a_fraction_added_later_is_checked_before_anything_runs(finished: Path) -> None:
    with edited(finished, lambda s: s["domains"]["table"].update(fractions=[0.001, 0.5, 1.0])):
        done = snakemake(finished, "-n")
    assert done.returncode != 0
    assert (
        done.stderr.strip().splitlines()[-1].startswith("error: domains.table.fractions: 0.001 is")
    )
