"""Which code made a result: a digest that changes when the numbers may change, and only then.

Snakemake re-runs a rule on its script's modification time and tracks no imported module. Here a
digest covers the definitions (functions, classes, assignments at the top level of a module) that a
program refers to, directly or not, as syntax trees. What a name refers to is read off the source:
imports, at the top or inside a function, re-exports, attributes of modules. Where that cannot tell,
all of the module counts: a module used other than by `module.name`, a name it does not define, a
star import. Other statements at a module's top level count as soon as anything of a module that
imports theirs does, and so does a definition that a decorator of the project may register.

What is chosen when a program runs (model family, data source, encoder of a kind of data) no source
shows: the caller names it as a further root. DYNAMIC and CHOSEN list where that is so.

Left out is what changes no number: comments, docstrings, annotations of functions and variables
(not those of a class: they make its fields), the arguments of an error of Python's own or of
`UserError` that is raised, lines for people (a statement `say(...)`, `progress(...)` or
`….say(...)` that calls nothing but builtins and methods of text), a setting's or a size's
`description` and `meaning`, the bounds of a setting, and the modules of SILENT.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .errors import UserError

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
# What a setting may be, in pydantic's `Field(…)`: another bound refuses more or less, no more.
BOUNDS = ("ge", "gt", "le", "lt", "allow_inf_nan", "max_length", "min_length", "pattern", "strict")
# What a record says of the package beside its code: a release alone changes no number.
VERSION = "__version__"
ALL, LOOSE = "*", "<statements>"

Symbol = tuple[Path, str]
Bound = dict[str, list[tuple[str, ...]]]


@cache
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


def forget() -> None:
    """Give back the 20 MB of syntax trees; digests that were made are kept."""
    for kept in (_parse, _read, _roots):
        kept.cache_clear()


def reached(program: str, *roots: str) -> set[tuple[str, str]]:
    """(file below workflow/scripts, name) of every definition in the digest; `*`: all of a file."""
    return {(path.relative_to(SCRIPTS).as_posix(), name) for path, name in _closure(program, roots)}


def family_roots(family: str) -> tuple[str, ...]:
    """What a training refers to by its family's name; nothing for a `module:factory`, whose file
    has a digest of its own."""
    parts = ("build", "widest", "cached", "keys", "derive", "together_on_gpu")
    return _roots("families", "FAMILY", family, parts)


def source_roots(source: str) -> tuple[str, ...]:
    """What a preparation refers to by its source's name, and by the kind of data that gives."""
    return _roots("sources", "SOURCE", source, ("read", "kind", "keys"))


