"""What a domain's figures are drawn from: observations, fits, bootstrap, decision. No new fits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..deciding.summary import unbeaten
from ..laws import get_form, read
from ..laws.form import predict as evaluate
from ..metrics import loss_unit, metric
from ..records import typed
from ..records.bootstrap import BootstrapRecord
from ..records.decision import DecisionRecord, PricedRun
from ..records.fit import FitRecord, FittedLaw, LadderFit, LadderPoint, WithheldFit
from ..records.observations import read_frame
from ..records.runs import COUNT_COLUMN, good, lost
from ..records.typed import Refused
from ..units import percent, share, significant

if TYPE_CHECKING:
    import pandas

COUNT_LABEL = {
    "total": "Parameters N",
    "non_embedding": "Parameters N, without embeddings",
}


@dataclass(frozen=True)
class Quantity:
    """The target's metric as drawn."""

    name: str  # of the metric
    label: str  # of an axis, with the unit
    unit: str  # `%`, `nats`, or none of a perplexity or in a label's own unit
    stored: str  # what records hold, as laws are fitted to it
    # scale, offset: turn a stored value into the drawn one
    scale: float
    offset: float

    @property
    def higher_is_better(self) -> bool:
        return self.scale < 0

    def show(self, stored: ArrayLike) -> np.ndarray:
        """Stored values (error as a share, loss in nats) as drawn (%, nats, e to the nats)."""
        if self.name == "perplexity":
            return np.exp(np.minimum(np.asarray(stored, float), 700.0))
        return self.offset + self.scale * np.asarray(stored, float)

    def show_interval(self, lower: ArrayLike, upper: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Both ends as drawn, the lower one first."""
        ends = self.show(lower), self.show(upper)
        return ends[::-1] if self.higher_is_better else ends

    def text(self, value: float) -> str:
        if self.unit == "%":
            return share(value / 100)
        return f"{value:.3g} {self.unit}" if self.unit else f"{self.name} {significant(value)}"

    @property
    def gap_unit(self) -> str:
        return "percentage points" if self.unit == "%" else self.unit or self.name

    def gap(self, stored: float) -> str:
        """A difference of stored values in words; of a loss drawn as perplexity, the share."""
        if self.name == "perplexity":
            return f"{percent(float(np.expm1(stored)), 2)}"
        if self.unit == "%":
            return f"{100 * stored:.2f} points"
        return f"{stored:.3f} {self.unit}" if self.unit else significant(stored)


def quantity(name: str) -> Quantity:
    """How a metric of `metrics.TABLE` is drawn: shares in percent."""
    found = metric(name)
    unit = "%" if found.share else found.unit
    labels = {"": found.title, "%": f"{found.title} (%)"}
    label = labels.get(unit, f"{found.title} ({unit})")
    if name == "perplexity":
        label = "perplexity (per token)"
    times = 100.0 if found.share else 1.0
    ends = (-times, times) if found.rises else (times, 0.0)
    return Quantity(found.title, f"Test {label}", unit, found.fitted, *ends)


@dataclass(frozen=True)
class Records:
    """One domain's results."""

    frame: pandas.DataFrame  # observations
    # fit, bootstrap, decision: the records of these stages
    fit: FitRecord
    bootstrap: BootstrapRecord
    decision: DecisionRecord

    @property
    def domain(self) -> str:
        return self.decision.domain

    @property
    def quantity(self) -> Quantity:
        return quantity(self.decision.target.named)

    @property
    def loss_unit(self) -> str:
        """What the loss is counted in."""
        return loss_unit(self.frame["task"].iloc[0])

    @property
    def target(self) -> float:
        """The target as drawn."""
        value = self.decision.target.given
        return 100 * value if self.quantity.unit == "%" else value

    @property
    def target_label(self) -> str:
        return f"target {self.quantity.text(self.target)}"

    @property
    def fraction(self) -> str:
        """The fraction the decision is about: the largest."""
        return self.decision.fraction

    @property
    def fractions(self) -> list[str]:
        return list(self.fit.fractions)

    @property
    def level(self) -> str:
        return f"{100 * self.decision.level:g} %"

    @property
    def n_label(self) -> str:
        return COUNT_LABEL[self.decision.counted]

    @property
    def diverged_note(self) -> str:
        """One sentence, or nothing: what diverged has no number to draw, what learnt nothing none
        that means something."""
        gone = lost(self.frame)
        return f"Of {len(self.frame)} runs {gone}: not drawn." if gone else ""

    def counted(self, sized: LadderPoint | PricedRun) -> int:
        """Parameters of a size of the ladder or of a run, as the study counts them."""
        counted = self.decision.counted
        return sized.params(counted) if isinstance(sized, LadderPoint) else sized.params[counted]

    def points(self, fraction: str) -> list[LadderPoint]:
        """The sizes of a fraction that have at least one run that ended well."""
        return [point for point in self.fit.fractions[fraction].points if point.runs]

    def stored(self, point: LadderPoint) -> np.ndarray:
        """A point's runs in the stored metric (seeds,)."""
        return np.array(point.values[self.quantity.stored], float)

    def fitted(self, fraction: str, metric: str | None = None) -> LadderFit | Refused:
        """The fit of a fraction and metric, by default the target's."""
        return self.fit.fractions[fraction].laws[metric or self.quantity.stored]

    def withheld(self, fraction: str) -> WithheldFit | Refused:
        """The fit without the largest sizes and its predictions of them, or why there is none."""
        found = self.fitted(fraction)
        if isinstance(found, Refused):
            return Refused(f"no law ({found.refused})")
        return found.withheld

    def withheld_line(self) -> str:
        """The sentence that leads: by how much the law missed sizes it had not seen."""
        found = self.withheld(self.fraction)
        if isinstance(found, Refused):
            return f"Not tested on withheld sizes: {found.refused}."
        errors, sizes = found.errors, len(found.predictions)
        which = "the largest size" if sizes == 1 else f"the {sizes} largest sizes"
        gap = self.quantity.gap
        line = "" if errors.line is None else f"; a log-log line: {gap(errors.line)}"
        lost = unbeaten(errors)
        verdict = f" The law does not beat {' nor '.join(lost)}." if lost else ""
        return (
            f"The law missed {which}, unseen, by {gap(errors.law)} "
            f"(repeating the last size: {gap(errors.carry)}{line}).{verdict}"
        )

    def by_reason(self, reasons: dict[str, str]) -> list[str]:
        """One sentence for each reason, naming the fractions it holds for."""
        grouped: dict[str, list[str]] = {}
        for fraction, reason in reasons.items():
            grouped.setdefault(reason, []).append(fraction)
        return [
            f"{'Fraction' if len(each) == 1 else 'Fractions'} {', '.join(each)}: {reason}."
            for reason, each in grouped.items()
        ]

    @cached_property
    def cells(self) -> pandas.DataFrame:
        """Seed means of runs that ended well: fraction, scale, count, samples, flops, metrics."""
        count = COUNT_COLUMN[self.decision.counted]
        cells = (
            good(self.frame)
            .groupby(["fraction", "scale"], as_index=False, sort=False)
            .agg(
                count=(count, "first"),
                samples=("samples", "first"),
                flops=("flops", "mean"),
                **{name: (f"test_{name}", "mean") for name in {self.quantity.stored, "loss"}},
            )
        )
        return cells.sort_values(["samples", "count"], ignore_index=True)


def read_records(
    observations: str | os.PathLike,
    fit: str | os.PathLike,
    bootstrap: str | os.PathLike,
    decision: str | os.PathLike,
) -> Records:
    """One domain's results from their files."""
    decided = typed.read(decision, DecisionRecord)
    return Records(
        read_frame(observations),
        typed.read(fit, FitRecord),
        typed.read(bootstrap, BootstrapRecord).of(decided.metric),
        decided,
    )


def curve(law: FittedLaw, n: ArrayLike) -> np.ndarray:
    """A law in stored units at sizes n; NaN beyond a double."""
    n = np.atleast_1d(np.asarray(n, float))
    if law.saved is not None:  # law auto is no form with parameters
        return read(law.saved).curve({"params": n})
    form = get_form(law.law)
    theta = np.array([[law.params[name] for name in form.names]], float)
    with np.errstate(all="ignore"):
        values = evaluate(form, np.log(n)[None], theta)[0]
    return np.where(np.isfinite(values), values, np.nan)
