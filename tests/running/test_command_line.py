"""What Snakemake makes of a command's words, put right before it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alphascale.running.command_line import missing_files, takes_all_cores, targets_first, unforced
from running import ENV


@pytest.mark.parametrize(
    ("words", "targets"),
    [
        ("--cores all --configfile config/paper.yaml results/paper/language/language.txt",
         ["results/paper/language/language.txt"]),
        ("--configfile my.yaml verify -n", ["verify"]),
        ("--configfile a.yaml b.yml results/own/plan.yaml", []),
        ("--configfile a.json more.json results/own/fit/x.json", ["results/own/fit/x.json"]),
        ("--config run=x tabular figures --cores 2", ["tabular", "figures"]),
        ("tabular --configfile a.yaml --config run=x", []),
        ("--configfile study verify", ["verify"]),  # the first word is a file, whatever it ends in
        ("--configfile a.yaml -- verify", []),
    ],
)  # fmt: skip
def test_words_that_an_option_would_swallow_are_targets(words: str, targets: list[str]) -> None:
    found, kept = targets_first(words.split())
    assert found == targets
    assert sorted([*found, *kept]) == sorted(words.split())


def test_a_missing_study_is_named_and_cores_are_all_unless_said() -> None:
    assert missing_files(["--configfile", "no.yaml", __file__, "--cores", "all"]) == ["no.yaml"]
    assert takes_all_cores(["verify", "--configfile", "a.yaml"], {})
    for words in (["-j2"], ["-c", "2"], ["--cores=3"], ["--profile", "profiles/slurm"]):
        assert not takes_all_cores(words, {})
    assert not takes_all_cores([], {"SNAKEMAKE_PROFILE": "slurm"})


def test_the_natural_order_runs_in_any_folder(root: Path, tmp_path: Path) -> None:
    """As a person types it: no --cores, the option before the targets, values as YAML has them, a
    domain left out, results elsewhere, in a folder without a study."""

    def typed(*words: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "snakemake", "-s", str(root / "Snakefile"), *words]
        return subprocess.run(command, cwd=tmp_path, env=ENV, capture_output=True, text=True)

    changes = "domains={language: {training: {epochs: 3}, seeds: [7]}, nlp: null}"
    done = typed("-n", "--config", changes, f"results={tmp_path}/out", "language", "fit", "figures")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "language fit figures: read as what to make" in said
    assert "left out of the study, by null: nlp" in said and "there is none in this folder" in said
    assert f"what will run ({tmp_path}/out/default)" in said and "of nlp" not in said
    assert "train language d4 on 1.0 of the data" in said
    assert "summarise language" in said and "show the fits" in said
    done = typed("-n", "--configfile", "my.yaml", "verify")
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == (
        "error: --configfile my.yaml: there is no such file: name a study's YAML"
    )


@pytest.mark.parametrize(
    "words",
    [
        "-F --cores 2 all",
        "--cores 2 -R train fit -- all",
        "--forcerun=fit --forceall --cores 2 all",
        "--cores 2 -Rtrain -- all",
        "--forcea --force-run=fit -F -f --cores 2 all",
        "--cores 2 --forcer fit train -- all",
    ],
)
def test_the_next_round_is_not_forced(words: str) -> None:
    kept = [word for word in unforced(words.split()) if word != "--"]
    assert kept == ["--cores", "2", "all"]


def test_letters_that_force_are_taken_from_among_others() -> None:
    words = ["-m", "snakemake", "-pF", "-kfn", "-Fc1", "-Ff", "-d", "F", "-pRfit", "all"]
    assert unforced(words) == ["-m", "snakemake", "-p", "-kn", "-c1", "-d", "F", "-p", "all"]
