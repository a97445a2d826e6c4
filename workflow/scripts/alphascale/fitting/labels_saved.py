"""How many labels one way of training saves beside another, at equal error.

At each size the errors of the dearer way, at every amount of labels but its fewest, are looked up
on the curve of the cheaper: the mean error over seeds against labels, both by their logarithms,
straight between two amounts that were trained. No law is asked, and nothing beyond the amounts that
were trained is told: where the curve lies below an error already at its fewest labels, these are
what is known to be enough. Intervals resample the seeds of every cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError

if TYPE_CHECKING:
    import pandas

NEEDED = ("domain", "scale", "samples", "seed", "role", "status", "test_error")


@dataclass(frozen=True)
class LabelsSaved:
    """At one size and error: labels of either way."""

    scale: str
    error: float  # mean over seeds of the dearer way
    labels: int  # that it took
    needed: float | None  # of the other; None where it does not get there with all of its own
    fewest: bool  # whether `needed` is the fewest that were tried, and fewer may do
    factor: float | None  # labels / needed
    # of the factor, over resampled seeds; a resample that does not get there counts as less than
    # one, one that is at the fewest as that many: an end there is a bound
    interval: tuple[float, float]


def labels_saved(
    cheap: pandas.DataFrame,
    dear: pandas.DataFrame,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> list[LabelsSaved]:
    """What `cheap` saves beside `dear` at every scale that both have, in the order of the first,
    and at every amount of labels of `dear` but the fewest.

    Both are observations of one domain each. Raises UserError where no scale is in both, or columns
    are missing.
    """
    curves = [_curves(frame) for frame in (cheap, dear)]
    common = [scale for scale in curves[0] if scale in curves[1]]
    if not common:
        raise UserError("the two domains have no scale of the same name: name them alike")
    rng = np.random.default_rng(seed)
    tail = (1 - level) / 2
    found = []
    for scale in common:
        one, other = (curve[scale] for curve in curves)
        drawn = [(_means(one, rng), _means(other, rng)) for _ in range(resamples)]
        for labels in list(other)[1:]:
            factor, needed = _saved(_means(one), _means(other), labels)
            again = [_saved(*pair, labels)[0] for pair in drawn]
            ends = np.quantile(again, [tail, 1 - tail], method="inverted_cdf")
            reached = np.isfinite(needed)
            found.append(
                LabelsSaved(
                    scale=scale,
                    error=_means(other)[labels],
                    labels=labels,
                    needed=float(needed) if reached else None,
                    fewest=bool(needed == min(one)),
                    factor=float(factor) if reached else None,
                    interval=(float(ends[0]), float(ends[1])),
                )
            )
    return found


def text(found: list[LabelsSaved], cheap: str, dear: str, level: float = 0.95) -> str:
    """A line for each size and error."""
    lines = []
    for each in found:
        head = (
            f"{each.scale}: error {each.error:.3f}, as {dear} with {each.labels:,} labels: {cheap} "
        )
        if each.needed is None:
            lines.append(head + "does not reach it with as many as it was given")
            continue
        low, high = each.interval
        fewest = " or fewer, the fewest tried" if each.fewest else ""
        lines.append(
            head + f"needs {each.needed:,.0f}{fewest}, {each.factor:.1f} × fewer "
            f"({100 * level:g} % interval over seeds {low:.1f} – {high:.1f}"
            + ("; at 0 it does not reach it)" if low == 0 else ")")
        )
    return "\n".join(lines)


def _curves(frame: pandas.DataFrame) -> dict[str, dict[int, np.ndarray]]:
    """Scale → labels → errors of the ladder's runs that did not diverge."""
    for name in NEEDED:
        if name not in frame:
            raise UserError(f"the observations have no column {name!r}: they are not of a study")
    runs = frame[(frame["role"] == "ladder") & frame["test_error"].notna()]
    curves: dict[str, dict[int, np.ndarray]] = {}
    for (scale, samples), cell in runs.groupby(["scale", "samples"], sort=False):
        curves.setdefault(scale, {})[int(samples)] = cell["test_error"].to_numpy(float)
    return {scale: dict(sorted(curve.items())) for scale, curve in curves.items()}


def _means(
    curve: dict[int, np.ndarray], rng: np.random.Generator | None = None
) -> dict[int, float]:
    """Mean error by labels; with rng of seeds drawn anew, with replacement."""
    if rng is None:
        return {labels: float(errors.mean()) for labels, errors in curve.items()}
    return {
        labels: float(rng.choice(errors, len(errors)).mean()) for labels, errors in curve.items()
    }


def _saved(cheap: dict[int, float], dear: dict[int, float], labels: int) -> tuple[float, float]:
    """Factor and labels needed for the error of `dear` at an amount; 0, inf if not reached."""
    needed = _needed(cheap, dear[labels])
    return (labels / needed if np.isfinite(needed) else 0.0), needed


def _needed(curve: dict[int, float], error: float) -> float:
    """The fewest labels from which on a curve is at or below an error, as far as it goes."""
    labels = np.log(list(curve))
    # More labels do no harm: where a mean rises by chance, the lowest before it stands.
    errors = np.minimum.accumulate(np.log(np.maximum(list(curve.values()), 1e-12)))
    below = np.flatnonzero(errors <= np.log(max(error, 1e-12)))
    if not len(below):
        return float("inf")
    at = below[0]
    if at == 0:
        return float(np.exp(labels[0]).round())
    share = (errors[at - 1] - np.log(error)) / (errors[at - 1] - errors[at])
    return float(np.exp(labels[at - 1] + share * (labels[at] - labels[at - 1])))
