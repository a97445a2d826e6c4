"""From a domain's laws to a choice: N*, the architecture to build, its price, what is saved."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import laws
from ..errors import UserError
from ..fitting.joint import REACH, cheapest, predictors, sample_cost
from ..networks.count import count_flops, count_params
from ..networks.search import smallest_with
from ..records.data import Meta
from ..records.files import SCHEMA
from .costs import jobs, power, price, saving, study_price, throughput
from .runs import run_warnings

if TYPE_CHECKING:
    import pandas


def decide(
    spec: dict[str, Any],
    frame: pandas.DataFrame,
    fits: dict[str, Any],
    bootstrap: dict[str, Any],
    meta: Meta,
) -> dict[str, Any]:
    """The decision of one domain, JSON-ready. `spec` is `study.decision_slice`.

    N* is the smallest N whose expected metric reaches the target, in closed form from the law. Its
    interval spans all resamples, those that never reach the target counting as infinite (written
    null), never dropped; their share is `out_of_reach`, of `draws`: resamples, or under law auto,
    which draws none, quantiles of its curve. `unbuildable`: why there is no architecture, if so.
    """
    target = as_metric(spec["target"])
    per_fraction = {
        fraction: _n_star(found, target, spec["level"])
        for fraction, found in bootstrap["fractions"].items()
    }
    fraction = max(per_fraction, key=float)
    chosen = per_fraction[fraction]
    decision = {
        "schema": SCHEMA,
        "domain": spec["domain"],
        "family": spec["family"],
        "run_warnings": run_warnings(frame),
        "target": spec["target"],
        "metric": spec["metric"],
        "law": fits["law"],
        "counted": spec["counted"],
        "level": spec["level"],
        "resamples": bootstrap["resamples"],
        "fraction": fraction,
        "fractions": per_fraction,
        "withheld": fits["fractions"][fraction][spec["metric"]]["withheld"],
        "in_sample": fits["fractions"][fraction][spec["metric"]].get("in_sample"),
        "fit_warnings": fits["fractions"][fraction][spec["metric"]].get("warnings", []),
        "ladder": _ladder_range(fits["fractions"][fraction]),
        "costs": spec["costs"],
        **chosen,
    }
    samples = fits["fractions"][fraction]["samples"]
    rate = throughput(frame, spec["batch_size"], spec["costs"]["flops_per_second"])
    watts = power(frame, spec["costs"])
    study = study_price(frame, spec["costs"])

    def run_of(size: dict[str, Any], samples: int = samples) -> dict[str, Any]:
        """One training of a size on so much data, as the ladder's members were trained."""
        counts = count_params(spec["family"], size, meta)
        flops = count_flops(spec["family"], size, meta)["training"] * samples * spec["epochs"]
        steps = spec["epochs"] * math.ceil(samples / spec["batch_size"])
        cost = price(flops, rate.seconds(flops, steps), spec["costs"], watts)
        return {"size": size, "params": counts, "price": cost}

    def smallest(params: float) -> dict[str, Any]:
        sizes = list(spec["ladder"].values())
        return smallest_with(spec["family"], params, sizes, meta, spec["counted"])[0]

    star = naive = None
    if chosen.get("n_star") is not None:
        try:
            star = run_of(smallest(chosen["n_star"]))
        except UserError as fault:  # a nearly flat law can ask for more than any network has
            decision["unbuildable"] = str(fault)
    if spec["naive"] is not None:
        naive = run_of(spec["naive"])
    for run in (star, naive):
        if run and "refused" not in bootstrap["fractions"][fraction]:
            fit = laws.read(bootstrap["fractions"][fraction]["fit"])
            n = np.array([run["params"][spec["counted"]]], float)
            run["predicted"] = _one(fit.predict({"params": n}))
    if star and naive:
        gains = saving(naive["price"], star["price"], study)
        decision["saving"] = {k: (v if math.isfinite(v) else None) for k, v in gains.items()}
    else:
        decision["saving"] = None
    for name, run in (("architecture", star), ("naive", naive)):
        decision[name] = run and run | {"price": run["price"].as_dict()}
    joint = _joint(spec, target, frame, fits, bootstrap)
    if joint.get("params") is not None and "unbuildable" not in decision:
        run = run_of(smallest(joint["params"]), joint["samples"])
        fit = laws.read(bootstrap["joint"]["fit"])
        at = predictors(run["params"][spec["counted"]], joint["samples"], spec["epochs"])
        joint["architecture"] = run | {
            "predicted": _one(fit.predict(at)),
            "price": run["price"].as_dict(),
        }
    decision["joint"] = joint
    decision["study"] = study.as_dict() | {
        "members": int(jobs(frame[frame["role"] == "ladder"])["job_members"].sum())
    }
    decision["throughput"] = {
        "how": rate.how,
        "flops_per_second": rate.flops_per_second,
        "step_seconds": rate.step_seconds,
    }
    return decision


