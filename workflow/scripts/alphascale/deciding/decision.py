"""From a domain's laws to a choice: N*, the architecture to build, its price, what is saved."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .. import laws
from ..errors import UserError
from ..fitting.describe import estimate, finite
from ..fitting.joint import cheapest, predictors, sample_cost
from ..records.bootstrap import BootstrapRecord
from ..records.data import Meta
from ..records.decision import (
    CheapestPair,
    DataNeeded,
    DecisionRecord,
    LadderRange,
    PairMoney,
    PricedRun,
    Star,
    Throughput,
)
from ..records.fit import Estimate, FitRecord, LadderPoint
from ..records.pace import PaceRecord
from ..records.runs import largest
from ..records.serving import ServingRecord
from ..records.specs import DecisionSpec, Size
from ..records.typed import Refused
from .costs import (
    Power,
    estimated,
    factor,
    independent,
    power,
    price,
    saving,
    study_price,
    throughput,
    timed_price,
)
from .lifetime import LITTLE, Keeping, keeping, served
from .models import Models, of_family
from .rates import rates_used
from .run_warnings import guessing, run_warnings
from .serving_text import excluded_text
from .settling import settling, untrusted
from .star import binding, star_of, untold

if TYPE_CHECKING:
    import pandas


def decide(
    spec: DecisionSpec,
    frame: pandas.DataFrame,
    fits: FitRecord,
    bootstrap: BootstrapRecord,
    meta: Meta,
    models: Models | None = None,
    serving: ServingRecord | None = None,
    pace: PaceRecord | None = None,
) -> DecisionRecord:
    """The decision of one domain; models: what may be built, by default the family's networks;
    serving: what it takes to answer requests, where the study asks for that; pace: how long a step
    of the naive model takes, where it was timed.

    N* is the smallest N whose expected metric reaches the target. Its interval spans all resamples,
    those that never reach the target counting as infinite (written null), never dropped. Of the
    models that reach N* every second falls short, so what is recommended is the size at which one
    run reaches the target with the target's confidence; where no size is that sure, N*. Of several
    targets the one that asks for the most is decided on: what reaches it reaches the others.
    A size that breaks a limit of `serving` is not recommended: then none is.
    """
    models = models or of_family(spec, meta)
    spec, others = binding(spec, bootstrap, frame, meta)
    bootstrap = bootstrap.of(spec.metric)
    if why := untold(spec.target, frame, meta):
        blind = Refused(why)
        bootstrap = replace(
            bootstrap, fractions=dict.fromkeys(bootstrap.fractions, blind), joint=blind
        )
        fits = replace(fits, fractions={
            fraction: replace(each, laws=dict.fromkeys(each.laws, blind))
            for fraction, each in fits.fractions.items()
        })  # fmt: skip
    stars = {
        fraction: star_of(draws, spec.target, spec.level)
        for fraction, draws in bootstrap.fractions.items()
    }
    fraction = largest(stars)
    star, draws, here = stars[fraction], bootstrap.fractions[fraction], fits.fractions[fraction]
    fit = here.laws[spec.metric]
    law = None if isinstance(draws, Refused) else laws.read(draws.fit)
    rate = throughput(frame, spec.batch_size, spec.costs.flops_per_second)
    watts = power(frame, spec.costs)

    kept = None
    if spec.serving is not None and serving is not None:
        kept = keeping(spec.serving, serving, spec.costs, spec.level)

    def steps_of(samples: int) -> int:
        return spec.epochs * math.ceil(samples / spec.batch_size)

    def run_of(size: Size, samples: int, law: laws.Fit | laws.AutoLaw | None) -> PricedRun:
        """One training of a size on so much data, as the ladder's members were trained."""
        params = models.params(size)
        flops = models.flops(size) * samples * spec.epochs
        cost = price(flops, steps_of(samples), rate, spec.costs, watts)
        at = predictors(params[spec.counted], samples, spec.epochs)
        if law is None:
            return PricedRun(size, params, cost, None)
        chance = float(law.reach(at, spec.target.fitted)[0])
        return PricedRun(size, params, cost, estimate(law.predict(at)), chance)

    def reached(params: float) -> tuple[Estimate | None, float | None]:
        """What one run of so many parameters reaches, and the probability that it is enough."""
        if law is None:
            return None, None
        at = predictors(params, here.samples, spec.epochs)
        return estimate(law.predict(at)), float(law.reach(at, spec.target.fitted)[0])

    architecture = unbuildable = None
    between = ""
    if isinstance(star, Star) and star.n_star is not None:
        # Where no size is sure of this target, another may still ask for more than its N*.
        least = max((each.asks or 0.0 for each in others), default=0.0)
        for wanted in (star.confident, star.n_star):
            if wanted is None or architecture is not None:
                continue
            wanted = max(wanted, least)
            try:
                architecture = run_of(models.smallest(wanted), here.samples, law)
                between = models.between(wanted)
            except UserError as fault:  # a nearly flat law can ask for more than any network has
                unbuildable = str(fault)
        if architecture is not None:
            unbuildable = None
    excluded = False
    if architecture is not None and isinstance(kept, Keeping):
        params = architecture.params[spec.counted]
        takes = kept.serves(architecture.size, params)
        if broken := kept.broken(params, takes):
            unbuildable = excluded_text(
                spec.target, kept.asked, params, takes, broken, kept.limit(reached)
            )
            architecture, between, excluded = None, "", True
    naive = None if spec.naive is None else run_of(spec.naive, here.samples, law)
    if naive is not None and pace is not None:
        cost, steps = naive.price, steps_of(here.samples)
        if isinstance(pace.pace, Refused):
            cost = replace(cost, how=f"{cost.how}; no step was timed: {pace.pace.refused}")
        else:
            cost = timed_price(cost.flops, steps, spec.epochs, pace.pace, spec.costs, watts)
        naive = replace(naive, price=cost)
    serves = kept if isinstance(kept, Keeping) else None
    joint = _cheapest_pair(spec, frame, fits, bootstrap, rate, watts, serves)
    if isinstance(joint, CheapestPair) and joint.params is not None and unbuildable is None:
        of_both = laws.read(bootstrap.joint.fit)
        with suppress(UserError):  # no model of so many parameters: the pair says how many
            pair = run_of(models.smallest(joint.params), joint.samples, of_both)
            joint = replace(joint, architecture=pair)
    withheld = fit if isinstance(fit, Refused) else fit.withheld
    why, largest_size = untrusted(star, withheld), _range(here.points, spec.counted, law).largest
    next_run = None
    if why is not None and isinstance(law, laws.AutoLaw) and star.n_star is not None:

        def at_size(params: float) -> PricedRun:
            return run_of(models.smallest(params), here.samples, law)

        seeds = max(point.runs for point in here.points)
        next_run = settling(law, star, largest_size, seeds, spec.members, at_size, why)
    study = study_price(frame, spec.costs)
    gains = None
    if architecture and naive:
        steps = steps_of(here.samples)
        ratio = factor(rate, (architecture.price.flops, steps), (naive.price.flops, steps))
        if naive.price.timed:
            ratio = independent(architecture.price.factor, naive.price.factor)
        gains = saving(naive.price, architecture.price, study, ratio)
    keeps = kept
    if isinstance(kept, Keeping):
        label = spec.costs.price_per_label
        labels = None if label is None else label * here.samples
        keeps = served(kept, architecture, naive, study, labels, reached, excluded)
    return DecisionRecord(
        domain=spec.domain,
        family=spec.family,
        run_warnings=[*guessing(spec.target, meta), *run_warnings(frame)],
        target=spec.target,
        metric=spec.metric,
        law=fits.law,
        counted=spec.counted,
        level=spec.level,
        resamples=bootstrap.resamples,
        fraction=fraction,
        fractions=stars,
        withheld=withheld,
        in_sample=None if isinstance(fit, Refused) else fit.in_sample,
        fit_warnings=[] if isinstance(fit, Refused) else fit.warnings,
        ladder=_range(here.points, spec.counted, law),
        costs=spec.costs,
        architecture=architecture,
        unbuildable=unbuildable,
        between=between,
        naive=naive,
        saving=gains,
        joint=joint,
        data=_data_needed(spec, fits, bootstrap),
        settling=next_run,
        study=study,
        throughput=rate,
        others=others,
        shown=draws if isinstance(draws, Refused) else draws.shown,
        samples=here.samples,
        rates=rates_used(spec, frame),
        serving=keeps,
    )


