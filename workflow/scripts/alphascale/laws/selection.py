"""`law: auto`: forms weighted by what they predict of the larger of the runs given.

Candidates are forms with priors, each at several discounts of the small runs
(`alphascale.laws.candidates`). Their weights are prior × predictive density beyond rolling origins;
draws of all of them together are the posterior (`alphascale.laws.auto_law`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import ndtr

from alphascale.errors import UserError
from alphascale.laws.auto_law import AutoLaw
from alphascale.laws.candidates import Candidates, apart, by_neighbours, fit_candidates, sample
from alphascale.laws.counts import counted_variance, told
from alphascale.laws.ladder import Levels, condense, gather, smooth
from alphascale.laws.priors import SHIPPED, Beliefs
from alphascale.laws.shapes import LEVEL
from alphascale.laws.withheld import carry_last, log_log_line, verdict

FloatArray = np.ndarray
MOST = 100  # levels of a dense curve: more are joined
FEW = 4
LEARNED = "law auto: its prior was learned from other studies, it is not the shipped one"
TURN = 3.0  # standard deviations by which the last level is worse than the best
MANY = 30  # levels of a dense curve wander
RECENT = 1.4  # length in log x of the stretch whose steps are looked at for a running best


def auto(
    x,
    y,
    *,
    columns: tuple[str, ...] | None = None,
    name: str = "y",
    cluster: FloatArray | None = None,
    level: float = 0.95,
    draws: int = 600,
    seed: int = 0,
    ceiling: float = np.inf,
    least: float = 0.0,
    tested: int = 0,
    withhold: bool = True,
    beliefs: Beliefs = SHIPPED,
) -> AutoLaw:
    """The posterior of y (m,) > 0 at x (r, m) > 0 as an `AutoLaw` of `draws` draws.

    x: one predictor; or N and D; or N, D and unique data. Runs with equal cluster (m,), or at equal
    x, are seeds of one level. least, ceiling: between what y lies. tested: samples that y is an
    error of. Raises UserError, one line, for values that are not positive and finite, and for fewer
    than two sizes.
    """
    x, y = np.atleast_2d(np.asarray(x, float)), np.asarray(y, float).ravel()
    if x.shape[1] != len(y):
        raise UserError(f"law auto: x has {x.shape[1]} values and y has {len(y)}")
    everything = gather(x, y, cluster)
    levels = condense(everything, MOST)
    if tested:
        levels = replace(levels, weight=told(np.exp(levels.v), tested * levels.runs))
    # Relative to the last level, so that another unit changes no digit of the search.
    zero, bottom = levels.logs[:, -1].copy(), float(levels.v[-1])
    zero[2:] = zero[1:2]  # unique data are measured as data are
    near = replace(levels, logs=levels.logs - zero[:, None], v=levels.v - bottom)
    found = fit_candidates(near, beliefs)
    weight = weigh(found, beliefs)
    drawn = sample(found, weight, beliefs, draws, seed)
    params: dict[str, float] = {}
    for form, w in zip(found.names, weight, strict=True):
        params[form] = params.get(form, 0.0) + float(w)
    withheld = withheld_errors(found, beliefs) if withhold else "not asked for"
    one = len(x) == 1
    nothing = np.empty(0)
    knot_y, share = smooth(near.logs[0], near.v) if one else (nothing, nothing)
    seeds = levels.seed_variance if levels.seed_df else 0.0
    spread = max(float(np.median(drawn.noise)) ** 2 - seeds, 0.0) + seeds / levels.runs
    said = notes(levels, withheld, float(np.median(spread)))
    if beliefs is not SHIPPED:
        said.append(LEARNED)
    drawn.P[:, LEVEL] += bottom
    return AutoLaw(
        columns=columns or ("x", "x2", "x3")[: len(x)],
        y=name,
        params=dict(sorted(params.items(), key=lambda item: -item[1])),
        x_range=tuple((float(row.min()), float(row.max())) for row in x),
        in_sample={"n": float(len(y)), "clusters": float(len(everything.v))},
        withheld=withheld,
        warnings=tuple(said),
        level=level,
        ceiling=float(ceiling),
        least=float(least),
        tested=tested,
        counted=float(counted_variance(y, tested).mean()) if tested else 0.0,
        seed=seed,
        P=drawn.P,
        noise=drawn.noise,
        stretch=drawn.stretch,
        repeats=drawn.repeats,
        reference=drawn.reference + zero[:2],
        held=np.full(len(x), np.nan),
        knot_x=levels.logs[0] if one else nothing,
        knot_y=knot_y + bottom,
        knot_sd=np.sqrt(share * spread) if one else nothing,
    )


def weigh(found: Candidates, beliefs: Beliefs, end: int = 0) -> FloatArray:
    """Weights (K,) of the candidates at origin `end`, from origins before it and levels seen."""
    ends = found.origins
    seen = ends.seen[end]
    recent = np.flatnonzero(seen)[-beliefs.recent :]
    total, count = beliefs.zero * found.score[end][:, recent].mean(axis=1), beliefs.zero
    for o in range(end + 1, len(ends.seen)):
        judged = ends.ahead[o] & seen
        if not judged.any():
            continue
        share = np.exp(-beliefs.memory * (ends.octaves[o] - ends.octaves[end]))
        total = total + share * found.score[o][:, judged].mean(axis=1)
        count += share
    m = max(apart(found.levels)[seen].sum() - 3, 0.0)
    with np.errstate(divide="ignore"):  # a candidate that is not tried has no weight
        log_prior = np.log(found.prior)
    log_w = log_prior + beliefs.power * np.sqrt(m) * total / count
    w = np.exp(log_w - log_w.max())
    return w / w.sum()


def withheld_errors(found: Candidates, beliefs: Beliefs) -> dict[str, float] | str:
    """Errors beyond the origins of the last two octaves (two at least), the weights of each chosen
    from what came before it, beside naive predictors; or the sentence why there are none.
    """
    ends, levels = found.origins, found.levels
    rows = []
    for o in range(1, len(ends.seen)):
        if ends.octaves[o] > 2.0 and len(rows) >= 2:
            break
        seen, ahead = ends.seen[o], ends.ahead[o]
        x, y = np.exp(levels.logs), np.exp(levels.v)
        guess = _middle(found.predicted[o], weigh(found, beliefs, o))
        line = log_log_line(x[:, seen], y[seen], x[:, ahead])
        guesses = (guess[ahead], np.log(carry_last(x[:, seen], y[seen], x[:, ahead])), np.log(line))
        error = [float(np.sqrt(np.mean((g - levels.v[ahead]) ** 2))) for g in guesses]
        beyond = float(np.exp(levels.compute[ahead].max() - levels.compute[seen].max()))
        rows.append((*error, beyond))
    if not rows:
        return f"no size could be withheld: there are {len(levels.v)} levels"
    mean, beyond = np.mean(rows, axis=0), max(row[3] for row in rows)
    return dict(
        law=mean[0],
        carry_last=mean[1],
        log_log_line=mean[2],
        origins=float(len(rows)),
        beyond=beyond,
    )


def _middle(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted median (n,) of values (K, n)."""
    order = np.argsort(values, axis=0)
    passed = np.cumsum(weight[order], axis=0) >= 0.5 * weight.sum()
    row = np.take_along_axis(order, passed.argmax(axis=0)[None], 0)
    return np.take_along_axis(values, row, 0)[0]


