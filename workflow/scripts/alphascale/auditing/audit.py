"""What a careful reader would ask of a domain's study: ten questions, each with its figure.

passed: nothing to object. warned: the answer stands, on weaker ground. failed: the answer should
not be leaned on. The thresholds are those of the law engine where it has any (levels, collinearity,
condition), otherwise conventions, which are the constants below.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..config.study import LEAST_SIZES
from ..deciding.ranges import FAR
from ..deciding.summary import gap
from ..laws import get_form
from ..records.audit import AuditRecord, CellLevel, Check
from ..records.decision import DecisionRecord
from ..records.fit import FitRecord, WithheldFit
from ..records.runs import COUNT_COLUMN, good, jobs, lost, worst_level
from ..records.specs import AuditSpec
from ..records.typed import Refused
from ..units import count, percent, significant
from .job_warnings import EDGE

if TYPE_CHECKING:
    import pandas

PASSED, WARNED, FAILED = "passed", "warned", "failed"
# A ladder that spans less than 3 × in N says nothing of a slope; published ones span 10 × and more.
RANGE = (10.0, 3.0)
# Beyond this correlation of log N and log D their exponents are not separable (laws.problem's own).
COLLINEAR = (0.8, 0.98)
# From a condition number of 1e4 on, parameters move by 1 % where the points move by 1e-4 %.
CONDITION = 1e4
EMBEDDED = (0.1, 0.5)
DIVERGED = 0.1


def audit(
    spec: AuditSpec, frame: pandas.DataFrame, fits: FitRecord, decision: DecisionRecord
) -> AuditRecord:
    """The ten checks of a domain at the fraction of its decision, and every cell's warnings."""
    case = Case(spec, frame, fits, decision)
    checks = [Check(name, *check(case)) for name, check in CHECKS.items()]
    return AuditRecord(
        domain=decision.domain,
        fraction=decision.fraction,
        checks=checks,
        tally={word: sum(c.status == word for c in checks) for word in SEVERITY},
        scales=scales(frame, spec),
    )


@dataclass(frozen=True)
class Case:
    """What the checks look at: a domain's observations, laws and decision."""

    spec: AuditSpec
    frame: pandas.DataFrame
    fits: FitRecord
    decision: DecisionRecord

    @property
    def here(self) -> pandas.DataFrame:
        """The observations of the fraction that was decided on."""
        return self.frame[self.frame["fraction"] == self.decision.fraction]

    @property
    def count(self) -> str:
        """The column that holds N."""
        return COUNT_COLUMN[self.decision.counted]

    @property
    def sizes(self) -> np.ndarray:
        """Distinct sizes with a run that ended well, smallest first."""
        return np.unique(good(self.here)[self.count].to_numpy(float))


def levels(case: Case) -> tuple[str, str]:
    """Distinct sizes, beside what the law needs; a power law with a floor needs four."""
    law, sizes = case.fits.law, len(case.sizes)
    needed = LEAST_SIZES[law] if law in LEAST_SIZES else get_form(law).levels
    seen = sizes - case.spec.withhold
    figure = f"{sizes} sizes, {seen} of them without the withheld; {law} needs {needed}"
    if sizes < needed:
        return FAILED, figure
    return (PASSED if seen > needed else WARNED), figure


def span(case: Case) -> tuple[str, str]:
    """Largest over smallest size."""
    ratio = case.sizes[-1] / case.sizes[0] if len(case.sizes) else 1.0
    figure = f"N spans {significant(ratio)} ×, {count(case.sizes.min(initial=np.inf))} – "
    figure += count(case.sizes.max(initial=0))
    return _graded(-ratio, -RANGE[0], -RANGE[1]), figure


def seeds(case: Case) -> tuple[str, str]:
    """The fewest seeds of a cell: with one, noise is not seen at all, with two hardly.

    Scales with seeds of their own (planned runs) are left out: they add to cells that show noise.
    """
    frame = case.frame[~case.frame["scale"].isin(case.spec.apart)]
    each = good(frame).groupby(["scale", "fraction"]).size()
    cells = len(jobs(frame))
    fewest = int(each.min()) if len(each) == cells else 0
    return _graded(-fewest, -3, -2), f"at least {fewest} good seeds in each of {cells} cells"


def edges(case: Case) -> tuple[str, str]:
    """Cells whose learning rate lies on the edge of its sweep: the best may lie beyond."""
    cells = jobs(case.frame)
    if case.spec.swept is not None:  # the others took the one rate of the law
        fractions = cells["scale"].map(case.spec.swept)
        cells = cells[cells["fraction"] == fractions]
    rates = case.spec.rates
    if rates < 3:
        return WARNED, f"{rates} learning rate(s) a cell: an edge cannot be told"
    on_edge = cells["warnings"].fillna("").astype(str).str.contains(EDGE)
    figure = f"{int(on_edge.sum())} of {len(cells)} cells chose the edge of {rates} learning rates"
    return _graded(float(on_edge.mean()), 0.0, 0.5), figure


def collinearity(case: Case) -> tuple[str, str]:
    """Correlation of log N and log D over the cells, and the condition of the joint law."""
    cells = jobs(case.frame)
    if cells["samples"].nunique() < 2:
        return PASSED, "one amount of data: the law has one predictor"
    logs = np.log(cells[[case.count, "samples"]].to_numpy(float))
    r = float(np.corrcoef(logs.T)[0, 1])
    joint = case.fits.joint[case.decision.metric]
    figure = f"correlation of log N and log D {r:.2f}"
    status = _graded(abs(r), *COLLINEAR)
    if not isinstance(joint, Refused) and joint.law != "auto":  # draws have no condition
        condition = joint.condition
        shown = "infinite" if condition is None else significant(condition, 2)
        figure += f"; condition of the joint law {shown}"
        if condition is None or condition > CONDITION:
            status = max(status, WARNED, key=SEVERITY.index)
    return status, figure


