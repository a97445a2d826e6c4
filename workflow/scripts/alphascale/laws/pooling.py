"""A joint law held at one amount of data, and two laws of one predictor as one.

A study knows two things of its ladder at one amount of data: the law of that ladder alone, and the
joint law of all amounts, of which the ladder is a slice. Neither is right everywhere: on five
ladders of small networks the one missed larger sizes by .174 in log, the other by .155, half of the
draws of each by .148, and weights by how they predicted earlier cuts .155 to .159 (docs/laws.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from alphascale.errors import UserError
from alphascale.laws.auto_law import AutoLaw
from alphascale.laws.shapes import NONE, SHARE


def hold(law: AutoLaw, at: Mapping[str, float]) -> AutoLaw:
    """The law of the other predictors where those in `at` (column → value > 0) stay as they are.

    Raises UserError where a column is not of the law, or none would be left.
    """
    for name, value in at.items():
        if name not in law.columns:
            raise UserError(f"law auto: {name!r} cannot be held; it is of {', '.join(law.columns)}")
        if not (np.isfinite(value) and value > 0):
            raise UserError(f"law auto: {name} must be held at a positive number, got {value}")
    free = tuple(name for name in law.columns if name not in at)
    if not free:
        raise UserError("law auto: a law with every predictor held has nothing left to vary")
    held = law.held.copy()
    held[np.isnan(held)] = [np.log(at[name]) if name in at else np.nan for name in law.columns]
    ranges = tuple(
        each for name, each in zip(law.columns, law.x_range, strict=True) if name not in at
    )
    return replace(law, columns=free, x_range=ranges, held=held)


def pool(own: AutoLaw, joint: AutoLaw) -> AutoLaw:
    """Every second draw of a law of one predictor, and of a joint law held to that predictor.

    The levels that were measured (inside the ladder the draws follow them) are those of `own`, as
    are its warnings; weights are halved, those of the joint law named so. Raises UserError where
    the two are not laws of the same predictor.
    """
    if joint.columns != own.columns or len(own.held) != 1 or not np.isnan(joint.held[0]):
        raise UserError(
            f"law auto: a law of {', '.join(own.columns)} cannot be pooled with one of "
            f"{', '.join(joint.columns)}; hold the joint law's second predictor"
        )
    # A law of one predictor is a joint law whose other predictor can gain nothing.
    P = own.P[::2].copy()
    P[:, SHARE] = -NONE
    stretch = np.column_stack([own.stretch[::2, 0], np.ones(len(P))])
    reference = np.array([own.reference[0], joint.held[1]])

    def both(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return np.concatenate([one, two[::2]])

    weights = {name: weight / 2 for name, weight in own.params.items()}
    weights |= {f"{name} of both": weight / 2 for name, weight in joint.params.items()}
    full = np.broadcast_to(joint.reference, joint.stretch.shape)
    return replace(
        own,
        params=dict(sorted(weights.items(), key=lambda item: -item[1])),
        P=both(P, joint.P),
        noise=both(own.noise[::2], joint.noise),
        stretch=both(stretch, joint.stretch),
        repeats=both(own.repeats[::2], joint.repeats),
        reference=both(np.broadcast_to(reference, stretch.shape), full),
        held=joint.held,
    )
