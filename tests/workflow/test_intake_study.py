"""What a person may get wrong in a study's file: each is one line, and nothing trains."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import typing
from pathlib import Path

import pytest
import yaml
from alphascale.config import Fit, read_study, refuse_code
from alphascale.config.study import LEAST_SIZES
from alphascale.errors import LONGEST, UserError
from alphascale.laws import FORMS
from alphascale.study import load_study
from study_made import copy_project, own_study
from test_config import changed

LR = "domains.digits.training.learning_rates"


def refused(path: str, value: object) -> str:
    with pytest.raises(UserError) as fault:
        load_study(changed(path, value))
    assert str(fault.value).startswith("configuration: ") and "\n" not in str(fault.value)
    return str(fault.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (LR, [True], "training.learning_rates.0: input should be a valid number, not True"),
        (LR, ["0.01"], "training.learning_rates.0: input should be a valid number, not '0.01'"),
        (LR, ["1e-3"], "so write 1.0e-3"),
        (LR, ["1e4"], "so write 1.0e+4"),
        ("domains.digits.training.augment", "yes", "training.augment"),
        ("domains.digits.training.epochs", True, "training.epochs: input should be a valid int"),
        ("domains.digits.training.epochs", 10**30, "less than or equal to 1000000"),
        ("domains.digits.training.weight_decay", float("inf"), "weight_decay: input should be a f"),
        ("domains.digits.data.test", True, "data.test"),
        ("domains.digits.data.test", "0.2", "data.test"),
        ("domains.digits.target.accuracy", "0.9", "target.accuracy"),
        ("domains.digits.withhold", "1", "withhold"),
        ("costs.pue", float("inf"), "costs.pue"),
        ("costs.price_per_kwh", True, "costs.price_per_kwh"),
        ("bootstrap.resamples", 10**9, "bootstrap.resamples"),
        ("domains.digits.ladder.a.width", float("nan"), "ladder.a.width: must be a number"),
        ("domains.digits.ladder.a.width", 10**30, "at most 1,000,000"),
        ("domains.digits.ladder.b", {"width": 1.0}, "ladder.b: is the size that 'a' is"),
        ("domains.digits.ladder.b", {"width": 1, "dropout": 0.3}, "is the size that 'a' is"),
        # ⌊1.003 · (64, 128, 256)⌋ are the channels of width 1
        ("domains.digits.ladder.b", {"width": 1.003}, "is the size that 'a' is"),
        ("domains.digits", None, "domains: all of them are null"),
        ("domains.digits.family", ":ok", "unknown family ':ok'"),
        ("domains.digits.family", "a..b:ok", "unknown family"),
        ("domains.digits.family", "models:", "unknown family"),
        ("fit.law", "broken", "it has 5 sizes and withholds 1: law broken needs at least 6 sizes"),
        ("fit.law", "broken_3", "law broken_3 needs at least 12 sizes to fit"),
    ],
)  # fmt: skip
def test_what_is_not_what_it_looks_like_is_refused(path: str, value: object, words: str) -> None:
    assert words in refused(path, value)


def test_a_size_may_be_trained_once_more_with_other_seeds(tmp_path: Path) -> None:
    """As a plan proposes it; it is one size for all that."""
    study = changed("domains.digits.ladder.more", {"width": 1})
    study["domains"]["digits"]["runs"] = {"more": {"seeds": [7, 8]}}
    assert len(load_study(study).domains["digits"].ladder) == 6
    study["domains"]["digits"]["runs"] = {"more": {"seeds": [2, 7]}}  # one of which is a's already
    with pytest.raises(UserError, match=r"ladder\.more: is the size that 'a' is"):
        load_study(study)
    study["domains"]["digits"]["runs"] = {"more": {"seeds": [7]}}
    study["fit"] = {"law": "broken"}
    with pytest.raises(UserError, match="it has 5 sizes and withholds 1"):
        load_study(study)


def test_a_key_that_is_no_text_and_a_date_are_named() -> None:
    study = changed("domains.digits.ladder", {8: {"width": 1}})
    with pytest.raises(UserError, match=r"domains\.digits\.ladder: the key 8 is not text"):
        read_study(study)
    study = changed("run", yaml.safe_load("2026-01-02"))
    with pytest.raises(UserError, match="run: 2026-01-02 is read as a date: write it in quotes"):
        read_study(study)


def test_a_size_of_a_users_own_model_has_finite_numbers(tmp_path: Path) -> None:
    study = own_study(tmp_path / "data")
    study["domains"]["table"]["family"] = "models:net"
    study["domains"]["table"]["ladder"]["w2"] = {"widths": [1, float("nan")]}
    for name in ("table", "text"):
        study["domains"][name]["data"]["path"] = str(
            tmp_path / study["domains"][name]["data"]["path"]
        )
    study["domains"].pop("images")
    with pytest.raises(UserError, match=r"ladder\.w2\.widths: \[1, nan\]"):
        load_study(study)


def test_a_law_needs_as_many_sizes_as_its_form() -> None:
    for name in set(typing.get_args(Fit.model_fields["law"].annotation)) - {"auto"}:
        assert LEAST_SIZES.get(name, 4) >= FORMS[name].levels, name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "run: a\nb:\n  w8: 1\n  w9: 2\n  w8: 3\n",
            "line 5: the key `w8` stands in line 3 already",
        ),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "line 1: the key `c` stands in line 1 already"),
        ("a: &x\n  b: *x\n", "line 1: what begins here holds itself"),
        ("a: 1\n---\nb: 2\n", "line 2: a second document begins here"),
        ("", "is not a study"),
    ],
)
def test_a_file_says_each_key_once(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as fault:
        refuse_code(path)
    assert str(fault.value).startswith(str(path)) and words in str(fault.value)


def test_a_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("a: " + "[" * 3000 + "]" * 3000)
    with pytest.raises(UserError, match=r"nested too deeply|not plain YAML"):
        refuse_code(path)


def test_a_key_that_a_merge_overrides_is_no_repetition(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\nc: *a\n")
    refuse_code(path)


def test_a_file_that_is_no_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes("run: a\n# café\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"study\.yaml, line 2: is not UTF-8 text \(byte 0xe9\)"):
        refuse_code(path)


def test_a_mapping_that_holds_itself_is_refused() -> None:
    study = copy.deepcopy(changed("run", "a"))
    study["domains"]["digits"]["ladder"]["a"]["again"] = study["domains"]
    with pytest.raises(UserError, match="holds itself"):
        read_study(study)


def test_a_message_is_no_longer_than_a_person_reads() -> None:
    assert len(str(UserError("x" * 3_000_000))) < 2 * LONGEST
    assert (
        os.linesep not in refused("run", "x" * 3_000_000) and len(refused("run", "x" * 9999)) < 500
    )


def scripted(root: Path, program: str, *words: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(root / "workflow/scripts" / program), *words],
        cwd=cwd, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("program", ["document_config.py", "document_envs.py"])
def test_who_asks_for_help_finds_nothing_written(root: Path, tmp_path: Path, program: str) -> None:
    folder = copy_project(root, tmp_path / "project")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    done = scripted(folder, program, "--help", cwd=folder)
    assert done.returncode == 0 and "usage" in done.stdout
    after = {path: path.stat().st_mtime_ns for path in before}
    assert after == before


def test_a_study_is_checked_without_snakemake(root: Path, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(changed("run", "mine")))
    done = scripted(root, "check_study.py", "good.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "good.yaml: a study of digits, 5 trainings in results/mine\n"
    (tmp_path / "two.yaml").write_text("a: 1\n---\nb: 2\n")
    for name, words in (("two.yaml", "a second document"), ("none.yaml", "cannot be read")):
        done = scripted(root, "check_study.py", name, cwd=tmp_path)
        assert done.returncode != 0 and done.stderr.startswith(f"error: {name}")
        assert words in done.stderr and done.stderr.count("\n") == 1
