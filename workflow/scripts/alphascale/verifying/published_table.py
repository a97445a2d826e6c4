"""The table that the system αScale published, and what a study of the same three tasks gives.

Published: R² and mean absolute error of accuracy = a − b·N^(−α) on the points it was fitted to, N*,
and the compute saved against the largest size. Its own points were not published, nor its targets
but vision's: so N* is that at the study's own target.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..deciding.shown import as_accuracy
from ..errors import UserError
from ..records.decision import DecisionRecord
from ..records.fit import ShownForm
from ..records.typed import read
from ..units import count, percent


@dataclass(frozen=True)
class Row:
    """One row of the published table."""

    r2: float
    mae: float  # of accuracy, a share
    n_star: float
    naive: float  # parameters of the largest size
    saved: float  # share of the largest's compute


# README of αScale, "Results"; Covertype's naive model is "512 K" there and 560 K by its code.
PUBLISHED = {
    "vision": Row(0.97, 0.0081, 342e3, 4.7e6, 0.927),
    "nlp": Row(0.68, 0.0061, 883e3, 11e6, 0.912),
    "tabular": Row(0.999, 0.0014, 345e3, 560e3, 0.384),
}
HEAD = ("domain", "", "R²", "MAE", "N*", "naive", "compute saved")


def compare(folder: str | Path) -> tuple[list[tuple[str, ...]], list[str]]:
    """Rows of text, published and ours of each domain, and what is missing, a sentence each.

    folder: of a study's results, such as results/paper.
    """
    rows, missing = [], []
    for domain, theirs in PUBLISHED.items():
        rows.append((domain, "published", *_cells(theirs)))
        try:
            ours = measured(read(Path(folder, "decision", f"{domain}.json"), DecisionRecord))
        except UserError as reason:
            missing.append(f"{domain}: {reason}")
            continue
        rows.append(("", "here", *_cells(ours)))
    return rows, missing


def measured(decision: DecisionRecord) -> Row:
    """A decision's row. Raises UserError where no law could be fitted."""
    found = decision.shown
    if not isinstance(found, ShownForm) or as_accuracy(found).of != "accuracy":
        raise UserError(f"no law of accuracy at fraction {decision.fraction}")
    naive, built = decision.naive, decision.architecture
    return Row(
        r2=found.in_sample["r2"],
        mae=found.in_sample["mae"],
        n_star=decision.n_star,
        naive=naive and naive.params["total"],
        saved=1 - built.price.flops / naive.price.flops if naive and built else None,
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        "undefined" if row.r2 is None else f"{row.r2:.3f}",
        f"{row.mae:.4f}",
        "none" if row.n_star is None else count(row.n_star),
        "none" if row.naive is None else count(row.naive),
        "none" if row.saved is None else percent(row.saved),
    )
