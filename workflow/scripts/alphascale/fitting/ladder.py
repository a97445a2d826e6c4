"""The laws of one domain's ladder: fits per fraction, the withheld sizes, the bootstrap.

N is counted as the study says (`total` or `non_embedding`). The largest sizes are kept from a
second fit that predicts them: its error, on runs no fit has seen, leads every table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import laws
from ..errors import UserError
from ..laws.withheld import carry_last, log_log_line
from ..records.files import SCHEMA

if TYPE_CHECKING:
    import pandas

COUNT_COLUMN = {"total": "params", "non_embedding": "non_embedding"}
METRICS = ("error", "loss")
# Points of the drawn curve, evenly spaced in log N, from half the smallest to 30 × the largest.
GRID = 160


def fit_domain(domain: str, spec: dict[str, Any], frame: pandas.DataFrame) -> dict[str, Any]:
    """Fits of error and of loss against N, for every fraction of a domain.

    `spec` is `study.fit_slice`, `frame` the domain's observations. Returns a JSON-ready mapping;
    a fit the law engine refuses stands there as `refused` with its reason.
    """
    fractions = {}
    for fraction in _fractions(frame):
        part = frame[frame["fraction"] == fraction]
        fractions[fraction] = {
            "samples": int(part["samples"].iloc[0]),
            "diverged": int((part["status"] != "ok").sum()),
            "points": _points(part, spec),
            **{metric: _fit_metric(part, metric, spec) for metric in METRICS},
        }
    return {
        "schema": SCHEMA,
        "domain": domain,
        "law": spec["law"],
        "counted": spec["params"],
        "fractions": fractions,
    }


def bootstrap_domain(domain: str, spec: dict[str, Any], frame: pandas.DataFrame) -> dict[str, Any]:
    """The same fits with `spec["resamples"]` resamples, and the band of the curve they give."""
    fractions = {}
    for fraction in _fractions(frame):
        part = frame[frame["fraction"] == fraction]
        try:
            fit = _fit(part, spec["metric"], spec, resamples=spec["resamples"])
        except UserError as reason:
            fractions[fraction] = {"refused": str(reason)}
            continue
        sizes = part[COUNT_COLUMN[spec["params"]]]
        grid = np.geomspace(sizes.min() / 2, sizes.max() * 30, GRID)
        mean, lower, upper = fit.band({"params": grid}, level=spec["level"])
        _, run_lower, run_upper = fit.predict({"params": grid}, level=spec["level"])
        fractions[fraction] = {
            "fit": fit.to_json(),
            "failed_resamples": getattr(fit, "failed_resamples", 0),  # auto draws none
            "band": {
                "params": grid.tolist(),
                "mean": mean.tolist(),
                "lower": lower.tolist(),
                "upper": upper.tolist(),
                "run_lower": run_lower.tolist(),
                "run_upper": run_upper.tolist(),
            },
        }
    return {
        "schema": SCHEMA,
        "domain": domain,
        "metric": spec["metric"],
        "resamples": spec["resamples"],
        "level": spec["level"],
        "fractions": fractions,
    }


def _fractions(frame: pandas.DataFrame) -> list[str]:
    return sorted(frame["fraction"].unique(), key=float)


def ladder_columns(
    part: pandas.DataFrame, metric: str, spec: dict[str, Any]
) -> dict[str, np.ndarray]:
    """What a law of one fraction is fitted to: the runs that ended well, N as the study counts."""
    good = part[part["status"] == "ok"]
    return {
        "params": good[COUNT_COLUMN[spec["params"]]].to_numpy(float),
        metric: good[f"test_{metric}"].to_numpy(float),
        "scale": good["scale"].to_numpy(str),
    }


def fit_ladder(
    columns: dict[str, np.ndarray], metric: str, spec: dict[str, Any], resamples: int = 0
) -> laws.Fit:
    """The study's law on `ladder_columns`."""
    return laws.fit(
        columns,
        x="params",
        y=metric,
        law=spec["law"],
        cluster="scale",
        resamples=resamples,
        level=spec.get("level", 0.95),
        seed=spec.get("seed", 0),
        withhold=False,  # done below, for the sizes that the study withholds
    )


def _fit(part: pandas.DataFrame, metric: str, spec: dict[str, Any], resamples: int = 0) -> laws.Fit:
    return fit_ladder(ladder_columns(part, metric, spec), metric, spec, resamples)


