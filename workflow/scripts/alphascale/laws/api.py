"""`fit`: from columns of points to a fitted law with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from alphascale.columns import Response, in_order, response
from alphascale.errors import UserError
from alphascale.laws.auto_law import AutoLaw
from alphascale.laws.bootstrap import bootstrap
from alphascale.laws.counts import filled, told
from alphascale.laws.fitting import FormFit, fit_form
from alphascale.laws.forms import get_form
from alphascale.laws.groups import Fits, group_keys
from alphascale.laws.options import settings
from alphascale.laws.priors import SHIPPED, Beliefs
from alphascale.laws.result import Fit, column
from alphascale.laws.selection import auto
from alphascale.laws.withheld import verdict, withheld_error

LARGEST = 1e150  # a response beyond it overflows when it is squared and summed


def fit(
    frame,
    x: str,
    y: str,
    *,
    x2: str | None = None,
    x3: str | None = None,
    law: str = "auto",
    group: str | Sequence[str] | None = None,
    cluster: str | None = None,
    loss: str | None = None,
    weights: str | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    options: Mapping[str, float | bool] | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    method: str = "auto",
    withhold: bool = True,
    prior: Beliefs | None = None,
    tested: int | None = None,
) -> Fit | AutoLaw | Fits:
    """Fit `law` to columns of `frame` (a mapping of column name to (n,) values, or a DataFrame).

    law: auto, or a name of FORMS. auto: one posterior over weighted forms with priors (an
    `AutoLaw`), for one predictor, two (N and D) or three (N, D and the unique data). x, x2, x3:
    columns of the predictors, as many as the law has roles; where their names tell, parameters come
    first. y: the response; its name tells what it can be (`alphascale.columns`). group: column(s)
    that divide the rows into separate fits; the result is then a `Fits`. cluster: column naming the
    configuration of each run, so that its seeds stay together; without it, runs with equal
    predictors are one configuration. loss: see `alphascale.laws.losses`; None is the law's own.
    weights: column. bounds: {parameter: (low, high)} of floors and exponents, in the units of the
    columns. options: of m1 to m4, by their published names (`alphascale.laws.options`). level:
    default of intervals. resamples, method (auto, pairs, smooth or parametric, see
    `alphascale.laws.bootstrap`) and withhold (also fit without the largest sizes and report the
    error on them) are of named laws; resamples may be 0: no intervals then; else so many that each
    end has one beyond it. Law auto has 600 draws, always. prior: what law auto believes, in place
    of what is shipped (`alphascale.fitting.learning`). tested: samples that an error was counted
    on: none wrong of n is then small, not zero, and under law auto rarer errors scatter more.
    Raises UserError, one line, for what cannot be fitted.
    """
    given = dict(
        law=law, cluster=cluster, loss=loss, weights=weights, bounds=bounds, options=options,
        level=level, resamples=resamples, seed=seed, method=method, withhold=withhold, prior=prior,
        tested=tested,
    )  # fmt: skip
    columns = in_order(tuple(c for c in (x, x2, x3) if c is not None))
    if not 0 < level < 1:
        raise UserError(f"level must lie between 0 and 1, e.g. .95; got {level}")
    if seed < 0:
        raise UserError(f"seed must be a whole number, 0 or more; got {seed}")
    if resamples and resamples < (least := round(2 / (1 - level))):
        raise UserError(
            f"resamples must be 0 (no intervals) or at least {least}, for the ends of "
            f"{100 * level:g} % intervals; got {resamples}"
        )
    if len({*columns, y}) <= len(columns):
        raise UserError(f"x, x2, x3 and y must be different columns; got {', '.join(columns)}, {y}")
    # Of the whole column: groups are in one unit.
    known = response(y, column(frame, y))
    if group is None:
        return _fit_one(frame, columns, y, known, **given)
    names = tuple(group.split(",")) if isinstance(group, str) else tuple(group)
    keys = group_keys(frame, names)
    rows: dict[tuple[str, ...], list[int]] = {}
    for i, key in enumerate(keys):
        rows.setdefault(key, []).append(i)
    if not rows:
        raise UserError(f"column {y!r} has no rows: nothing to fit")
    needed = [c for c in (*columns, y, cluster, weights) if c is not None]
    data = {c: np.asarray(frame[c]) for c in needed if c in list(frame.keys())}
    fits, refused = {}, {}
    for key, index in rows.items():
        try:
            part = {c: v[index] for c, v in data.items()}
            fits[key] = _fit_one(part, columns, y, known, **given)
        except UserError as error:
            refused[key] = str(error)
    if not fits:
        key, reason = next(iter(refused.items()))
        raise UserError(f"none of {len(refused)} groups could be fitted; {'/'.join(key)}: {reason}")
    return Fits(names, fits, refused)


def _fit_one(
    frame, columns, y, known, *, law, cluster, loss, weights, bounds, options, level, resamples,
    seed, method, withhold, prior, tested,
) -> Fit | AutoLaw:  # fmt: skip
    X, Y = np.stack([column(frame, c) for c in columns]), column(frame, y)
    if not len(Y):
        raise UserError(f"column {y!r} has no rows: nothing to fit")
    if len(far := np.flatnonzero(np.isfinite(Y) & (np.abs(Y) > LARGEST))):
        raise UserError(f"column {y!r} holds {Y[far[0]]:g} in row {far[0] + 1}: change its unit")
    if tested is not None:
        if known.rises is not False or not known.share:
            raise UserError(
                f"tested: {tested} samples were tested, but column {y!r} is no share of errors "
                "among them (a column with error in its name, between 0 and 1)"
            )
        if tested < 1:
            raise UserError(f"tested must be a number of samples, 1 or more; got {tested}")
        Y = filled(X, Y, tested, y)
    _check_sense(law, columns, X, y, Y, known)
    asked = settings(law, options or {}, Y)
    if law == "auto":
        if loss is not None or weights is not None or bounds is not None:
            raise UserError("law auto takes no loss, weights or bounds; name a law to use them")
        return auto(
            X, Y, columns=columns, name=y, cluster=_labels(frame, cluster), level=level, seed=seed,
            least=known.low if Y.min() >= known.low else 0.0, ceiling=known.high,
            beliefs=prior or SHIPPED, withhold=withhold, tested=tested or 0,
        )  # fmt: skip
    if prior is not None:
        raise UserError(f"law {law} has no prior; law auto has")
    form = get_form(law)
    if len(columns) != len(form.roles):
        raise UserError(
            f"law {law} takes {len(form.roles)} predictor(s) ({', '.join(form.roles)}); "
            f"{len(columns)} given"
        )
    w = None if weights is None else column(frame, weights)
    if tested is not None:
        w = told(Y, tested) * (1.0 if w is None else w)
    unweighted = 0
    if w is not None and (w == 0).any() and (w > 0).any():
        X, Y, w, unweighted = X[:, w != 0], Y[w != 0], w[w != 0], int((w == 0).sum())
        if cluster is not None:
            frame = {cluster: _labels(frame, cluster)[column(frame, weights) != 0]}
    twice = set(bounds or {}) & set(asked.bounds)
    if twice:
        raise UserError(f"{min(twice)} has bounds and an option: give one of them")
    options = dict(
        loss=loss, weights=w, bounds={**asked.bounds, **(bounds or {})}, start=asked.start,
        max_iterations=asked.max_iterations,
    )  # fmt: skip
    fitted = fit_form(form, X, Y, **options)
    clusters = _clusters(frame, cluster, X)
    draws = bootstrap(fitted, clusters, resamples, seed, method)
    warnings = list(fitted.warnings)
    if unweighted:
        warnings.append(f"{unweighted} row(s) of weight 0 are left out, of intervals too")
    if draws.method == "no noise left":
        warnings.append(
            f"law {law} has as many free parameters as there are configurations: it passes through "
            "all points, the noise cannot be told, and there are no intervals; add sizes or seeds"
        )
    elif draws.failed:
        warnings.append(f"law {law}: {draws.failed} of {resamples} resamples could not be fitted")
    withheld = withheld_error(form, X, Y, **options) if withhold else "not asked for"
    beaten = verdict(withheld, law)
    if beaten:
        warnings.insert(0, beaten)
    p = fitted.problem
    return Fit(
        law=law,
        columns=columns,
        y=y,
        params=fitted.params,
        derived={name: f(fitted.params) for name, f in form.derived.items()},
        objective=fitted.objective,
        loss=loss or form.loss,
        starts=fitted.starts,
        starts_agree=fitted.starts_agree,
        bounds_hit=fitted.bounds_hit,
        condition=fitted.condition,
        warnings=tuple(warnings),
        in_sample=describe(fitted, Y, clusters),
        withheld=withheld,
        method=draws.method,
        failed_resamples=draws.failed,
        level=level,
        x_range=tuple((float(r.min()), float(r.max())) for r in X),
        log_noise=p.loss.log,
        theta=fitted.theta,
        theta_samples=draws.theta,
        noise=draws.noise,
        residuals=draws.residuals,
        deviation=draws.deviation,
        x_scales=p.x_scales,
        y_scale=p.y_scale,
        seed=seed,
        limits=(known.low if Y.min() >= known.low else -np.inf, max(known.high, Y.max())),
        tested=tested or 0,
    )


def _check_sense(
    law: str, columns: tuple[str, ...], X: np.ndarray, name: str, y: np.ndarray, known: Response
) -> None:
    """Refuse a response that rises under a law that falls, and one that falls under one that
    rises: by its name, or by its values (n,) where the name does not tell."""
    rising_law = law != "auto" and get_form(law).increasing
    rises, how = known.rises, "is a metric that grows as models get better"
    if rising_law and y.max(initial=0.0) > 1:
        raise UserError(
            f"column {name!r} goes up to {y.max():g}, and law {law} is of shares, between 0 and 1: "
            "divide percents by 100"
        )
    trends = _trends(X, y)
    if not rises and not rising_law and True in trends:
        rises, how = True, f"rises with {columns[trends.index(True)]}"
    if rises and not rising_law:
        whole = "100" if known.high == 100 else "1"
        ways = f"fit what falls, an error or a loss (for a share of right answers, {whole} − it)"
        if known.rises is False:
            ways = "look at its larger runs (learning rate, epochs), or leave them out"
        elif len(columns) == 1:
            ways += ", or name --law accuracy" + (" for it / 100" if known.high == 100 else "")
        raise UserError(f"column {name!r} {how}, and law {law} is of what falls; {ways}")
    if rises is False and rising_law:
        raise UserError(
            f"column {name!r} falls as models get better, and law {law} rises: name another law "
            "(--law auto)"
        )


def _trends(x: np.ndarray, y: np.ndarray) -> list[bool | None]:
    """Whether y (n,) rises with each x (r, n) beyond doubt (True), falls (False), or neither
    (None): the slope on its logarithm of the levels' means, the others held, is more than four of
    its standard errors; or of one predictor's five levels or more each lies above the last."""
    nothing: list[bool | None] = [None] * len(x)
    with np.errstate(all="ignore"):
        u, level = np.unique(np.log(x), axis=1, return_inverse=True)
    levels = u.shape[1]
    if levels < 3 + len(x) or not (np.isfinite(u).all() and np.isfinite(y).all() and (y > 0).all()):
        return nothing
    v = np.bincount(level.ravel(), y) / np.bincount(level.ravel())
    steps = np.diff(v)
    if len(x) == 1 and levels >= 5 and ((steps > 0).all() or (steps < 0).all()):
        return [bool(steps[0] > 0)]
    A = np.column_stack([np.ones(levels), u.T - u.mean(axis=1)])
    slopes, _, rank, _ = np.linalg.lstsq(A, v, rcond=None)
    if rank < A.shape[1]:
        return nothing
    left = v - A @ slopes
    errors = np.sqrt((left @ left) / (levels - rank) * np.diag(np.linalg.inv(A.T @ A)))
    pairs = zip(slopes[1:], errors[1:], strict=True)
    return [None if abs(s) <= 4 * error else bool(s > 0) for s, error in pairs]