@cache
def _roots(folder: str, variable: str, name: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Arguments of the one descriptor in a folder whose `name` is this, as roots."""
    for path in sorted(SCRIPTS.joinpath(PACKAGE, folder).glob("*.py")):
        module = _parse(path)
        given = _arguments(module, variable) if variable in module.defined else {}
        if isinstance(given.get("name"), ast.Constant) and given["name"].value == name:
            roots = [f"{PACKAGE}.{folder}.{path.stem}:{variable}.{part}" for part in parts]
            # What the descriptor is made by: its methods, and the values that it does not give.
            roots.append(f"{PACKAGE}.{folder}.descriptor:{variable.title()}")
            kind = given.get("kind")
            for file, table in CHOSEN:
                entries = _parse(SCRIPTS / file).defined if (SCRIPTS / file).exists() else {}
                if isinstance(kind, ast.Constant) and table in entries:
                    where = file.removesuffix(".py").replace("/", ".")
                    roots.append(f"{where}:{table}.{kind.value}")
            return tuple(roots)
    return ()


@cache
def file_digest(path: Path) -> str:
    """SHA-256 of a user's own model module and of their files that it imports, directly or not,
    from its folder or the working directory; without comments and docstrings. Raises UserError for
    a file that is not Python."""
    texts: dict[Path, str] = {}
    todo = [path.resolve()]
    while todo:
        file = todo.pop(0)
        if file not in texts:
            try:
                tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
            except (SyntaxError, OSError, ValueError, RecursionError) as fault:
                line = f", line {fault.lineno}" if getattr(fault, "lineno", None) else ""
                said = getattr(fault, "msg", fault)
                raise UserError(f"{file}{line}: not Python that can be read ({said})") from None
            scan = _Scan(("",), True)
            scan.add(tree)
            texts[file] = " ".join(scan.text)
            todo += _beside(file, tree)
    return hashlib.sha256("\n".join(texts.values()).encode()).hexdigest()


def _beside(file: Path, tree: ast.Module) -> Iterator[Path]:
    """The user's own files that a file may import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            level, names = 0, [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            level, base = node.level, node.module or ""
            names = [base, *(f"{base}.{each.name}".lstrip(".") for each in node.names)]
        else:
            continue
        folders = [file.parents[level - 1]] if level else [file.parent, Path.cwd()]
        for folder, name in itertools.product(folders, filter(None, names)):
            module = folder.joinpath(*name.split("."))
            for found in (module.with_suffix(".py"), module / "__init__.py"):
                if found.is_file():
                    yield found.resolve()


@dataclass
class _Module:
    """One parsed file."""

    # path, package: its file; the dotted parts of the package it lies in
    path: Path
    package: tuple[str, ...]
    lazy: bool  # whether annotations are only text in it
    # name → the statements that define it
    defined: dict[str, list[ast.stmt]] = field(default_factory=dict)
    # name → what imports at the top level bind it to, dotted; of the project or not
    bound: Bound = field(default_factory=dict)
    # modules whose every name it imports, dotted
    stars: list[tuple[str, ...]] = field(default_factory=list)
    # statements at the top level that define nothing
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


@cache
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
    scan = _Scan(module.package, module.lazy)
    for node in nodes:
        scan.add(node)
    bound = {key: [*module.bound.get(key, ()), *to] for key, to in scan.bound.items()}
    further: list[Symbol] = [(path, LOOSE)]
    for chain in sorted(scan.chains):
        further += _resolve(module, chain, bound)
        to = bound.get(chain[0]) or module.bound.get(chain[0], ())
        scan.text += [f"{chain[0]}={'.'.join(parts)}" for parts in to]
    local = [*scan.stars, *(to for many in scan.bound.values() for to in many)]
    everywhere = [*module.stars, *(to for many in module.bound.values() for to in many)]
    # What is imported runs the statements of its module, and of the packages that this lies in.
    runs = [*local, *everywhere, module.package] if name == LOOSE else local
    further += [(file, LOOSE) for to in runs for file in _files(to)]
    if name == ALL:
        further += [symbol for to in everywhere for symbol in _follow(to)]
        if path.name == "__init__.py":
            further += [(file, ALL) for file in path.parent.glob("*.py")]
    return " ".join(scan.text), tuple(dict.fromkeys(further))


def _registered(module: _Module) -> Iterator[ast.stmt]:
    """Definitions that a decorator of the project may have put somewhere."""
    for node in (node for many in module.defined.values() for node in many):
        if decorators := getattr(node, "decorator_list", ()):
            scan = _Scan(module.package, module.lazy)
            for decorator in decorators:
                scan.add(decorator)
            if any(_resolve(module, chain, {}) for chain in scan.chains):
                yield node


def _part(module: _Module, name: str, part: str) -> list[ast.AST]:
    """One argument of the call, or one entry of the mapping, that `name` is assigned: nothing if it
    is not given, all of `name` where that cannot be told."""
    given = _arguments(module, name)
    if None in given or not given:
        return list(module.defined[name])
    return [given[part]] if part in given else []


def _arguments(module: _Module, name: str) -> dict[str | None, ast.AST]:
    """What `name` is assigned, by keyword or key; with None as a key if that is not all."""
    given: dict[str | None, ast.AST] = {}
    for node in module.defined[name]:
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call):
            given |= {keyword.arg: keyword.value for keyword in value.keywords}
            given |= dict.fromkeys([None] if value.args else [], node)
        elif isinstance(value, ast.Dict):
            pairs = zip(value.keys, value.values, strict=True)
            given |= {getattr(key, "value", None): each for key, each in pairs}
        else:
            given[None] = node
    return given


def _resolve(module: _Module, chain: tuple[str, ...], bound: Bound) -> list[Symbol]:
    """The definitions of the project that a chain of attributes in a module may refer to; bound: by
    imports inside the definition that it stands in."""
    name = chain[0]
    found = [(module.path, name)] if name in module.defined else []
    targets = bound.get(name) or module.bound.get(name, ())
    for target in targets:
        found += _follow(target + chain[1:])
    if name in ("globals", "vars", "locals", "eval", "exec"):
        found.append((module.path, ALL))
    if not found and not targets and not hasattr(builtins, name):
        found += [symbol for star in module.stars for symbol in _follow(star)]
    return found


def _follow(parts: tuple[str, ...]) -> list[Symbol]:
    """The definitions that a dotted path through the project's modules may mean."""
    found: list[Symbol] = []
    for depth in range(1, len(parts) + 1):
        path = _file(parts[:depth])
        if path is None:
            break
        if depth == len(parts):
            return [*found, (path, ALL)]
        module, name = _parse(path), parts[depth]
        if name in module.defined:
            found.append((path, name))
        for target in module.bound.get(name, ()):
            if target != parts[: depth + 1]:
                found += _follow(target + parts[depth + 1 :])
        if not found and _file(parts[: depth + 1]) is None:
            found.append((path, ALL))
    return found


def _file(parts: tuple[str, ...]) -> Path | None:
    """The file of a dotted module or package of the project."""
    return _existing(SCRIPTS.joinpath(*parts)) if parts[:1] == (PACKAGE,) else None


@cache
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


