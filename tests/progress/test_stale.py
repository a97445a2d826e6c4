"""What an edit makes stale, in the words of whoever made it."""

from __future__ import annotations

import copy
import os

import pytest
import yaml
from alphascale import slices
from alphascale.progress.stale import DATA, NEW, PAGE, Due, amount, changes, words
from alphascale.running.program import Told, shared
from alphascale.study import load_study
from running import edited, own_study_of, snakemake
from study_made import own_study


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield own_study(folder / "data")


def params(study: dict, cut, code: str = "c") -> set[str]:
    """The parameter of a rule as Snakemake compares it."""
    spec = slices.canonical(cut(load_study(copy.deepcopy(study)), "table"))
    return {repr(Told(shared(spec, code, domain="table"), "{}", {}, {}))}


def train(study, domain):
    return slices.train_slice(study, domain, "w4", "0.5")


def aggregate(study, domain):
    from pathlib import Path

    return slices.aggregate_slice(study, domain, "code", Path("nowhere"))


def table(study: dict) -> dict:
    return study["domains"]["table"]


@pytest.mark.parametrize(
    ("cut", "edit", "said"),
    [
        (slices.decision_slice, lambda s: table(s)["target"].update(accuracy=0.9), {"target"}),
        (slices.decision_slice, lambda s: s.update(costs={"price_per_kwh": 1.0}), {"prices"}),
        (slices.decision_slice, lambda s: table(s).update(seeds=[0, 1, 2]), {"seeds"}),
        (train, lambda s: table(s).update(seeds=[0, 1, 2]), {"seeds"}),
        (
            train,
            lambda s: table(s)["training"].update(learning_rates=[0.1], epochs=9),
            {"learning rates", "epochs"},
        ),
        (train, lambda s: table(s)["ladder"]["w4"].update(depth=2), {"ladder"}),
        (train, lambda s: table(s)["data"].update(limit=70), {"limit"}),
        (aggregate, lambda s: table(s).update(fractions=[0.25, 1.0]), {"fractions"}),
        (aggregate, lambda s: table(s)["ladder"].pop("w12"), {"ladder"}),
        (aggregate, lambda s: table(s).update(seeds=[5, 6]), {"trainings"}),
        (slices.bootstrap_slice, lambda s: s["bootstrap"].update(resamples=101), {"resamples"}),
    ],
)
def test_the_keys_that_differ_are_named(made, cut, edit, said: set[str]) -> None:
    after = copy.deepcopy(made)
    edit(after)
    assert changes(params(made, cut), params(after, cut)) == {f"{each} changed" for each in said}


def page(study, domain):
    return slices.page_slice(study, "snakemake --configfile config/config.yaml CELL")


def test_the_page_has_one_word_of_its_own(made) -> None:
    def elsewhere(study, domain):
        return slices.page_slice(study, "snakemake --configfile config/other.yaml CELL")

    after = copy.deepcopy(made)
    table(after)["target"].update(accuracy=0.9)
    for cut in (page, elsewhere):
        assert changes(params(made, page), params(after, cut), "page") == {PAGE}
    # It gives way to what made others stale, and stands where nothing did.
    decide = Due("optimize_domain", "table", {"target changed"})
    assert words([decide, Due("page", None, {PAGE}, [decide])], 1) == [
        "target changed: 2 jobs, no training"
    ]
    assert words([Due("page", None, {PAGE})], 1) == ["page changed: 1 job, no training"]


def test_the_state_of_data_is_no_parameter(made) -> None:
    old, new = {"'0a1b'"}, {"'2c3d'"}
    assert changes(old, new, "prepare") == {DATA}
    after = copy.deepcopy(made)
    table(after)["data"]["limit"] = 70

    def prepare(study, domain):
        return slices.data_slice(study, domain)

    said = changes(params(made, prepare) | old, params(after, prepare) | new, "prepare")
    assert said == {DATA, "limit changed"}


def test_the_order_of_a_ladder_is_no_training(made) -> None:
    after = copy.deepcopy(made)
    table(after)["ladder"] = dict(reversed(table(made)["ladder"].items()))
    assert changes(params(made, aggregate), params(after, aggregate)) == {"ladder changed"}


def test_code_is_told_from_the_study(made) -> None:
    old, new = params(made, train), params(made, train, "another")
    assert changes(old, new) == {"code changed"}
    assert changes({"'what is no job'"}, new) == {"parameters changed"}


def chain(first: Due, *rules: str, domain: str | None = "table") -> list[Due]:
    jobs = [first]
    for rule in rules:
        jobs.append(Due(rule, domain, set(), [jobs[-1]]))
    return jobs


def test_what_follows_counts_under_what_made_it_stale() -> None:
    jobs = chain(Due("optimize_domain", "table", {"target changed"}), "summary", "audit", "plot")
    assert words(jobs, 1) == ["target changed: 4 jobs, no training"]
    assert words(jobs, 3) == ["table: target changed: 4 jobs, no training"]


