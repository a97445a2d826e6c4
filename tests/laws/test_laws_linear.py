"""What amplitudes enter linearly is the response, or what the form says it is."""

from __future__ import annotations

import numpy as np
import pytest
from alphascale.laws.form import design
from alphascale.laws.forms import FORMS
from test_laws_forms import TRUE, internal, points, values_at

# Of other forms with a curve of their own the columns are an approximation, to start from.
EXACT = [name for name, form in FORMS.items() if form.target or form.curve is None]


@pytest.mark.parametrize("name", EXACT)
def test_columns_times_amplitudes_are_what_is_solved_for(name: str) -> None:
    form, x = FORMS[name], points(name)
    P, y = internal(name, TRUE[name])[0], values_at(name, x)
    columns = design(form, np.log(x), P[None, list(form.exponents)])[0]
    linear = P[list(form.amplitudes)] @ columns
    if form.target is not None:
        y = form.target(y[None], P[None, list(form.exponents)])[0]
    np.testing.assert_allclose(linear, y, rtol=1e-9)