def bounds(case: Case) -> tuple[str, str]:
    """Parameters on a bound: a floor at zero was not measured, an exponent there is no fit."""
    fit = case.fits.fractions[case.decision.fraction].laws[case.decision.metric]
    if isinstance(fit, Refused):
        return FAILED, f"no law: {fit.refused}"
    hit = fit.bounds_hit or []
    if not hit:
        return PASSED, "no parameter ended on a bound"
    only_floor = set(hit) <= {"E", "a", "err_inf"}
    return (WARNED if only_floor else FAILED), f"on a bound: {', '.join(hit)}"


def extrapolation(case: Case) -> tuple[str, str]:
    """N* over the largest size trained."""
    star = case.decision.recommended
    if star is None:
        return FAILED, "no N*: the target is out of the law's reach"
    factor = star / case.sizes[-1]
    return _graded(
        factor, 1.0, FAR
    ), f"what to build is {significant(factor, 2)} × the largest size trained"


def counting(case: Case) -> tuple[str, str]:
    """Share of embeddings in the smallest size: what is counted decides the exponent."""
    share = (1 - case.frame["non_embedding"] / case.frame["params"]).max()
    if case.decision.counted == "non_embedding":
        return PASSED, f"embeddings, up to {percent(share)} of a size, are not counted"
    return _graded(
        share, *EMBEDDED
    ), f"embeddings are up to {percent(share)} of a size, and counted"


def withheld(case: Case) -> tuple[str, str]:
    """Error on the withheld sizes beside predictors that know no law. A naive one that is ahead by
    no more than the scatter of the seeds is a warning."""
    found = case.decision.withheld
    if not isinstance(found, WithheldFit):
        return FAILED, f"not tested: {found.refused}"
    errors = {name: value for name, value in vars(found.errors).items() if value is not None}
    outside = sum(not p.lower <= p.measured <= p.upper for p in found.predictions)
    figure = ", ".join(f"{name} {gap(case.decision, value)}" for name, value in errors.items())
    figure += f"; {len(found.predictions) - outside} of {len(found.predictions)} inside"
    noise = good(case.here).groupby("scale")[f"test_{case.decision.metric}"].sem().mean()
    ahead = errors["law"] - min(errors.values())
    if ahead > (0.0 if np.isnan(noise) else noise):
        return FAILED, figure
    return (WARNED if ahead > 0 or outside else PASSED), figure


def divergences(case: Case) -> tuple[str, str]:
    """Runs that diverged at the chosen learning rate, or learnt nothing."""
    gone = case.frame["status"] != "ok"
    figure = f"of {len(gone)} runs {lost(case.frame) or '0 diverged'}"
    return _graded(float(gone.mean()), 0.0, DIVERGED), figure


SEVERITY = (PASSED, WARNED, FAILED)
CHECKS: dict[str, Callable[[Case], tuple[str, str]]] = {
    "levels": levels,
    "range": span,
    "seeds": seeds,
    "learning-rate edges": edges,
    "collinearity": collinearity,
    "bounds": bounds,
    "extrapolation": extrapolation,
    "counting rule": counting,
    "withheld error": withheld,
    "divergences": divergences,
}


def scales(frame: pandas.DataFrame, spec: AuditSpec) -> list[CellLevel]:
    """LOW, MEDIUM or HIGH of each cell's training curves (its worst seed) and the best epochs."""
    found = []
    for (_, fraction, scale), rows in frame.groupby(["params", "fraction", "scale"], sort=True):
        found.append(
            CellLevel(
                scale=scale,
                params=int(rows["params"].iloc[0]),
                fraction=fraction,
                level=worst_level(rows["level"]),
                best_epochs=[int(epoch) for epoch in rows["best_epoch"].dropna()],
                epochs=spec.epochs,
            )
        )
    return found


def table_rows(audits: list[AuditRecord]) -> list[dict[str, object]]:
    """One row a domain and check."""
    return [{"domain": found.domain, **vars(row)} for found in audits for row in found.checks]


def scale_rows(audits: list[AuditRecord]) -> list[dict[str, object]]:
    """One row a domain, scale and fraction."""
    return [
        {
            "domain": found.domain,
            **{
                key: getattr(row, key) for key in ("scale", "params", "fraction", "level", "epochs")
            },
            "best_epochs": " ".join(str(epoch) for epoch in row.best_epochs),
        }
        for found in audits
        for row in found.scales
    ]


def best_epoch_rows(audits: list[AuditRecord]) -> list[dict[str, object]]:
    """One row a domain and scale at the fraction decided on: its seeds' median best epoch."""
    return [
        {
            "domain": found.domain,
            "scale": row.scale,
            "params": row.params,
            "median_best_epoch": statistics.median(row.best_epochs) if row.best_epochs else None,
            "epochs": row.epochs,
            "level": row.level,
        }
        for found in audits
        for row in found.scales
        if row.fraction == found.fraction
    ]


def _graded(value: float, passes: float, warns: float) -> str:
    return PASSED if value <= passes else WARNED if value <= warns else FAILED