def test_two_edits_are_told_apart_and_added_up() -> None:
    trainings = [Due("train", "table", {"seeds changed"}) for _ in range(15)]
    gather = Due("aggregate", "table", {"trainings changed"}, trainings)
    decide = Due("optimize_domain", "images", {"target changed"})
    summary = Due("summary", None, {NEW}, [gather, decide])
    lines = words([*trainings, gather, decide, summary], 3)
    assert lines == [
        "table: seeds changed: 15 trainings and 2 other jobs",
        "images: target changed: 2 jobs, no training",
        "together: 15 trainings and 3 other jobs",
    ]


def test_a_long_chain_needs_no_deep_stack() -> None:
    jobs = chain(Due("train", "table", {"seeds changed"}), *["audit"] * 5000)
    assert words(jobs, 1) == ["seeds changed: 1 training and 5000 other jobs"]


def test_amounts() -> None:
    assert amount(1, 0) == "1 job, no training" and amount(7, 0) == "7 jobs, no training"
    assert amount(15, 15) == "15 trainings" and amount(2, 1) == "1 training and 1 other job"


def told(folder, *options: str) -> list[str]:
    """What a dry run says will run."""
    done = snakemake(folder, "-n", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"spec"' not in done.stdout
    lines = done.stdout.splitlines()
    begin = [i for i, line in enumerate(lines) if line.startswith("what will run")]
    told = []
    for line in lines[begin[0] + 1 :] if begin else []:
        if not line.startswith("  "):
            break
        told.append(line.strip())
    return told


def set_target(study: dict) -> None:
    table(study)["target"]["accuracy"] = 0.81


def set_prices(study: dict) -> None:
    study["costs"] = {"price_per_kwh": 0.3}


def set_seeds(study: dict) -> None:
    table(study)["seeds"] = [0, 1, 2]


def set_rates(study: dict) -> None:
    study["domains"]["images"]["training"]["learning_rates"] = [3.0e-3]


def add_size(study: dict) -> None:
    table(study)["ladder"]["w16"] = {"width": 16}


@pytest.mark.parametrize(
    ("edit", "first"),
    [
        (set_target, r"table: target changed: \d+ jobs, no training"),
        (set_prices, r"prices changed: \d+ jobs, no training"),
        (set_seeds, r"table: seeds changed: 10 trainings and \d+ other jobs"),
        (set_rates, r"images: learning rates changed: 5 trainings and \d+ other jobs"),
        (add_size, r"table: ladder changed: 2 trainings and \d+ other jobs"),
    ],
)
def test_a_finished_study_says_what_an_edit_makes_stale(finished, edit, first: str) -> None:
    import re

    with edited(finished, edit):
        lines = told(finished)
    assert len(lines) == 1 and re.fullmatch(first, lines[0]), lines


def test_an_edit_of_a_users_table_is_told_by_its_name(finished) -> None:
    path = finished / "data/people.csv"
    before, state = path.read_bytes(), path.stat()
    path.write_bytes(before[: before.rindex(b"\n", 0, -1) + 1])  # without its last row
    try:
        lines = told(finished)
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert len(lines) == 1 and lines[0].startswith("table: data/people.csv changed: 10 trainings")


def test_of_another_commands_edit_the_page_says_nothing(finished) -> None:
    study = own_study_of(finished)
    set_target(study)
    other = finished / "config/other.yaml"
    other.write_text(yaml.safe_dump(study, sort_keys=False))
    try:
        lines = told(finished, "--configfile", "config/other.yaml")
        other.write_text((finished / "config/config.yaml").read_text())
        alone = told(finished, "--configfile", "config/other.yaml")
    finally:
        other.unlink()
    assert len(lines) == 1 and lines[0].startswith("table: target changed: "), lines
    assert alone == ["page changed: 1 job, no training"]


def test_of_two_edits_the_second_is_not_hidden_by_what_the_first_makes_anew(finished) -> None:
    def both(study: dict) -> None:
        set_rates(study)
        study["domains"]["images"]["target"]["accuracy"] = 0.83

    with edited(finished, both):
        lines = told(finished)
    assert len(lines) == 3 and lines[0].startswith("images: learning rates changed: 5 trainings")
    assert lines[1].startswith("images: target changed: ") and lines[1].endswith("no training")
    assert lines[2].startswith("together: 5 trainings and ")


def test_changed_code_is_said(finished) -> None:
    path = finished / "workflow/scripts/alphascale/training/choice.py"
    before = path.read_text()
    path.write_text(before + "\n\nif True:\n    LATEST = 1\n")  # at the top level: it may matter
    try:
        lines = told(finished)
    finally:
        path.write_text(before)
    assert lines and "code changed: " in lines[0] and "20 trainings" in lines[0], lines
