"""A study as the Snakefile takes it in: read and checked as far as can be without heavy imports."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from . import slices
from .config import Domain, Study, check_paths, read_study
from .data.checks import check_prepared
from .errors import UserError
from .families import family
from .families.sizes import check_size
from .records.files import canonical_json
from .sources.inspect import check_source


def load_study(config: dict[str, Any]) -> Study:
    """The study of a configuration mapping; UserError, one line, for whatever cannot be run."""
    study = read_study(config)
    check_paths(study)
    for name, task in study.domains.items():
        data = slices.data_slice(study, name)
        check_source(name, data)
        _check_ladder(name, task)
        if task.naive is not None:
            check_size(task.family, task.naive, f"configuration: domains.{name}.naive")
        slices.check_factory(name, task)
        prepared = Path(slices.folder(study), "data", f"{name}.json")
        check_prepared(name, prepared, data, slices.fractions(study, name))
    return study


def _check_ladder(name: str, task: Domain) -> None:
    """Raise UserError for a size that the family does not take, or whose runs stand twice, under
    two names: it would count as two, and a withheld one would have been seen under the other. Two
    sizes that build one network are the same.

    A plan trains a size of the ladder once more under a name of its own, with other seeds.
    """
    known: dict[tuple[str, str, int], str] = {}
    for scale, size in task.ladder.items():
        where = f"configuration: domains.{name}.ladder.{scale}"
        full = check_size(task.family, size, where)
        network = family(task.family).network
        complete = canonical_json(network(full) if network else full)
        own = task.runs.get(scale)
        fractions = (own and own.fractions) or task.fractions
        for run in itertools.product(fractions, (own and own.seeds) or task.seeds):
            first = known.setdefault((complete, *run), scale)
            if first != scale:
                raise UserError(
                    f"{where}: is the size that {first!r} is, defaults filled in and widths "
                    "rounded to what is built: take one of the two out (`seeds` trains a size more "
                    "than once)"
                )
