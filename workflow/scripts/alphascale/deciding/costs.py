"""What training costs: FLOPs to seconds to energy, CO₂ and money.

Seconds come from the study's own jobs: time = steps · overhead + FLOPs / rate, both terms fitted by
non-negative least squares on relative error. A small model is bound by the first term, a large
one by the second; the law of one size says nothing of the other.

Energy is measured where the records carry joules. The price of a run that was not made takes the
mean power that was measured, or the wattage that the configuration states, or that the devices that
trained are rated at: `how` says which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from ..records.decision import EnergySaving, Price, Saving, StudyPrice, Throughput
from ..records.pace import Pace
from ..records.runs import jobs
from ..records.specs import Prices

if TYPE_CHECKING:
    import pandas

JOULES_PER_KWH = 3.6e6
# How far off a line fitted on smaller jobs is: 1σ of log seconds for each e-fold that a step's
# FLOPs lie beyond the largest step timed. Of six naive models that were trained, 9 to 280 times
# beyond and off by 2 to 60 times, either way, |log error| / ln(beyond) was .26 to .73, root mean
# square .45, of the four of the default study alone .31: .4 lies between, and holds all six.
# Caches, threads and kernels are others there, of which the line's own errors know nothing.
SPREAD = 0.4
NORMAL_95 = 1.96
# Least 95 % factor about the seconds of a training of which some steps were timed: a machine is
# not as busy in two seconds as in all of a training. Seven trainings took 0.94, 1.02, 1.03, 1.05,
# 1.16, 1.16 and 1.33 times the CPU seconds that were said of them, root mean square of the
# logarithm .14; 1.35 is a little more than its 95 %.
LEAST_TIMED = 1.35
# 95 % factor beyond which seconds, and what follows from them, are not told. At 3 a size whose step
# takes 4 times the FLOPs of the largest timed still has a price, as many an N* does (2 would end at
# 2.4 times); wider, a price is no more than its order of magnitude.
CARRIED = 3.0
# Watts of a device of which nothing is known.
UNKNOWN_W = 250.0


@dataclass(frozen=True)
class Power:
    """What one job draws while it trains."""

    watts: float  # on average
    how: str  # where the number is from


def throughput(frame: pandas.DataFrame, batch_size: int, stated: float | None) -> Throughput:
    """Throughput of one member, from the study's jobs or as stated in the configuration."""
    if stated is not None:
        return Throughput(0.0, stated, "stated in the configuration (costs.flops_per_second)")
    each = jobs(frame)
    if not timed(each):
        # Nothing of it is shown: without a variance no price that rests on time is told.
        return Throughput(0.0, 1.0, "not told: not every run has a time", None)
    # Members as so many whole runs: one that was stopped early is a part of one.
    runs = each["job_flops"] / each["flops"]
    seconds = (each["job_seconds"] / runs).to_numpy(float)
    flops = (each["job_flops"] / runs).to_numpy(float)
    # A step's cost is paid per batch of the fraction; seeds run about equally long.
    steps = (each["samples_seen"] / np.minimum(batch_size, each["samples"])).to_numpy(float)
    scaled, _ = nnls(np.column_stack([steps / seconds, flops / seconds]), np.ones(len(each)))
    step_seconds, per_flop = float(scaled[0]), float(scaled[1])
    if per_flop == 0:
        # Every size is bound by overhead: the best rate seen bounds the true one from below.
        return Throughput(
            step_seconds,
            float((flops / seconds).max()),
            "largest rate seen in the study's jobs",
            None,
        )
    terms = np.column_stack([steps, flops]) / seconds[:, None]
    spare = len(each) - (2 if step_seconds else 1)
    variance = None
    if spare > 0:
        left = terms @ scaled - 1
        used = terms if step_seconds else terms[:, 1:]
        errors = np.linalg.pinv(used.T @ used) * (left @ left) / spare
        both = np.zeros((2, 2))
        both[-len(errors) :, -len(errors) :] = errors
        variance = (float(both[0, 0]), float(both[1, 1]), float(both[0, 1]))
    return Throughput(
        step_seconds,
        1 / per_flop,
        "fitted on the study's own jobs",
        variance,
        largest_step=float((flops / steps).max()),
    )


