"""The perplexity laws of language domains, and whether their families scale alike.

Perplexity = a·N^(−b), with a floor and without, N counted with embeddings and without: which of the
four is to be trusted is decided by the largest sizes, kept from a second fit that predicts them.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .. import laws
from ..errors import UserError
from ..records.language import (
    ExponentDifference,
    ExponentRow,
    FamilyComparison,
    LanguagePoint,
    LanguageRecord,
    LawKey,
    PerplexityDomain,
    PerplexityFit,
    PerplexityLaw,
    PlaneFit,
)
from ..records.runs import COUNT_COLUMN, good, largest
from ..records.specs import LanguageDomain, LanguageSpec
from ..records.typed import Refused
from .describe import band, described
from .ladder import ladder_points
from .widening import widening
from .withheld import RESAMPLES, predict_withheld

if TYPE_CHECKING:
    import pandas

LAWS = ("perplexity", "perplexity_floor")
KEYS = tuple(LawKey(*key) for key in itertools.product(LAWS, COUNT_COLUMN))
# Points of a drawn curve, evenly spaced in log N over the sizes that were trained.
GRID = 60


def judge_group(spec: LanguageSpec, frames: dict[str, pandas.DataFrame]) -> LanguageRecord:
    """Laws of every domain of a group, and each one's exponents against the first's.

    frames: the observations by domain.
    """
    domains, fits = {}, {}
    for at, (name, task) in enumerate(spec.domains.items()):
        # Streams of their own: equal draws would cancel in the difference of two exponents.
        own = replace(spec, seed=spec.seed + 1000 * at)
        frame = with_perplexity(frames[name])
        part = frame[frame["fraction"] == largest(frame["fraction"])]
        fits[name] = {key: _fit_or_refusal(part, key, own) for key in KEYS}
        domains[name] = _domain(frame, part, fits[name], task, own)
    first, *others = spec.domains
    return LanguageRecord(
        level=spec.level,
        resamples=spec.resamples,
        domains=domains,
        comparisons=[_compare(name, first, fits, domains, spec.level) for name in others],
    )


def with_perplexity(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Observations with the column `perplexity`, e^(test loss in nats per token)."""
    return frame.assign(perplexity=np.exp(frame["test_loss"].to_numpy(float)))


def exponent_difference(one: laws.Fit, other: laws.Fit, level: float) -> ExponentDifference:
    """Exponent b of one fit minus that of another, its interval, and whether that excludes 0.

    The two ladders are independent and their resamples drawn from different streams, so the
    difference of the i-th resamples is one resample of the difference. That the exponents are equal
    is never claimed: either the interval excludes 0, or it says how large a difference is possible.
    """
    draws = np.subtract(*(f.samples[:, list(f.params).index("b")] for f in (one, other)))
    known = draws[np.isfinite(draws)]
    tail = (1 - level) / 2
    low, high = (float(v) for v in np.quantile(known, (tail, 1 - tail), method="inverted_cdf"))
    return ExponentDifference(
        difference=one.params["b"] - other.params["b"],
        interval=(low, high),
        resamples=len(known),
        failed_resamples=len(draws) - len(known),
        differ=not low <= 0 <= high,
    )


def _fit(
    part: pandas.DataFrame, key: LawKey, spec: LanguageSpec, at_most: int | None = None
) -> laws.Fit:
    runs = good(part)
    columns = {
        "params": runs[COUNT_COLUMN[key.counted]].to_numpy(float),
        "perplexity": runs["perplexity"].to_numpy(float),
        "scale": runs["scale"].to_numpy(str),
    }
    return laws.fit(
        columns, x="params", y="perplexity", law=key.law, cluster="scale",
        resamples=min(spec.resamples, at_most or spec.resamples), level=spec.level, seed=spec.seed,
    )  # fmt: skip


def _fit_or_refusal(part: pandas.DataFrame, key: LawKey, spec: LanguageSpec) -> laws.Fit | Refused:
    try:
        return _fit(part, key, spec)
    except UserError as reason:
        return Refused(str(reason))


def _domain(
    frame: pandas.DataFrame,
    part: pandas.DataFrame,
    fits: dict[LawKey, laws.Fit | Refused],
    task: LanguageDomain,
    spec: LanguageSpec,
) -> PerplexityDomain:
    """One domain; part: its observations at the largest fraction, which the laws in N are of."""
    runs = good(part)
    table = [
        PerplexityLaw(key.law, key.counted, _described(part, key, fit, task.withhold, spec))
        for key, fit in fits.items()
    ]
    judged = {
        row.key: row.fit.withheld_error
        for row in table
        if isinstance(row.fit, PerplexityFit) and row.fit.withheld_error is not None
    }
    points = _points(part, task.withhold)
    return PerplexityDomain(
        family=task.family,
        fraction=runs["fraction"].iloc[0] if len(runs) else None,
        unigram_perplexity=_first(runs, "unigram_perplexity"),
        points=points,
        laws=table,
        best=min(judged, key=judged.get, default=None),
        params_and_data=_params_and_data(frame, spec),
        widening=widening(points, spec.level),
    )


