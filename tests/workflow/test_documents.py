"""What the documents name is there: files, links, papers that are cited; and every command that
they or the program say runs: a dry run where it would train."""

from __future__ import annotations

import glob
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
import yaml
from alphascale.cli import main
from commands_said import said
from foreign_made import checkpoint
from running import ENV
from safetensors.numpy import save_file
from study_made import copy_project

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md", "resources/README.md")
CITED = re.compile(r"([A-Z][a-zè-ÿA-Z]+) (?:et al\.|(?:&|and) [A-Z][a-z]+),? \(?((?:19|20)\d\d)")


def pages(root: Path) -> list[Path]:
    return [*(root / page for page in PAGES), *sorted((root / "docs").glob("*.md"))]


def test_links_and_paths_lead_somewhere(root: Path) -> None:
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
        # In backticks, from the project's root, from the programs' folder or from the library's.
        for path in re.findall(r"`((?:[\w.]+/)+[\w.]*\w\.(?:py|smk|md|yaml|csv|txt))`", text):
            homes = (root, root / "workflow/scripts", root / "workflow/scripts/alphascale")
            first = path.partition("/")[0]
            if any((home / first).is_dir() for home in homes):
                assert any((home / path).exists() for home in homes), f"{page.name}: {path}"


def test_what_is_cited_stands_in_the_references(root: Path) -> None:
    entries = (root / "docs/references.bib").read_text(encoding="utf-8")
    known = set(re.findall(r"^@\w+{([a-z]+\d{4}),", entries, flags=re.M))
    files = [*pages(root), *sorted((root / "workflow/scripts").rglob("*.py"))]
    cited = {
        name.lower() + year
        for file in files
        for name, year in CITED.findall(file.read_text(encoding="utf-8"))
    }
    assert len(cited) > 10
    assert cited <= known, f"not in docs/references.bib: {sorted(cited - known)}"


# Commands that no test can run, and why.
NOT_RUN = {
    "git": "the address is the reader's",
    "pip": "downloads; tests/workflow/test_installing.py installs the package",
    ".ci/run": "runs this test",
}
ELSEWHERE = {  # they make the files that the pages name
    "docs/curves.md",  # tests/literature/test_walk_through.py
    "docs/intake.md",  # tests/intake/test_by_libraries.py
}
# What is said of a command as such, with its arguments left out.
NAMED = {
    "alphascale", "alphascale calc", "alphascale calc …", "alphascale fit", "alphascale fit --out",
    "alphascale fit --law m4", "alphascale fit --prior prior.json", "alphascale import",
    "alphascale optimum", "alphascale labels", "alphascale prior", "alphascale run",
    "alphascale compare", "alphascale decide",
}  # fmt: skip


@pytest.fixture(scope="module")
def commands(root: Path) -> dict[str, list[list[str]]]:
    """Program → the words of each of its commands."""
    found: dict[str, list[list[str]]] = {}
    for command, pages in said(root).items():
        if not set(pages) - ELSEWHERE and command.startswith("alphascale"):
            continue
        # A pattern of many: names in braces or in capitals stand for the reader's own.
        if not re.search(r'{\w*}|{"| FILE | FIT | FOLDER$', command):
            found.setdefault(command.split()[0], []).append(shlex.split(command)[1:])
    return found


@pytest.fixture(scope="module")
def folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the files that the documents speak of."""
    to = copy_project(root, tmp_path_factory.mktemp("documents") / "project")
    small = yaml.safe_load((root / "config/config.yaml").read_text())["domains"]
    (to / "my-study.yaml").write_text(yaml.safe_dump({"domains": {"tabular": small["tabular"]}}))
    (to / "my-changes.yaml").write_text("domains: {nlp: null}\n")
    plan = {"domains": {"tabular": {
        "ladder": {"plan-w64": {"width": 64, "dropout": 0.0}},
        "runs": {"plan-w64": {"seeds": [0], "fractions": ["1.0"]}},
    }}}  # fmt: skip
    for scale in ("d16", "d32", "d64"):  # what config/pretrain.yaml leaves for the next study
        checkpoint(to / f"results/pretrain/models/sources/{scale}/1.0/0", int(scale[1:]))
    (to / "results/default").mkdir(parents=True)
    (to / "results/default/plan.yaml").write_text(yaml.safe_dump(plan))
    return to


def test_what_is_said_is_found(commands: dict[str, list[list[str]]]) -> None:
    assert len(commands["snakemake"]) > 20 and len(commands["alphascale"]) > 20
    assert ["--cores", "all", "tabular", "figures"] in commands["snakemake"]
    assert any("{training: {epochs: 3}}" in words[-1] for words in commands["snakemake"])
    unknown = set(commands) - {"snakemake", "alphascale", "make", "python", *NOT_RUN}
    assert not unknown


@pytest.mark.parametrize("which", ["told what", pytest.param("the rest", marks=pytest.mark.slow)])
def test_every_snakemake_command_runs(commands, folder: Path, which: str) -> None:
    """As it is typed, words in their order, in a fork of one process that has Snakemake loaded; at
    once those that say a study, settings or several targets, which are the ones that went wrong.
    """
    from snakemake.cli import main as cli

    failed = {}
    for words in commands["snakemake"]:
        told = {"--configfile", "--config", "language", "figures", "optimize"} & {*words}
        if bool(told) != (which == "told what"):
            continue
        if "--report" in words:
            continue  # of a finished study: tests/workflow/test_workflow.py
        if "conda" in words and not shutil.which("conda"):
            continue
        dry = words if "-n" in words or "--unlock" in words else [*words, "-n"]
        out = folder / "said.txt"
        child = os.fork()
        if not child:
            os.chdir(folder)
            sys.stdout = sys.stderr = open(out, "w", buffering=1)  # noqa: SIM115
            sys.argv, sys.orig_argv = ["snakemake", *dry], [sys.executable, "snakemake", *dry]
            try:
                cli(dry)
            except SystemExit as ended:
                os._exit(ended.code if isinstance(ended.code, int) else bool(ended.code))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            failed[shlex.join(words)] = out.read_text()[-600:]
    assert not failed, "\n\n".join(f"{command}\n{said}" for command, said in failed.items())


def trainer_run(folder: Path, params: int, accuracy: float) -> None:
    """What Hugging Face's Trainer leaves of a run: its state, the configuration, the weights."""
    folder.mkdir(parents=True)
    history = [
        {
            "epoch": epoch,
            "step": 10 * epoch,
            "eval_accuracy": accuracy - 0.1 / epoch,
            "eval_loss": 1 / epoch,
        }
        for epoch in (1, 2, 3)
    ]
    state = {"log_history": history, "max_steps": 30, "global_step": 30, "num_train_epochs": 3}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    (folder / "config.json").write_text('{"model_type": "bert"}')
    save_file({"weight": np.zeros(params, np.float32)}, folder / "model.safetensors")