def timed(each: pandas.DataFrame) -> bool:
    """Whether all jobs have a time: those of a study have, a table of runs may not (0)."""
    return bool((each["job_seconds"] > 0).all())


def beyond(rate: Throughput, run: tuple[float, float]) -> float:
    """FLOPs of a step of a run (FLOPs, steps) over those of the largest that was timed, at least 1;
    1 for a stated throughput."""
    flops, steps = run
    if not rate.largest_step or not steps:
        return 1.0
    return max(flops / steps / rate.largest_step, 1.0)


def far(times: float) -> float:
    """The 95 % factor about seconds that are told of a step so many times the largest timed, by
    that alone."""
    return times ** (NORMAL_95 * SPREAD)


def factor(
    rate: Throughput, run: tuple[float, float], against: tuple[float, float] | None = None
) -> float | None:
    """The 95 % factor about the seconds of a run (FLOPs, steps), or about their ratio to those of
    another; None where it exceeds CARRIED or is not known. First order in the fit's errors, and
    SPREAD for what lies beyond the jobs: it is of the mean of such trainings, on a machine as busy
    as while the study ran."""
    if rate.variance is None:
        return None
    gradient, far_off = np.zeros(2), 0.0
    for sign, (flops, steps) in ((1, run), *([(-1, against)] if against else [])):
        gradient += sign * np.array([steps, flops]) / rate.seconds(flops, steps)
        far_off += sign * math.log(beyond(rate, (flops, steps)))
    a, b, both = rate.variance
    variance = gradient @ np.array([[a, both], [both, b]]) @ gradient
    spread = math.sqrt(max(float(variance), 0.0) + (SPREAD * far_off) ** 2)
    found = math.exp(min(NORMAL_95 * spread, 100.0))
    return found if found <= CARRIED else None


def power(frame: pandas.DataFrame, costs: Prices) -> Power:
    """Mean power over the jobs whose energy was measured, else the configuration's `watts`, else
    what the devices that trained are rated at, weighed by their time."""
    each = jobs(frame)
    # Of joules without a second of time no power follows.
    metered = each[each["joules"].notna() & (each["job_seconds"] > 0)]
    if metered.empty and costs.watts is not None:
        return Power(costs.watts, f"{costs.watts:g} W × training time (costs.watts)")
    if metered.empty:
        rated = each[each["watts"].notna()]
        if rated.empty:  # records that say nothing of their device
            return Power(UNKNOWN_W, f"{UNKNOWN_W:g} W × training time (an unknown device's)")
        # Jobs that took no time to speak of weigh alike.
        seconds = rated["job_seconds"] if rated["job_seconds"].sum() > 0 else None
        watts = float(np.average(rated["watts"], weights=seconds))
        how = "; ".join(rated["watts_how"].unique())
        return Power(watts, f"{watts:.3g} W ({how}) × training time")
    watts = float(metered["joules"].sum() / metered["job_seconds"].sum())
    return Power(
        watts,
        f"{watts:.3g} W, the mean measured over {len(metered)} of {len(each)} jobs, × training "
        "time",
    )


def price(flops: float, steps: float, rate: Throughput, costs: Prices, power: Power) -> Price:
    """Cost of a run that was not made: `power` × its seconds."""
    run = (flops, steps)
    return replace(
        estimated(flops, steps, rate, costs, power),
        factor=factor(rate, run),
        beyond=beyond(rate, run),
    )


