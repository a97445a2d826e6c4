"""Versions stand in one list, environments follow from it, and the light install is light."""

from __future__ import annotations

import ast
import csv
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import document_envs
import pytest
import yaml
from alphascale.provenance import SCRIPTS
from packaging.requirements import Requirement

# Where a module is not called as the package that brings it.
PACKAGE_OF = {"yaml": "pyyaml", "sklearn": "scikit-learn", "PIL": "pillow",
              "pynvml": "nvidia-ml-py", "huggingface_hub": "huggingface-hub",
              "pydantic_core": "pydantic"}  # fmt: skip
# Python and scipy alone take 240 MB; whatever else slips in is seen.
LIGHT_MB = 300


def name_of(requirement: str) -> str:
    return Requirement(requirement).name.lower().replace("_", "-")


def test_environments_are_as_the_list_of_requirements_writes_them(root: Path) -> None:
    for name in document_envs.ENVS:
        text = (root / "envs" / f"{name}.yaml").read_text(encoding="utf-8")
        assert text == document_envs.environment(name), "run: make envs"
        assert yaml.safe_load(text)["dependencies"][-1]["pip"]


def test_what_is_tested_is_within_what_is_asked_for(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    asked = [Requirement(each) for each in asked if not each.startswith("alphascale[")]
    pins = dict(pin.split("==") for pins in document_envs.sections().values() for pin in pins)
    versions = {name_of(name): version for name, version in pins.items()}
    assert sorted(name_of(str(each)) for each in asked) == sorted(versions)
    for each in asked:
        assert versions[name_of(str(each))] in each.specifier, each


def test_every_rule_names_an_environment_that_holds_what_it_imports(root: Path) -> None:
    rules = "".join(path.read_text() for path in sorted((root / "rules").glob("*.smk")))
    named = {}
    for rule in re.split(r"^rule ", rules, flags=re.M)[1:]:
        if "shell:" in rule:
            env = re.search(r'conda:\s+"\.\./envs/(\w+)\.yaml"', rule)
            assert env, f"rule {rule.partition(':')[0]} names no environment"
            named[rule.partition(":")[0]] = env[1]
    assert len(named) > 15
    # It starts the training program by a name that is no import.
    assert named["verify_domain"] == named["train"] == "training"
    for rule, env in named.items():
        held = {name_of(pin) for part in document_envs.ENVS[env]
                for pin in document_envs.sections()[part]}  # fmt: skip
        assert foreign(f"{rule}.py") <= held, rule


def foreign(program: str) -> set[str]:
    """Packages that a program imports when it starts."""
    seen, todo, found = set(), [SCRIPTS / program], set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            names = imported(path)
            found |= {name[0] for name in names}
            todo += [file for name in names for file in files_of(name)]
    modules = found - sys.stdlib_module_names - {"alphascale"}
    return {PACKAGE_OF.get(module, module) for module in modules}


def imported(path: Path) -> list[list[str]]:
    """What the top level of a module imports, in full: the modules, and the names taken of them."""
    package, names = path.relative_to(SCRIPTS).parts[:-1], []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Import):
            names += [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            near = package[: len(package) + 1 - node.level] if node.level else ()
            base = [*near, *(node.module or "").split(".")] if node.module else [*near]
            names += [base, *([*base, alias.name] for alias in node.names)]
    return names


def files_of(name: list[str]) -> list[Path]:
    """Files of the package that the import of a name runs."""
    roots = [SCRIPTS.joinpath(*name[:end]) for end in range(1, len(name) + 1)]
    files = [
        *(root.with_suffix(".py") for root in roots),
        *(root / "__init__.py" for root in roots),
    ]
    return [file for file in files if file.is_file()]


def test_the_command_imports_no_more_than_the_light_install_has(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    light = {name_of(each) for each in project["dependencies"]}
    rooms = ["cli.py", *(f"{room}/commands.py" for room in
                         ("tables", "calculator", "outside", "intake", "page"))]  # fmt: skip
    kinds = sorted((SCRIPTS / "alphascale/intake/kinds").glob("*.py"))
    rooms += [f"intake/kinds/{path.name}" for path in kinds]  # found, not imported by name
    assert set().union(*(foreign(f"alphascale/{room}") for room in rooms)) <= light


@pytest.mark.slow
def test_pip_install_alone_is_light_and_answers(root: Path, tmp_path: Path) -> None:
    source, env = tmp_path / "source", tmp_path / "env"
    # A copy: building leaves folders beside pyproject.toml.
    source.mkdir()
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(root / part, source / part)
    shutil.copytree(root / "workflow/scripts/alphascale", source / "workflow/scripts/alphascale")
    subprocess.run([sys.executable, "-m", "venv", env], check=True)
    pip = subprocess.run(
        [env / "bin/python", "-m", "pip", "install", "--quiet", str(source)],
        capture_output=True, text=True,
    )  # fmt: skip
    if pip.returncode and re.search("connection|No matching distribution", pip.stderr):
        pytest.skip(f"no packages to be had here: {pip.stderr.splitlines()[-1]}")
    assert pip.returncode == 0, pip.stderr
    size = subprocess.run(["du", "-sm", env], capture_output=True, text=True).stdout
    assert int(size.split()[0]) < LIGHT_MB

    def answer(*arguments: str) -> str:
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PATH")}
        done = subprocess.run(
            [env / "bin" / arguments[0], *arguments[1:]],
            cwd=tmp_path, env=clean, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "calc" in answer("alphascale", "--help")
    found = json.loads(
        answer("alphascale", "calc", "allocate", "--law", "chinchilla", "--flops", "5.76e23",
               "--json")
    )  # fmt: skip
    assert found["params"] == pytest.approx(4.0361e10, rel=1e-4)
    with open(tmp_path / "runs.csv", "w", newline="") as stream:
        rows = [(n, 0.1 + 5 * n**-0.4 * (1 + 0.01 * (-1) ** i))
                for i, n in enumerate(2**k for k in range(8, 16))]  # fmt: skip
        csv.writer(stream).writerows([("params", "loss"), *rows])
    assert "withheld" in answer(
        "alphascale", "fit", "runs.csv", "--x", "params", "--y", "loss", "--law", "power_floor",
        "--out", "fit.json",
    )  # fmt: skip
    answer("alphascale", "predict", "fit.json", "runs.csv", "--out", "predicted.csv")
    assert len((tmp_path / "predicted.csv").read_text().splitlines()) == 9
    assert "params" in answer("alphascale", "optimum", "fit.json", "--target", "0.2")
    country = "from alphascale.carbon import intensity; print(intensity('FR')[0])"
    assert answer("python", "-c", country).strip() == "56.039"
