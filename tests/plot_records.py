"""Records of a domain made from a known law: what figures and summary are tried on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from alphascale.config import Training
from alphascale.deciding.decision import decide
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.networks.count import count_flops
from alphascale.plots.records import Records
from alphascale.records.data import Meta
from alphascale.records.pace import Pace, PaceRecord
from alphascale.records.specs import BootstrapSpec, DecisionSpec, FitSpec, PaceSpec, Prices, Target
from alphascale.records.training import Device
from observations_made import observed

WIDTHS = {"w8": 8, "w16": 16, "w32": 32, "w64": 64, "w128": 128, "w256": 256}
COSTS = Prices(
    watts=250.0, flops_per_second=None, carbon_g_per_kwh=445.0, carbon_source="the world", pue=1.0,
    price_per_kwh=0.25, price_per_hour=None, currency="USD",
)  # fmt: skip
META = Meta("tabular", 26, (16,), None, None, None, None)


def params_of(width: int) -> int:
    """Parameters of an MLP with three hidden layers on 16 features and 26 classes."""
    return 16 * width + 2 * width**2 + 26 * width


def frame(fractions=("0.25", "0.5", "1.0"), floor=0.02, noise=0.015, seeds=3) -> pd.DataFrame:
    """Observations of error = floor + A(D)·N^(−.5) with log-normal noise between seeds."""
    made = observed(
        {scale: params_of(width) for scale, width in WIDTHS.items()},
        lambda n, samples: floor + 6.0 * n**-0.5 * (14000 / samples) ** 0.35,
        noise=noise, pool=14000, epochs=20, fractions=fractions, seeds=range(seeds), rates=2,
        draw=4,
    )  # fmt: skip
    high = (made["scale"] == "w256") & (made["fraction"] == "0.25")
    return made.assign(
        domain="tabular",
        job_seconds=1.0 + made["job_flops"] / 2e11,
        test_loss=3.2 * made["test_error"] ** 0.9,
        level=np.where(high, "HIGH", "LOW"),
        warnings=np.where(made["scale"] == "w8", "learning_rate_edge", ""),
    )


def records(
    table: pd.DataFrame | None = None,
    target=("accuracy", 0.95),
    withhold: int = 1,
    naive: bool = True,
    resamples: int = 200,
    paced: bool = False,
) -> Records:
    """Records with the real fits, bootstrap and decision; paced: the naive model was timed."""
    table = frame() if table is None else table
    metric = "loss" if target[0] == "loss" else "error"
    fit = fit_domain("tabular", FitSpec("power_floor", "total", withhold), table)
    draws = BootstrapSpec("power_floor", "total", metric, resamples, level=0.95, seed=0)
    bootstrap = bootstrap_domain("tabular", draws, table, fit)
    spec = DecisionSpec(
        domain="tabular", metric=metric, target=Target(*target), family="mlp",
        ladder={scale: {"width": width, "depth": 3} for scale, width in WIDTHS.items()},
        naive={"width": 512, "depth": 3} if naive else None, epochs=20, batch_size=100,
        members=6, counted="total", level=0.95, costs=COSTS,
    )  # fmt: skip
    pace = timed(spec) if paced else None
    return Records(table, fit, bootstrap, decide(spec, table, fit, bootstrap, META, pace=pace))


def timed(spec: DecisionSpec) -> PaceRecord:
    """The naive model's steps, at the pace of the frame's jobs."""
    step = count_flops("mlp", spec.naive, META)["training"] * spec.batch_size
    asked = PaceSpec("tabular", "mlp", spec.naive, "1.0", Training(), "cpu")
    found = Pace(step, step / 2e11, 20, 0.02, 0.0)
    return PaceRecord(asked, "code", found, Device("cpu", "made", "float32", 1))


def with_decision(found: Records, **changes) -> Records:
    """The same records with another decision in some of its fields."""
    return replace(found, decision=replace(found.decision, **changes))


def with_star(found: Records, **changes) -> Records:
    """The same records with another N* at the decision's fraction."""
    fractions = found.decision.fractions
    star = replace(found.decision.star, **changes)
    return with_decision(found, fractions=fractions | {found.fraction: star})
