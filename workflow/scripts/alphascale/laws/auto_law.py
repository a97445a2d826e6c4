"""`law: auto` behind the same face as any other fit; the choice itself is
`alphascale.laws.selection`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.autofit import AutoFit
from alphascale.laws.result import Prediction, point_matrix

FloatArray = np.ndarray
FORMAT = "alphascale-auto-fit/1"
QUANTILES = 400


@dataclass(frozen=True)
class AutoLaw:
    """Laws weighted by what they predict, fitted to columns of a table: a `Fit` in all that one
    asks of it.

    columns: the one predictor's name. y: the response's. auto: the weighted laws. x_range: of the
    predictor.
    """

    columns: tuple[str, ...]
    y: str
    auto: AutoFit
    x_range: tuple[tuple[float, float], ...]

    law = "auto"
    expression = "laws weighted by what they predict"
    log_noise = True

    @property
    def params(self) -> dict[str, float]:
        """Weight of each law over all its stretches."""
        return self.auto.law_weights()

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(self.auto.warnings)

    @property
    def level(self) -> float:
        return self.auto.level

    @property
    def withheld(self) -> dict[str, float] | str:
        """Errors beyond rolling origins, under the names of `alphascale.laws.withheld`."""
        w = self.auto.withheld
        if w is None:
            return f"no size could be withheld: there are {self.auto.levels} levels"
        return {
            "law": w.auto,
            "carry_last": w.last_value,
            "log_log_line": w.loglog_line,
            "origins": float(w.origins),
            "beyond": w.reach,
        }

    def curve(self, points) -> FloatArray:
        return self.auto.curve(point_matrix(points, self.columns)[0])

    def predict(self, points, level: float | None = None) -> Prediction:
        """The curve with a prediction interval for one new run."""
        return self.auto.predict(point_matrix(points, self.columns)[0], level)

    def band(self, points, level: float | None = None) -> Prediction:
        """The curve with a confidence band, without a run's noise."""
        return self.auto.band(point_matrix(points, self.columns)[0], level)

    def interval(self, name: str | None = None, level: float | None = None):
        """There is none: the weights of laws are no parameters of the task."""
        raise UserError(
            "law auto has no parameters to give an interval of; use predict, band or solve"
        )

    def solve(self, target: float) -> float:
        return self.auto.solve(target)

    def solve_interval(self, target: float, level: float | None = None) -> tuple[float, float]:
        return self.auto.solve_interval(target, level)

    def solve_samples(self, target: float) -> FloatArray:
        """Where each of 400 evenly spaced quantiles of the curve reaches `target`; inf where it
        never does.

        Their own quantiles are the ends of `solve_interval`.
        """
        return self.auto.solve_quantiles(target, (np.arange(QUANTILES) + 0.5) / QUANTILES)

    def save(self, path: str | Path) -> None:
        """Write the fit as JSON."""
        Path(path).write_text(json.dumps(self.to_json()) + "\n")

    def to_json(self) -> dict:
        return {
            "format": FORMAT,
            "columns": list(self.columns),
            "y": self.y,
            "x_range": [list(r) for r in self.x_range],
            "auto": self.auto.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping) -> AutoLaw:
        ranges = tuple(tuple(r) for r in data["x_range"])
        return cls(tuple(data["columns"]), data["y"], AutoFit.from_json(data["auto"]), ranges)
