"""The foretold width against the closed form of a straight line, where a law has one."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale import laws
from alphascale.planning.design import Outlook, Scatter, forecast, measured_scatter

NOISE, RESAMPLES = 0.05, 600
AT = 1e6  # where the curve is asked for, ten times the largest size


def fitted(columns: dict[str, np.ndarray]) -> laws.Fit:
    return laws.fit(
        columns, x="params", y="error", law="power", cluster="scale", resamples=RESAMPLES,
        withhold=False, method="parametric",
    )  # fmt: skip


def closed(n: np.ndarray) -> float:
    """Width of the 95 % interval of the line at AT, in log y, of runs at sizes n."""
    X = np.stack([np.ones(len(n)), np.log(n)], axis=1)
    at = np.array([1.0, np.log(AT)])
    return 2 * 1.96 * NOISE * np.sqrt(at @ np.linalg.solve(X.T @ X, at))


def measure(fit: laws.Fit) -> Outlook:
    mean, low, high = (float(value[0]) for value in fit.band([AT], 0.95))
    return Outlook(mean, low, high, 0.0)


@pytest.mark.parametrize("counts", [[90, 0], [0, 90], [45, 45]])
def test_the_foretold_width_is_that_of_the_line_with_the_planned_runs(counts: list[int]) -> None:
    rng = np.random.default_rng(0)
    n = np.repeat(np.geomspace(1e3, 1e5, 10), 12)
    y = 3 * n**-0.3 * np.exp(NOISE * rng.standard_normal(len(n)))
    columns = {"params": n, "error": y, "scale": n.astype(str)}
    fit = fitted(columns)
    assert measure(fit).width == pytest.approx(closed(n), rel=0.12)
    scatter = measured_scatter(fit, y, columns["scale"])
    assert scatter.run == pytest.approx(NOISE**2, rel=0.2)
    points = np.array([3e3, 5e5])
    futures = forecast(
        fit, columns, "scale", {"params": points}, np.array(counts), Scatter(0.0, scatter.run),
        fitted, measure, 60, 0,
    )  # fmt: skip
    assert len(futures) == 60
    width = np.median([each.width for each in futures])
    after = closed(np.concatenate([n, np.repeat(points, counts)]))
    assert width == pytest.approx(after, rel=0.12)
    # What runs tell moves the answer as much as it narrows it, in each future by its own truth.
    moved = np.std(np.log([each.point for each in futures]))
    assert moved == pytest.approx(np.sqrt(closed(n) ** 2 - after**2) / 3.92, rel=0.35)