def describe(fitted: FormFit, y: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """r2, mae, aic, n, clusters of a fit at its own points: description, not evidence."""
    predicted = fitted.fitted()
    log = fitted.problem.loss.log
    r = np.log(y) - np.log(predicted) if log else y - predicted
    total = float(np.sum((y - y.mean()) ** 2))
    mean_square = max(float(np.mean(r**2)), 1e-300)
    return {
        "r2": 1 - float(np.sum((y - predicted) ** 2)) / total if total > 0 else float("nan"),
        "mae": float(np.mean(np.abs(y - predicted))),
        "aic": len(y) * float(np.log(mean_square)) + 2 * len(fitted.theta),
        "n": float(len(y)),
        "clusters": float(len(np.unique(clusters))),
    }


def _clusters(frame, cluster: str | None, X: np.ndarray) -> np.ndarray:
    if cluster is None:
        return np.unique(X, axis=1, return_inverse=True)[1].ravel()
    return np.unique(_labels(frame, cluster), return_inverse=True)[1]


def _labels(frame, cluster: str | None) -> np.ndarray | None:
    if cluster is None:
        return None
    if cluster not in list(frame.keys()):
        raise UserError(f"column {cluster!r} is missing; it should name each run's configuration")
    return np.asarray(frame[cluster]).astype(str)
