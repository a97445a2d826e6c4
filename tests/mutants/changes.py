"""Plausible mistakes: every place of a file where one could be made, and what it would read then.

A place is an expression or a statement of the syntax tree; of the changes that it allows, one is
drawn. Left out is what no test should hold: docstrings, annotations, what is said to a person,
errors that are raised, `if TYPE_CHECKING`, `__repr__`.
"""

from __future__ import annotations

import ast
import builtins
import copy
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

MODULE = "<module>"
WIDTH = 96  # of a line that is shown
ATOMS = (ast.Name, ast.Attribute, ast.Constant, ast.Call, ast.Subscript, ast.Slice)
# Calls and keywords whose arguments are words for a person, or say what holds anyhow (`strict`).
SAYS = {"say", "progress", "print", "warn", "UserError", "Refused", "ValueError", "Note", "Warning"}
SAID = {"meaning", "description", "title", "how", "expression", "place", "strict", "filename"}

# Calls whose arguments may stand in any order.
EVEN = {"min", "max", "minimum", "maximum", "hypot", "union", "isclose", "allclose", "gcd"}

COMPARED: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
CALCULATED: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}  # fmt: skip
# Names that are taken for one another, as functions, attributes, keys or keywords.
PAIRS = (
    ("min", "max"), ("any", "all"), ("argmin", "argmax"), ("minimum", "maximum"),
    ("floor", "ceil"), ("mean", "median"), ("log", "log1p"), ("exp", "expm1"), ("sum", "mean"),
    ("sin", "cos"), ("zeros", "ones"), ("nanmin", "nanmax"), ("floor", "round"),
    ("first", "last"), ("lower", "upper"), ("low", "high"), ("total", "non_embedding"),
    ("validation", "test"), ("train", "test"), ("samples", "samples_seen"), ("loss", "error"),
    ("params", "samples"), ("seen", "ahead"), ("gross", "net"), ("start", "end"),
)  # fmt: skip
TAKEN: dict[str, list[str]] = {}
for one, other in PAIRS:
    TAKEN.setdefault(one, []).append(other)
    TAKEN.setdefault(other, []).append(one)


@dataclass(frozen=True)
class Place:
    """Where a mistake could be made: a node, the function it stands in, and the changes of it."""

    node: ast.AST
    scope: str  # dotted name of the function, MODULE outside of all
    changes: tuple[Callable[[], ast.AST], ...]  # each gives another node in its stead


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str  # below the package
    scope: str
    line: int
    before: str  # the line, or the part of it, that differs
    after: str
    source: str  # of the whole file, changed


def places(tree: ast.Module) -> list[Place]:
    """All places of a file, in its order."""
    return list(_walk(tree, MODULE, ()))


def mutant(file: str, source: str, place: Place, rng: Random) -> Mutant | None:
    """One of the place's changes; None where it reads the same or is no longer Python."""
    node = place.node
    made = ast.fix_missing_locations(rng.choice(place.changes)())
    new = ast.unparse(made)
    if isinstance(made, ast.expr) and not isinstance(made, ATOMS):
        new = f"({new})"
    raw = source.encode()
    lines = raw.splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    changed = (raw[:start] + new.encode() + raw[end:]).decode()
    try:
        if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source)):
            return None
    except SyntaxError:
        return None
    if node.lineno == node.end_lineno:
        shown = [text.splitlines()[node.lineno - 1].strip() for text in (source, changed)]
    else:
        shown = [ast.unparse(node), new.removeprefix("(").removesuffix(")")]
    return Mutant(file, place.scope, node.lineno, *_near(*shown), changed)


def _near(before: str, after: str) -> tuple[str, str]:
    """Two texts around the place where they differ."""
    both = zip(before, after, strict=False)
    at = next((i for i, (one, other) in enumerate(both) if one != other), len(after))
    first = 0 if at < WIDTH // 2 else at - WIDTH // 4
    return tuple(" ".join(text[first : first + WIDTH].split()) for text in (before, after))