def _cheapest_pair(
    spec: DecisionSpec,
    frame: pandas.DataFrame,
    fits: FitRecord,
    bootstrap: BootstrapRecord,
    rate: Throughput,
    watts: Power,
    kept: Keeping | None = None,
) -> CheapestPair | Refused:
    """The cheapest (N, D) that reaches the target by the joint law, on at most the pool's data, of
    the sizes that keep the limits of serving.

    Cheapest in FLOPs; where labels have a price, or requests are to be served, in money, if the
    times of the study's jobs carry that of a training.
    """
    found, draws = fits.joint[spec.metric], bootstrap.joint
    for each in (found, draws):
        if isinstance(each, Refused):
            return each
    fit = laws.read(draws.fit)
    samples = [each.samples for each in fits.fractions.values()]
    pool, label = max(samples) / float(largest(fits.fractions)), spec.costs.price_per_label

    def steps(labels: np.ndarray) -> np.ndarray:
        return spec.epochs * np.ceil(labels / spec.batch_size)

    def training(flops: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return estimated(flops, steps(labels), rate, spec.costs, watts).money

    most = math.inf if kept is None else kept.largest()[1]
    served_at = kept.money if kept is not None and kept.batches else None

    def ways_by(
        paid: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None,
    ) -> np.ndarray:
        return cheapest(
            fit, spec.target.fitted, sample_cost(frame, spec.counted), fit.x_range[0],
            (min(samples), max(samples)), spec.epochs, paid, most,
        )  # fmt: skip

    def all_of(flops: np.ndarray, labels: np.ndarray, params: np.ndarray) -> np.ndarray:
        whole = (label or 0.0) * labels + training(flops, labels)
        return whole if served_at is None else whole + served_at(params)

    def known_within(way: np.ndarray) -> float | None:
        """The factor about what the training of a way costs; 1 where it is next to nothing beside
        the requests, and need not be known."""
        if not np.isfinite(way[2]):
            return None
        found = factor(rate, (way[2], float(steps(way[1]))))
        if found is None and served_at is not None:
            spent = float(training(way[2], way[1]))
            return 1.0 if spent <= LITTLE * float(served_at(way[0])) else None
        return found

    within = None
    if label or served_at is not None:
        with np.errstate(invalid="ignore"):
            ways = ways_by(all_of)
        within = known_within(ways[0])
    if within is None:
        ways = ways_by(None)
        if label:  # the labels alone
            ways = np.column_stack([ways, label * ways[:, 1]])
    tail = (1 - spec.level) / 2
    low, high = np.quantile(ways[1:], [tail, 1 - tail], axis=0, method="inverted_cdf")
    ends = [
        (finite(min(least, value)), finite(max(most, value)))
        for least, value, most in zip(low, ways[0], high, strict=True)
    ]
    params, needed, flops, *paid = (finite(value) for value in ways[0])
    count = None if needed is None else min(math.ceil(needed), max(samples))
    money = None
    if paid and count is not None:
        of_training = None if within is None else float(training(ways[0, 2], ways[0, 1]))
        requests = None
        if within is not None and served_at is not None:
            requests = float(served_at(ways[0, 0]))
        money = PairMoney((label or 0.0) * count, of_training, within, ends[3], requests)
    return CheapestPair(
        law=found.law,
        withheld=found.candidates[found.law],
        params=params,
        samples=count,
        fraction=None if needed is None else needed / pool,
        flops=flops,
        interval=dict(zip(("params", "samples", "flops"), ends, strict=False)),
        reached=float(np.isfinite(ways[1:, 2]).mean()),
        failed_resamples=draws.failed_resamples,
        money=money,
    )


def _data_needed(
    spec: DecisionSpec, fits: FitRecord, bootstrap: BootstrapRecord
) -> DataNeeded | Refused:
    """The data at which the largest size reaches the target: the joint law, held at that size."""
    if isinstance(bootstrap.joint, Refused):
        return bootstrap.joint
    fit = laws.read(bootstrap.joint.fit)
    if not isinstance(fit, laws.AutoLaw):
        return Refused(f"law {fit.law}: it is told under fit.law: auto")
    target, here = spec.target, fits.fractions[largest(fits.fractions)]
    ended = [point.params(spec.counted) for point in here.points if point.runs]
    if not ended:
        return Refused("no run at the largest fraction ended well")
    size = max(ended)
    along = laws.hold(fit, {"params": size})
    even, sure = (along.solve(target.fitted, each) for each in (0.5, target.confidence))
    ends = along.solve_interval(target.fitted, spec.level)
    even, sure, *ends = (finite(each / here.samples) for each in (even, max(even, sure), *ends))
    least = along.x_range[0][0] / here.samples
    return DataNeeded(size, here.samples, least, even, tuple(ends), sure)


def _range(
    points: list[LadderPoint], counted: str, law: laws.Fit | laws.AutoLaw | None
) -> LadderRange:
    """Of the sizes that the law was fitted to: one whose runs all diverged, or learnt nothing, is
    not the smallest that was measured."""
    fitted = [point for point in points if point.runs] or points
    sizes = [point.params(counted) for point in fitted]
    least = min(sizes) if law is None else round(law.x_range[0][0])
    return LadderRange(least, max(sizes), len(sizes))