def as_metric(target: dict[str, Any]) -> float:
    """The target as a value of the fitted metric: accuracy τ is error 1 − τ."""
    return 1 - target["value"] if target["metric"] == "accuracy" else target["value"]


def _n_star(found: dict[str, Any], target: float, level: float) -> dict[str, Any]:
    """N*, its interval and the probability that the target is out of reach, at one fraction."""
    if "refused" in found:
        return {"n_star": None, "refused": found["refused"]}
    fit = laws.read(found["fit"])
    point = fit.solve(target)
    samples = fit.solve_samples(target)
    lower, upper = fit.solve_interval(target, level)
    return {
        "n_star": _finite(point),
        # No model has less than one parameter, however steep a resample's law.
        "interval": [_finite(max(lower, 1.0)), _finite(upper)],
        "out_of_reach": float(np.isinf(samples[~np.isnan(samples)]).mean()),
        "draws": int((~np.isnan(samples)).sum()),
        "failed_resamples": found["failed_resamples"],
        "floor": fit.params.get("E"),
        "best_reachable": _one(fit.band({"params": [fit.x_range[0][1] * REACH]}, level)),
    }


def _joint(
    spec: dict[str, Any],
    target: float,
    frame: pandas.DataFrame,
    fits: dict[str, Any],
    bootstrap: dict[str, Any],
) -> dict[str, Any]:
    """The cheapest (N, D) that reaches the target by the joint law, with at most the pool's data.

    params (of the law), samples (unique), fraction, flops; `interval` of each over all resamples,
    an end out of reach being null; `reached`: share of resamples that reach the target at all.
    """
    found = fits["joint"][spec["metric"]]
    drawn = bootstrap["joint"]
    if "refused" in found or "refused" in drawn:
        return {"params": None, "refused": found.get("refused") or drawn["refused"]}
    fit = laws.read(drawn["fit"])
    samples = [each["samples"] for each in fits["fractions"].values()]
    shares = {float(name): each["samples"] for name, each in fits["fractions"].items()}
    pool = max(samples) / max(shares)
    ways = cheapest(
        fit, target, sample_cost(frame, spec["counted"]), fit.x_range[0],
        (min(samples), max(samples)), spec["epochs"],
    )  # fmt: skip
    tail = (1 - spec["level"]) / 2
    ends = np.quantile(ways[1:], [tail, 1 - tail], axis=0, method="inverted_cdf")
    params, needed, flops = (_finite(value) for value in ways[0])
    return {
        "law": found["law"],
        "withheld": found["candidates"][found["law"]],
        "params": params,
        "samples": None if needed is None else min(math.ceil(needed), max(samples)),
        "fraction": None if needed is None else needed / pool,
        "flops": flops,
        "interval": {
            name: [_finite(min(low, value)), _finite(max(high, value))]
            for name, low, high, value in zip(
                ("params", "samples", "flops"), *ends, ways[0], strict=True
            )
        },
        "reached": float(np.isfinite(ways[1:, 2]).mean()),
        "failed_resamples": drawn["failed_resamples"],
    }


def _one(prediction: laws.Prediction) -> dict[str, float]:
    return {name: float(value[0]) for name, value in prediction._asdict().items()}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _ladder_range(fit: dict[str, Any]) -> dict[str, Any]:
    sizes = [point["params"] for point in fit["points"]]
    return {"smallest": min(sizes), "largest": max(sizes), "sizes": len(sizes)}
