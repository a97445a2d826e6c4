"""The laws of a domain's ladder at one fraction: metric against N.

N is counted as the study says (`total` or `non_embedding`). Law auto uses every fraction: half of
its draws are of the ladder at this fraction alone, half of the joint law of N and D, held at this
fraction's D (`laws.pooling`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .. import laws
from ..errors import UserError
from ..records.bootstrap import FractionDraws
from ..records.fit import FractionFit, LadderFit, LadderPoint
from ..records.runs import COUNT_COLUMN, fitted_values, good, perfect, tested, worst_level
from ..records.specs import BootstrapSpec, FitSpec, PlanSpec
from ..records.typed import Refused
from .describe import band, described
from .joint import beliefs_of, fit_cells, joint_columns
from .shown import shown
from .withheld import RESAMPLES, predict_withheld, split

if TYPE_CHECKING:
    import pandas

# Points of the drawn curve, evenly spaced in log N, from half the smallest to 30 × the largest.
GRID = 160


@dataclass(frozen=True)
class Others:
    """What is known besides one fraction's ladder: its D, the runs of the other fractions, the
    prior of law auto (None for the shipped one), samples that an error is of (None for a loss),
    and the options of laws m1 to m4."""

    samples: float
    columns: dict[str, np.ndarray]  # `joint_columns` of the other fractions
    prior: laws.Beliefs | None
    tested: int | None
    options: dict[str, bool | int | float] | None = None

    def up_to(self, size: float) -> Others:
        """Without the sizes beyond."""
        kept = self.columns["params"] <= size
        columns = {name: each[kept] for name, each in self.columns.items()}
        return replace(self, columns=columns)


def fit_fraction(spec: FitSpec, frame: pandas.DataFrame, fraction: str) -> FractionFit:
    """The metrics against N at one fraction, from the observations of all."""
    part = frame[frame["fraction"] == fraction]
    return FractionFit(
        samples=int(part["samples"].iloc[0]),
        diverged=len(part) - len(good(part)),
        points=ladder_points(part, spec.params, spec.withhold, spec.metrics),
        laws={metric: _fit_metric(spec, frame, fraction, metric) for metric in spec.metrics},
    )


def bootstrap_fraction(
    spec: BootstrapSpec, frame: pandas.DataFrame, fraction: str
) -> FractionDraws | Refused:
    """The law of the target's metric with its resamples, and the band that they give."""
    part = frame[frame["fraction"] == fraction]
    try:
        columns = ladder_columns(part, spec.metric, spec.params)
        fit = fit_ladder(
            columns, spec.metric, spec.law, others_of(frame, fraction, spec.metric, spec),
            resamples=spec.resamples, level=spec.level, seed=spec.seed,
        )  # fmt: skip
        sizes = part[COUNT_COLUMN[spec.params]]
        grid = np.geomspace(sizes.min() / 2, sizes.max() * 30, GRID)
        drawn = band(fit, grid, spec.level)
    except UserError as reason:
        return Refused(str(reason))
    failed = getattr(fit, "failed_resamples", 0)  # auto draws none
    return FractionDraws(fit.to_json(), failed, drawn, shown(columns, fit, spec))


def ladder_columns(part: pandas.DataFrame, metric: str, counted: str) -> dict[str, np.ndarray]:
    """What a law of one fraction is fitted to: the runs that ended well, N as the study counts."""
    runs = good(part)
    return {
        "params": runs[COUNT_COLUMN[counted]].to_numpy(float),
        metric: fitted_values(runs, metric),
        "scale": runs["scale"].to_numpy(str),
    }


def others_of(
    frame: pandas.DataFrame, fraction: str, metric: str, spec: FitSpec | BootstrapSpec | PlanSpec
) -> Others:
    """The other fractions' runs, this one's D, and the prior."""
    here = frame["fraction"] == fraction
    columns = joint_columns(good(frame[~here]), "auto", metric, spec.params)
    samples = float(frame.loc[here, "samples"].iloc[0])
    return Others(samples, columns, beliefs_of(spec.prior), tested(frame, metric), spec.options)


def fit_ladder(
    columns: dict[str, np.ndarray],
    metric: str,
    law: str,
    others: Others,
    resamples: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> laws.Fit | laws.AutoLaw:
    """A law on `ladder_columns`; `predict_withheld` withholds the sizes that the study names.

    others: law auto uses them too, up to the largest size in `columns`; named laws do not.
    """
    own = laws.fit(
        columns, x="params", y=metric, law=law, cluster="scale", resamples=resamples, level=level,
        seed=seed, withhold=False, prior=others.prior, tested=others.tested,
        options=others.options,
    )  # fmt: skip
    if law != "auto":
        return own
    known = others.up_to(columns["params"].max()).columns
    if not len(known["params"]):
        return own
    here = {
        "params": columns["params"],
        "samples": np.full(len(columns["params"]), others.samples),
        metric: columns[metric],
        "cell": np.char.add("here/", columns["scale"]),
    }
    both = {name: np.concatenate([known[name], here[name]]) for name in here}
    try:
        joint = fit_cells(
            both, "auto", metric, level=level, seed=seed, prior=others.prior, tested=others.tested
        )
    except UserError as reason:
        told = f"the other fractions are not used, only the ladder itself: {reason}"
        return replace(own, warnings=(*own.warnings, told))
    return laws.pool(own, laws.hold(joint, {"samples": others.samples}))


def ladder_points(
    part: pandas.DataFrame, counted: str, withhold: int, metrics: Sequence[str] = ("loss",)
) -> list[LadderPoint]:
    """Each size of one fraction once, smallest first, with what its runs reached in the metrics."""
    withheld = set(split(part, counted, withhold)[1]["scale"])
    points = []
    for scale in part.sort_values(COUNT_COLUMN[counted])["scale"].unique().tolist():
        rows = part[part["scale"] == scale]
        runs = good(rows)
        points.append(
            LadderPoint(
                scale=scale,
                total=int(rows["params"].iloc[0]),
                non_embedding=int(rows["non_embedding"].iloc[0]),
                flops=float(runs["flops"].mean()) if len(runs) else None,
                values={each: runs[f"test_{each}"].dropna().tolist() for each in metrics},
                withheld=scale in withheld,
                level=worst_level(rows["level"]),
            )
        )
    return points


def _fit_metric(
    spec: FitSpec, frame: pandas.DataFrame, fraction: str, metric: str
) -> LadderFit | Refused:
    part = frame[frame["fraction"] == fraction]

    def fit(runs: pandas.DataFrame, resamples: int = 0) -> laws.Fit | laws.AutoLaw:
        columns = ladder_columns(runs, metric, spec.params)
        return fit_ladder(columns, metric, spec.law, others, resamples)

    try:
        others = others_of(frame, fraction, metric, spec)
        law = fit(part)
    except UserError as reason:
        return Refused(str(reason))
    withheld = predict_withheld(
        part, spec.params, f"test_{metric}", spec.withhold, partial(fit, resamples=RESAMPLES)
    )
    told = described(law)
    if words := perfect(good(part), metric):
        told = replace(told, warnings=[*told.warnings, words])
    return LadderFit(**vars(told), withheld=withheld)
