"""The perplexity laws of language domains, and whether their families scale alike.

Perplexity = a·N^(−b), with a floor and without, N counted with embeddings and without: which of the
four is to be trusted is decided by the largest sizes, kept from a second fit that predicts them.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import laws
from ..errors import UserError
from ..records.files import SCHEMA
from .ladder import COUNT_COLUMN

if TYPE_CHECKING:
    import pandas

LAWS = ("perplexity", "perplexity_floor")
# Resamples of the fits that predict withheld sizes: their intervals are shown, not decided on.
WITHHELD_RESAMPLES = 200
# Points of a drawn curve, evenly spaced in log N over the sizes that were trained.
GRID = 60


def judge_group(spec: dict[str, Any], frames: dict[str, pandas.DataFrame]) -> dict[str, Any]:
    """Laws of every domain of a group, and each one's exponents against the first's; JSON-ready.

    `spec` is `study.language_slice`; `frames` the observations by domain.
    """
    domains, fits = {}, {}
    for at, (name, task) in enumerate(spec["domains"].items()):
        # Streams of their own: equal draws would cancel in the difference of two exponents.
        own = spec | {"seed": spec["seed"] + 1000 * at}
        frame = with_perplexity(frames[name])
        fits[name] = _fits(_largest_fraction(frame), own)
        domains[name] = _domain(frame, fits[name], task, own)
    first, *others = spec["domains"]
    return {
        "schema": SCHEMA,
        "level": spec["level"],
        "resamples": spec["resamples"],
        "domains": domains,
        "comparisons": [_compare(name, first, fits, domains, spec["level"]) for name in others],
    }


def with_perplexity(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Observations with the column `perplexity`, e^(test loss in nats per token)."""
    return frame.assign(perplexity=np.exp(frame["test_loss"].to_numpy(float)))


