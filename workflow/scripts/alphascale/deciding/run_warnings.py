"""What went wrong while the ladder was trained, in sentences: for the decision and the summary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..auditing.chance import chance_of
from ..metrics import metric
from ..records.data import Meta, PreparedData
from ..records.specs import Target
from ..units import percent, significant

if TYPE_CHECKING:
    import pandas

# Names listed in a sentence before it says how many more.
LISTED = 4


def guessing(target: Target, meta: Meta) -> list[str]:
    """A sentence where a target asks for no more than a guess: of a class (or token), or what a
    model reaches that looks at no sample."""
    nothing = "nothing need be trained for it"
    if target.fitted >= (limit := constant(target, meta)):
        if target.metric in ("accuracy", "error"):
            return [
                f"the target is met by naming the commonest class always, {percent(1 - limit)} of "
                f"the test samples: {nothing}"
            ]
        named = metric(target.metric)
        best = f"{named.title} {significant(named.falling(limit))}"
        return [f"the target is met by a constant answer, without a look at any sample ({best}): "
                f"{nothing}"]  # fmt: skip
    if meta.task in ("labels", "numbers") or target.metric not in ("accuracy", "error", "loss"):
        return []
    limit = math.log(meta.classes) if target.metric == "loss" else 1 - 1 / meta.classes
    if target.fitted < limit:
        return []
    among = f"{meta.classes:,} {'tokens' if meta.kind == 'tokens' else 'classes'}"
    return [f"the target is no better than guessing among {among}: {nothing}"]


def constant(target: Target, meta: Meta) -> float:
    """What a constant answer reaches on the test samples, as laws are fitted to it; infinite where
    that is not told."""
    if target.metric == "loss":
        known = chance_of(meta) if isinstance(meta, PreparedData) else None
        return math.inf if known is None else known.entropy
    if meta.task == "numbers":  # that of the training labels' mean, on the test labels
        rmse = getattr(meta, "constant_rmse", None)
        return {"rmse": rmse or math.inf, "r2": 1.0}.get(target.metric, math.inf)
    chance = metric(target.metric).chance
    if meta.classes < metric(target.metric).fewest:
        return math.inf  # it is not defined, and that is said
    shares = meta.class_shares("test") if isinstance(meta, PreparedData) else []
    # Of several labels none is named always: a label that most samples have not is not an answer.
    if not chance or not shares or (meta.task == "labels" and target.metric != "auroc"):
        return math.inf
    return chance(shares)


def run_warnings(frame: pandas.DataFrame) -> list[str]:
    """Sentences on a domain's observations: diverged runs, HIGH generalisation warnings, and the
    warnings of the records (a learning rate on the edge of its list), with the cells they are in.
    """
    found = []
    diverged = frame[frame["status"] == "diverged"]
    if len(diverged):
        found.append(f"{len(diverged)} of {len(frame)} runs diverged: {_cells(diverged)}")
    high = frame[frame["level"] == "HIGH"]
    if len(high):
        found.append(
            f"generalisation warning HIGH in {len(high)} of {len(frame)} runs: {_cells(high)}"
        )
    codes = warning_codes(frame)
    for code in sorted({code for each in codes for code in each}):
        with_code = frame[[code in each for each in codes]]
        found.append(f"{code.replace('_', ' ')}: {_cells(with_code)}")
    return found


def warning_codes(frame: pandas.DataFrame) -> pandas.Series:
    """The codes that each run's record warns of, a list a row."""
    return frame["warnings"].fillna("").astype(str).str.split()


def _cells(frame: pandas.DataFrame) -> str:
    """`s8 (fraction 0.25), s16 (fraction 1.0)`, in the ladder's order."""
    cells = frame.sort_values(["params", "fraction"]).drop_duplicates(["scale", "fraction"])
    names = [f"{s} (fraction {f})" for s, f in zip(cells["scale"], cells["fraction"], strict=True)]
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
