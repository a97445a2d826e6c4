"""The law of N and D together, over all fractions of a domain, and the cheapest way to a target.

D is the number of unique training samples; every member passes over them `epochs` times. Under law
auto it is one posterior of N and D. Under a named law three forms stand for election: Hoffmann's
E + A·N^−α + B·D^−β, Kaplan's eq. 1.5, and, where samples are seen more than once, Muennighoff's
data-constrained law. Each is fitted without the largest sizes of every fraction, and the one that
misses those least is fitted to everything. (Hoffmann's law with a cross term was tried on the
default tabular study: its optimum is Hoffmann's own law or has several parameters on bounds, and
its withheld error is never below.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .. import laws
from ..errors import UserError
from ..laws.form import predict
from ..records.bootstrap import JointDraws
from ..records.fit import JointFit, WithheldFit
from ..records.runs import COUNT_COLUMN, fitted_values, good, tested
from ..records.specs import BootstrapSpec, FitSpec, PriorFile
from ..records.typed import Refused
from .describe import described
from .learning import read_prior
from .withheld import predict_withheld

if TYPE_CHECKING:
    import pandas

# Law → the columns of its predictors after the first, which is the parameter count.
PREDICTORS = {
    "auto": ("samples",),
    "chinchilla": ("samples",),
    "kaplan_nd": ("samples",),
    "data_constrained": ("samples_seen", "samples"),
}
FORMS = tuple(PREDICTORS)[1:]
# One loss for all, so that they compare: seeds scatter by a share of the error.
LOSS = "squared_log"
# The search for the cheapest (N, D): steps of 4 % in N up to REACH times the largest size, and of
# 5 % in D, up to the whole pool: nobody has more data than that. Neither goes below what was
# trained: there is no law of what lies there.
STEPS_N, STEPS_D, REACH = 240, 60, 1000.0
CHUNK = 50  # resamples evaluated together: 50 × 240 × 60 doubles are 6 MB


def fit_joint(spec: FitSpec, metric: str, frame: pandas.DataFrame) -> JointFit | Refused:
    """The joint law of a metric: of the forms that can be fitted, the one that predicts best."""
    if frame["fraction"].nunique() < 2:
        return Refused("one fraction was trained: a law of N and D needs two or more")
    runs = good(frame)
    fits: dict[str, laws.Fit | laws.AutoLaw] = {}
    candidates: dict[str, WithheldFit | Refused] = {}
    for law in ("auto",) if spec.law == "auto" else FORMS:
        if law == "data_constrained" and (runs["samples_seen"] <= runs["samples"]).all():
            continue
        fit = partial(
            _fit, law=law, metric=metric, counted=spec.params, prior=beliefs_of(spec.prior),
            tested=tested(frame, metric),
        )  # fmt: skip
        try:
            fits[law] = fit(runs)
        except UserError as reason:
            candidates[law] = Refused(str(reason))
            continue
        candidates[law] = predict_withheld(
            frame, spec.params, f"test_{metric}", spec.withhold, fit, intervals=law == "auto"
        )
    if not fits:
        return next(iter(candidates.values()))
    judged = {law: c.errors.law for law, c in candidates.items() if isinstance(c, WithheldFit)}
    law = min(judged, key=judged.get) if judged else next(iter(fits))
    chosen_by = "least error on the withheld sizes" if judged else "no size was withheld"
    return JointFit(
        **vars(described(fits[law])),
        expression=fits[law].expression,
        chosen_by="the study's law" if spec.law == "auto" else chosen_by,
        candidates=candidates,
    )


def bootstrap_joint(
    spec: BootstrapSpec, frame: pandas.DataFrame, chosen: JointFit | Refused
) -> JointDraws | Refused:
    """The law that `fit_joint` chose, with its resamples."""
    if isinstance(chosen, Refused):
        return chosen
    try:
        fit = _fit(
            good(frame), chosen.law, spec.metric, spec.params,
            resamples=spec.resamples, level=spec.level, seed=spec.seed,
            prior=beliefs_of(spec.prior), tested=tested(frame, spec.metric),
        )  # fmt: skip
    except UserError as reason:
        return Refused(str(reason))
    return JointDraws(fit.to_json(), fit.failed_resamples)


def beliefs_of(file: PriorFile | None) -> laws.Beliefs | None:
    """The prior that a study names, None for the one that ships with the engine."""
    return None if file is None else read_prior(file.path)


def predictors(params: ArrayLike, samples: ArrayLike, epochs: float) -> dict[str, np.ndarray]:
    """Columns of the law's predictors for sizes and unique samples, broadcast to one length."""
    n, d = np.broadcast_arrays(np.atleast_1d(np.asarray(params, float)), np.asarray(samples, float))
    return {"params": n, "samples": d, "samples_seen": d * epochs}


