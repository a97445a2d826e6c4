"""The configuration: what a person may write, and what one line answers when it is wrong."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest
import yaml
from alphascale.config import check_paths, read_study, typed
from alphascale.config.study import STAGES
from alphascale.errors import UserError
from hypothesis import given, settings
from hypothesis import strategies as st

STUDY = {
    "domains": {
        "digits": {
            "data": {"source": "optdigits"},
            "family": "cnn",
            "ladder": {
                name: {"width": w} for name, w in zip("abcde", (1, 2, 3, 4, 5), strict=True)
            },
            "target": {"accuracy": 0.9},
        }
    }
}


def changed(path: str, value: object) -> dict:
    """STUDY with one key set, by dotted path."""
    study = copy.deepcopy(STUDY)
    *parents, last = path.split(".")
    section = study
    for part in parents:
        section = section.setdefault(part, {})
    section[last] = value
    return study


@pytest.mark.parametrize("name", ["config.yaml", "paper.yaml"])
def test_studies_that_ship_are_valid(root: Path, name: str) -> None:
    study = read_study(yaml.safe_load((root / "config" / name).read_text()))
    pairs = ["vision_pairs"] if name == "paper.yaml" else []
    assert list(study.domains) == ["vision", *pairs, "nlp", "tabular", "language", "language_bk"]


def test_both_published_grids_of_the_cnn_are_there(root: Path) -> None:
    study = read_study(yaml.safe_load((root / "config" / "paper.yaml").read_text()))
    code, readme = study.domains["vision"], study.domains["vision_pairs"]
    assert [size["width"] for size in code.ladder.values()] == [0.25, 0.5, 0.75, 1, 1.5, 2]
    pairs = [[size["n_layers"], 64 * size["width"]] for size in readme.ladder.values()]
    assert pairs == [[2, 32], [2, 64], [3, 96], [3, 128], [4, 160], [4, 192]]
    assert (code.training.epochs, readme.training.epochs) == (20, 15)
    assert code.training.batch_size == readme.training.batch_size == 128


def test_a_domain_that_is_null_is_left_out_and_what_compares_with_it_is_named(root: Path) -> None:
    study = yaml.safe_load((root / "config" / "config.yaml").read_text())
    study["domains"] |= {"nlp": None, "language_bk": None}
    assert list(read_study(study).domains) == ["vision", "tabular", "language"]
    study["domains"]["language_bk"] = {**study["domains"]["language"], "compare": "gone"}
    with pytest.raises(UserError, match="compare: 'gone' must be another domain"):
        read_study(study)


def test_settings_of_the_command_line_are_as_a_file_would_say_them() -> None:
    """Snakemake reads what is nested by YAML's loader of text."""
    text = "{language: {training: {epochs: 3, learning_rates: [1.0e-3, '2']}, x: null, y: true}}"
    given = {"run": "on", "domains": yaml.load(text, yaml.BaseLoader)}
    assert typed(given) == {"run": "on", "domains": {
        "language": {"training": {"epochs": 3, "learning_rates": [1e-3, 2]}, "x": None, "y": True}
    }}  # fmt: skip
    assert typed({"domains": {"a": {"data": {"label": "x: y: z", "path": ""}}}}) == {
        "domains": {"a": {"data": {"label": "x: y: z", "path": ""}}}
    }


def test_the_small_studies_that_ship_are_valid(root: Path) -> None:
    """Four amounts of data × six sizes where data are plenty and where sizes are; a grid of widths
    and layers, which a figure per depth needs."""
    folder = root / "config"
    regimes = read_study(yaml.safe_load((folder / "regimes.yaml").read_text()))
    for task in regimes.domains.values():
        assert len(task.fractions) == 4 and len(task.ladder) == 6
    language = yaml.safe_load((folder / "language.yaml").read_text())
    for wanted, sides in ((False, (3, 3)), (True, (2, 2))):
        for task in read_study(language | {"quick": wanted}).domains.values():
            sizes = [(each["d_model"], each["n_layers"]) for each in task.ladder.values()]
            assert tuple(len(set(side)) for side in zip(*sizes, strict=True)) == sides
            assert len(sizes) == sides[0] * sides[1]


