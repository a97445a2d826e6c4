"""`law: auto`: extrapolate a curve by laws weighted by what they predict, with an interval.

    from alphascale.laws.selection import auto
    law = auto(samples, loss)
    law.predict([2e9])            # mean, lower, upper
    print(law.summary())          # error on withheld levels first, beside naive predictors

Candidates are short laws (`alphascale.laws.windows`) on stretches of the curve that end at its last
level, so how much of the start is left out is a choice like any other. Their weights come from
rolling origins (`alphascale.laws.rolling`) inside the given points, times a prior; predictions of
log y are averaged. How the one setting was found: docs/curves.md.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from alphascale.errors import UserError
from alphascale.laws.autofit import AutoFit, Withheld
from alphascale.laws.rolling import LEAST, Ladder, Settings, climb, weigh

FloatArray = np.ndarray
SPAN = 1.2  # smallest ratio of largest to smallest x that says anything about a curve
TAIL = 0.3  # share of the levels in the naive log-log line
AHEAD = 2.0  # octaves: earlier origins choose laws, but are too far back to speak for the report
NEAR, NEIGHBOURS = (
    0.35,
    3,
)  # levels within ± so much of log x smooth each other, if they are so many
RECENT = 1.4  # length in log x of the stretch whose steps are looked at for a running best


def auto(
    x,
    y,
    *,
    cluster=None,
    level: float = 0.95,
    settings: Settings | None = None,
) -> AutoFit:
    """Extrapolate y (n,) > 0, an error or a loss, over x (n,) > 0, upwards from the largest x.

    Runs with equal x, or with equal `cluster` (n,), are one level: seeds of one configuration;
    their geometric mean is fitted and their scatter is a run's noise. Raises UserError, one line,
    for what cannot be fitted: fewer than 4 levels, x that spans less than a factor 1.2, values that
    are not positive numbers, a y that never changes.
    """
    settings = Settings() if settings is None else settings
    if not 0 < level < 1:
        raise UserError(f"level must lie between 0 and 1, got {level}")
    log_x, log_y, counts, within = _levels(x, y, cluster)
    u, v = log_x - log_x[-1], log_y - log_y[-1]
    ladder = climb(u, v, settings)
    weight = weigh(ladder, settings)
    best = running_best(u, v, counts)
    withheld, squares = _roll(ladder, settings)
    used = weight > 0
    names = [name for name, keep in zip(ladder.names, used, strict=True) if keep]
    residual = float(weight @ ladder.variance[0])
    ahead = ladder.predict(np.zeros(1))[:, 0]
    noise = _noise(residual, within, counts, best, settings)
    anchor = float(np.sqrt(residual / NEIGHBOURS))
    knots, shares = _smooth(u, v)
    knot_sd = np.sqrt(shares * _level_variance(noise, within, counts))
    # No jump where the laws take over.
    knots[-1], knot_sd[-1] = weight[used] @ ahead[used], anchor
    return AutoFit(
        x_first=float(np.exp(log_x[0])),
        x_last=float(np.exp(log_x[-1])),
        y_last=float(np.exp(log_y[-1])),
        levels=len(u),
        runs=int(counts.sum()),
        knot_u=u,
        knot_y=knots,
        knot_sd=knot_sd,
        family=tuple(k[0] for k in names),
        theta=ladder.theta[used],
        start=u[ladder.starts[0, used]],
        a=ladder.a[used],
        b=ladder.b[used],
        weight=weight[used],
        noise=noise,
        anchor=anchor,
        drift=_drift(ladder, weight, squares, settings),
        between=settings.between,
        dof=float(max(counts.sum() - 2, 1)),
        running_best=best,
        withheld=withheld,
        warnings=tuple(_warnings(u, v, best, withheld)),
        level=level,
    )


def _levels(x, y, cluster):
    """log x and mean log y of each level (n,), ascending; its runs; sum of squares within it."""
    x, y = np.asarray(x, float).ravel(), np.asarray(y, float).ravel()
    if len(x) != len(y):
        raise UserError(f"law auto: x has {len(x)} values and y has {len(y)}")
    for name, values in (("x", x), ("y", y)):
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if len(bad):
            raise UserError(
                f"law auto: {name} must be positive, finite numbers; row {bad[0]} is "
                f"{values[bad[0]]}"
            )
    order = np.lexsort((y, x))  # a fit must not depend on the order of rows, to the last bit
    log_x, log_y = np.log(x[order]), np.log(y[order])
    if cluster is None:
        key = np.unique(x[order], return_inverse=True)[1]
    else:
        cluster = np.asarray(cluster).astype(str).ravel()
        if len(cluster) != len(x):
            raise UserError(f"law auto: cluster has {len(cluster)} values and x has {len(x)}")
        key = np.unique(cluster[order], return_inverse=True)[1]
    counts = np.bincount(key)
    level_x = np.bincount(key, log_x) / np.maximum(counts, 1)
    if len(np.unique(level_x)) < len(level_x):  # clusters with the same x are one level
        key = np.unique(level_x, return_inverse=True)[1][key]
        counts = np.bincount(key)
        level_x = np.bincount(key, log_x) / counts
    if len(counts) < LEAST:
        raise UserError(
            f"law auto: {len(counts)} distinct levels of x; it needs at least {LEAST} (laws with "
            "up to 3 parameters are compared). Add sizes, or name a simpler law"
        )
    level_y = np.bincount(key, log_y) / counts
    within = np.bincount(key, (log_y - level_y[key]) ** 2)
    rank = np.argsort(level_x)
    level_x, level_y = level_x[rank], level_y[rank]
    if level_x[-1] - level_x[0] < np.log(SPAN):
        raise UserError(
            f"law auto: x spans a factor {np.exp(level_x[-1] - level_x[0]):.3g}; at least {SPAN} "
            "is needed to see a trend. Add smaller or larger sizes"
        )
    if np.ptp(level_y) == 0:
        raise UserError("law auto: y is the same at every x; there is no trend to extrapolate")
    return level_x, level_y, counts[rank], within[rank]


def _smooth(u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """v (n,) at its levels, each by a line through the levels near it, and the share (n,) of a
    level's variance that is left in it.

    A level with fewer than three within `NEAR` stays as it is: a line through the sizes of a
    ladder, a factor 1.5 or more apart, cut through the curve's bend and missed N* inside the ladder
    by more than its interval (which then held it in .56 to .90 of the cases of docs/laws.md).
    """
    away = u - u[:, None]
    near = np.abs(away) <= NEAR + 1e-9
    near[near.sum(1) < NEIGHBOURS] = False
    np.fill_diagonal(near, True)
    share = near / near.sum(1, keepdims=True)
    middle = (share * away).sum(1, keepdims=True)
    spread = (share * (away - middle) ** 2).sum(1, keepdims=True)
    slope = share * (away - middle) / np.where(spread > 0, spread, 1.0)
    weights = share - middle * slope
    return weights @ v, (weights**2).sum(1)


def running_best(u: FloatArray, v: FloatArray, counts: FloatArray) -> bool:
    """Whether log y = v (n,) at u looks like the best value so far, not like separate runs.

    Such points never rise. Of separate runs that is expected too where they fall fast, so it counts
    only if the scatter of recent steps makes it unlikely (below 5 % for independent normal steps),
    or if at least two steps are exactly zero.
    """
    recent = u >= -RECENT
    recent[-9:] = True
    steps = np.diff(v[recent])
    if counts.max() > 1 or len(steps) < 4 or (steps > 0).any():
        return False
    spread = np.sqrt(np.mean(np.diff(steps) ** 2) / 2)
    if spread == 0:
        return False
    chance = stats.norm.cdf(-steps.mean() / spread) ** len(steps)
    return bool(chance < 0.05 or np.sum(steps == 0) >= 2)


def _noise(residual: float, within, counts, best: bool, settings: Settings) -> float:
    """Standard deviation of log y of a new run, from residuals (variance) and scatter of seeds."""
    if counts.max() == 1:
        return float(np.sqrt(residual)) * (settings.envelope if best else settings.noise)
    seeds = _seed_variance(within, counts)
    # Residuals are of level means: what exceeds the seeds' share is between configurations.
    return float(np.sqrt(seeds + max(residual - seeds * float(np.mean(1 / counts)), 0.0)))


def _level_variance(noise: float, within, counts) -> FloatArray:
    """Variance of log y of each level's mean (n,): its runs' scatter is averaged, what lies between
    configurations is not."""
    seeds = _seed_variance(within, counts)
    return max(noise**2 - seeds, 0.0) + seeds / counts


def _seed_variance(within, counts) -> float:
    """Variance of log y of runs at one level; 0 where no level has two."""
    return float(np.sum(within)) / max(int(np.sum(counts - 1)), 1)


def _roll(ladder: Ladder, settings: Settings):
    """Errors beyond each origin, auto's weights chosen before it.

    Returns Withheld (None without origins) and, per origin, (weight by memory, squared error less
    noise, squared distance): what the drift is estimated from.
    """
    errors, rows, reach = [], [], 0.0
    u, v = ladder.u, ladder.log_y
    for o in range(1, len(ladder.ends)):
        seen, until = ladder.ends[o], ladder.until[o]
        w = weigh(ladder, settings, o)
        r = w @ ladder.logs[o, :, seen:until] - v[seen:until]
        h = u[seen:until] - u[seen - 1]
        tail = max(2, int(np.ceil(TAIL * seen)))
        line = np.polyval(
            np.polyfit(u[seen - tail : seen], v[seen - tail : seen], 1), u[seen:until]
        )
        naive = (v[seen - 1] - v[seen:until], line - v[seen:until])
        if ladder.octaves[o] <= AHEAD or len(errors) < 2:
            errors.append([float(np.sqrt(np.mean(e**2))) for e in (r, *naive)])
            reach = max(reach, float(np.exp(h[-1])))
        # Twice the residual variance: that of the withheld point, and of the fitted level.
        excess = max(float(np.mean(r**2) - 2 * w @ ladder.variance[o]), 0.0)
        share = float(np.exp(-settings.memory * ladder.octaves[o]))
        rows.append((share, excess, float(np.mean(h**2))))
    if not errors:
        return None, []
    return Withheld(len(errors), reach, *(float(e) for e in np.mean(errors, axis=0))), rows


def _drift(ladder: Ladder, weight: FloatArray, rows, settings: Settings) -> float:
    """Error (sd of log y) per unit of log x: a prior share of the local exponent, and the origins'.

    Origins count by the square of their distance, in units of that of a factor 1.5.
    """
    total = settings.drift_weight
    square = total * (settings.drift * ladder.exponent(weight)) ** 2
    for share, excess, distance in rows:
        square += share * excess / np.log(1.5) ** 2
        total += share * distance / np.log(1.5) ** 2
    return float(np.sqrt(square / total))


def _warnings(u, v, best: bool, withheld: Withheld | None) -> list[str]:
    out = []
    if withheld is None:
        out.append(
            f"law auto: {len(u)} levels leave none to withhold: the laws' weights are the prior's "
            "alone and nothing here shows that they predict"
        )
    elif withheld.auto > withheld.best_naive:
        naive = "the last value carried on"
        if withheld.loglog_line < withheld.last_value:
            naive = "a log-log line through the tail"
        out.append(
            f"law auto: on withheld levels {naive} did better (error {withheld.best_naive:.3g} "
            f"against {withheld.auto:.3g})"
        )
    if best:
        out.append(
            "law auto: y never gets worse from level to level although its scatter says it should: "
            "it looks like a best value so far. New runs will lie above the curve more often than "
            "below; give the value of each run instead. The interval was widened"
        )
    if v[-1] > v[0]:
        out.append("law auto: y rises with x; it should be an error or a loss, which falls")
    return out
