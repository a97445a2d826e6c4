"""Whatever a study's ladder looks like and whatever is asked of it: what is decided and printed is
possible, or is refused in words."""

from __future__ import annotations

import math
import os
import re

import numpy as np
import pandas as pd
import pytest
from alphascale.deciding.decision import decide
from alphascale.deciding.summary import text
from alphascale.deciding.summary_table import table_rows
from alphascale.fitting.domain import bootstrap_domain, fit_domain
from alphascale.networks.count import count_params
from alphascale.plots.draw import DRAW
from alphascale.plots.records import Records
from alphascale.records.data import Meta
from alphascale.records.decision import CheapestPair, DataNeeded, DecisionRecord, Price
from alphascale.records.specs import BootstrapSpec, DecisionSpec, FitSpec, Prices, Target
from alphascale.records.typed import Refused, as_json
from alphascale.units import count
from ladders_random import SHAPES, error_of
from observations_made import diverge, observed

# The hundreds can be more: ALPHASCALE_CASES=3 makes them 1,000.
CASES, MANY, CHUNKS = 30, 334 * int(os.environ.get("ALPHASCALE_CASES", "1")), 4
PRICES = Prices(
    watts=100.0, flops_per_second=None, carbon_g_per_kwh=400.0, carbon_source="stated", pue=1.2,
    price_per_kwh=0.5, price_per_hour=None, currency="EUR",
)  # fmt: skip
TABLE = Meta("tabular", 10, (20,), None, None, None, None)
LAWS = ("auto", "auto", "auto", "power_floor", "power", "m3")


def study(rng: np.random.Generator) -> tuple[DecisionSpec, pd.DataFrame, str]:
    """A random ladder of an MLP, runs of it, and a law."""
    widths = np.unique(np.ceil(np.cumprod(np.r_[rng.integers(1, 40), rng.uniform(1.1, 4, 7)])))
    widths = [int(w) for w in widths[: rng.integers(2, 9)]]
    ladder = {f"w{w}": {"width": w, "depth": 2} for w in widths}
    sizes = {name: count_params("mlp", size, TABLE)["total"] for name, size in ladder.items()}
    fractions = (("1.0",), ("0.5", "1.0"), ("0.25", "0.5", "1.0"))[rng.integers(3)]
    table = observed(
        sizes, lambda n, samples: 0.5, noise=0.0, pool=1000, epochs=10, fractions=fractions,
        seeds=range(rng.integers(1, 5)),
    )  # fmt: skip
    shape = str(rng.choice(SHAPES))
    tested = int(rng.choice([50, 400, 10_000]))
    errors = error_of(shape, table["params"].to_numpy(float), rng)
    errors = np.round(errors * tested) / tested
    table = table.assign(
        test_error=errors, test_accuracy=1 - errors, test_loss=3 * errors + 1e-3,
        test_samples=tested,
        job_seconds=table["job_seconds"] * np.exp(rng.choice([0.0, 0.1, 2.0]) * rng.normal()),
    )  # fmt: skip
    if rng.random() < 0.2:
        table = diverge(table, pd.Series(rng.random(len(table)) < 0.3))
    known = table["test_error"].dropna().to_numpy()
    middle = (
        float(np.clip(known.mean() * rng.uniform(0.2, 1.2), 1e-4, 0.999)) if len(known) else 0.5
    )
    value = float(rng.choice([middle, middle, 1e-6, 0.9, 0.99, 0.5]))
    metric = str(rng.choice(["error", "accuracy", "loss"]))
    value = {"error": value, "accuracy": 1 - value, "loss": 3 * value}[metric]
    spec = DecisionSpec(
        domain="d", metric="loss" if metric == "loss" else "error",
        target=Target(metric, value, float(rng.choice([0.5, 0.9, 0.99]))), family="mlp",
        ladder=ladder, naive={"width": int(rng.choice([2, 512, 4096])), "depth": 2}, epochs=10,
        batch_size=100, members=3, counted="total", level=0.95, costs=PRICES,
    )  # fmt: skip
    return spec, table, str(rng.choice(LAWS))


