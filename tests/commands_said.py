"""Every command that the documents and the program itself tell a person to type."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("snakemake", "alphascale", "make", "python", "pip", "git", ".ci/run")
_WORD = "|".join(map(re.escape, PROGRAMS))
# Between backticks, one or two; a name in backticks is no command: `alphascale/`, `make`.
_QUOTED = re.compile(rf"`((?:{_WORD}) [^`]+)`")
# A line of its own, indented, in a document, or in a comment of YAML, of a rule or of a Makefile.
_LINE = re.compile(rf"^(?: *#+ +|    +|\. \S+ && )(?:[A-Z_]+=\S+ )*((?:{_WORD})(?: .*)?)$", re.M)
PAGES = ("README.md", "CONTRIBUTING.md", "config/README.md", "resources/README.md")
COMMENTED = ("Snakefile", "rules/*.smk", "config/*.yaml", "profiles/*/config.yaml")


def said(root: Path) -> dict[str, list[str]]:
    """Command → the files that say it."""
    found: dict[str, list[str]] = {}
    for path, text in _texts(root):
        text = text.replace("\\\n", " ")  # a command that goes on in the next line
        for pattern in (_QUOTED, _LINE):
            for command in pattern.findall(text):
                for each in _plain(command):
                    found.setdefault(each, []).append(path.relative_to(root).as_posix())
    return found


def _texts(root: Path) -> Iterator[tuple[Path, str]]:
    for page in (*(root / page for page in PAGES), *sorted((root / "docs").glob("*.md"))):
        yield page, page.read_text(encoding="utf-8")
    for pattern in (*COMMENTED, "workflow/report/*.rst"):
        for path in sorted(root.glob(pattern)):
            yield path, path.read_text(encoding="utf-8")
    for path in sorted((root / "workflow/scripts").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path, node.value


def _plain(command: str) -> Iterator[str]:
    """A command as it is typed: without what is said about it, every option that it may have, each
    of its alternatives by itself."""
    command = " ".join(re.split(r"  +| # ", command)[0].split())
    command = re.sub(r"[\[\]](?![^'\"]*['\"]$)", "", command)
    start, *others = re.split(r" \| (?=--)", command)
    yield start
    for other in others:
        yield f"{start[: start.index(' --')]} {other}"