def test_defaults_alone_make_a_study() -> None:
    task = read_study(STUDY).domains["digits"]
    assert task.fractions == ["1.0"] and task.seeds == [0, 1, 2] and task.withhold == 1


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("domains.digits.trainig", {}, ["domains.digits.trainig", "did you mean `training`"]),
        ("domians", {}, ["domians", "did you mean `domains`"]),
        ("domains.digits.training.epochs", "many", ["domains.digits.training.epochs", "integer"]),
        ("domains.digits.training.epochs", 0, ["training.epochs", "greater than or equal to 1"]),
        ("domains.digits.training.optimizer", "adamm", ["optimizer", "'adamw'"]),
        ("domains.digits.training.learning_rates", "1e-4", ["learning_rates", "list"]),
        ("domains.digits.training.learning_rates", [-1.0], ["learning_rates.0", "greater than 0"]),
        ("domains.digits.data.source", "mnist", ["data.source", "'optdigits'", "'csv'"]),
        ("domains.digits.data.test", 1.5, ["data", "`test` is 1.5", "share in (0, 1)"]),
        ("domains.digits.data", {"source": "csv"}, ["data", "needs `path`"]),
        ("domains.digits.family", "resnet", ["family", "resnet", "mlp, cnn, transformer"]),
        ("domains.digits.family", "transformer", ["domains.digits", "transformer", "mlp or cnn"]),
        ("fit.law", "powr", ["fit.law", "'power_floor'", "'auto'"]),
        ("domains.digits.target", {"accuracy": 1.0}, ["target.accuracy", "less than 1"]),
        ("domains.digits.target", {"accuracy": 0}, ["target.accuracy", "greater than 0"]),
        ("domains.digits.target", {}, ["target", "at least one of accuracy"]),
        ("domains.digits.target", {"accuracy": 0.9, "error": 0.1}, ["target", "says the same"]),
        ("domains.digits.target", {"accuracy": 0.9, "rmse": 1}, ["target", "task: numbers"]),
        ("domains.digits.fractions", [0.5, 1.5], ["fractions", "1.5", "(0, 1]"]),
        ("domains.digits.fractions", [0.5, "0.50"], ["fractions", "listed twice"]),
        ("domains.digits.fractions", [True], ["fractions", "True"]),
        ("domains.digits.seeds", [0, 0], ["seeds", "listed twice"]),
        ("domains.digits.withhold", 4, ["domains.digits.ladder", "5 sizes", "at least 2"]),
        ("domains.digits.ladder", {"a b": {}}, ["ladder", "'a b'", "letters, digits"]),
        ("run", "../up", ["run", "letters, digits"]),
        ("run", "-rf", ["run", "starts with a letter"]),
        ("domains", {}, ["domains"]),
        ("bootstrap.resamples", 5, ["bootstrap.resamples", "100"]),
        ("costs.watts", float("nan"), ["costs.watts", "finite"]),
    ],
)  # fmt: skip
def test_fault_is_one_line_with_key_and_remedy(path: str, value: object, words: list[str]) -> None:
    with pytest.raises(UserError) as fault:
        read_study(changed(path, value))
    message = str(fault.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_fractions_have_one_spelling_and_order() -> None:
    given = changed("domains.digits.fractions", [1, "0.50", 0.25])
    assert read_study(given).domains["digits"].fractions == ["0.25", "0.5", "1.0"]


def test_path_that_names_nothing_is_refused() -> None:
    study = read_study(changed("domains.digits.data", {"source": "images", "path": "no/such"}))
    with pytest.raises(UserError, match=r"domains.digits.data.path: 'no/such' does not exist"):
        check_paths(study)


def test_laws_of_a_study_are_laws_of_one_predictor() -> None:
    from alphascale.config import Fit
    from alphascale.laws import FORMS

    names = set(typing.get_args(Fit.model_fields["law"].annotation)) - {"auto"}
    assert all(len(FORMS[name].roles) == 1 for name in names)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    path=st.sampled_from(
        ["run", "seed", "domains", "domains.digits", "domains.digits.data", "fit", "costs.watts"]
        + [f"domains.digits.{key}" for key in ("ladder", "naive", "fractions", "seeds", "target")]
        + [f"domains.digits.training.{key}" for key in ("epochs", "learning_rates", "clip")]
        + [f"domains.digits.data.{key}" for key in ("source", "path", "label", "test", "length")]
    ),
    value=json_values,
)
def test_anything_else_is_valid_or_refused_in_one_line(path: str, value: object) -> None:
    try:
        read_study(changed(path, value))
    except UserError as fault:
        assert str(fault).startswith("configuration: ") and "\n" not in str(fault)


def test_schema_and_reference_are_as_written(root: Path) -> None:
    sys.path.insert(0, str(root / "workflow" / "scripts"))
    import document_config

    told = "run `make config`: the configuration changed"
    assert document_config.SCHEMA.read_text(encoding="utf-8") == document_config.schema_text(), told
    assert document_config.README.read_text(encoding="utf-8") == document_config.readme_text(), told
    json.loads(document_config.schema_text())


def test_parsing_a_study_imports_neither_torch_nor_pandas(root: Path) -> None:
    code = (
        "import sys, alphascale, alphascale.config, alphascale.slices, alphascale.provenance, "
        "alphascale.study, alphascale.running.devices; "
        "from alphascale.families import families; from alphascale.sources import sources; "
        "families(), sources(); "
        "print([m for m in ('torch', 'pandas', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root / "workflow" / "scripts",
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_the_names_of_stages_are_taken(root: Path) -> None:
    """A domain called `fit` would be the stage on the command line; results/curves no study's."""
    rules = {
        name
        for file in (root / "Snakefile", *(root / "rules").glob("*.smk"))
        for name in re.findall(r"^rule (\w+):", file.read_text(), flags=re.M)
    }
    assert rules == STAGES
    study = yaml.safe_load((root / "config/config.yaml").read_text())
    task = study["domains"]["tabular"]
    with pytest.raises(UserError, match="'figures' is a stage, as a target to make"):
        read_study(study | {"domains": {"figures": task}})
    with pytest.raises(UserError, match="results/curves/ holds what is no study's"):
        read_study(study | {"run": "curves"})