def _fit_metric(part: pandas.DataFrame, metric: str, spec: dict[str, Any]) -> dict[str, Any]:
    try:
        fit = _fit(part, metric, spec)
    except UserError as reason:
        return {"refused": str(reason), "withheld": None}
    return _described(fit) | {"withheld": _withheld(part, metric, spec)}


def _described(fit: laws.Fit | laws.AutoLaw) -> dict[str, Any]:
    """What a fit found. `law: auto` has weights of laws in `params`, and is kept whole."""
    found = {"params": fit.params, "warnings": list(fit.warnings)}
    if isinstance(fit, laws.AutoLaw):
        return found | {"saved": fit.to_json()}
    return found | {
        "objective": fit.objective,
        "starts_agree": fit.starts_agree,
        "bounds_hit": list(fit.bounds_hit),
        # Infinite where the points do not tell the parameters apart, undefined where y is constant:
        # JSON has neither, and null is not mistaken for a number.
        "condition": fit.condition if np.isfinite(fit.condition) else None,
        "in_sample": {k: v if np.isfinite(v) else None for k, v in fit.in_sample.items()},
    }


def _withheld(part: pandas.DataFrame, metric: str, spec: dict[str, Any]) -> dict[str, Any] | None:
    """Predict the largest sizes from the others, beside predictors that know no law.

    Carry: the mean of the largest fitted size. Line: a straight line in log-log through the three
    largest fitted sizes. A law that does not beat both has earned no trust.
    """
    if not spec["withhold"]:
        return None
    count = COUNT_COLUMN[spec["params"]]
    order = part.groupby("scale")[count].first().sort_values().index.tolist()
    largest = order[-spec["withhold"] :]
    seen = part[~part["scale"].isin(largest)]
    hidden = part[part["scale"].isin(largest) & (part["status"] == "ok")]
    if hidden.empty:
        return {"refused": "every run of the withheld sizes diverged"}
    try:
        fit = _fit(seen, metric, spec, resamples=200)
    except UserError as reason:
        return {"refused": str(reason)}
    means = hidden.groupby("scale").agg(
        params=(count, "first"), measured=(f"test_{metric}", "mean")
    ).sort_values("params")  # fmt: skip
    sizes = means["params"].to_numpy(float)
    measured = means["measured"].to_numpy(float)
    predicted, lower, upper = fit.predict({"params": sizes})
    good = seen[seen["status"] == "ok"]
    x, y = good[count].to_numpy(float)[None], good[f"test_{metric}"].to_numpy(float)
    carry = carry_last(x, y, sizes[None])
    line = log_log_line(x, y, sizes[None]) if (y > 0).all() else None
    errors = {
        "law": float(np.abs(predicted - measured).mean()),
        "carry": float(np.abs(carry - measured).mean()),
        "line": None if line is None else float(np.abs(line - measured).mean()),
    }
    return {
        "mae": errors,
        "beats_naive": all(errors["law"] <= e for e in errors.values() if e is not None),
        **_described(fit),
        "predictions": [
            {"scale": scale, "params": n, "predicted": p, "lower": lo, "upper": hi, "measured": m}
            for scale, n, p, lo, hi, m in zip(
                means.index, sizes.tolist(), predicted.tolist(), lower.tolist(), upper.tolist(),
                measured.tolist(), strict=True,
            )
        ],
    }  # fmt: skip


def worst_level(levels: pandas.Series) -> str | None:
    """The highest generalisation warning among runs; a diverged run has none."""
    known = levels.dropna().tolist()
    return max(known, key=("LOW", "MEDIUM", "HIGH").index) if known else None


def _points(part: pandas.DataFrame, spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Each size once: what it is, what it costs, what its seeds reached."""
    count = COUNT_COLUMN[spec["params"]]
    order = part.sort_values(count)["scale"].unique().tolist()
    withheld = set(order[len(order) - spec["withhold"] :])
    points = []
    for scale in order:
        rows = part[part["scale"] == scale]
        good = rows[rows["status"] == "ok"]
        points.append(
            {
                "scale": scale,
                "params": int(rows[count].iloc[0]),
                "params_total": int(rows["params"].iloc[0]),
                "flops": float(good["flops"].mean()) if len(good) else None,
                "errors": good["test_error"].tolist(),
                "losses": good["test_loss"].tolist(),
                "withheld": scale in withheld,
                "level": worst_level(rows["level"]),
            }
        )
    return points