def notes(levels: Levels, withheld: dict[str, float] | str, noise: float = 0.0) -> list[str]:
    """What a person should know of a fit. noise: variance of a level's mean."""
    out = []
    beaten = verdict(withheld, "auto")
    if beaten:
        out.append(beaten)
    sizes = [len(np.unique(row)) for row in levels.logs]
    for role, count in zip(("x", "x2"), sizes, strict=False):
        if count < FEW:
            out.append(
                f"law auto: {role} has {count} distinct value(s): what it does beyond them is "
                "mostly the prior's, and the intervals are wide for it; add sizes"
            )
    rising = len(levels.logs) == 1 and levels.v[-1] > levels.v[0]
    if rising:
        out.append("law auto: y rises with x; it should be an error or a loss, which falls")
    if not rising and (worse := _turn(levels, noise)):
        out.append(worse)
    if np.ptp(levels.v) == 0:
        out.append("law auto: y is the same at every x; there is no trend to extrapolate")
    if len(levels.logs) == 1 and running_best(levels):
        out.append(
            "law auto: y never gets worse from level to level although its scatter says it should: "
            "it looks like a best value so far. New runs will lie above the curve more often than "
            "below; give the value of each run instead"
        )
    return out


def _turn(levels: Levels, noise: float) -> str | None:
    """A sentence where the largest sizes are worse than a smaller one, beyond their noise: laws
    fall, and the median of their draws runs below what was measured there."""
    if len(levels.logs) > 1 or len(levels.v) > MANY:
        return None
    best = int(np.argmin(levels.v))
    up = levels.v[-1] - levels.v[best]
    # What a falling law leaves over holds the turn itself: neighbours tell the noise without it.
    if up <= TURN * np.sqrt(2 * min(noise, by_neighbours(levels))):
        return None
    return (
        f"law auto: y is best at x = {np.exp(levels.logs[0, best]):.4g} and "
        f"{100 * np.expm1(up):.2g} % worse at the largest, beyond its noise; no law that falls "
        "says so: look at the larger runs (learning rate, epochs), or leave them out"
    )


def running_best(levels: Levels) -> bool:
    """Whether the response looks like the best value so far, not like separate runs.

    Such points never rise. Of separate runs that is expected too where they fall fast, so it counts
    only if the scatter of recent steps makes it unlikely (below 5 % for independent normal steps),
    or if at least two steps are exactly zero.
    """
    u, v = levels.logs[0], levels.v
    recent = u >= u[-1] - RECENT
    recent[-9:] = True
    steps = np.diff(v[recent])
    if levels.runs.max() > 1 or len(steps) < 4 or (steps > 0).any():
        return False
    spread = np.sqrt(np.mean(np.diff(steps) ** 2) / 2)
    if spread == 0:
        return False
    chance = ndtr(-steps.mean() / spread) ** len(steps)
    return bool(chance < 0.05 or np.sum(steps == 0) >= 2)