def judge(seed: int, figures: bool) -> None:
    rng = np.random.default_rng(seed)
    spec, table, law = study(rng)
    fits = fit_domain("d", FitSpec(law, "total", withhold=1), table)
    draws = BootstrapSpec(law, "total", spec.metric, resamples=100, level=0.95, seed=0)
    bootstrap = bootstrap_domain("d", draws, table, fits)
    found = decide(spec, table, fits, bootstrap, TABLE)
    as_json(found)  # no number without end or undefined
    possible(found, spec)
    page = text([found])
    assert not re.search(r"\b(nan|inf|None)\b|np\.|Refused\(", page), page
    assert max(map(len, page.splitlines())) <= 100
    for share in re.findall(r"([−-]?[\d.,]+) %", page):
        assert float(share.replace("−", "-").replace(",", "")) <= 100, page
    (row,) = table_rows([found])
    assert all(not isinstance(v, float) or math.isfinite(v) for v in row.values()), row
    star = found.star
    if not isinstance(star, Refused) and star.n_star is not None:
        assert count(star.n_star) in page
        assert row["n_star"] == star.n_star
    if figures:
        records = Records(table, fits, bootstrap, found)
        for draw in DRAW.values():
            draw(records)


def possible(found: DecisionRecord, spec: DecisionSpec) -> None:
    """Every number of a decision lies in what it can be."""
    smallest, top = found.ladder.smallest, 1.0 if spec.metric == "error" else math.inf

    def between(estimate, low=0.0, high=top) -> None:
        assert low <= estimate.lower <= estimate.mean <= estimate.upper <= high, estimate

    for star in found.fractions.values():
        if isinstance(star, Refused):
            continue
        assert 0 <= star.out_of_reach <= 1
        lower, upper = (math.inf if end is None else end for end in star.interval)
        point = math.inf if star.n_star is None else star.n_star
        assert (smallest if star is found.star else 1) <= lower <= point <= upper
        if star.confident is not None:
            assert point <= star.confident
        between(star.best_reachable)
    for run in (found.architecture, found.naive, found.settling and found.settling.run):
        if run is None:
            continue
        if run.predicted:
            between(run.predicted)
            assert 0 <= run.chance <= 1
        cost(run.price)
    if found.architecture:
        assert found.architecture.params["total"] >= smallest
        assert found.architecture.params["total"] >= min(found.recommended, found.n_star) * 0.999
    cost(found.study)
    if found.saving:
        gains = found.saving
        assert gains.net <= gains.gross <= 1
        assert gains.pays_after_runs is None or gains.pays_after_runs > 0
        if gains.energy:
            (a, b), (c, d) = gains.energy.net_interval, gains.energy.gross_interval
            assert a <= gains.energy.net <= b <= 1 and c <= gains.energy.gross <= d <= 1
    if isinstance(found.joint, CheapestPair):
        pair = found.joint
        assert 0 <= pair.reached <= 1
        for name in ("params", "samples", "flops"):
            low, high = (math.inf if end is None else end for end in pair.interval[name])
            value = getattr(pair, name)
            assert 0 < low <= (math.inf if value is None else value * (1 + 1e-9)) <= high * 1.01 + 1
    if isinstance(found.data, DataNeeded):
        low, high = (math.inf if end is None else end for end in found.data.interval)
        assert 0 < low <= (found.data.needs or math.inf) <= high
        assert low >= found.data.least


def cost(price: Price) -> None:
    assert min(price.flops, price.seconds, price.kwh, price.co2_g, price.money) >= 0
    assert price.factor is None or price.factor >= 1


def test_every_decision_is_possible() -> None:
    for seed in range(CASES):
        judge(seed, figures=seed % 10 == 0)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_decision_is_possible_a_thousand_times(chunk) -> None:
    for seed in range(1000 + chunk * MANY // CHUNKS, 1000 + (chunk + 1) * MANY // CHUNKS):
        judge(seed, figures=seed % 20 == 0)
