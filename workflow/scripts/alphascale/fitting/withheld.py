"""The error that leads every table: on the largest sizes, kept from a second fit.

In-sample fit is no evidence of prediction. Every law of a study is fitted a second time without the
largest sizes and predicts them, beside two predictors that know no law: carrying the mean of the
largest size seen on, and a straight line in log-log through the largest sizes seen (`laws.withheld`
defines both). A law that does not beat them has earned no trust.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import laws
from ..errors import UserError
from ..laws.withheld import carry_last, log_log_line
from ..records.fit import Errors, WithheldCell, WithheldFit
from ..records.runs import COUNT_COLUMN, good
from ..records.typed import Refused
from .describe import described, finite

if TYPE_CHECKING:
    import pandas

# Resamples of the fits that predict withheld sizes: their intervals are shown, not decided on.
RESAMPLES = 200


class Measure(NamedTuple):
    """How runs are averaged, on a scale (`to`, `back`), and what a miss is (predicted, measured).

    The error is the mean absolute miss over the withheld cells.
    """

    to: Callable
    back: Callable
    miss: Callable


MEASURES = {
    # In the metric's unit.
    "mae": Measure(np.asarray, np.asarray, lambda predicted, measured: predicted - measured),
    # Means are geometric, a miss is log(predicted / measured).
    "log": Measure(np.log, np.exp, lambda predicted, measured: np.log(predicted / measured)),
}


def split(
    frame: pandas.DataFrame, counted: str, withhold: int
) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Observations without the `withhold` largest sizes, and those of these sizes."""
    sizes = frame[COUNT_COLUMN[counted]]
    hidden = sizes.isin(np.unique(sizes)[::-1][:withhold])
    return frame[~hidden], frame[hidden]


def predict_withheld(
    frame: pandas.DataFrame,
    counted: str,
    response: str,
    withhold: int,
    fit: Callable[[pandas.DataFrame], laws.Fit | laws.AutoLaw],
    measure: str = "mae",
    intervals: bool = True,
) -> WithheldFit | Refused:
    """What a law predicts of the largest sizes, not having seen them.

    frame: observations that the law is of. counted: what N counts. response: column of the metric.
    fit: from runs that ended well to the law. measure: a key of MEASURES. intervals: whether the
    law has resamples to take them from. Refused where no size is withheld, all runs of these sizes
    diverged, or the others are too few to fit.
    """
    if not withhold:
        return Refused("no size was withheld (withhold: 0)")
    to, back, miss = MEASURES[measure]
    seen, hidden = (good(part) for part in split(frame, counted, withhold))
    if hidden.empty:
        return Refused("every run of the withheld sizes diverged")
    try:
        law = fit(seen)
    except UserError as reason:
        return Refused(str(reason))
    column = COUNT_COLUMN[counted]
    cells = (
        hidden.assign(params=hidden[column].astype(float), measured=to(hidden[response]))
        .groupby(["params", "scale", "fraction"], as_index=False)
        .agg({name: "mean" for name in ("measured", *law.columns[1:])})
    )
    measured = np.asarray(back(cells["measured"].to_numpy()))
    points = {name: cells[name].to_numpy(float) for name in law.columns}
    if intervals:
        predicted, lower, upper = (each.tolist() for each in law.predict(points))
    else:
        predicted, lower, upper = law.curve(points).tolist(), *[[None] * len(cells)] * 2
    naive = {"carry": np.full(len(cells), np.nan), "line": np.full(len(cells), np.nan)}
    for fraction in cells["fraction"].unique():
        here = (cells["fraction"] == fraction).to_numpy()
        rows = seen[seen["fraction"] == fraction]
        if rows.empty:
            continue
        x, y = rows[column].to_numpy(float)[None], rows[response].to_numpy(float)
        at = points["params"][here][None]
        naive["carry"][here] = back(carry_last(x, to(y), at))
        if (y > 0).all():
            naive["line"][here] = log_log_line(x, y, at)
    errors = {name: _mean(np.abs(miss(each, measured))) for name, each in naive.items()}
    return WithheldFit(
        **vars(described(law)),
        measure=measure,
        errors=Errors(law=float(np.abs(miss(np.array(predicted), measured)).mean()), **errors),
        predictions=[
            WithheldCell(*cell)
            for cell in zip(
                cells["scale"], cells["fraction"], cells["params"].tolist(), predicted, lower,
                upper, measured.tolist(), strict=True,
            )
        ],
    )  # fmt: skip


def _mean(misses: np.ndarray) -> float | None:
    """Over the cells that could be predicted, None if none could."""
    known = misses[~np.isnan(misses)]
    return finite(known.mean()) if len(known) else None
