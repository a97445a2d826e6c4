"""Which code made a result: a digest that changes when the numbers may change, and only then.

Snakemake re-runs a rule on its script's modification time and tracks no imported module. Here a
digest covers the definitions (functions, classes, assignments at the top level of a module) that a
program refers to, directly or not, as syntax trees. What a name refers to is read off the source:
imports, at the top or inside a function, re-exports, attributes of modules. Where that cannot tell,
all of the module counts: a module used other than by `module.name`, a name it does not define, a
star import. Other statements at a module's top level count as soon as anything of a module that
imports theirs does, and so does a definition that a decorator of the project may register.

What is chosen when a program runs (the model family, the data source, the encoder of a kind of data)
no source shows: the caller names it as a further root. DYNAMIC and CHOSEN list where that is so.

Left out is what changes no number: comments, docstrings, annotations of functions and variables
(not those of a class: they make its fields), the arguments of an error of Python's own or of
`UserError` that is raised, lines for people (a statement `say(...)`, `progress(...)` or
`….say(...)` that calls nothing but builtins and methods of text), a setting's or a size's
`description` and `meaning`, and the modules of SILENT.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

PACKAGE = "alphascale"
SCRIPTS = Path(__file__).resolve().parents[1]

# Modules that say what went wrong, or start, end and watch processes: no number comes from them.
SILENT = ("errors", "running")
# Modules that import by a name which only a run knows, and tables of which a run takes the entry of
# its kind of data: what is taken is named as a root.
DYNAMIC = ("registry", "families/own", "networks/plain")
CHOSEN = (("alphascale/data/make.py", "ENCODERS"),)
SPEAKERS = ("say", "progress")
TOLD = ("description", "meaning")
# What a record says of the package beside its code: a release alone changes no number.
VERSION = "__version__"
ALL, LOOSE = "*", "<statements>"

Symbol = tuple[Path, str]


@lru_cache(maxsize=None)
def code_digest(program: str, *roots: str) -> str:
    """SHA-256 over what `program` (a file name under workflow/scripts) and `roots` refer to.

    roots: as `module:name`, or `module:name.part` for one argument of the call, or one entry of the
    mapping, that `name` is assigned (`alphascale.families.mlp:FAMILY.build`).
    """
    digest = hashlib.sha256()
    for (path, name), text in sorted(_closure(program, roots).items()):
        if text:
            digest.update(f"{path.relative_to(SCRIPTS)}:{name}\n{text}\n".encode())
    return digest.hexdigest()


def reached(program: str, *roots: str) -> set[tuple[str, str]]:
    """(file below workflow/scripts, name) of every definition in the digest; `*`: all of a file."""
    return {
        (path.relative_to(SCRIPTS).as_posix(), name) for path, name in _closure(program, roots)
    }


def family_roots(family: str) -> tuple[str, ...]:
    """What a training refers to by its family's name; nothing for a `module:factory`, whose file
    has a digest of its own."""
    parts = ("build", "widest", "cached", "keys", "derive", "together_on_gpu")
    return _roots("families", "FAMILY", family, parts)


def source_roots(source: str) -> tuple[str, ...]:
    """What a preparation refers to by its source's name, and by the kind of data that gives."""
    return _roots("sources", "SOURCE", source, ("read", "kind", "keys"))