def _walk(node: ast.AST, scope: str, local: tuple[str, ...]) -> Iterator[Place]:
    if _is_silent(node):
        return
    changes = tuple(_changes(node, local))
    if changes and getattr(node, "end_col_offset", None) is not None:
        yield Place(node, scope, changes)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            yield from _walk(default, scope, local)
        inner = f"{scope}.{node.name}".removeprefix(f"{MODULE}.")
        for child in _body(node):
            yield from _walk(child, inner, _locals(node))
        return
    if isinstance(node, ast.ClassDef):
        inner = f"{scope}.{node.name}".removeprefix(f"{MODULE}.")
        for child in _body(node):
            yield from _walk(child, inner, ())
        return
    for name, child in _children(node):
        if name not in ("annotation", "returns", "type_comment"):
            yield from _walk(child, scope, local)


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for name, value in ast.iter_fields(node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield name, each


def _body(node: ast.AST) -> list[ast.stmt]:
    """Its statements without the docstring."""
    return node.body[1:] if ast.get_docstring(node) is not None else node.body


def _is_silent(node: ast.AST) -> bool:
    """Whether nothing in it is to be changed."""
    if isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Assert)):
        return True
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.dump(node.test)
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name in ("__repr__", "__str__")
    if isinstance(node, ast.Call):
        return _called(node) in SAYS
    if isinstance(node, ast.keyword):
        return node.arg in SAID
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _locals(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    """Names that a function binds, its arguments among them."""
    args = [each.arg for each in (*node.args.args, *node.args.kwonlyargs) if each.arg != "self"]
    bound = [
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    ]
    return tuple(dict.fromkeys([*args, *bound]))


def _changes(node: ast.AST, local: tuple[str, ...]) -> Iterator[Callable[[], ast.AST]]:
    """What may be written in a node's stead."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in COMPARED[type(node.ops[0])]:
            yield lambda other=other: _with(node, ops=[other()])
    elif isinstance(node, ast.BinOp) and type(node.op) in CALCULATED and not _is_text(node):
        yield lambda: _with(node, op=CALCULATED[type(node.op)]())
    elif isinstance(node, ast.AugAssign) and type(node.op) in CALCULATED:
        yield lambda: _with(node, op=CALCULATED[type(node.op)]())
        yield ast.Pass
    elif isinstance(node, ast.BoolOp):
        other = ast.And if isinstance(node.op, ast.Or) else ast.Or
        yield lambda: _with(node, op=other())
        yield lambda: node.values[0]
        yield lambda: node.values[-1]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
        yield lambda: node.operand
    elif isinstance(node, ast.Constant):
        yield from _numbers(node)
    elif isinstance(node, ast.IfExp):
        yield lambda: _with(node, body=node.orelse, orelse=node.body)
        yield lambda: node.body
        yield lambda: node.orelse
    elif isinstance(node, (ast.If, ast.While)):
        yield lambda: _with(node, test=ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        for other in TAKEN.get(node.attr, ()):
            yield lambda other=other: _with(node, attr=other)
    elif isinstance(node, ast.Slice):
        yield from _slices(node)
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Name):
        for other in _others(node.value.id, local):
            yield lambda other=other: ast.Return(ast.Name(other, ast.Load()))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        if _called(node.value) not in SAYS:
            yield ast.Pass
    elif isinstance(node, ast.Continue):
        yield ast.Break
    elif isinstance(node, ast.Break):
        yield ast.Continue


def _numbers(node: ast.Constant) -> Iterator[Callable[[], ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield lambda: ast.Constant(not value)
    elif isinstance(value, int):
        yield lambda: ast.Constant(value + 1)
        if value > 1:
            yield lambda: ast.Constant(value - 1)
    elif isinstance(value, float):
        yield lambda: ast.Constant(value * 2 if value else 1.0)
        yield lambda: ast.Constant(value / 2 if value else 0.5)
    elif isinstance(value, str):
        for other in TAKEN.get(value, ()):
            yield lambda other=other: ast.Constant(other)


def _calls(node: ast.Call) -> Iterator[Callable[[], ast.AST]]:
    if isinstance(node.func, ast.Name):
        for other in TAKEN.get(node.func.id, ()):
            if hasattr(builtins, other):
                yield lambda other=other: _with(node, func=ast.Name(other, ast.Load()))
    plain = [i for i, each in enumerate(node.args) if not isinstance(each, ast.Starred)]
    for i, j in () if _called(node) in EVEN else itertools.pairwise(plain):
        if ast.dump(node.args[i]) != ast.dump(node.args[j]):
            yield lambda i=i, j=j: _with(node, args=_swapped(node.args, i, j))
    for i, keyword in enumerate(node.keywords):
        if keyword.arg not in SAID:
            yield lambda i=i: _with(node, keywords=node.keywords[:i] + node.keywords[i + 1 :])
    if len(node.args) == 1 and not node.keywords and isinstance(node.func, ast.Name):
        yield lambda: node.args[0]


def _slices(node: ast.Slice) -> Iterator[Callable[[], ast.AST]]:
    for end in ("lower", "upper"):
        if (value := getattr(node, end)) is not None:
            yield lambda end=end, value=value: _with(
                node, **{end: ast.BinOp(value, ast.Add(), ast.Constant(1))}
            )
    if node.lower is None and node.upper is not None:
        yield lambda: _with(node, lower=node.upper, upper=None)


def _others(name: str, local: tuple[str, ...]) -> list[str]:
    """The two names that are bound next to it."""
    if name not in local:
        return []
    at = local.index(name)
    return [each for each in (*local[max(at - 1, 0) : at], *local[at + 1 : at + 2])]


def _swapped(values: list[ast.expr], i: int, j: int) -> list[ast.expr]:
    values = list(values)
    values[i], values[j] = values[j], values[i]
    return values


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(each, ast.JoinedStr)
        or (isinstance(each, ast.Constant) and isinstance(each.value, str))
        for each in ast.walk(node)
    )


def _with(node: ast.AST, **fields: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made
