"""A study as the Snakefile takes it in: read and checked as far as can be without heavy imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import slices
from .config import Study, check_paths, read_study
from .data.checks import check_prepared
from .families.sizes import check_size
from .sources.inspect import check_source


def load_study(config: dict[str, Any]) -> Study:
    """The study of a configuration mapping; UserError, one line, for whatever cannot be run."""
    study = read_study(config)
    check_paths(study)
    for name, task in study.domains.items():
        data = slices.data_slice(study, name)
        check_source(name, data)
        for scale, size in task.ladder.items():
            check_size(task.family, size, f"configuration: domains.{name}.ladder.{scale}")
        if task.naive is not None:
            check_size(task.family, task.naive, f"configuration: domains.{name}.naive")
        slices.check_factory(name, task)
        prepared = Path(f"results/{study.run}/data/{name}.json")
        check_prepared(name, prepared, data, slices.fractions(study, name))
    return study