@lru_cache(maxsize=None)
def _roots(folder: str, variable: str, name: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Arguments of the one descriptor in a folder whose `name` is this, as roots."""
    for path in sorted(SCRIPTS.joinpath(PACKAGE, folder).glob("*.py")):
        module = _parse(path)
        given = _arguments(module, variable) if variable in module.defined else {}
        if isinstance(given.get("name"), ast.Constant) and given["name"].value == name:
            roots = [f"{PACKAGE}.{folder}.{path.stem}:{variable}.{part}" for part in parts]
            kind = given.get("kind")
            for file, table in CHOSEN:
                entries = _parse(SCRIPTS / file).defined if (SCRIPTS / file).exists() else {}
                if isinstance(kind, ast.Constant) and table in entries:
                    where = file.removesuffix(".py").replace("/", ".")
                    roots.append(f"{where}:{table}.{kind.value}")
            return tuple(roots)
    return ()


@lru_cache
def file_digest(path: Path) -> str:
    """SHA-256 of one Python file (a user's own model module), without comments and docstrings."""
    tree = _Strip().visit(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


@dataclass
class _Module:
    """One parsed file.

    path, package: its file; the dotted parts of the package it lies in.
    defined: name → the statements that define it.
    bound: name → what its imports bind it to, dotted; a project's module or name, or another's.
    stars: modules whose every name it imports, dotted.
    loose: statements at the top level that define nothing.
    """

    path: Path
    package: tuple[str, ...]
    defined: dict[str, list[ast.stmt]] = field(default_factory=dict)
    bound: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    stars: list[tuple[str, ...]] = field(default_factory=list)
    loose: list[ast.stmt] = field(default_factory=list)


def _closure(program: str, roots: tuple[str, ...]) -> dict[Symbol, str]:
    """Every definition reached from the whole program and the roots → its text."""
    found: dict[Symbol, str] = {}
    todo: list[Symbol] = [(SCRIPTS / program, name) for name in _parse(SCRIPTS / program).defined]
    todo.append((SCRIPTS / program, LOOSE))
    for root in roots:
        module, _, name = root.partition(":")
        path = _file(tuple(module.split(".")))
        if path is None:
            raise ValueError(f"{root}: no such module in {SCRIPTS}")
        todo.append((path, name))
    chosen = {
        (SCRIPTS / file, table)
        for file, table in CHOSEN
        if any(f":{table}." in root for root in roots)
    }
    while todo:
        symbol = todo.pop()
        if symbol in found or symbol in chosen or symbol[1] == VERSION:
            continue
        if not _is_silent(symbol[0]):
            found[symbol], further = _read(*symbol)
            todo += further
    return found


@lru_cache(maxsize=None)
def _read(path: Path, name: str) -> tuple[str, tuple[Symbol, ...]]:
    """The text of one definition, with what its names are bound to, and what it refers to."""
    module = _parse(path)
    if name == ALL:
        nodes = [node for many in module.defined.values() for node in many]
    elif name == LOOSE:
        nodes = [*module.loose, *_registered(module)]
    elif "." in name:
        nodes = _part(module, *name.split(".", 1))
    else:
        nodes = module.defined[name]
    lines, further = [ast.dump(node) for node in nodes], [(path, LOOSE)]
    chains = {chain for node in nodes for chain in _chains(node)}
    for chain in sorted(chains):
        further += _resolve(module, chain)
        lines += [f"{chain[0]}={'.'.join(to)}" for to in module.bound.get(chain[0], ())]
    targets = [*module.stars, *(to for many in module.bound.values() for to in many)]
    if name == LOOSE:
        # Whatever the module imports runs its own statements, and so do the packages they lie in.
        further += [(file, LOOSE) for to in (*targets, module.package) for file in _files(to)]
    elif name == ALL:
        further += [symbol for to in targets for symbol in _follow(to)]
        if path.name == "__init__.py":
            further += [(file, ALL) for file in path.parent.glob("*.py")]
    return "\n".join(dict.fromkeys(lines)), tuple(dict.fromkeys(further))


def _part(module: _Module, name: str, part: str) -> list[ast.AST]:
    """One argument of the call, or one entry of the mapping, that `name` is assigned: nothing if it
    is not given, all of `name` where that cannot be told."""
    given = _arguments(module, name)
    if None in given or not given:
        return list(module.defined[name])
    return [given[part]] if part in given else []


def _arguments(module: _Module, name: str) -> dict[str | None, ast.expr]:
    """What `name` is assigned, by keyword or key; with None as a key if that is not all."""
    given: dict[str | None, ast.expr] = {}
    for node in module.defined[name]:
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call):
            given |= {keyword.arg: keyword.value for keyword in value.keywords}
            given |= {None: each for each in value.args}
        elif isinstance(value, ast.Dict):
            pairs = zip(value.keys, value.values, strict=True)
            given |= {getattr(key, "value", None): each for key, each in pairs}
        else:
            given[None] = node
    return given


def _resolve(module: _Module, chain: tuple[str, ...]) -> list[Symbol]:
    """The definitions of the project that a chain of attributes, in a module, may refer to."""
    name = chain[0]
    found = [(module.path, name)] if name in module.defined else []
    for target in module.bound.get(name, ()):
        found += _follow(target + chain[1:])
    if name in ("globals", "vars", "locals", "eval", "exec"):
        found.append((module.path, ALL))
    if not found and name not in module.bound and not hasattr(builtins, name):
        found += [symbol for star in module.stars for symbol in _follow(star)]
    return found


def _follow(parts: tuple[str, ...]) -> list[Symbol]:
    """The definitions that a dotted path through the project's modules may mean."""
    if parts[0] != PACKAGE:
        return []
    found: list[Symbol] = []
    for depth in range(1, len(parts) + 1):
        path = _file(parts[:depth])
        if path is None:
            break
        rest = parts[depth:]
        if not rest:
            return [*found, (path, ALL)]
        module = _parse(path)
        if rest[0] in module.defined:
            found.append((path, rest[0]))
        for target in module.bound.get(rest[0], ()):
            if target != parts[: depth + 1]:
                found += _follow(target + rest[1:])
        if not found and _file(parts[: depth + 1]) is None:
            found.append((path, ALL))
    return found


def _file(parts: tuple[str, ...]) -> Path | None:
    """The file of a dotted module or package of the project."""
    if parts[:1] != (PACKAGE,):
        return None
    return _existing(SCRIPTS.joinpath(*parts))


@lru_cache(maxsize=None)
def _existing(stem: Path) -> Path | None:
    for path in (stem / "__init__.py", stem.with_suffix(".py")):
        if path.exists():
            return path
    return None


def _files(parts: tuple[str, ...]) -> list[Path]:
    """The files that importing a dotted path executes: packages, module."""
    files = (_file(parts[:depth]) for depth in range(1, len(parts) + 1))
    return [path for path in files if path is not None]


def _is_silent(path: Path) -> bool:
    return path.relative_to(SCRIPTS).with_suffix("").parts[1:2] in [(name,) for name in SILENT]


@lru_cache(maxsize=None)
def _parse(path: Path) -> _Module:
    tree = _Strip().visit(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    module = _Module(path, path.relative_to(SCRIPTS).parent.parts)
    for node in tree.body:
        _sort(module, node)
    return module


def _registered(module: _Module) -> Iterator[ast.stmt]:
    """Definitions that a decorator of the project may have put somewhere."""
    for node in (node for many in module.defined.values() for node in many):
        for decorator in getattr(node, "decorator_list", ()):
            if any(_resolve(module, chain) for chain in _chains(decorator)):
                yield node


def _sort(module: _Module, node: ast.stmt) -> None:
    """Put one statement of the top level where it belongs."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        module.defined.setdefault(node.name, []).append(node)
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [each for target in targets for each in ast.walk(target)]
        if all(isinstance(each, (ast.Name, ast.Tuple, ast.List, ast.Store)) for each in names):
            for each in names:
                if isinstance(each, ast.Name):
                    module.defined.setdefault(each.id, []).append(node)
        else:  # an attribute or an entry of something: it may be anybody's
            module.loose.append(node)
    elif not isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)):
        module.loose.append(node)
    for each in ast.walk(node):
        if isinstance(each, ast.Import):
            for alias in each.names:
                parts = tuple(alias.name.split("."))
                to = parts if alias.asname else parts[:1]
                module.bound.setdefault(alias.asname or parts[0], []).append(to)
                if not alias.asname and len(parts) > 1 and parts[0] == PACKAGE:
                    module.stars.append(parts)  # it is run, if nothing else
        elif isinstance(each, ast.ImportFrom):
            base = module.package[: len(module.package) - each.level + 1] if each.level else ()
            base += tuple(each.module.split(".")) if each.module else ()
            for alias in each.names:
                if alias.name == "*":
                    module.stars.append(base)
                else:
                    bound = module.bound.setdefault(alias.asname or alias.name, [])
                    bound.append((*base, alias.name))


def _chains(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """Every name that a piece of code refers to, with the attributes that are taken of it."""
    attributes: list[str] = []
    inner = node
    while isinstance(inner, ast.Attribute):
        attributes.append(inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        yield (inner.id, *reversed(attributes))
        return
    for child in ast.iter_child_nodes(inner):
        yield from _chains(child)


class _Strip(ast.NodeTransformer):
    """Takes out of a tree what changes no number: see the head of this module."""

    lazy, in_class = False, False

    def visit_Module(self, node: ast.Module) -> ast.Module:
        self.lazy = any(
            isinstance(each, ast.ImportFrom) and each.module == "__future__"
            and any(alias.name == "annotations" for alias in each.names)
            for each in node.body
        )  # fmt: skip
        return self._body(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        outer, self.in_class = self.in_class, True
        node = self._body(node)
        self.in_class = outer
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if self.lazy:
            node.returns = None
        outer, self.in_class = self.in_class, False
        node = self._body(node)
        self.in_class = outer
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def _body(self, node):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            if isinstance(first.value.value, str):
                del node.body[0]
        return self.generic_visit(node)

    def generic_visit(self, node):
        node = super().generic_visit(node)
        if isinstance(getattr(node, "body", None), list) and not node.body:
            node.body = [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        if self.lazy:
            node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        if self.lazy and not self.in_class:
            node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        named = node.test.attr if isinstance(node.test, ast.Attribute) else node.test
        if named == "TYPE_CHECKING" or getattr(named, "id", "") == "TYPE_CHECKING":
            return [kept for each in node.orelse if (kept := self.visit(each)) is not None]
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        call = node.exc
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            if call.func.id == "UserError" or hasattr(builtins, call.func.id):
                call.args, call.keywords = [], []
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Call) and _speaks(node.value):
            return None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        node.keywords = [each for each in node.keywords if each.arg not in TOLD]
        return self.generic_visit(node)


def _speaks(call: ast.Call) -> bool:
    """Whether a call only says something to a person: nothing in it can do anything else."""
    named = call.func
    if isinstance(named, ast.Name):
        speaks = named.id in SPEAKERS
    else:
        speaks = isinstance(named, ast.Attribute) and named.attr == "say"
    for node in (each for part in (*call.args, *call.keywords) for each in ast.walk(part)):
        if isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
            return False
        if isinstance(node, ast.Call):
            of = node.func
            text = isinstance(of, ast.Attribute) and isinstance(of.value, ast.Constant)
            pure = isinstance(of, ast.Name) and hasattr(builtins, of.id) and of.id != "next"
            speaks = speaks and (text or pure)
    return speaks
