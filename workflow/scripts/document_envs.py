"""Write the conda environments of the rules from requirements.txt, the one list of versions.

    python workflow/scripts/document_envs.py

writes envs/analysis.yaml and envs/training.yaml, which `snakemake --sdm conda` builds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# File under envs/ → the sections of requirements.txt it holds.
ENVS = {"analysis": ("analysis",), "training": ("analysis", "training")}


def sections() -> dict[str, list[str]]:
    """The pins of requirements.txt by section: a comment `# name: …` after an empty line."""
    found: dict[str, list[str]] = {}
    for block in (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n\n")[1:]:
        head, *lines = block.splitlines()
        found[head.strip("# ").partition(":")[0]] = [line for line in lines if "==" in line]
    return found


def environment(name: str) -> str:
    """The text of envs/{name}.yaml."""
    pins = [pin for section in ENVS[name] for pin in sections()[section]]
    return (
        f"# Written by workflow/scripts/document_envs.py from requirements.txt: {name}.\n"
        "channels:\n  - conda-forge\n  - nodefaults\n"
        "dependencies:\n  - python=3.11\n  - pip\n  - pip:\n"
        + "".join(f"      - {pin}\n" for pin in pins)
    )


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    for name in ENVS:
        path = ROOT / "envs" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(environment(name), encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
