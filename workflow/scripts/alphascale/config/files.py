"""What a study is read from: its file, which is to be plain YAML, every key once, and the settings
of a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ..errors import UserError


def refuse_code(path: str | Path) -> None:
    """Raise UserError, naming the file and the line, for a study's file that is not plain YAML or
    JSON, says a key twice, refers to itself or holds two documents.

    Snakemake evaluates Python expressions in a file that says `__use_yte__` (YTE templates). A
    study is data: the default one is refused before that; one given by --configfile Snakemake has
    read before any workflow can look, so it is refused before anything runs.
    """
    tree = _tree(path)
    if not isinstance(tree, yaml.MappingNode):
        raise UserError(f"{path}: is not a study: keys such as `domains:` are expected")
    try:
        _check(path, tree, (), set())
    except RecursionError:
        raise UserError(f"{path}: is nested too deeply for a study") from None
    for key, _ in tree.value:
        if key.value == "__use_yte__":
            raise UserError(
                f"{path}: `__use_yte__` would run Python code from a study, which is data; take it "
                "out and write the values themselves"
            )


def _tree(path: str | Path) -> yaml.Node | None:
    """The file's nodes, which know their lines; its values are made once, to see that they can."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as fault:
        raise UserError(f"{path}: cannot be read ({fault.strerror or fault})") from None
    except UnicodeDecodeError as fault:
        line = fault.object.count(b"\n", 0, fault.start) + 1
        byte = f"0x{fault.object[fault.start]:02x}"
        raise UserError(
            f"{path}, line {line}: is not UTF-8 text (byte {byte}): save it as UTF-8"
        ) from None
    try:
        documents = list(yaml.compose_all(text, yaml.CSafeLoader))
        if len(documents) > 1:
            line = documents[1].start_mark.line
            raise UserError(
                f"{path}, line {line}: a second document begins here (`---`): a study is one; take "
                "that line out, or put what follows into a file of its own"
            )
        yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        words = " ".join(str(fault).split()) or type(fault).__name__
        raise UserError(f"{path}: is not plain YAML or JSON ({words[:200]})") from None
    return documents[0] if documents else None


def _check(path: str | Path, node: yaml.Node, within: tuple[int, ...], done: set[int]) -> None:
    """Raise UserError for a key that is said twice in one mapping, of which YAML keeps the last
    alone, and for a node that lies in itself (`within`). `done`: nodes that were looked at."""
    line = node.start_mark.line + 1
    if id(node) in within:
        raise UserError(f"{path}, line {line}: what begins here holds itself, by its anchor")
    if id(node) in done or isinstance(node, yaml.ScalarNode):
        return
    inner = node.value
    if isinstance(node, yaml.MappingNode):
        inner = [each for pair in node.value for each in pair]
        _check_keys(path, [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
    for each in inner:
        _check(path, each, (*within, id(node)), done)
    done.add(id(node))


def _check_keys(path: str | Path, keys: list[yaml.ScalarNode]) -> None:
    seen: dict[str, int] = {}
    for key in keys:
        line = key.start_mark.line + 1
        if key.value in seen:
            raise UserError(
                f"{path}, line {line}: the key `{key.value}` stands in line {seen[key.value]} "
                "already, and YAML would keep only one of the two: rename it or take it out"
            )
        seen[key.value] = line


def typed(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of `--config` as a file would have said them: within a mapping or a list Snakemake
    leaves all values text, "3" and "null" too."""
    nested = (dict, list)
    return {
        key: _typed(each) if isinstance(each, nested) else each for key, each in settings.items()
    }


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    try:
        return yaml.load(value, yaml.CSafeLoader) if isinstance(value, str) and value else value
    except yaml.YAMLError:  # a quoted text that is no YAML by itself, such as "a: b: c"
        return value