def cheapest(
    fit: laws.Fit | laws.AutoLaw,
    target: float,
    cost: Callable[[np.ndarray], np.ndarray],
    sizes: tuple[float, float],
    samples: tuple[float, float],
    epochs: float,
    paid: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None,
    most: float = np.inf,
) -> np.ndarray:
    """Cheapest (N, D, FLOPs) that reaches `target`: (1 + resamples, 3), infinite where none does.

    paid: what a training's FLOPs (m, n) on D samples (n,) of sizes N (m, n) cost, labels and all →
    (m, n); by it is then judged what is cheapest, and it is the fourth column. Without it FLOPs are
    what counts. most: the largest N that may be.

    The first row is the law, the others its draws, or its resamples that could be fitted. cost:
    training FLOPs per sample seen of N parameters (n,) → (n,). sizes: smallest and largest trained;
    samples: smallest and largest fraction in samples. For each D the smallest N that reaches the
    target is read off the law, linearly in log N and log metric; FLOPs are cost(N)·D·epochs.
    """
    n = np.geomspace(sizes[0], sizes[1] * REACH, STEPS_N)
    d = np.geomspace(*samples, STEPS_D)
    columns = predictors(np.tile(n, STEPS_D), np.repeat(d, STEPS_N), epochs)
    goal = np.log(max(target, 1e-300))
    log_n, step = np.log(n), np.log(n[1] / n[0])
    found = []
    for value in _surfaces(fit, columns):
        value = value.reshape(-1, STEPS_D, STEPS_N)
        below = value <= goal
        at = below.argmax(axis=2)
        here = np.take_along_axis(value, at[..., None], 2)[..., 0]
        before = np.take_along_axis(value, np.maximum(at - 1, 0)[..., None], 2)[..., 0]
        with np.errstate(all="ignore"):
            back = np.where(at > 0, (goal - here) / (before - here), 0.0)
        needed = np.exp(log_n[at] - np.clip(np.nan_to_num(back), 0, 1) * step)
        may = below.any(axis=2) & (needed <= most)
        flops = np.where(may, cost(needed.ravel()).reshape(needed.shape), np.inf)
        flops = flops * d * epochs
        price = flops if paid is None else np.where(np.isinf(flops), np.inf, paid(flops, d, needed))
        best = price.argmin(axis=1)
        rows = np.arange(len(best))
        columns_ = [needed[rows, best], d[best], flops[rows, best]]
        found.append(np.column_stack(columns_ + [price[rows, best]] * (paid is not None)))
    out = np.concatenate(found)
    out[~np.isfinite(out[:, 2])] = np.inf
    return out


def _surfaces(fit: laws.Fit | laws.AutoLaw, columns: dict[str, np.ndarray]) -> Iterator[np.ndarray]:
    """log metric (…, n) at `columns`: of the law, then of its draws or resamples, CHUNK at once."""
    if isinstance(fit, laws.AutoLaw):
        rows = range(0, len(fit.P), CHUNK)
        drawn = [fit.log_curves(columns, slice(i, i + CHUNK)).astype(np.float32) for i in rows]
        yield np.median(np.concatenate(drawn), axis=0)[None].astype(float)
        yield from drawn
        return
    form = laws.get_form(fit.law)
    logs = np.log(np.stack([columns[name] for name in fit.columns])) - np.log(fit.x_scales)[:, None]
    drawn = fit.theta_samples[np.isfinite(fit.theta_samples).all(axis=1)]
    theta = np.concatenate([fit.theta[None], drawn])
    for start in range(0, len(theta), CHUNK):
        with np.errstate(all="ignore"):
            yield np.log(predict(form, logs, theta[start : start + CHUNK]) * fit.y_scale)


def sample_cost(frame: pandas.DataFrame, counted: str) -> Callable[[np.ndarray], np.ndarray]:
    """Training FLOPs per sample seen as a function of N, from the ladder's own counts: log-log
    lines between the sizes, the last one carried on."""
    table = frame.drop_duplicates(COUNT_COLUMN[counted]).sort_values(COUNT_COLUMN[counted])
    x = np.log(table[COUNT_COLUMN[counted]].to_numpy(float))
    y = np.log(table["step_flops"].to_numpy(float))

    def cost(params: np.ndarray) -> np.ndarray:
        at = np.log(params)
        i = np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2)
        return np.exp(y[i] + (y[i + 1] - y[i]) / (x[i + 1] - x[i]) * (at - x[i]))

    return cost


def _fit(
    runs: pandas.DataFrame, law: str, metric: str, counted: str, resamples: int = 0, **options
) -> laws.Fit:
    columns = joint_columns(runs, law, metric, counted)
    return fit_cells(columns, law, metric, resamples=resamples, **options)


def joint_columns(
    runs: pandas.DataFrame, law: str, metric: str, counted: str
) -> dict[str, np.ndarray]:
    """What a joint law is fitted to: its predictors, the metric and each run's cell."""
    columns = {"params": runs[COUNT_COLUMN[counted]].to_numpy(float)}
    columns |= {name: runs[name].to_numpy(float) for name in PREDICTORS[law]}
    columns[metric] = fitted_values(runs, metric)
    columns["cell"] = (runs["fraction"] + "/" + runs["scale"]).to_numpy(str)
    return columns


def fit_cells(columns: dict[str, np.ndarray], law: str, metric: str, **options) -> laws.Fit:
    """The joint law on `joint_columns`; options: resamples, level, seed, prior, tested."""
    roles = dict(zip(("x", "x2", "x3"), ("params", *PREDICTORS[law]), strict=False))
    loss = None if law == "auto" else LOSS
    return laws.fit(
        columns, y=metric, law=law, cluster="cell", loss=loss, withhold=False, **roles, **options
    )