@cache
def _parse(path: Path) -> _Module:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    body = tree.body[1:] if _is_docstring(tree.body) else tree.body
    lazy = any(isinstance(each, ast.ImportFrom) and each.module == "__future__" for each in body)
    module = _Module(path, path.relative_to(SCRIPTS).parent.parts, lazy)
    scan = _Scan(module.package, lazy)
    for node in body:
        _sort(module, node)
        if isinstance(node, (ast.Import, ast.ImportFrom)) or node in module.loose:
            scan.add(node)
    module.bound, module.stars = scan.bound, scan.stars
    return module


def _sort(module: _Module, node: ast.stmt) -> None:
    """Put one statement of the top level where it belongs."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        module.defined.setdefault(node.name, []).append(node)
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        parts = [each for target in targets for each in ast.walk(target)]
        if all(isinstance(each, (ast.Name, ast.Tuple, ast.List, ast.Store)) for each in parts):
            for each in parts:
                if isinstance(each, ast.Name):
                    module.defined.setdefault(each.id, []).append(node)
        else:  # an attribute or an entry of something: it may be anybody's
            module.loose.append(node)
    elif not isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)):
        module.loose.append(node)


class _Scan:
    """Reads a piece of code without what changes no number: see the head of this module.

    text: what is left of it. chains: every name that it refers to, with the attributes taken of it.
    bound, stars: as in _Module, of the imports in it.
    """

    def __init__(self, package: tuple[str, ...], lazy: bool):
        self.package, self.lazy, self.in_class = package, lazy, False
        self.text: list[str] = []
        self.chains: set[tuple[str, ...]] = set()
        self.bound: Bound = {}
        self.stars: list[tuple[str, ...]] = []

    def add(self, node: ast.AST) -> None:
        if isinstance(node, (ast.Name, ast.Attribute)) and self._chain(node):
            return
        if isinstance(node, ast.Expr) and _speaks(node.value):
            return
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            self._add_value(node.orelse)
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._bind(node)
        outer = self.in_class
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            self.in_class = isinstance(node, ast.ClassDef)
        left_out = self._left_out(node)
        self.text.append(f"{type(node).__name__}(")
        for name in node._fields:
            if name not in left_out:
                self._add_value(getattr(node, name, None), name)
        self.text.append(")")
        self.in_class = outer

    def _add_value(self, value: object, name: str = "") -> None:
        if isinstance(value, ast.AST):
            self.add(value)
        elif isinstance(value, list):
            self.text.append("[")
            for each in value[1:] if name == "body" and _is_docstring(value) else value:
                self._add_value(each)
            self.text.append("]")
        else:
            self.text.append(repr(value))

    def _left_out(self, node: ast.AST) -> tuple[str, ...]:
        """Fields of a node that change no number."""
        if isinstance(node, ast.Call):
            told = TOLD + (BOUNDS if getattr(node.func, "id", "") == "Field" else ())
            node.keywords = [each for each in node.keywords if each.arg not in told]
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            named = getattr(node.exc.func, "id", "")
            if named == "UserError" or hasattr(builtins, named):
                node.exc.args, node.exc.keywords = [], []
        if self.lazy and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return ("returns",)
        if self.lazy and (
            isinstance(node, ast.arg) or (isinstance(node, ast.AnnAssign) and not self.in_class)
        ):
            return ("annotation",)
        return ("ctx",)

    def _chain(self, node: ast.AST) -> bool:
        """Take in a name with its attributes; False for attributes of something else."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return False
        chain = (node.id, *reversed(attributes))
        self.chains.add(chain)
        self.text.append(".".join(chain))
        return True

    def _bind(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split("."))
                to = parts if alias.asname else parts[:1]
                self.bound.setdefault(alias.asname or parts[0], []).append(to)
                if to != parts:
                    self.stars.append(parts)  # it is run, if nothing else
            return
        base = self.package[: len(self.package) - node.level + 1] if node.level else ()
        base += tuple(node.module.split(".")) if node.module else ()
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(base)
            else:
                bound = self.bound.setdefault(alias.asname or alias.name, [])
                bound.append((*base, alias.name))


def _is_docstring(body: list[ast.stmt]) -> bool:
    value = body[0].value if body and isinstance(body[0], ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))


def _speaks(call: ast.expr) -> bool:
    """Whether a statement only says something to a person: nothing in it can do anything else."""
    if not isinstance(call, ast.Call):
        return False
    named = call.func
    if getattr(named, "id", "") not in SPEAKERS and getattr(named, "attr", "") != "say":
        return False
    for node in (each for part in (*call.args, *call.keywords) for each in ast.walk(part)):
        if isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
            return False
        if isinstance(node, ast.Call):
            of = node.func
            text = isinstance(of, ast.Attribute) and isinstance(of.value, ast.Constant)
            pure = isinstance(of, ast.Name) and hasattr(builtins, of.id) and of.id != "next"
            if not text and not pure:
                return False
    return True
