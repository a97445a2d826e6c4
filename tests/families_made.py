"""Groups of domains with known laws, to compare; observations as a study leaves them."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from alphascale.deciding.families import Known, compare
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.records.compare import CompareRecord
from alphascale.records.data import Meta
from alphascale.records.specs import (
    BootstrapSpec,
    ComparedDomain,
    CompareSpec,
    FitSpec,
    Prices,
    Target,
)
from observations_made import observed

SIZES = (500, 1_000, 2_000, 4_000, 8_000, 16_000)
POOL, EPOCHS = 20_000, 5
META = Meta("tabular", 26, (16,), None, None, None, None)
PRICES = Prices(
    watts=100.0, flops_per_second=None, carbon_g_per_kwh=400.0, carbon_source="stated", pue=1.0,
    price_per_kwh=0.5, price_per_hour=None, currency="EUR",
)  # fmt: skip


def ladder(
    error: Callable[[float], float],
    *,
    draw: int = 0,
    noise: float = 0.02,
    dear: float = 1.0,
    sizes: tuple[int, ...] = SIZES,
    fractions: tuple[str, ...] = ("1.0",),
) -> pd.DataFrame:
    """Runs whose test error is `error(N)`; one training takes `dear` × 6 FLOPs a parameter and
    sample, and its time goes with its FLOPs."""
    made = observed(
        {f"n{n}": n for n in sizes}, lambda n, samples: error(n) * (POOL / samples) ** 0.2,
        noise=noise, pool=POOL, epochs=EPOCHS, draw=draw, fractions=fractions,
    )  # fmt: skip
    for column in ("step_flops", "flops", "job_flops", "job_seconds"):
        made[column] *= dear
    return made


def known(frame: pd.DataFrame, law: str = "power", resamples: int = 200, seed: int = 0) -> Known:
    fits = fit_domain("d", FitSpec(law, "total", withhold=1), frame)
    draws = BootstrapSpec(law, "total", "error", resamples, level=0.95, seed=seed)
    return Known(frame, META, fits, bootstrap_domain("d", draws, frame, fits))


def spec_of(names: list[str], target: Target, shared: bool = True, **changes) -> CompareSpec:
    domains = [ComparedDomain(name, f"family_{name}", EPOCHS, 100) for name in names]
    fields = {"counted": "total", "level": 0.95, "seed": 0, "costs": PRICES} | changes
    return CompareSpec(domains, [target], shared, **fields)


def compared(
    frames: dict[str, pd.DataFrame], target: Target, law: str = "power", **changes
) -> CompareRecord:
    found = {name: known(frame, law) for name, frame in frames.items()}
    return compare(spec_of(list(frames), target, **changes), found)
