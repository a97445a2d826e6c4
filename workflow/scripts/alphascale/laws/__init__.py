"""Scaling laws: fit, predict, decide which form to trust. numpy and scipy only.

from alphascale.laws import fit
law = fit({"params": n, "error": e, "cluster": names}, x="params", y="error", law="power_floor",
          cluster="cluster")
law.params, law.predict({"params": [1e8]}), law.solve(0.05), law.solve_interval(0.05)
"""

from __future__ import annotations

from alphascale.laws.api import fit
from alphascale.laws.auto_law import AutoLaw
from alphascale.laws.form import Form
from alphascale.laws.forms import FORMS, get_form
from alphascale.laws.groups import Fits, load, read
from alphascale.laws.learning_curve import LearningCurve, m1, m2, m3, m4
from alphascale.laws.pooling import hold, pool
from alphascale.laws.priors import Beliefs
from alphascale.laws.result import Fit, Prediction

__all__ = [
    "FORMS",
    "AutoLaw",
    "Beliefs",
    "Fit",
    "Fits",
    "Form",
    "LearningCurve",
    "Prediction",
    "fit",
    "get_form",
    "hold",
    "load",
    "m1",
    "m2",
    "m3",
    "m4",
    "pool",
    "read",
]
