"""What a domain's figures are drawn from: observations, fits, bootstrap, decision. No new fits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..deciding.summary import unbeaten
from ..laws import get_form, read
from ..laws.form import predict as evaluate

if TYPE_CHECKING:
    import pandas

COUNT_COLUMN = {"total": "params", "non_embedding": "non_embedding"}
COUNT_LABEL = {
    "total": "Parameters N",
    "non_embedding": "Parameters N, without embeddings",
}


@dataclass(frozen=True)
class Quantity:
    """The target's metric as drawn. `scale` and `offset` turn a stored error or loss into it."""

    name: str
    label: str
    unit: str
    stored: str
    scale: float
    offset: float

    @property
    def higher_is_better(self) -> bool:
        return self.scale < 0

    def show(self, stored: Any) -> np.ndarray:
        """Stored values (error as a share, loss in nats) as drawn (%, nats)."""
        return self.offset + self.scale * np.asarray(stored, float)

    def show_interval(self, lower: Any, upper: Any) -> tuple[np.ndarray, np.ndarray]:
        """Both ends as drawn, the lower one first."""
        ends = self.show(lower), self.show(upper)
        return ends[::-1] if self.higher_is_better else ends

    def text(self, value: float) -> str:
        return f"{value:.1f} %" if self.unit == "%" else f"{value:.3g} nats"

    @property
    def gap_unit(self) -> str:
        return "percentage points" if self.unit == "%" else self.unit

    def gap(self, stored: float) -> str:
        """A difference of stored values in words."""
        return f"{100 * stored:.2f} points" if self.unit == "%" else f"{stored:.3f} nats"


QUANTITIES = {
    "accuracy": Quantity("accuracy", "Test accuracy (%)", "%", "error", -100.0, 100.0),
    "error": Quantity("error", "Test error (%)", "%", "error", 100.0, 0.0),
    "loss": Quantity("loss", "Test loss (nats)", "nats", "loss", 1.0, 0.0),
}


@dataclass(frozen=True)
class Records:
    """One domain's results. frame: observations; the others: the JSON of their stages."""

    frame: pandas.DataFrame
    fit: dict[str, Any]
    bootstrap: dict[str, Any]
    decision: dict[str, Any]

    @property
    def domain(self) -> str:
        return self.decision["domain"]

    @property
    def quantity(self) -> Quantity:
        return QUANTITIES[self.decision["target"]["metric"]]

    @property
    def target(self) -> float:
        """The target as drawn."""
        value = self.decision["target"]["value"]
        return 100 * value if self.quantity.unit == "%" else value

    @property
    def target_label(self) -> str:
        return f"target {self.quantity.text(self.target)}"

    @property
    def fraction(self) -> str:
        """The fraction the decision is about: the largest."""
        return self.decision["fraction"]

    @property
    def fractions(self) -> list[str]:
        return list(self.fit["fractions"])

    @property
    def level(self) -> str:
        return f"{100 * self.decision['level']:g} %"

    @property
    def n_label(self) -> str:
        return COUNT_LABEL[self.decision["counted"]]

    @property
    def count_key(self) -> str:
        return "total" if self.decision["counted"] == "total" else "non_embedding"

    @property
    def diverged(self) -> int:
        return int((self.frame["status"] != "ok").sum())

    @property
    def diverged_note(self) -> str:
        """One sentence, or nothing: a diverged run has no number to draw."""
        if not self.diverged:
            return ""
        return f"{self.diverged} of {len(self.frame)} runs diverged and are not drawn."

    def points(self, fraction: str) -> list[dict[str, Any]]:
        """The sizes of a fraction that have at least one run that ended well."""
        return [p for p in self.fit["fractions"][fraction]["points"] if p["errors"]]

    def stored(self, point: dict[str, Any]) -> np.ndarray:
        """A point's runs in the stored metric (seeds,)."""
        return np.array(point["errors" if self.quantity.stored == "error" else "losses"], float)

    def fitted(self, fraction: str, metric: str | None = None) -> dict[str, Any]:
        """The fit of a fraction and metric: parameters, or why it was refused."""
        return self.fit["fractions"][fraction][metric or self.quantity.stored]

    def withheld(self, fraction: str) -> dict[str, Any] | None:
        """The fit without the largest sizes and its predictions of them, if it could be made."""
        found = self.fitted(fraction).get("withheld")
        return found if found and "predictions" in found else None

    def withheld_reason(self, fraction: str) -> str:
        """Why a fraction has no prediction of withheld sizes; empty if it has."""
        found = self.fitted(fraction).get("withheld")
        if found is None:
            refused = self.fitted(fraction).get("refused")
            return f"no law ({refused})" if refused else "no size was withheld (withhold: 0)"
        return found.get("refused", "")

    def withheld_line(self) -> str:
        """The sentence that leads: by how much the law missed sizes it had not seen."""
        found = self.withheld(self.fraction)
        if found is None:
            return f"Not tested on withheld sizes: {self.withheld_reason(self.fraction)}."
        mae = found["mae"]
        sizes = len(found["predictions"])
        which = "the largest size" if sizes == 1 else f"the {sizes} largest sizes"
        gap = self.quantity.gap
        line = "" if mae["line"] is None else f"; a log-log line: {gap(mae['line'])}"
        lost = unbeaten(mae)
        verdict = f" The law does not beat {' nor '.join(lost)}." if lost else ""
        return (
            f"The law missed {which}, unseen, by {gap(mae['law'])} "
            f"(repeating the last size: {gap(mae['carry'])}{line}).{verdict}"
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
        good = self.frame[self.frame["status"] == "ok"]
        count = COUNT_COLUMN[self.decision["counted"]]
        cells = good.groupby(["fraction", "scale"], as_index=False, sort=False).agg(
            count=(count, "first"),
            samples=("samples", "first"),
            flops=("flops", "mean"),
            error=("test_error", "mean"),
            loss=("test_loss", "mean"),
        )
        return cells.sort_values(["samples", "count"], ignore_index=True)

    def curve(self, fit: dict[str, Any], n: Any) -> np.ndarray:
        """A fit (a mapping with `params`) in stored units at sizes n; NaN beyond a double."""
        if "saved" in fit:  # law auto is no form with parameters
            return read(fit["saved"]).curve({"params": np.atleast_1d(np.asarray(n, float))})
        form = get_form(fit.get("law") or self.fit["law"])
        theta = np.array([[fit["params"][name] for name in form.names]], float)
        logs = np.log(np.atleast_1d(np.asarray(n, float)))[None]
        with np.errstate(all="ignore"):
            values = evaluate(form, logs, theta)[0]
        return np.where(np.isfinite(values), values, np.nan)
