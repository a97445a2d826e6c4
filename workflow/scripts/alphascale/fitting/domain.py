"""All laws of a domain, at each fraction and jointly: what `fit` and `bootstrap` write."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..records.bootstrap import BootstrapRecord, MetricDraws
from ..records.fit import FitRecord
from ..records.runs import fractions
from ..records.specs import BootstrapSpec, FitSpec
from .joint import bootstrap_joint, fit_joint
from .ladder import bootstrap_fraction, fit_fraction

if TYPE_CHECKING:
    import pandas


def fit_domain(domain: str, spec: FitSpec, frame: pandas.DataFrame) -> FitRecord:
    """The laws of every metric asked for; where the law engine refuses to fit, it says why."""
    return FitRecord(
        domain=domain,
        law=spec.law,
        counted=spec.params,
        fractions={fraction: fit_fraction(spec, frame, fraction) for fraction in fractions(frame)},
        joint={metric: fit_joint(spec, metric, frame) for metric in spec.metrics},
    )


def bootstrap_domain(
    domain: str, spec: BootstrapSpec, frame: pandas.DataFrame, fits: FitRecord
) -> BootstrapRecord:
    """The laws of the targets' metrics, resampled; jointly, the form that `fits` chose."""

    def draws(metric: str) -> MetricDraws:
        one = replace(spec, metric=metric)
        return MetricDraws(
            {fraction: bootstrap_fraction(one, frame, fraction) for fraction in fractions(frame)},
            bootstrap_joint(one, frame, fits.joint[metric]),
        )

    return BootstrapRecord(
        **vars(draws(spec.metric)),
        domain=domain,
        metric=spec.metric,
        resamples=spec.resamples,
        level=spec.level,
        others={metric: draws(metric) for metric in spec.others},
    )
