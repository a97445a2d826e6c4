"""Many fits at once: one per group of rows, kept, saved and asked together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alphascale.errors import UserError
from alphascale.laws import auto_law
from alphascale.laws.auto_law import AutoLaw
from alphascale.laws.result import Fit, Prediction, read_saved, save_sealed

FORMAT = "alphascale-fits/1"


@dataclass(frozen=True)
class Fits:
    """One fit per group. group: column names. fits: by the group's values, as text, in order of
    first appearance. refused: groups that could not be fitted, with the reason.
    """

    group: tuple[str, ...]
    fits: Mapping[tuple[str, ...], Fit | AutoLaw]
    refused: Mapping[tuple[str, ...], str]

    @property
    def warnings(self) -> tuple[str, ...]:
        refused = (f"{'/'.join(key)}: not fitted: {why}" for key, why in self.refused.items())
        told = (f"{'/'.join(key)}: {w}" for key, fit in self.fits.items() for w in fit.warnings)
        return (*refused, *told)

    def predict(self, points, level: float | None = None) -> Prediction:
        """Predictions for rows that name their group, in the order of the rows; NaN in those of a
        group that could not be fitted (`without`)."""
        keys = group_keys(points, self.group)
        out = np.full((3, len(keys)), np.nan)
        for key in dict.fromkeys(keys):
            if key not in self.fits:
                continue
            rows = np.array([k == key for k in keys])
            fit = self.fits[key]
            part = {c: np.asarray(points[c])[rows] for c in fit.columns if c in list(points.keys())}
            out[:, rows] = fit.predict(part, level)
        if keys and not any(key in self.fits for key in keys):
            raise UserError(f"no prediction for {self.without(points)[0]}")
        return Prediction(*out)

    def without(self, points) -> list[str]:
        """The groups of `points` that have no prediction, each with the reason."""
        keys = dict.fromkeys(group_keys(points, self.group))
        reasons = {key: self.refused.get(key, "it was not among the fitted groups") for key in keys}
        return [f"group {'/'.join(k)}: {why}" for k, why in reasons.items() if k not in self.fits]

    def save(self, path: str | Path) -> None:
        data = {
            "format": FORMAT,
            "group": list(self.group),
            "fits": [{"key": list(k), "fit": f.to_json()} for k, f in self.fits.items()],
            "refused": [{"key": list(k), "reason": r} for k, r in self.refused.items()],
        }
        save_sealed(path, data)

    @classmethod
    def from_json(cls, data: Mapping) -> Fits:
        fits = {tuple(e["key"]): read(e["fit"]) for e in data["fits"]}
        refused = {tuple(e["key"]): e["reason"] for e in data["refused"]}
        return cls(tuple(data["group"]), fits, refused)


def group_keys(frame, group: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The group of every row: its values in the columns `group`, as text."""
    known = list(frame.keys())
    for name in group:
        if name not in known:
            raise UserError(
                f"group column {name!r} is missing; the columns are {', '.join(map(str, known))}"
            )
    return list(zip(*[[str(v) for v in np.asarray(frame[g])] for g in group], strict=True))


def load(path: str | Path) -> Fit | AutoLaw | Fits:
    """Read back what any fit's `save` wrote."""
    data = read_saved(path)
    try:
        return Fits.from_json(data) if data["format"] == FORMAT else read(data)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path}: is not a whole saved fit ({type(error).__name__}: {error}); fit it again"
        ) from None


def read(data: Mapping) -> Fit | AutoLaw:
    """A fit from what its `to_json` gave."""
    kind = AutoLaw if data.get("format") == auto_law.FORMAT else Fit
    return kind.from_json(data)
