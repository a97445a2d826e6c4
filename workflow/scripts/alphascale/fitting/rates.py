"""The law of learning rates: from the sweeps of a domain's smallest sizes to the rate of any other.

Of each size that was swept, log validation loss is a parabola in log rate about its best rate x*.
Two or three rates far apart do not fix one, so x* has a posterior: floor and curvature are
integrated out, the curvature under a prior. A rate that failed, diverged or not, is on no parabola:
it only bounds the best one (`_bounds`). Best rates follow a line in log N with a prior on its
slope, since sizes that are cheap to sweep lie too close together to tell it. N counts all
parameters: those of embeddings, nearly all of a small text model's, are what needs no lower rate in
a wider model (Yang et al. 2022), and of all of them N grows the less. By the others alone the rate
of the default study's largest text model fell too far, at 2.5 standard errors of its test error.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import UserError
from ..records.rates import Optimum, RateLaw, SweptRate, edge_text
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
# What a loss may be off the parabola, beside the scatter of seeds: near the best rate, and farther
# off the first term that a parabola leaves out, which goes as the rise of the loss to the power of
# 1.5. Without it rates of 0.01, 0.1 and 1 with losses of 0.5, 0.1 and 0.5 told the best one to a
# factor of 1.01, and two of 1e-5 and 0.1 that tie to 1.06; three with rises below 0.5, as most of
# the default study's are, hardly feel it.
MISFIT, MISFIT_RISE = 0.03, 0.15
# The steepest curvature that the prior reaches, two standard deviations above its middle. A loss
# that rises faster from the best rate to another is that of a rate that failed.
REACH = 2.0
STEEPEST = CURVATURE * math.exp(REACH * CURVATURE_SD)
# Standard errors that a rise must be beyond the steepest, to be no scatter of seeds.
CLEAR = 2.0
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
        mean = float(_weights(likelihood[inside]) @ grid[inside])
        # Beyond the bounds as well: on the edge of the list the best is open to that side.
        sd = math.sqrt(float(_weights(likelihood) @ (grid - mean) ** 2))
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
    weights = _weights(posterior)
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
    best = [
        min((r for r in each.rates if r.log_loss is not None), key=lambda r: r.log_loss).rate
        for each in law.optima
    ]
    edge = edge_text(best, [each.rate for each in law.optima[0].rates])
    return (
        f"best learning rates: {swept}; by the law they go as N^({law.slope:.2f} ± "
        f"{law.slope_sd:.2f})" + (f"; {edge}" if edge else "")
    )


def _likelihood(grid: np.ndarray, rates: list[SweptRate], noise: float) -> np.ndarray:
    """Log likelihood, (grid,), of each log rate as the best: y = floor + c·(x − x*)², floor and
    curvature c integrated out; what failed is no point of it, but a bound (`_bounds`)."""
    known = [each for each in rates if each.log_loss is not None]
    top = min(known, key=lambda each: each.log_loss)
    at = math.log(top.rate)
    lower, upper = _bounds(rates, top, noise)
    allowed = (grid > lower) & (grid < upper)
    kept = [each for each in known if each is top or lower < math.log(each.rate) < upper]
    x = np.log([each.rate for each in kept])
    y = np.array([each.log_loss for each in kept])
    rise = np.maximum(y - top.log_loss, CURVATURE * (x - at) ** 2)
    variance = np.array([_variance(each, noise) for each in kept]) + MISFIT_RISE**2 * rise**3
    weight = 1 / variance / np.sum(1 / variance)
    total = np.full(len(grid), -np.inf)
    for offset in np.linspace(-REACH, REACH, 17):
        c = CURVATURE * math.exp(offset * CURVATURE_SD)
        left = y - c * (x - grid[:, None]) ** 2
        left = left - (left @ weight)[:, None]
        total = np.logaddexp(total, -0.5 * offset**2 - 0.5 * (left**2 / variance).sum(1))
    # Trainings fail from some rate on, which lies anywhere between `top` and the one that failed;
    # the best is below it.
    if math.isfinite(upper):
        total += np.log(np.clip((upper - grid) / (upper - at), 1e-9, 1.0))
    # Two sizes whose bounds no line meets still have one that misses them least.
    return np.where(allowed, total, total[allowed].min() - 50)


def _bounds(rates: list[SweptRate], top: SweptRate, noise: float) -> tuple[float, float]:
    """Log rates that the best lies between, by the rates next to `top`, of the lowest loss, that
    failed: a seed diverged, or the loss rose faster than the steepest parabola from `top` does.

    It was at chance then, or grew without end, and says nothing more of where the best is: on a
    parabola, losses of 0.35, 0.30 and 2.3 at rates of 0.001, 0.003 and 0.01 put the best at 0.0009.
    A rate above `top` that failed has the best below it. One below `top` that failed is farther
    from the best than `top` is, since above the best the loss rises faster than below: the best
    lies beyond the middle of the two.
    """
    at, failed = math.log(top.rate), []
    for each in rates:
        x = math.log(each.rate)
        if each.log_loss is not None:
            sd = math.sqrt(_variance(each, noise) + _variance(top, noise))
            if each.log_loss - top.log_loss <= STEEPEST * (x - at) ** 2 + CLEAR * sd:
                continue
        failed.append(x)
    below = max((x for x in failed if x < at), default=-math.inf)
    return (below + at) / 2, min((x for x in failed if x > at), default=math.inf)


def _variance(rate: SweptRate, noise: float) -> float:
    """Of a rate's mean log loss about the parabola, near the best rate."""
    return noise**2 / rate.runs + MISFIT**2


def _weights(logs: np.ndarray) -> np.ndarray:
    """exp(logs), of sum 1."""
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


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
            if run.status == "diverged" or not _finite(run.validation_loss):
                logs = None
                break
            log = math.log(max(run.validation_loss, LEAST))
            if run.status == "stopped" and chosen.get(run.seed):
                curve = chosen[run.seed]
                log += math.log(max(min(curve), LEAST))
                log -= math.log(max(min(curve[: run.epochs_run]), LEAST))
            logs.append(log)
        mean = None if logs is None else float(np.mean(logs))
        found.append(SweptRate(rate, mean, len(runs)))
    return found


def _finite(loss: float | None) -> bool:
    return loss is not None and math.isfinite(loss)


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
