"""Which code made a result: a digest that changes when behaviour may change, and only then.

Snakemake re-runs a rule on its script's modification time and tracks no imported module. Here a
program's digest covers the syntax trees, without docstrings, of the program and of every project
module it imports, directly or not: touching a file, a comment or a docstring changes nothing.
"""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

PACKAGE = "alphascale"
SCRIPTS = Path(__file__).resolve().parents[1]


@lru_cache
def code_digest(program: str) -> str:
    """SHA-256 over the import closure of `program` (a file name under workflow/scripts)."""
    digest = hashlib.sha256()
    for path in import_closure(SCRIPTS / program):
        digest.update(str(path.relative_to(SCRIPTS)).encode())
        digest.update(_parse(path)[0].encode())
    return digest.hexdigest()


def import_closure(program: Path) -> list[Path]:
    """The program and all project files it may import, sorted; imports inside functions count."""
    found: set[Path] = set()
    todo = [program.resolve()]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo.extend(_imports(path))
    return sorted(found)


def file_digest(path: Path) -> str:
    """SHA-256 of one Python file's docstring-free syntax tree (a user's own model module)."""
    return hashlib.sha256(_parse(path)[0].encode()).hexdigest()


@lru_cache
def _parse(path: Path) -> tuple[str, tuple[ast.Import | ast.ImportFrom, ...]]:
    """The file's syntax tree as text, docstrings removed, and its import statements.

    One parse and one walk for both: every Snakemake start pays for it, on every node.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.append(node)
        elif isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                del node.body[0]
    return ast.dump(tree), tuple(imports)


@lru_cache
def _imports(path: Path) -> list[Path]:
    """Project files that `path` names in its import statements."""
    module = path.relative_to(SCRIPTS).with_suffix("").parts
    package = module if path.name == "__init__.py" else module[:-1]
    package = tuple(part for part in package if part != "__init__")
    files: list[Path] = []
    for node in _parse(path)[1]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                files += _files(tuple(alias.name.split(".")))
        else:
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple((node.module or "").split(".")) if node.module else ()
            files += _files(base)
            for alias in node.names:
                files += _files((*base, alias.name))
    return files


def _files(dotted: tuple[str, ...]) -> list[Path]:
    """The files that importing `dotted` executes: the module and its parent packages."""
    if not dotted or dotted[0] != PACKAGE:
        return []
    files = [
        init
        for depth in range(1, len(dotted) + 1)
        if (init := SCRIPTS.joinpath(*dotted[:depth], "__init__.py")).exists()
    ]
    module = SCRIPTS.joinpath(*dotted).with_suffix(".py")
    return [*files, module] if module.exists() else files
