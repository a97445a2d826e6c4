"""All figures of a domain or of a group of language domains, as files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from ..records.compare import CompareRecord
from ..records.language import LanguageRecord
from . import accuracy, carbon, compute, loss, perplexity, predicted, surface  # noqa: F401
from .catalog import FIGURES, LANGUAGE_FIGURES
from .records import Records
from .style import KINDS, save

# A figure of a domain is `draw` of the module that bears its name, one of a group of language
# domains is the function of its name in `perplexity`.
DRAW = {name: globals()[name].draw for name in FIGURES}
DRAW_LANGUAGE = {name: getattr(perplexity, name) for name in LANGUAGE_FIGURES}


def draw_all(
    figures: Mapping[str, Callable[..., Figure]],
    found: Records | LanguageRecord | CompareRecord,
    folder: str | os.PathLike,
) -> None:
    """Write every figure of DRAW, DRAW_LANGUAGE or `families.DRAW` to `folder`, a file per kind."""
    for name, draw in figures.items():
        figure = draw(found)
        for kind in KINDS:
            save(figure, Path(folder) / f"{name}.{kind}")
