"""Records of a domain made from a known law: what figures and summary are tried on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from alphascale import laws
from alphascale.fitting.ladder import bootstrap_domain, fit_domain
from alphascale.plots.records import Records

WIDTHS = {"w8": 8, "w16": 16, "w32": 32, "w64": 64, "w128": 128, "w256": 256}
COSTS = {
    "watts": 250.0,
    "flops_per_second": None,
    "carbon_g_per_kwh": 445.0,
    "pue": 1.0,
    "price_per_kwh": 0.25,
    "currency": "USD",
}


def params_of(width: int) -> int:
    """Parameters of an MLP with three hidden layers on 16 features and 26 classes."""
    return 16 * width + 2 * width**2 + 26 * width


def frame(fractions=("0.25", "0.5", "1.0"), floor=0.02, noise=0.015, seeds=3) -> pd.DataFrame:
    """Observations of error = floor + A(D)·N^(−.5) with log-normal noise between seeds."""
    rng = np.random.default_rng(4)
    rows = []
    for scale, width in WIDTHS.items():
        n = params_of(width)
        for fraction in fractions:
            samples = int(14000 * float(fraction))
            clean = floor + 6.0 * n**-0.5 * (14000 / samples) ** 0.35
            for seed in range(seeds):
                error = clean * np.exp(noise * rng.standard_normal())
                flops = 6.0 * n * samples * 20
                rows.append(
                    {
                        "domain": "tabular",
                        "scale": scale,
                        "fraction": fraction,
                        "seed": seed,
                        "family": "mlp",
                        "status": "ok",
                        "params": n,
                        "non_embedding": n,
                        "samples": samples,
                        "samples_seen": samples * 20,
                        "flops": flops,
                        "job_flops": flops * seeds * 2,
                        "job_seconds": 1.0 + flops * seeds * 2 / 2e11,
                        "job_members": seeds * 2,
                        "joules": np.nan,
                        "test_error": error,
                        "test_accuracy": 1 - error,
                        "test_loss": 3.2 * error**0.9,
                        "level": "HIGH" if scale == "w256" and fraction == "0.25" else "LOW",
                        "warnings": "learning_rate_edge" if scale == "w8" else "",
                    }
                )
    return pd.DataFrame(rows)


def diverge(table: pd.DataFrame, where: pd.Series) -> pd.DataFrame:
    """The same table with some runs diverged: a status, and no numbers."""
    table = table.copy()
    table.loc[where, "status"] = "diverged"
    table.loc[where, ["test_error", "test_accuracy", "test_loss"]] = np.nan
    return table


def price(flops: float, measured: bool = False) -> dict:
    kwh = 250.0 * flops / 2e11 / 3.6e6
    return {
        "flops": flops,
        "seconds": flops / 2e11,
        "kwh": kwh,
        "co2_g": kwh * 445,
        "money": kwh * 0.25,
        "measured": measured,
    }


def records(
    table: pd.DataFrame | None = None,
    target=("accuracy", 0.95),
    withhold: int = 1,
    naive: bool = True,
    resamples: int = 200,
) -> Records:
    """Records with the real fits and bootstrap, and a decision as `decide` writes it."""
    table = frame() if table is None else table
    metric, value = target
    stored = "loss" if metric == "loss" else "error"
    law = {"law": "power_floor", "params": "total", "withhold": withhold}
    fit = fit_domain("tabular", law, table)
    draws = {"resamples": resamples, "level": 0.95, "seed": 0, "metric": stored}
    bootstrap = bootstrap_domain("tabular", law | draws, table)
    fraction = max(fit["fractions"], key=float)
    found = fit["fractions"][fraction]
    sizes = [point["params"] for point in found["points"]]
    chosen = {"n_star": None, "refused": bootstrap["fractions"][fraction].get("refused")}
    star = None
    if not chosen["refused"]:
        law_fit = laws.Fit.from_json(bootstrap["fractions"][fraction]["fit"])
        stored_target = 1 - value if metric == "accuracy" else value
        samples = law_fit.solve_samples(stored_target)
        lower, upper = (finite(v) for v in law_fit.solve_interval(stored_target))
        chosen = {
            "n_star": finite(law_fit.solve(stored_target)),
            "interval": [lower, upper],
            "out_of_reach": float(np.isinf(samples).mean()),
            "draws": len(samples),
            "failed_resamples": 0,
            "floor": law_fit.params["E"],
        }
        if chosen["n_star"] is not None:
            width = int(np.ceil(np.sqrt(chosen["n_star"] / 2 + 110) - 10.4))
            n = params_of(width)
            mean, low, high = law_fit.predict({"params": [float(n)]})
            star = {
                "size": {"width": width, "depth": 3},
                "params": {"total": n, "non_embedding": n, "embedding": 0, "head": 26 * width},
                "price": price(6.0 * n * 14000 * 20),
                "predicted": {
                    "mean": float(mean[0]),
                    "lower": float(low[0]),
                    "upper": float(high[0]),
                },
            }
    big = params_of(512)
    plain = {
        "size": {"width": 512, "depth": 3},
        "params": {"total": big, "non_embedding": big, "embedding": 0, "head": 26 * 512},
        "price": price(6.0 * big * 14000 * 20),
    }
    jobs = table.drop_duplicates(["scale", "fraction"])
    study = price(float(jobs["job_flops"].sum()))
    decision = {
        "schema": 1,
        "domain": "tabular",
        "family": "mlp",
        "target": {"metric": metric, "value": value},
        "metric": stored,
        "law": "power_floor",
        "counted": "total",
        "level": 0.95,
        "resamples": resamples,
        "fraction": fraction,
        "withheld": found[stored]["withheld"],
        "in_sample": found[stored].get("in_sample"),
        "fit_warnings": found[stored].get("warnings", []),
        "ladder": {"smallest": min(sizes), "largest": max(sizes), "sizes": len(sizes)},
        "costs": COSTS,
        **chosen,
        "architecture": star,
        "naive": plain if naive else None,
        "study": study | {"members": int(jobs["job_members"].sum())},
        "saving": saving(plain["price"], star["price"], study) if star and naive else None,
        "throughput": {"how": "fitted on the study's own jobs"},
    }
    return Records(table, fit, bootstrap, decision)


def saving(naive: dict, star: dict, study: dict) -> dict:
    per_run = naive["kwh"] - star["kwh"]
    return {
        "net": 1 - (study["kwh"] + star["kwh"]) / naive["kwh"],
        "gross": 1 - star["kwh"] / naive["kwh"],
        "net_flops": 1 - (study["flops"] + star["flops"]) / naive["flops"],
        "gross_flops": 1 - star["flops"] / naive["flops"],
        "pays_after_runs": study["kwh"] / per_run if per_run > 0 else None,
    }


def with_decision(found: Records, **changes) -> Records:
    """The same records with another decision in some of its keys."""
    return replace(found, decision=found.decision | changes)


def finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
