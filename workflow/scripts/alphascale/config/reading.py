"""From a mapping, as read from YAML, to a study; or one line that says what is wrong."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from ..errors import UserError
from ..sources import source
from .study import Study


def read_study(config: dict[str, Any]) -> Study:
    """Validate a configuration mapping (as read from YAML).

    Raises UserError with one line that names the key, what was given and what is allowed.
    """
    try:
        return Study.model_validate(config)
    except ValidationError as invalid:
        # A misspelt key also leaves the right one missing: say the misspelling first.
        faults = sorted(invalid.errors(), key=lambda error: error["type"] != "extra_forbidden")
        lines = [_explain(error) for error in faults]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise UserError(f"configuration: {lines[0]}{more}") from None


def refuse_code(path: str | Path) -> None:
    """Raise UserError for a study's file that is not plain YAML or JSON.

    Snakemake evaluates Python expressions in a file that says `__use_yte__` (YTE templates). A
    study is data: the default one is refused before that; one given by --configfile Snakemake has
    read before any workflow can look, so it is refused before anything runs.
    """
    try:
        study = yaml.load(Path(path).read_text(encoding="utf-8"), yaml.CSafeLoader)
    except OSError as fault:
        raise UserError(f"{path}: cannot be read ({fault.strerror or fault})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        text = " ".join(str(fault).split()) or type(fault).__name__
        raise UserError(f"{path}: is not plain YAML or JSON ({text[:200]})") from None
    if not isinstance(study, dict):
        raise UserError(f"{path}: is not a study: keys such as `domains:` are expected")
    if "__use_yte__" in study:
        raise UserError(
            f"{path}: `__use_yte__` would run Python code from a study, which is data; take it out "
            "and write the values themselves"
        )


def check_paths(study: Study) -> None:
    """Raise UserError where a path of the study names nothing on this machine."""
    for name, domain in study.domains.items():
        path = domain.data.path
        if source(domain.data.source).origin == "own" and not Path(path).exists():
            raise UserError(
                f"configuration: domains.{name}.data.path: {path!r} does not exist: give a file or "
                "folder, absolute or relative to the folder that snakemake runs in"
            )


def _explain(error: dict[str, Any]) -> str:
    """One line for one pydantic error: the key, the fault, what is allowed."""
    key = ".".join(str(part) for part in error["loc"] if part != "[key]") or "the study"
    key = key if key.isprintable() else repr(key)  # a name may be anything, a newline too
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] != "value_error":  # ours begin as they should, pydantic's with a capital
        message = message[0].lower() + message[1:]
    if error["type"] == "extra_forbidden":
        allowed = _keys_at(error["loc"][:-1])
        close = difflib.get_close_matches(str(error["loc"][-1]), allowed, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        return f"{key}: unknown key; {hint}allowed here: {', '.join(allowed)}"
    if error["type"] == "missing":
        return f"{key}: this key is needed and missing"
    given = error.get("input")
    shown = (
        f", not {given!r}"
        if isinstance(given, (str, int, float)) and repr(given) not in message
        else ""
    )
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
    return list(section.model_fields)