def _largest_fraction(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Runs that ended well on the most data: the laws in N alone are of these."""
    largest = max(frame["fraction"].unique(), key=float)
    return frame[(frame["fraction"] == largest) & (frame["status"] == "ok")]


def _fit(part: pandas.DataFrame, law: str, counted: str, spec: dict[str, Any]) -> laws.Fit:
    columns = {
        "params": part[COUNT_COLUMN[counted]].to_numpy(float),
        "perplexity": part["perplexity"].to_numpy(float),
        "scale": part["scale"].to_numpy(str),
    }
    return laws.fit(
        columns, x="params", y="perplexity", law=law, cluster="scale",
        resamples=spec["resamples"], level=spec["level"], seed=spec["seed"],
    )  # fmt: skip


def _fits(part: pandas.DataFrame, spec: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """(law, counted) → its fit to all sizes, or the reason why there is none."""
    found: dict[tuple[str, str], Any] = {}
    for key in itertools.product(LAWS, COUNT_COLUMN):
        try:
            found[key] = _fit(part, *key, spec)
        except UserError as reason:
            found[key] = str(reason)
    return found


def _domain(
    frame: pandas.DataFrame,
    fits: dict[tuple[str, str], Any],
    task: dict[str, Any],
    spec: dict[str, Any],
) -> dict[str, Any]:
    part = _largest_fraction(frame)
    table = [_entry(part, key, fit, task["withhold"], spec) for key, fit in fits.items()]
    judged = [row for row in table if row.get("withheld_error") is not None]
    best = min(judged, key=lambda row: row["withheld_error"], default=None)
    if best is not None:
        best["best"] = True
    return {
        "family": task["family"],
        "fraction": part["fraction"].iloc[0] if len(part) else None,
        "unigram_perplexity": _first(part, "unigram_perplexity"),
        "points": _points(part),
        "laws": table,
        "best": None if best is None else {"law": best["law"], "counted": best["counted"]},
        "params_and_data": _params_and_data(frame, spec),
    }


def _entry(
    part: pandas.DataFrame, key: tuple[str, str], fit: Any, withhold: int, spec: dict[str, Any]
) -> dict[str, Any]:
    """One law: what it predicts of sizes it has not seen, then its parameters and its curve."""
    law, counted = key
    entry: dict[str, Any] = {"law": law, "counted": counted, "best": False}
    if isinstance(fit, str):
        return entry | {"refused": fit}
    entry["withheld"], entry["withheld_error"] = _withheld(part, key, withhold, spec)
    grid = np.geomspace(*fit.x_range[0], GRID)
    mean, lower, upper = fit.band({"params": grid})
    return entry | {
        "params": fit.params,
        "interval": {name: list(ends) for name, ends in fit.interval().items()},
        "in_sample": fit.in_sample,
        "failed_resamples": fit.failed_resamples,
        "warnings": list(fit.warnings),
        "band": {
            "params": grid.tolist(),
            "mean": mean.tolist(),
            "lower": lower.tolist(),
            "upper": upper.tolist(),
        },
    }


def _withheld(
    part: pandas.DataFrame, key: tuple[str, str], withhold: int, spec: dict[str, Any]
) -> tuple[Any, float | None]:
    """Predictions of the largest sizes by a fit to the others, and their mean error in log."""
    count = COUNT_COLUMN[key[1]]
    order = part.groupby("scale")[count].first().sort_values().index.tolist()
    largest = order[len(order) - withhold :]
    if not largest:
        return "no size was withheld (withhold: 0)", None
    try:
        fewer = spec | {"resamples": min(spec["resamples"], WITHHELD_RESAMPLES)}
        fit = _fit(part[~part["scale"].isin(largest)], *key, fewer)
    except UserError as reason:
        return str(reason), None
    rows = []
    for scale in largest:
        seeds = part[part["scale"] == scale]
        size = float(seeds[count].iloc[0])
        mean, lower, upper = (float(v[0]) for v in fit.predict({"params": [size]}))
        measured = float(np.exp(np.log(seeds["perplexity"]).mean()))
        rows.append(
            {"scale": scale, "params": size, "predicted": mean, "lower": lower, "upper": upper,
             "measured": measured}
        )  # fmt: skip
    errors = [abs(np.log(row["predicted"] / row["measured"])) for row in rows]
    return rows, float(np.mean(errors))


def _compare(
    name: str,
    first: str,
    fits: dict[str, dict[tuple[str, str], Any]],
    domains: dict[str, Any],
    level: float,
) -> dict[str, Any]:
    """Exponent of `name` minus that of `first`, per law: value, interval, verdict."""
    rows = []
    for key in itertools.product(LAWS, COUNT_COLUMN):
        one, other = fits[name][key], fits[first][key]
        row: dict[str, Any] = {"law": key[0], "counted": key[1]}
        if isinstance(one, str) or isinstance(other, str):
            rows.append(row | {"refused": one if isinstance(one, str) else other})
            continue
        row |= exponent_difference(one, other, level)
        row["exponents"] = {name: one.params["b"], first: other.params["b"]}
        rows.append(row)
    families = domains[name]["family"], domains[first]["family"]
    return {
        "domains": [name, first],
        "families": list(families),
        "exponents": rows,
        "says": _verdict(families, rows, level),
    }


def exponent_difference(one: laws.Fit, other: laws.Fit, level: float) -> dict[str, Any]:
    """Exponent b of one fit minus that of another, its interval, and whether that excludes 0.

    The two ladders are independent and their resamples drawn from different streams, so the
    difference of the i-th resamples is one resample of the difference. That the exponents are equal
    is never claimed: either the interval excludes 0, or it says how large a difference is possible.
    """
    draws = np.subtract(*(f.samples[:, list(f.params).index("b")] for f in (one, other)))
    good = draws[np.isfinite(draws)]
    tail = (1 - level) / 2
    low, high = (float(v) for v in np.quantile(good, (tail, 1 - tail), method="inverted_cdf"))
    return {
        "difference": one.params["b"] - other.params["b"],
        "interval": [low, high],
        "resamples": len(good),
        "failed_resamples": len(draws) - len(good),
        "differ": not low <= 0 <= high,
    }


def _verdict(families: tuple[str, str], rows: list[dict[str, Any]], level: float) -> str:
    """One sentence, on the plain law in parameters without embeddings."""
    row = next(r for r in rows if (r["law"], r["counted"]) == ("perplexity", "non_embedding"))
    if "refused" in row:
        return f"whether {families[0]} scales as {families[1]} does could not be tested: " + str(
            row["refused"]
        )
    low, high = row["interval"]
    said = (
        f"{families[0]} minus {families[1]}: exponent {row['difference']:+.3f} "
        f"({100 * level:g} % interval {low:+.3f} to {high:+.3f}; non-embedding parameters, "
        "law without floor)"
    )
    if row["differ"]:
        return f"the exponents differ; {said}"
    return f"the exponents are not told apart, which does not make them equal; {said}"


def _params_and_data(frame: pandas.DataFrame, spec: dict[str, Any]) -> dict[str, Any]:
    """Kaplan et al. 2020, eq. 1.5, for the loss in N (non-embedding) and D (unique tokens)."""
    good = frame[frame["status"] == "ok"]
    fractions = good["fraction"].nunique()
    if fractions < 3:
        return {"refused": f"{fractions} fraction(s) of the data were trained and 3 are needed"}
    columns = {
        "params": good["non_embedding"].to_numpy(float),
        "tokens": good["tokens"].to_numpy(float),
        "loss": good["test_loss"].to_numpy(float),
        "cell": (good["scale"] + "/" + good["fraction"]).to_numpy(str),
    }
    try:
        fit = laws.fit(
            columns, x="params", x2="tokens", y="loss", law="kaplan_nd", cluster="cell",
            resamples=spec["resamples"], level=spec["level"], seed=spec["seed"],
        )  # fmt: skip
    except UserError as reason:
        return {"refused": str(reason)}
    return {
        "law": "kaplan_nd",
        "params": fit.params,
        "derived": fit.derived,
        "interval": {name: list(ends) for name, ends in fit.interval().items()},
        "in_sample": fit.in_sample,
        "warnings": list(fit.warnings),
    }


def _points(part: pandas.DataFrame) -> list[dict[str, Any]]:
    """Each size once, by parameters: what it is, what it cost, what its seeds reached."""
    points = []
    for scale, rows in part.groupby("scale", sort=False):
        points.append(
            {
                "scale": scale,
                "d_model": _first(rows, "d_model"),
                "n_layers": _first(rows, "n_layers"),
                "total": int(rows["params"].iloc[0]),
                "non_embedding": int(rows["non_embedding"].iloc[0]),
                "perplexity": rows["perplexity"].tolist(),
                "bits_per_byte": rows["bits_per_byte"].tolist(),
                "flops": float(rows["flops"].mean()),
                # A job trains its members together: each one's share of the time.
                "seconds": float((rows["job_seconds"] / rows["job_members"]).mean()),
                "peak_memory_bytes": float(rows["peak_memory_bytes"].max()),
            }
        )
    return sorted(points, key=lambda point: point["total"])


def _first(part: pandas.DataFrame, column: str) -> float | None:
    values = part[column].dropna()
    return None if values.empty else float(values.iloc[0])


def text(found: dict[str, Any]) -> str:
    """The group in a few lines: what was reached, which law predicts, whether families differ."""
    lines = []
    for name, domain in found["domains"].items():
        points = domain["points"]
        if not points:
            lines.append(f"{name} ({domain['family']}): every run diverged")
            continue
        first, last = points[0], points[-1]
        unigram, bits = domain["unigram_perplexity"], np.mean(last["bits_per_byte"])
        lines.append(
            f"{name} ({domain['family']}): test perplexity {_mean(first):.1f} at "
            f"{first['non_embedding']:,} to {_mean(last):.1f} at {last['non_embedding']:,} "
            f"non-embedding parameters ({bits:.2f} bits per byte); token frequencies alone: "
            f"{unigram:.1f}"
        )
        lines += [f"  {_line(row)}" for row in domain["laws"]]
        both = domain["params_and_data"]
        if "refused" not in both:
            p = both["params"]
            lines.append(
                f"  loss in N and D (Kaplan 1.5): alpha_N {p['alpha_N']:.3f}, alpha_D "
                f"{p['alpha_D']:.3f}"
            )
    lines += [comparison["says"] for comparison in found["comparisons"]]
    return "\n".join(lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    counted = "non-embedding" if row["counted"] == "non_embedding" else "all"
    head = f"{row['law']} in {counted} parameters"
    if "refused" in row:
        return f"{head}: refused ({row['refused']})"
    error = row["withheld_error"]
    missed = "not tested" if error is None else f"{100 * np.expm1(error):.1f} % off"
    low, high = row["interval"]["b"]
    best = " <- predicts best" if row["best"] else ""
    return (
        f"{head}: withheld sizes {missed}; b = {row['params']['b']:.3f} ({low:.3f} to {high:.3f})"
        f"{best}"
    )


def _mean(point: dict[str, Any]) -> float:
    return float(np.exp(np.log(point["perplexity"]).mean()))
