"""Folders whose every file describes one thing: all that is there is found, nothing is listed."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from .errors import UserError


def discover(package: str, paths: list[str], attribute: str) -> dict[str, Any]:
    """The `attribute` of every module of a package that has one, by its name; no fixed order.

    Raises UserError, naming the file, for one that cannot be imported or takes another's name.
    """
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(paths):
        try:
            entry = getattr(import_module(f"{package}.{module.name}"), attribute, None)
        except (
            Exception,
            SystemExit,
        ) as fault:  # somebody's new file: whatever is wrong is wrong in it
            where = f"{package.replace('.', '/')}/{module.name}.py"
            raise UserError(
                f"{where}: cannot be imported ({type(fault).__name__}: {fault})"
            ) from fault
        if entry is None:
            continue
        if entry.name in found:
            raise UserError(
                f"{package.replace('.', '/')}/{module.name}.py: {attribute} is named "
                f"{entry.name!r}, as that of another file is; give it a name of its own"
            )
        found[entry.name] = entry
    return found
