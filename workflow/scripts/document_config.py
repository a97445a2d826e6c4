"""Write the configuration's JSON schema and its reference, from where it is defined.

    python workflow/scripts/document_config.py

writes workflow/schemas/config.schema.json and the reference below the marker in config/README.md.
"""

from __future__ import annotations

import argparse
import json
import math
import types
import typing
from pathlib import Path

from alphascale.config import Section, Study
from alphascale.families import families
from alphascale.families.descriptor import Family
from alphascale.sources import sources
from alphascale.sources.descriptor import COMMON
from pydantic_core import PydanticUndefined

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.json"
README = ROOT / "config" / "README.md"
MARKER = "<!-- below: written by workflow/scripts/document_config.py -->"


def schema_text() -> str:
    """The JSON schema, for editors that complete and check YAML."""
    return json.dumps(Study.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def reference_text() -> str:
    """A table per section (key, type, default, meaning), then the families and the sources."""
    sections = [_section(section, title) for title, section in _sections(Study, "")]
    sections += [_families(), *map(_sizes, families().values()), _sources()]
    return "\n\n".join(sections) + "\n"


def readme_text() -> str:
    """config/README.md with its reference made anew."""
    return (
        README.read_text(encoding="utf-8").partition(MARKER)[0] + MARKER + "\n\n" + reference_text()
    )


def _sections(section: type[Section], prefix: str) -> list[tuple[str, type[Section]]]:
    found = [(prefix or "top level", section)]
    for key, field in section.model_fields.items():
        inner = _inner(field.annotation)
        if inner:
            named = ".NAME" if typing.get_origin(field.annotation) is dict else ""
            found += _sections(inner, f"{prefix}.{key}{named}".lstrip("."))
    return found


def _inner(annotation: object) -> type[Section] | None:
    """The section inside an annotation, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    for part in typing.get_args(annotation):
        if inner := _inner(part):
            return inner
    return None


def _section(section: type[Section], title: str) -> str:
    lines = [f"### `{title}`", "", section.__doc__.strip().splitlines()[0], ""]
    lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for key, field in section.model_fields.items():
        lines.append(
            f"| `{key}` | {_type(field.annotation)}{_bounds(field.metadata)} | {_default(field)} "
            f"| {field.description} |"
        )
    return "\n".join(lines)


def _families() -> str:
    lines = ["### Families", "", "What `family` may be, a file each in `alphascale/families/`.", ""]
    lines += ["| family | data it takes | what it is |", "| --- | --- | --- |"]
    for name, family in families().items():
        lines.append(f"| `{name}` | {', '.join(family.kinds)} | {family.description} |")
    return "\n".join(lines)


def _sizes(family: Family) -> str:
    lines = [f"#### Sizes of `{family.name}`", ""]
    lines += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for name, key in family.keys.items():
        default = "needed" if key.default is None else f"`{json.dumps(key.default)}`"
        if key.default is not None and not key.allows(key.default):  # it stands for a rule
            default = "by rule" if key.type is int else "none"
        lines.append(f"| `{name}` | {key.describe()} | {default} | {key.meaning} |")
    if family.others:
        lines.append(f"| any other | value | | {family.others} |")
    return "\n".join(lines)


def _sources() -> str:
    every = ", ".join(f"`{key}`" for key in COMMON)
    lines = ["### Sources", "", "What `source` may be, a file each in `alphascale/sources/`."]
    lines += [f"All of them read {every}.", ""]
    lines += ["| source | from | data | what it is | keys beside those that all read |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    for name, source in sources().items():
        keys = ", ".join(f"`{key}`" for key in source.reads if key not in COMMON)
        lines.append(
            f"| `{name}` | {source.origin} | {source.kind} | {source.description} | {keys} |"
        )
    return "\n".join(lines)


def _default(field) -> str:
    if field.default_factory is not None:
        return "see below"
    if field.default is PydanticUndefined:
        return "needed"
    return f"`{json.dumps(field.default)}`"


def _type(annotation: object) -> str:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(args[0]) + _bounds(args[1:])
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("null" if a is type(None) else _type(a) for a in args)
    if origin is list:
        return f"list of {_type(args[0])}"
    if origin is dict:
        return f"mapping of name to {_type(args[1])}"
    if annotation is typing.Any:
        return "value"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "section"
    return {"str": "text", "int": "integer", "float": "number", "bool": "true or false"}.get(
        annotation.__name__, annotation.__name__
    )


def _bounds(metadata) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    parts = []
    for item in metadata:
        items = getattr(item, "metadata", None) or [item]  # a pydantic Field carries its own list
        for bound in items:
            parts += [
                f"{sign} {_number(getattr(bound, name))}"
                for name, sign in signs.items()
                if getattr(bound, name, None) is not None
            ]
    return f" {', '.join(parts)}" if parts else ""


def _number(value: float) -> str:
    """1,000,000; a power of ten beyond that, or of two, as such."""
    if not isinstance(value, int) or value <= 10_000_000:
        return f"{value:,g}" if isinstance(value, float) else f"{value:,}"
    base = 2 if value & (value - 1) == 0 else 10
    return f"{base}^{round(math.log(value, base))}"


if __name__ == "__main__":
    # Nothing but --help: whoever asks for that must not find the files written.
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    SCHEMA.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    README.write_text(readme_text(), encoding="utf-8")
    print(f"wrote {SCHEMA.relative_to(ROOT)} and the reference in {README.relative_to(ROOT)}")
