"""The models that a decision may name: those of a family, built to be counted, or bare sizes.

A study decides among networks, whose parameters and FLOPs torch counts. Who has a table of runs has
no family: a size is then its number of parameters, and its FLOPs are those of the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..fitting.joint import sample_cost
from ..records.data import Meta
from ..records.decision import BARE
from ..records.specs import DecisionSpec, Size

if TYPE_CHECKING:
    import pandas

# A law that is nearly flat asks for more than anybody can build; as `networks.search` has it.
MOST_PARAMS = 1e14


@dataclass(frozen=True)
class Models:
    """What a decision asks of its models."""

    params: Callable[[Size], dict[str, int]]  # parameters by group, as `count_params` gives them
    flops: Callable[[Size], float]  # of a training, per sample seen
    # the smallest with so many parameters, as the study counts; raises UserError where none has
    smallest: Callable[[float], Size]
    # that so many lie between two that only a name tells apart; empty where they do not
    between: Callable[[float], str]


def of_family(spec: DecisionSpec, meta: Meta) -> Models:
    """The networks of the study's family, counted by building them."""
    from ..networks.count import count_flops, count_params  # torch: a table does without
    from ..networks.search import lies_between, smallest_with

    rungs = list(spec.ladder.values())
    return Models(
        params=lambda size: count_params(spec.family, size, meta),
        flops=lambda size: count_flops(spec.family, size, meta)["training"],
        smallest=lambda n: smallest_with(spec.family, n, rungs, meta, spec.counted)[0],
        between=lambda n: lies_between(spec.family, n, rungs, meta, spec.counted),
    )


def of_table(frame: pandas.DataFrame) -> Models:
    """Bare sizes: any whole number of parameters, all of them counted; FLOPs per sample by the
    observations' own, log-log between their sizes and on beyond the last (`joint.sample_cost`)."""
    cost = sample_cost(frame, "total")

    def params(size: Size) -> dict[str, int]:
        n = size["params"]
        return {"total": n, "non_embedding": n, "embedding": 0, "body": n, "head": 0}

    def smallest(n: float) -> Size:
        if n > MOST_PARAMS:
            raise UserError(
                f"no {BARE} of {n:.3g} parameters can be built: the law is almost flat, the target "
                "far beyond what more parameters can do"
            )
        return {"params": math.ceil(n)}

    return Models(
        params=params,
        flops=lambda size: float(cost(np.array([float(size["params"])]))[0]),
        smallest=smallest,
        between=lambda n: "",
    )
