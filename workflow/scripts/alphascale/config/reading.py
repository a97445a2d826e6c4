"""From a mapping, as read from YAML, to a study; or one line that says what is wrong."""

from __future__ import annotations

import difflib
import json
import os
import re
from pathlib import Path
from types import UnionType
from typing import Any

from pydantic import BaseModel, ValidationError

from ..errors import UserError, quoted
from ..sources import source
from .study import Study


def read_study(config: dict[str, Any]) -> Study:
    """Validate a configuration mapping (as read from YAML).

    A domain that is null is left out: a further file or `--config` says so of one that it has no
    use for.
    Raises UserError with one line that names the key, what was given and what is allowed.
    """
    try:
        _check_plain(config, (), ())
        # Of JSON, unlike of Python's values, pydantic's strict takes mappings for sections; `true`
        # and "12" are numbers to neither.
        text = json.dumps(_quickened(_without_null(config)))
    except (ValueError, RecursionError) as fault:  # an integer of more than 4,300 digits
        raise UserError(f"configuration: a value is out of all bounds ({fault})") from None
    try:
        return Study.model_validate_json(text, strict=True)
    except ValidationError as invalid:
        # A misspelt key also leaves the right one missing: say the misspelling first.
        faults = sorted(invalid.errors(), key=lambda error: error["type"] != "extra_forbidden")
        lines = [_explain(error) for error in faults]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise UserError(f"configuration: {lines[0]}{more}") from None


def _quickened(config: dict[str, Any]) -> dict[str, Any]:
    """The quick test of a study that says `quick: true`; any other as it is.

    What is no mapping, or misspelt, is left for the validation to name.
    """
    domains = config.get("domains")
    if config.get("quick") is not True or not isinstance(domains, dict):
        return config
    kept = {}
    for name, task in domains.items():
        said = task.get("quick") if isinstance(task, dict) else None
        if not isinstance(said, dict):
            continue
        task = task | {key: said[key] for key in ("only", "withhold") if said.get(key) is not None}
        training = task.get("training", {})
        if said.get("epochs") is not None and isinstance(training, dict):
            task["training"] = training | {"epochs": said["epochs"]}
        kept[name] = task
    if not kept:
        raise UserError(
            "configuration: quick: no domain has a `quick` section, which says what its quick test "
            "is, as `quick: {only: [SCALE, …], epochs: 3}`"
        )
    return config | {"domains": kept, "run": f"{config.get('run', 'default')}-quick"}


def _without_null(config: dict[str, Any]) -> dict[str, Any]:
    domains = config.get("domains")
    if not isinstance(domains, dict):
        return config
    kept = {name: task for name, task in domains.items() if task is not None}
    if domains and not kept:
        raise UserError("configuration: domains: all of them are null: leave one in")
    return config | {"domains": kept}


def _check_plain(value: Any, place: tuple[Any, ...], within: tuple[int, ...]) -> None:
    """Raise UserError for what YAML can say and a study cannot: keys that are no text, dates,
    text that is no Unicode, and a section (`within`, by identity) that holds itself."""
    where = f"configuration: {'.'.join(map(str, place)) or 'the study'}"
    if id(value) in within:
        raise UserError(f"{where}: this section holds itself, by an anchor: write it out")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise UserError(f"{where}: the key {quoted(key)} is not text: write it in quotes")
            _check_plain(inner, (*place, key), (*within, id(value)))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            _check_plain(inner, (*place, i), (*within, id(value)))
    elif isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise UserError(f"{where}: {quoted(value)} holds half a character: write it out")
    elif value is not None and not isinstance(value, (bool, int, float)):
        kind = type(value).__name__
        raise UserError(f"{where}: {value} is read as a {kind}: write it in quotes if it is text")


def check_paths(study: Study) -> None:
    """Raise UserError where a path of the study names nothing on this machine."""
    for name, domain in study.domains.items():
        path = domain.data.path
        if path is not None and os.path.exists(path) and not _plain_file(path):
            raise UserError(
                f"configuration: domains.{name}.data.path: {path!r} is neither a file nor a folder "
                "but a pipe or a device, which may never end: write its content to a file"
            )
        if source(domain.data.source).origin == "own" and not Path(path).exists():
            raise UserError(
                f"configuration: domains.{name}.data.path: {path!r} does not exist: give a file or "
                "folder, absolute or relative to the folder that snakemake runs in"
            )


def _plain_file(path: str) -> bool:
    return os.path.isfile(path) or os.path.isdir(path)


def _explain(error: dict[str, Any]) -> str:
    """One line for one pydantic error: the key, the fault, what is allowed."""
    key = ".".join(str(part) for part in error["loc"] if part != "[key]") or "the study"
    if not key.isprintable() or len(key) > 200:  # a name may be anything, a newline too
        key = quoted(key)
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] != "value_error":  # ours begin as they should, pydantic's with a capital
        message = message[0].lower() + message[1:]
        message = message.replace("valid array", "valid list").replace("an object", "a mapping")
    if error["type"] == "extra_forbidden":
        allowed = _keys_at(error["loc"][:-1])
        close = difflib.get_close_matches(str(error["loc"][-1]), allowed, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        return f"{key}: unknown key; {hint}allowed here: {', '.join(allowed)}"
    if error["type"] == "missing":
        return f"{key}: this key is needed and missing"
    given = error.get("input")
    shown = ""
    if isinstance(given, (str, int, float)) and repr(given) not in message:
        shown = f", not {quoted(given)}"
    if isinstance(given, str) and re.fullmatch(r"[-+]?\d+(\.\d+)?[eE][-+]?\d+", given):
        mantissa, exponent = given.lower().split("e")
        sign = exponent if exponent[0] in "+-" else f"+{exponent}"
        mantissa += "" if "." in mantissa else ".0"
        shown += f": YAML takes that for text, so write {mantissa}e{sign}"
    if error["type"] == "string_pattern_mismatch":
        message = "a name may hold letters, digits, `_`, `-`, `.` and starts with a letter or digit"
    return f"{key}: {message}{shown}"


def _keys_at(loc: tuple[Any, ...]) -> list[str]:
    """The keys that the section at `loc` allows."""
    section: Any = Study
    for part in loc:
        if isinstance(section, type) and issubclass(section, BaseModel):
            section = section.model_fields[part].annotation
        else:  # dict[Name, X]: the part is a name the user chose
            section = section.__args__[1]
        if isinstance(section, UnionType):  # X | None
            section = section.__args__[0]
    return list(section.model_fields)