def run_dry(folder: Path, words: list[str], failed: dict[str, str]) -> None:
    """`alphascale run`, which starts Snakemake."""
    env = ENV | {"PYTHONPATH": str(folder / "workflow/scripts")}
    done = subprocess.run(
        [sys.executable, "-m", "alphascale.cli", *words],
        cwd=folder, env=env, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        failed[" ".join(words)] = (done.stdout + done.stderr)[-600:]


def test_every_alphascale_command_runs(
    commands, tmp_path: Path, finished: Path, folder: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished / "results/own", "results/default")
    for stage in ("bootstrap", "fit", "decision"):  # the documents' domain is called tabular
        shutil.copy(f"results/default/{stage}/table.json", f"results/default/{stage}/tabular.json")
    for domain in ("pretrained", "scratch"):
        table = Path(f"results/pretrained/observations/{domain}.csv")
        table.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("results/default/observations/table.csv", table)
    grid = itertools.product("ab", "st", 10.0 ** np.arange(4, 8), 10.0 ** np.arange(4, 8), (0, 1))
    rows = [
        f"{task},{model},{n},{d},{d},{6 * n * d},{seed},{seed},"
        f"{2 + 400 * n**-0.5 + 300 * d**-0.45 + 0.001 * seed},{0.9 - 5 * n**-0.4}"
        for task, model, n, d, seed in grid
    ]
    head = "task,model,params,tokens,samples,flops,seed,Training,loss,accuracy"
    Path("runs.csv").write_text("\n".join([head, *rows]) + "\n")
    Path("points.csv").write_text("task,model,params,tokens\na,s,100000000,100000000\n")
    Path("models.csv").write_text("name,params,tokens\nours,1e9,2e10\n")
    both = ["fit", "runs.csv", "--x", "params", "--x2", "tokens", "--y", "loss"]
    assert main([*both, "--law", "chinchilla", "--resamples", "50", "--out", "fit.json"]) == 0
    for study in ("a", "b"):
        Path("results", study).mkdir()
        shutil.copy("results/default/study.html", f"results/{study}/study.html")
    for n in (30_000, 100_000, 300_000, 1_000_000):
        trainer_run(Path("trainer_runs", f"n{n}"), n, 1 - 0.02 - 4 * n**-0.4)
    failed = {}
    # First what writes a law and a table that other commands ask.
    first = (["front"], ["import"])
    for words in sorted(commands["alphascale"], key=lambda words: words[:1] not in first):
        if shlex.join(["alphascale", *words]).replace("'", "") in NAMED:
            continue
        if words[0] == "run":
            words = ["run", "--dry-run", *words[1:]]  # of a copied project, a process each
            run_dry(folder, words, failed)
            continue
        words = [part for word in words for part in (sorted(glob.glob(word)) or [word])]
        try:
            status = main(words)
        except SystemExit as ended:
            status = ended.code
        if status:
            failed[" ".join(words)] = capsys.readouterr().err
    assert not failed, failed


def test_every_python_call_of_the_originals_runs(root: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    begins = r"(?:[ND], D = )?(?:Calculator\(|plot_|training_loss|compare_training|visualize)"
    page = (root / "docs/originals.md").read_text(encoding="utf-8")
    here = " ".join(row.split(" | ")[1] for row in page.splitlines() if row.count(" | ") > 2)
    calls = [each for each in re.findall(r"`([^`]+\))`", here) if re.match(begins, each)]
    calls = [each for each in calls if "…" not in each]
    assert len(calls) >= 8
    for call in calls:
        exec(f"from alphascale.calculator import *\n{call}", {})


def test_every_make_and_python_command_is_there(commands, root: Path, folder: Path) -> None:
    for words in commands["make"]:
        done = subprocess.run(["make", "-n", *words], cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    for words in commands["python"]:
        if words[:2] == ["-m", "pytest"]:
            names = re.search(r"{(.*)}", " ".join(words))
            assert (
                all((root / "tests" / name).is_dir() for name in names[1].split(","))
                if names
                else (words[2:] in (["-m", "slow"], ["-m", "gpu"]))
            )
            continue
        script, *options = words
        path = root / script if (root / script).exists() else root / "workflow/scripts" / script
        text = path.read_text(encoding="utf-8")
        compile(text, str(path), "exec")
        assert all(f'"{word}"' in text for word in options if word.startswith("--")), words
    done = subprocess.run(
        [sys.executable, "workflow/scripts/check_study.py", "my-study.yaml"],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "a study of tabular" in done.stdout