def _described(
    part: pandas.DataFrame,
    key: LawKey,
    fit: laws.Fit | Refused,
    withhold: int,
    spec: LanguageSpec,
) -> PerplexityFit | Refused:
    """One law: what it predicts of sizes it has not seen, then its parameters and its curve."""
    if isinstance(fit, Refused):
        return fit
    again = partial(_fit, key=key, spec=spec, at_most=RESAMPLES)
    return PerplexityFit(
        **vars(described(fit)),
        interval=fit.interval(),
        failed_resamples=fit.failed_resamples,
        withheld=predict_withheld(part, key.counted, "perplexity", withhold, again, measure="log"),
        band=band(fit, np.geomspace(*fit.x_range[0], GRID), spec.level),
    )


def _compare(
    name: str,
    first: str,
    fits: dict[str, dict[LawKey, laws.Fit | Refused]],
    domains: dict[str, PerplexityDomain],
    level: float,
) -> FamilyComparison:
    """Exponent of `name` minus that of `first`, per law: value, interval, verdict."""
    rows = []
    for key in KEYS:
        pair = {each: fits[each][key] for each in (name, first)}
        refused = [fit for fit in pair.values() if isinstance(fit, Refused)]
        exponents = {} if refused else {each: fit.params["b"] for each, fit in pair.items()}
        found = refused[0] if refused else exponent_difference(*pair.values(), level)
        rows.append(ExponentRow(key.law, key.counted, exponents, found))
    families = (domains[name].family, domains[first].family)
    return FamilyComparison((name, first), families, rows, _verdict(families, rows, level))


def _verdict(families: tuple[str, str], rows: list[ExponentRow], level: float) -> str:
    """One sentence, on the plain law in parameters without embeddings."""
    row = next(r for r in rows if (r.law, r.counted) == ("perplexity", "non_embedding")).found
    if isinstance(row, Refused):
        return f"whether {families[0]} scales as {families[1]} does could not be tested: " + (
            row.refused
        )
    low, high = row.interval
    said = (
        f"{families[0]} minus {families[1]}: exponent {row.difference:+.3f} "
        f"({100 * level:g} % interval {low:+.3f} to {high:+.3f}; non-embedding parameters, "
        "law without floor)"
    )
    if row.differ:
        return f"the exponents differ; {said}"
    return f"the exponents are not told apart, which does not make them equal; {said}"


def _params_and_data(frame: pandas.DataFrame, spec: LanguageSpec) -> PlaneFit | Refused:
    """Kaplan et al. 2020, eq. 1.5, for the loss in N (non-embedding) and D (unique tokens)."""
    runs = good(frame)
    fractions = runs["fraction"].nunique()
    if fractions < 3:
        return Refused(f"{fractions} fraction(s) of the data were trained and 3 are needed")
    columns = {
        "params": runs["non_embedding"].to_numpy(float),
        "tokens": runs["tokens"].to_numpy(float),
        "loss": runs["test_loss"].to_numpy(float),
        "cell": (runs["scale"] + "/" + runs["fraction"]).to_numpy(str),
    }
    try:
        fit = laws.fit(
            columns, x="params", x2="tokens", y="loss", law="kaplan_nd", cluster="cell",
            resamples=spec.resamples, level=spec.level, seed=spec.seed,
        )  # fmt: skip
    except UserError as reason:
        return Refused(str(reason))
    return PlaneFit(**vars(described(fit)), derived=fit.derived, interval=fit.interval())


def _points(part: pandas.DataFrame, withhold: int) -> list[LanguagePoint]:
    """Each size with a run that ended well, by all parameters."""
    points = []
    for point in ladder_points(part, "total", withhold):
        runs = good(part[part["scale"] == point.scale])
        if runs.empty:
            continue
        points.append(
            LanguagePoint(
                **vars(point),
                d_model=_first(runs, "d_model"),
                n_layers=_first(runs, "n_layers"),
                perplexity=runs["perplexity"].tolist(),
                bits_per_byte=runs["bits_per_byte"].dropna().tolist(),
                # A job trains its members together: each one's share of the time.
                seconds=float((runs["job_seconds"] * runs["flops"] / runs["job_flops"]).mean()),
                peak_memory_bytes=float(runs["peak_memory_bytes"].max()),
            )
        )
    return points


def _first(part: pandas.DataFrame, column: str) -> float | None:
    values = part[column].dropna()
    return None if values.empty else float(values.iloc[0])
