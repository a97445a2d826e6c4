"""The audit as a picture: a row a check, a column a domain, a sign and a colour for the answer."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from . import style

if TYPE_CHECKING:
    from ..records.audit import AuditRecord

COLUMN = 34  # characters of a domain's column
# A sign beside the colour: the picture must also speak in grey.
SIGNS = {
    "passed": ("+", style.GREEN),
    "warned": ("!", style.ORANGE),
    "failed": ("×", style.VERMILLION),
}
LINE, PAD = 0.165, 0.12


@style.styled
def draw(audits: list[AuditRecord]) -> Figure:
    """Checks as rows, domains as columns; each cell its answer and its figure."""
    names = [check.check for check in audits[0].checks]
    cells = [
        [textwrap.wrap(found.checks[row].figure, COLUMN) for found in audits]
        for row in range(len(names))
    ]
    tall = [max(len(lines) for lines in row) * LINE + PAD for row in cells]
    width, height = 1.7 + 2.6 * len(audits), sum(tall) + 1.1
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.text(0.12, height - 0.24, "Audit of the study", fontsize=10.5, fontweight="bold")
    key = ",  ".join(f"{sign} {word}" for word, (sign, _) in SIGNS.items())
    axes.text(0.12, height - 0.45, key, fontsize=8.5)
    y = height - 0.72
    for column, found in enumerate(audits):
        title = f"{found.domain}, fraction {found.fraction}"
        axes.text(1.7 + 2.6 * column, y, title, fontweight="bold", fontsize=9.5)
    y -= 0.09
    axes.plot([0.1, width - 0.1], [y, y], color="black", linewidth=1)
    for row, (name, deep) in enumerate(zip(names, tall, strict=True)):
        if row % 2 == 0:
            axes.axhspan(y - deep, y, color="#F2F2F2", linewidth=0)
        axes.text(0.12, y - PAD / 2 - 0.125, name.capitalize(), fontsize=8.5)
        for column, found in enumerate(audits):
            sign, colour = SIGNS[found.checks[row].status]
            x = 1.7 + 2.6 * column
            axes.text(
                x - 0.17, y - PAD / 2 - 0.125, sign, color=colour, fontweight="bold", fontsize=11
            )
            for i, words in enumerate(cells[row][column]):
                axes.text(x, y - PAD / 2 - 0.125 - i * LINE, words, fontsize=8.5)
        y -= deep
    axes.plot([0.1, width - 0.1], [y, y], color="black", linewidth=1)
    return figure
