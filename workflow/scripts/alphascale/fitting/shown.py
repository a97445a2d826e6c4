"""A domain's law as a reader knows it: a, b and α of accuracy = a − b·N^(−α), or of a loss E and A.

Law auto is a posterior over forms and has no such parameters: beside it, the form is fitted to the
same runs as a description. A law that the study names is shown as it is.
"""

from __future__ import annotations

import numpy as np

from .. import laws
from ..errors import UserError
from ..records.fit import Estimate, ShownForm
from ..records.specs import BootstrapSpec
from ..records.typed import Refused
from .describe import finite

# What describes a metric under law auto, where it is not a floor and a power of it.
FORM_OF = {"error": "accuracy"}


def shown(
    columns: dict[str, np.ndarray], fit: laws.Fit | laws.AutoLaw, spec: BootstrapSpec
) -> ShownForm | Refused:
    """The form with its parameters' intervals, and how it describes the runs it was fitted to.

    columns: `ladder.ladder_columns`. fit: the law of the study on them.
    """
    if isinstance(fit, laws.AutoLaw):
        metric, law = spec.metric, FORM_OF.get(spec.metric, "power_floor")
        y = {"accuracy": 1 - columns[metric]} if metric == "error" else {metric: columns[metric]}
        try:
            fit = laws.fit(
                {**y, **{name: columns[name] for name in ("params", "scale")}}, x="params",
                y=next(iter(y)), law=law, cluster="scale", resamples=spec.resamples,
                level=spec.level, seed=spec.seed, withhold=False,
            )  # fmt: skip
        except UserError as reason:
            return Refused(str(reason))
    ends = fit.interval() if fit.has_interval else {}
    return ShownForm(
        law=fit.law,
        of=fit.y,
        expression=fit.expression.replace("x^", "N^").replace("(1/x", "(1/N"),
        params={
            name: Estimate(value, *map(finite, ends.get(name, (np.nan, np.nan))))
            for name, value in fit.params.items()
        },
        in_sample={name: finite(value) for name, value in fit.in_sample.items()},
        resamples=len(fit.theta_samples),
        failed_resamples=fit.failed_resamples,
    )
