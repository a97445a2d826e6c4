"""A law from a file: one that `alphascale fit --out` saved, or a study's own.

A study leaves its laws with their draws in `bootstrap/{domain}.json`, and decides with them; the
`fit/{domain}.json` beside it stands for the same.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from .. import laws
from ..errors import UserError
from ..records.bootstrap import BootstrapRecord
from ..records.files import read_json
from ..records.fit import FitRecord
from ..records.runs import largest
from ..records.typed import Refused, read

JOINT = "joint"


def load(path: str | Path) -> laws.Fit | laws.AutoLaw | laws.Fits:
    """The law in a file. Of a study's: that of its largest fraction, which it decides with; another
    by its name before the path, `0.5:bootstrap/tabular.json`, `joint:…` for the law of N and D.

    Raises UserError, one line, for a file that holds no law.
    """
    part, file = _part_of(str(path))
    if not _of_study(file):
        if part:
            raise UserError(f"{path}: only a study's bootstrap has parts: give {file} alone")
        return laws.load(file)
    if "resamples" not in read_json(file):  # a fit: the same laws, with draws, are in the bootstrap
        read(file, FitRecord)
        file = Path(file).parent.parent / "bootstrap" / Path(file).name
    record = read(file, BootstrapRecord)
    if part == JOINT:
        found = record.joint
    else:
        part = part or largest(record.fractions)
        if part not in record.fractions:
            known = ", ".join([*record.fractions, JOINT])
            raise UserError(f"{file}: has no fraction {part}; name one of {known}")
        found = record.fractions[part]
    if isinstance(found, Refused):
        raise UserError(f"{file}: no law of {part}: {found.refused}")
    return laws.read(found.fit)


def _part_of(path: str) -> tuple[str, str]:
    """What stands before the path, and the path; a file of that whole name goes first."""
    named = re.match(rf"({JOINT}|[0-9.e-]+):(.+)", path)
    return named.groups() if named and not os.path.exists(path) else ("", path)


def _of_study(file: str) -> bool:
    """Whether a file is a study's fit or bootstrap; what is neither is left to `laws.load`."""
    try:
        data = read_json(file)
    except UserError:
        return False
    if not isinstance(data, dict) or "target" in data:  # a decision has fractions too
        return False
    return {"domain", "fractions", "joint"} <= data.keys()