def timed_price(
    flops: float, steps: float, epochs: int, pace: Pace, costs: Prices, power: Power
) -> Price:
    """`price` of a run of which some steps were timed: its steps, and after each epoch a pass over
    the validation split; two at the end, the last of the test split, taken to be as long."""
    seconds = steps * pace.seconds + (epochs + 2) * pace.evaluation_s
    how = f"estimated: {power.how}, timed over {pace.steps} steps"
    found = max(LEAST_TIMED, math.exp(min(NORMAL_95 * pace.scatter, 100.0)))
    return replace(
        _priced(flops, seconds, power.watts * seconds, costs, False, how),
        factor=found if found <= CARRIED else None,
        timed=pace.steps,
    )


def independent(first: float | None, second: float | None) -> float | None:
    """The 95 % factor about a ratio of two that are known by factors of their own."""
    if first is None or second is None:
        return None
    found = math.exp(math.hypot(math.log(first), math.log(second)))
    return found if found <= CARRIED else None


def estimated(
    flops: float | np.ndarray,
    steps: float | np.ndarray,
    rate: Throughput,
    costs: Prices,
    power: Power,
) -> Price:
    """`price` but for the factor; of many runs (n,) at once, each of its numbers is (n,) then."""
    seconds = rate.seconds(flops, steps)
    how = f"estimated: {power.how}"
    return _priced(flops, seconds, power.watts * seconds, costs, False, how)


def study_price(frame: pandas.DataFrame, costs: Prices) -> StudyPrice:
    """What the whole ladder of a domain cost, all seeds, learning rates and fractions.

    What verification trained is not in it: it is a training of N*, or of the naive model.
    """
    each = jobs(frame[frame["role"] == "ladder"])
    metered = each["joules"].notna()
    drawn = power(frame, costs)
    blind = float(each.loc[~metered, "job_seconds"].sum())
    joules = float(each["joules"].sum()) + drawn.watts * blind
    if metered.all():
        how = f"measured while the {len(each)} jobs trained"
    elif metered.any():
        how = f"measured in {metered.sum()} of {len(each)} jobs, the others estimated: {drawn.how}"
    else:
        how = f"estimated: {drawn.how}"
    flops, seconds = float(each["job_flops"].sum()), float(each["job_seconds"].sum())
    cost = _priced(flops, seconds, joules, costs, bool(metered.all()), how)
    if not timed(each):
        cost = replace(cost, factor=None)
    return StudyPrice(**vars(cost), members=int(each["job_members"].sum()))


def _priced(
    flops: float, seconds: float, joules: float, costs: Prices, measured: bool, how: str
) -> Price:
    kwh = joules / JOULES_PER_KWH * costs.pue
    hourly = costs.price_per_hour
    return Price(
        flops=flops,
        seconds=seconds,
        kwh=kwh,
        co2_g=kwh * costs.carbon_g_per_kwh,
        money=kwh * costs.price_per_kwh if hourly is None else seconds / 3600 * hourly,
        measured=measured,
        how=how,
    )


def saving(naive: Price, star: Price, study: Price, ratio: float | None) -> Saving:
    """What N* saves against the naive training, with the study's cost and without it.

    ratio: 95 % factor about the seconds of N* over those of the naive model.
    """
    per_run = naive.flops - star.flops
    return Saving(
        net=1 - (study.flops + star.flops) / naive.flops,
        gross=1 - star.flops / naive.flops,
        pays_after_runs=study.flops / per_run if per_run > 0 else None,
        energy=_energy(naive, star, study, ratio),
    )


def _energy(naive: Price, star: Price, study: Price, ratio: float | None) -> EnergySaving | None:
    if ratio is None or naive.factor is None or star.factor is None:
        return None

    def around(fixed: float, moving: float) -> tuple[float, tuple[float, float]]:
        """1 − fixed/naive − moving/naive, and that at either end of the two factors."""
        low, point, high = (
            1 - fixed / naive.kwh * naive.factor**k - moving / naive.kwh * ratio**k
            for k in (1, 0, -1)
        )
        return point, (min(low, point), max(high, point))

    return EnergySaving(*around(study.kwh, star.kwh), *around(0.0, star.kwh))
