"""The law of learning rates: from the sweeps of a domain's smallest sizes to the rate of any other.

Of each size that was swept, log validation loss is a parabola in log rate about its best rate x*.
Two or three rates far apart do not fix one, so x* has a posterior: floor and curvature are
integrated out, the curvature under a prior. Best rates follow a line in log N with a prior on its
slope, since sizes that are cheap to sweep lie too close together to tell it. N counts all
parameters: those of embeddings, nearly all of a small text model's, are what needs no lower rate in
a wider model (Yang et al. 2022), and of all of them N grows the less. By the others alone the rate
of the default study's largest text model fell too far, at 2.5 standard errors of its test error.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import UserError
from ..records.rates import Optimum, RateLaw, SweptRate
from ..records.specs import RatesSpec
from ..records.training import TrainingRecord

# Slope of log rate over log N. Published for language models under Adam: −0.71 at fixed data and
# −0.41 with data in proportion (Li et al. 2025, Step Law: N^−0.713 D^0.307), −0.25 with compute
# C ~ N² (Bi et al. 2024, DeepSeek: C^−0.125), −0.11 at 10⁶ and −0.40 at 10⁹ parameters (Kaplan et
# al. 2020, eq. D.1), and 1/width, −0.5 at fixed depth (Yang et al. 2022, μP).
SLOPE, SLOPE_SD = -0.4, 0.2
# Curvature of log loss, per e-fold of the rate squared: medians of 0.06 and 0.13 over the cells of
# the default study's tabular and vision ladders (tests/benchmarks/rates.py), a factor of two about.
CURVATURE, CURVATURE_SD = 0.08, 0.7
# What a loss may be off the parabola, beside the scatter of seeds.
MISFIT = 0.03
# The scatter of seeds where there is one: of log validation loss, as large as the default study's.
UNKNOWN_NOISE = 0.1
# A validation loss below this is none: its logarithm is.
LEAST = 1e-9
# Steps of the grid of log rates; a fiftieth of an e-fold is far below any uncertainty of a rate.
FINENESS = 0.02


def rate_law(spec: RatesSpec, records: list[TrainingRecord]) -> RateLaw:
    """The law from the records of the swept sizes. Raises UserError where no rate ended well."""
    swept = [_swept(record) for record in records]
    noise = _noise(records)
    spread = UNKNOWN_NOISE if noise is None else noise
    lowest, highest = min(spec.learning_rates) / 2, max(spec.learning_rates) * 2
    # Beyond the bounds as well: what is best at a small size may lie outside, of a line within.
    grid = np.arange(math.log(lowest) - 2, math.log(highest) + 2, FINENESS)
    inside = (grid >= math.log(lowest)) & (grid <= math.log(highest))
    optima, likelihoods = [], []
    for record, rates in sorted(zip(records, swept, strict=True), key=lambda p: p[0].params.total):
        cell = record.spec
        if not any(each.log_loss is not None for each in rates):
            raise UserError(
                f"{cell.domain} {cell.scale}: a seed diverged at every learning rate: no law of "
                "rates follows; put lower ones into training.learning_rates"
            )
        likelihood = _likelihood(grid, rates, spread)
        weights = np.exp(likelihood - likelihood.max()) * inside
        weights /= weights.sum()
        mean = float(weights @ grid)
        sd = math.sqrt(float(weights @ (grid - mean) ** 2))
        optima.append(
            Optimum(
                scale=cell.scale,
                fraction=cell.fraction,
                params=record.params.total,
                rate=math.exp(mean),
                factor=math.exp(sd),
                rates=rates,
            )
        )
        likelihoods.append(likelihood)
    logs = np.log([max(each.params, 1) for each in optima])
    at = float(logs.mean())
    slopes = np.linspace(SLOPE - 4 * SLOPE_SD, SLOPE + 4 * SLOPE_SD, 81)
    heights = grid[inside]
    posterior = np.tile(-0.5 * ((slopes - SLOPE) / SLOPE_SD) ** 2, (len(heights), 1))
    for x, likelihood in zip(logs, likelihoods, strict=True):
        wanted = heights[:, None] + slopes * (x - at)
        posterior += np.interp(wanted, grid, likelihood)
    weights = np.exp(posterior - posterior.max())
    weights /= weights.sum()
    of_height, of_slope = weights.sum(1), weights.sum(0)
    height, slope = float(of_height @ heights), float(of_slope @ slopes)
    return RateLaw(
        domain=spec.domain,
        optima=optima,
        at=math.exp(at),
        log_rate=height,
        log_rate_sd=math.sqrt(float(of_height @ (heights - height) ** 2)),
        slope=slope,
        slope_sd=math.sqrt(float(of_slope @ (slopes - slope) ** 2)),
        lowest=lowest,
        highest=highest,
        noise=noise,
    )


def rates_text(law: RateLaw) -> str:
    """The law in a sentence, for the log."""
    swept = ", ".join(
        f"{each.scale} ({each.params:,} parameters) {each.rate:.3g} within a factor of "
        f"{each.factor:.2g}"
        for each in law.optima
    )
    return (
        f"best learning rates: {swept}; by the law they go as N^({law.slope:.2f} ± "
        f"{law.slope_sd:.2f})"
    )


def _likelihood(grid: np.ndarray, rates: list[SweptRate], noise: float) -> np.ndarray:
    """Log likelihood, (grid,), of each log rate as the best: y = floor + c·(x − x*)², floor and
    curvature c integrated out. Rates at which a seed diverged lie above the best."""
    known = [each for each in rates if each.log_loss is not None]
    x = np.log([each.rate for each in known])
    y = np.array([each.log_loss for each in known])
    variance = np.array([noise**2 / each.runs + MISFIT**2 for each in known])
    weight = 1 / variance / np.sum(1 / variance)
    offsets = np.linspace(-2, 2, 17)
    total = np.full(len(grid), -np.inf)
    for offset in offsets:
        c = CURVATURE * math.exp(offset * CURVATURE_SD)
        left = y - c * (x - grid[:, None]) ** 2
        left = left - (left @ weight)[:, None]
        total = np.logaddexp(total, -0.5 * offset**2 - 0.5 * (left**2 / variance).sum(1))
    gone = [math.log(each.rate) for each in rates if each.log_loss is None]
    return np.where(grid < min(gone, default=math.inf), total, total.max() - 50)


def _swept(record: TrainingRecord) -> list[SweptRate]:
    """Each rate's losses; of one that was stopped, as its gap to the chosen rate then says."""
    by_rate: dict[float, list] = {}
    for run in record.sweep:
        by_rate.setdefault(run.learning_rate, []).append(run)
    chosen = {run.seed: run.curves.validation_loss for run in record.seeds}
    found = []
    for rate, runs in sorted(by_rate.items()):
        logs: list[float] | None = []
        for run in runs:
            if run.status == "diverged" or run.validation_loss is None:
                logs = None
                break
            log = math.log(max(run.validation_loss, LEAST))
            if run.status == "stopped" and chosen.get(run.seed):
                curve = chosen[run.seed]
                log += math.log(min(curve)) - math.log(min(curve[: run.epochs_run]))
            logs.append(log)
        mean = None if logs is None else float(np.mean(logs))
        found.append(SweptRate(rate, mean, len(runs)))
    return found


def _noise(records: list[TrainingRecord]) -> float | None:
    """Standard deviation of log validation loss over seeds, pooled over rates that ended well."""
    squares, spare = 0.0, 0
    for record in records:
        for rate in {run.learning_rate for run in record.sweep}:
            runs = [run for run in record.sweep if run.learning_rate == rate]
            if len(runs) < 2 or any(run.status != "ok" for run in runs):
                continue
            logs = np.log([max(run.validation_loss, LEAST) for run in runs])
            squares += float(((logs - logs.mean()) ** 2).sum())
            spare += len(runs) - 1
    return math.sqrt(squares / spare) if spare else None
