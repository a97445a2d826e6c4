"""M1–M4 in one call: `m4(curve).predict_loss(1e9)`.

    law = laws.m4({x: y, …}, err_0=0.999)           # or laws.m4(x, y)
    law.beta, law.c, law.alpha, law.err_inf
    law.predict_loss(2e9)
    rmse, standard_error = law.error(x_test, y_test)

Options are those of the code published with the laws (`alphascale.laws.options`); the estimate is
the minimum of the squared error of the logarithm of the prediction itself. No intervals here: for
these, `laws.fit(…, law="m4", options={…})`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.fitting import FormFit, fit_form
from alphascale.laws.options import settings
from alphascale.laws.result import point_matrix
from alphascale.laws.scoring import log_rmse, log_rmse_error

FloatArray = np.ndarray


@dataclass(frozen=True)
class LearningCurve:
    """A law of one learning curve. law: m1 … m4. fit: the engine's own."""

    law: str
    fit: FormFit

    @property
    def params(self) -> dict[str, float]:
        """The fitted parameters by the published names; c is the exponent of x."""
        sign = 1 if self.law == "m3" else -1
        return {k: sign * v if k == "c" else v for k, v in self.fit.params.items()}

    @property
    def beta(self) -> float:
        return self.params["beta"]

    @property
    def c(self) -> float:
        return self.params["c"]

    @property
    def alpha(self) -> float:
        """0 for a law without one."""
        return self.params.get("alpha", 0.0)

    @property
    def gamma(self) -> float:
        """0 for a law without one."""
        return self.params.get("gamma", 0.0)

    @property
    def err_inf(self) -> float:
        """The limit with unlimited data; m3's is beta·gamma^c."""
        if self.law == "m3":
            return self.beta * self.gamma**self.c
        return self.params.get("err_inf", 0.0)

    @property
    def err_0(self) -> float:
        """The limit without data; inf for a law without one."""
        return self.params.get("err_0", np.inf)

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.fit.warnings

    def predict_loss(self, x) -> float | FloatArray:
        """The loss at x: a number for a number, (n,) for (n,). UserError unless positive."""
        found = self.fit.curve(point_matrix(np.atleast_1d(x), ("x",)))
        return float(found[0]) if np.ndim(x) == 0 else found

    def loss_curve(
        self, min_data_size: float, max_data_size: float, num_points: int = 10_000
    ) -> tuple[FloatArray, FloatArray]:
        """x (n,) evenly from one size to another, and the losses there (n,)."""
        x = np.linspace(min_data_size, max_data_size, num_points)
        return x, self.predict_loss(x)

    def err_limit(self) -> float:
        """The loss with unlimited data."""
        return self.err_inf

    def error(self, x, y) -> tuple[float, float]:
        """Root mean square of log(predicted / y) at x (n,), and its standard error."""
        predicted, y = self.predict_loss(np.atleast_1d(x)), np.atleast_1d(np.asarray(y, float))
        return log_rmse(predicted, y), log_rmse_error(predicted, y)


def estimate(
    law: str,
    x: Mapping[float, float] | Sequence[float],
    y: Sequence[float] | None = None,
    **options,
) -> LearningCurve:
    """Fit m1, m2, m3 or m4 to a curve: {x: y}, or x (n,) and y (n,). Raises UserError for what
    cannot be fitted, and for an option that the law lacks."""
    if isinstance(x, Mapping):
        if y is not None:
            raise UserError(f"{law}: give either a mapping of x to y, or x and y")
        x, y = list(x.keys()), list(x.values())
    elif y is None:
        raise UserError(f"{law}: give the losses too: {law}(x, y), or {law}({{x: y}})")
    x, y = np.asarray(x, float), np.asarray(y, float)
    asked = settings(law, options, y if len(y) else None)
    fitted = fit_form(
        law, x, y, bounds=asked.bounds, start=asked.start, max_iterations=asked.max_iterations
    )
    return LearningCurve(law, fitted)


m1, m2, m3, m4 = (partial(estimate, law) for law in ("m1", "m2", "m3", "m4"))
