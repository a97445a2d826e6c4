"""All figures of a domain, as files."""

from __future__ import annotations

import os
from pathlib import Path

from . import accuracy, carbon, compute, loss, predicted, surface
from .records import Records
from .style import KINDS, save

DRAW = {
    "accuracy": accuracy.draw,
    "loss": loss.draw,
    "compute": compute.draw,
    "predicted": predicted.draw,
    "carbon": carbon.draw,
    "surface": surface.draw,
}


def draw_domain(records: Records, folder: str | os.PathLike) -> None:
    """Write every figure of a domain to `folder`, one file per kind."""
    for name, draw in DRAW.items():
        figure = draw(records)
        for kind in KINDS:
            save(figure, Path(folder) / f"{name}.{kind}")
