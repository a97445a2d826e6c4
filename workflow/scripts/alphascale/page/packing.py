"""Draws of a law as the page carries them: small, and exact to more digits than it shows.

A double keeps 36 of its 52 bits after the point (7e-12 of its value; N* moves by less than its
third digit's millionth); bytes sorted by their place in a double, which zlib packs a third
better than as they lie: the laws of the default study take 400 kB, where the records of the same
draws take 3.5 MB.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from ..laws import AutoLaw

KEPT_BITS = 36


def packed(columns: list[np.ndarray]) -> dict[str, Any]:
    """Columns (c, n) of doubles as text; `assets/law.js` has the other half, `unpack`."""
    values = np.ascontiguousarray(columns, float)
    lost = 52 - KEPT_BITS
    bits = values.view(np.uint64) + np.uint64(1 << (lost - 1))
    bits &= ~np.uint64((1 << lost) - 1)
    sorted_ = bits.view(np.uint8).reshape(-1, 8).T.tobytes()
    text = base64.b64encode(zlib.compress(sorted_, 9)).decode("ascii")
    return {"columns": len(values), "data": text}


def stored(law: AutoLaw) -> dict[str, Any]:
    """A law of one or two predictors as the page opens it; its draws through the levels that were
    measured are among the columns."""
    size, predictors = len(law.P), len(law.held)
    knots = law.knot_x.tolist() if len(law.knot_x) > 1 else []
    columns = [
        *law.P.T,
        law.noise,
        *np.broadcast_to(law.stretch, (size, predictors)).T,
        *np.broadcast_to(law.reference, (size, predictors)).T,
        *(law.levels_drawn().T if knots else []),
    ]
    return {
        "draws": packed(columns),
        "knots": knots,
        "held": [None if np.isnan(value) else float(value) for value in law.held],
        "ranges": [list(each) for each in law.x_range],
        "least": law.least,
        "ceiling": law.ceiling if np.isfinite(law.ceiling) else None,
        "tested": law.tested,
        "counted": law.counted,
    }
