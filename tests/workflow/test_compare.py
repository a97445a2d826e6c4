"""`compare` in a study: what may be compared, and what runs again when something changes."""

from __future__ import annotations

import copy
import csv
from pathlib import Path

import pytest
from alphascale import Results
from alphascale import slices as study
from alphascale.config import read_study
from alphascale.errors import UserError
from alphascale.records.typed import Refused
from running import edited, snakemake, stale
from study_made import copy_project, own_study, write_study

pytestmark = pytest.mark.slow  # six trainings and many dry runs: 70 s of CPU


def two_depths() -> dict:
    """A study of one table by two MLPs, the second compared with the first; of their names the
    first is the later one in the alphabet."""
    task = {
        "data": {"source": "csv", "path": "data/people.csv", "label": "kind", "drop": ["id"]},
        "family": "mlp",
        "ladder": {f"w{w}": {"width": w, "depth": 1} for w in (2, 6, 16)},
        "seeds": [0, 1],
        "training": {"epochs": 3, "batch_size": 32, "learning_rates": [1.0e-2]},
        "target": {"accuracy": 0.8},
    }
    deep = copy.deepcopy(task) | {"compare": "shallow"}
    deep["ladder"] = {f"w{w}": {"width": w, "depth": 2} for w in (2, 6, 16)}
    return {
        "run": "depths",
        "bootstrap": {"resamples": 200},
        "domains": {"shallow": task, "deep": deep},
    }


def test_any_task_compares_and_its_slice_knows_the_first() -> None:
    found = read_study(two_depths())
    assert study.compared_groups(found) == {"shallow": ["shallow", "deep"]}
    assert study.language_groups(found) == {}
    spec = study.compare_slice(found, "shallow")
    assert [each.domain for each in spec.domains] == ["shallow", "deep"] and spec.shared
    assert [target.given for target in spec.targets] == [0.8]
    # A comparison added or gone trains nothing and decides nothing anew.
    config = two_depths()
    del config["domains"]["deep"]["compare"]
    apart = read_study(config)
    assert study.compared_groups(apart) == {}
    for slice_of in (study.fit_slice, study.bootstrap_slice, study.decision_slice):
        assert slice_of(apart, "deep") == slice_of(found, "deep")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"target": {"accuracy": 0.7}}, "'shallow' has another target"),
        ({"target": {"accuracy": 0.8, "macro_f1": 0.5}}, "'shallow' has another target"),
        ({"data": {"source": "letter"}}, "'shallow' has other data"),
        ({"compare": "nobody"}, "'nobody' must be another domain"),
    ],
)
def test_what_cannot_be_compared_is_one_line_that_names_the_key(keys: dict, words: str) -> None:
    config = two_depths()
    config["domains"]["deep"] |= keys
    with pytest.raises(UserError) as refusal:
        read_study(config)
    message = str(refusal.value)
    assert f"domains.deep.compare: {words}" in message and "\n" not in message


def test_a_confidence_of_its_own_is_no_other_target() -> None:
    config = two_depths()
    config["domains"]["deep"]["target"] = {"accuracy": 0.8, "confidence": 0.5}
    assert study.compare_slice(read_study(config), "shallow").shared


def test_language_domains_may_have_targets_of_their_own() -> None:
    from test_language_config import edited as language

    found = study.compare_slice(read_study(language(target={"perplexity": 50})), "one")
    assert not found.shared and [each.domain for each in found.domains] == ["one", "two"]
    assert study.compare_slice(read_study(language()), "one").shared


@pytest.fixture(scope="module")
def compared(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that `snakemake compare` has run in."""
    folder = copy_project(root, tmp_path_factory.mktemp("compared"))
    own_study(folder / "data")  # its table
    write_study(folder, two_depths())
    done = snakemake(folder, "compare")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    (folder / "printed.txt").write_text(done.stdout)
    return folder


def test_the_stage_leaves_a_page_a_table_a_record_and_a_figure(compared: Path) -> None:
    results = compared / "results" / "depths"
    page = (results / "compare.txt").read_text()
    assert page in (compared / "printed.txt").read_text()
    assert page.startswith("shallow, deep: families compared on target accuracy 80 %\n")
    with open(results / "compare.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["group"], row["domain"], row["family"]) for row in rows] == [
        ("shallow", "shallow", "mlp"), ("shallow", "deep", "mlp"),
    ]  # fmt: skip
    assert rows[0]["cost_ratio"] == "" and float(rows[1]["cost_ratio"]) > 0
    done = Results(results)
    (found,) = done.compared("shallow").comparisons
    assert found.names == ["shallow", "deep"] and not isinstance(found.odds, Refused)
    # Two layers of one width have more parameters, and each ladder is its own.
    sizes = {name: [cell.params for cell in found.domains[name].measured] for name in found.names}
    assert all(a < b for a, b in zip(sizes["shallow"], sizes["deep"], strict=True))
    assert "families" in {path.stem for path in done.figures("shallow")}
    assert done.draw("shallow", "families").axes
    assert not (results / "summary.txt").exists()  # nothing else was asked for


COMPARE = {"compare the families of shallow", "write the comparisons of families"}


def test_it_runs_again_where_its_inputs_change_and_nowhere_else(compared: Path) -> None:
    assert stale(compared, "compare") == set()
    with edited(compared, lambda s: s.update(costs={"price_per_kwh": 0.5})):
        assert stale(compared, "compare") == COMPARE
    deeper = {"w9": {"width": 9, "depth": 2}}
    with edited(compared, lambda s: s["domains"]["deep"]["ladder"].update(deeper)):
        jobs = stale(compared, "compare")
        assert jobs > COMPARE and "fit the law of deep" in jobs
        assert "fit the law of shallow" not in jobs


def test_another_target_is_another_question_and_a_naive_model_none() -> None:
    def slices(edit) -> tuple:
        config = two_depths()
        for task in config["domains"].values():
            edit(task)
        found = read_study(config)
        return study.compare_slice(found, "shallow"), study.bootstrap_slice(found, "deep")

    before = slices(lambda task: None)
    assert slices(lambda task: task.update(naive={"width": 64})) == before
    other = slices(lambda task: task.update(target={"accuracy": 0.7}))
    assert other[0] != before[0] and other[1] == before[1]
