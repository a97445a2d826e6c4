"""All laws of a domain, at each fraction and jointly: what `fit` and `bootstrap` write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..records.bootstrap import BootstrapRecord
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
    """The laws of the target's metric with their resamples; jointly, the form that `fits` chose."""
    return BootstrapRecord(
        domain=domain,
        metric=spec.metric,
        resamples=spec.resamples,
        level=spec.level,
        fractions={
            fraction: bootstrap_fraction(spec, frame, fraction) for fraction in fractions(frame)
        },
        joint=bootstrap_joint(spec, frame, fits.joint[spec.metric]),
    )
