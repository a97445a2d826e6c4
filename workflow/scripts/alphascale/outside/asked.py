"""What `alphascale decide` is asked: targets and prices, checked as a study's are."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..carbon import intensity
from ..errors import UserError, quoted
from ..metrics import TABLE
from ..records.specs import Prices, Target

# Words that a person writes for a key of `costs:`.
ALIASES = {"carbon": "carbon_g_per_kwh", "price_kwh": "price_per_kwh"}


@dataclass(frozen=True)
class Asked:
    """What is asked of a table, beside its columns."""

    targets: tuple[Target, ...]
    costs: Prices
    naive: float | None  # parameters of the model that would have been trained
    tested: int | None  # samples that errors were counted on
    level: float  # coverage of every interval
    withhold: int  # of the largest sizes


def targets_of(given: Sequence[str], confidence: float) -> tuple[Target, ...]:
    """Targets of words such as `accuracy=.95`; UserError for what a study would refuse too."""
    from pydantic import ValidationError

    from ..config import Target as Checked

    values: dict[str, float] = {}
    for word in given:
        name, _, value = (part.strip() for part in word.partition("="))
        if name not in TABLE:
            hint = _close(name, TABLE)
            raise UserError(f"--target {word}: no metric {name!r}; {hint}one of {', '.join(TABLE)}")
        if name in values:
            raise UserError(f"--target: {name} is given twice: which one?")
        number = _number(value)
        if not isinstance(number, float):
            raise UserError(f"--target {word}: {quoted(value)} is no number; write {name}=0.95")
        if TABLE[name].share and 1 < number <= 100:
            raise UserError(
                f"--target {word}: {TABLE[name].title} is a share between 0 and 1: write "
                f"{name}={number / 100:g}, and shares in the table too"
            )
        values[name] = number
    try:
        Checked(**values, confidence=confidence)
    except ValidationError as invalid:
        fault = invalid.errors()[0]
        message = fault["msg"].removeprefix("Value error, ")
        key = fault["loc"][0] if fault["loc"] else "target"
        where = "--confidence" if key == "confidence" else "--target"
        shown = f" {key}={values[key]:g}" if key in values else ""
        raise UserError(f"{where}{shown}: {message[0].lower()}{message[1:]}") from None
    return tuple(
        Target("loss", math.log(value), confidence, perplexity=value)
        if name == "perplexity"
        else Target(name, value, confidence)
        for name, value in values.items()
    )


def prices_of(given: Sequence[str], flags: dict[str, Any]) -> Prices:
    """Prices of files and words such as `watts=300`, and of flags, which count last.

    Keys are those of a study's `costs:`. UserError for an unknown one, or a value it cannot have.
    """
    from pydantic import ValidationError

    from ..config import Costs

    keys = list(Costs.model_fields)
    values: dict[str, Any] = {}
    for word in given:
        values |= _costs_of(word)
    values |= {key: value for key, value in flags.items() if value is not None}
    checked = {}
    for key, value in values.items():
        name = ALIASES.get(key, key)
        if name not in keys:
            raise UserError(f"--costs: unknown key {key!r}; {_close(key, keys)}{', '.join(keys)}")
        # `1e12` is text to YAML, and `NO` in quotes is Norway.
        checked[name] = _number(value) if isinstance(value, str) and name != "currency" else value
    try:
        costs = Costs.model_validate(checked)
    except ValidationError as invalid:
        fault = invalid.errors()[0]
        message = fault["msg"].removeprefix("Value error, ")
        key, said = fault["loc"][0], message[0].lower() + message[1:]
        raise UserError(f"--costs {key}={checked[key]}: {said}") from None
    grams, source = intensity(costs.carbon_g_per_kwh)
    source = source.replace("in the configuration", "by --costs")
    return Prices(**costs.model_dump() | {"carbon_g_per_kwh": grams, "carbon_source": source})


def _costs_of(word: str) -> dict[str, Any]:
    """The keys of `watts=300`, of several with commas between, or of a YAML file."""
    if "=" in word and not Path(word).is_file():
        pairs = [pair.partition("=") for pair in word.split(",")]
        if not all(equals and key.strip() and value.strip() for key, equals, value in pairs):
            raise UserError(f"--costs {word}: write key=value, as watts=300,carbon=FR")
        return {key.strip(): value.strip() for key, _, value in pairs}
    import yaml

    try:
        content = yaml.safe_load(Path(word).read_text(encoding="utf-8"))
    except OSError as fault:
        raise UserError(
            f"--costs {word}: cannot be read ({fault.strerror or fault}); give a YAML file or "
            "key=value, as watts=300"
        ) from None
    except (ValueError, yaml.YAMLError) as fault:
        line = getattr(getattr(fault, "problem_mark", None), "line", None)
        where = "" if line is None else f", line {line + 1}"
        raise UserError(f"--costs {word}{where}: is not YAML that can be read") from None
    if isinstance(content, dict) and isinstance(content.get("costs"), dict):
        content = content["costs"]  # a study's own file does as well
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise UserError(f"--costs {word}: is no mapping of keys, as `watts: 300`")
    return content


def _number(text: str) -> float | str:
    """A number as it is written in a table, else the text."""
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text


def _close(name: str, names: Any) -> str:
    found = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {found[0]}? " if found else ""
