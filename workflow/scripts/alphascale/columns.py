"""What the name of a column says of what it holds: which predictor, and which way a result goes.

Laws are fitted to results that fall with size (errors, losses), a few to results that rise. What a
result can be bounds every prediction of it, and every target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

# Names of predictors, in lower case, and the quantity that each holds.
PREDICTORS = {
    **dict.fromkeys(("params", "parameters", "n", "total", "non_embedding"), "params"),
    **dict.fromkeys(("tokens", "samples", "examples", "d", "samples_seen"), "tokens"),
    **dict.fromkeys(("flops", "c", "compute"), "flops"),
    **dict.fromkeys(("unique", "u", "unique_tokens"), "unique"),
}
# The order in which laws take their predictors; what is not known keeps its place between.
ORDER = {"params": 0, "unique": 2}

# Words in the names of results. Shares lie in [0, 1], or in [0, 100] as percentages.
RISING = {
    "acc", "accuracy", "top1", "top5", "f1", "auc", "auroc", "auprc", "precision", "recall", "r2",
    "iou", "miou", "dice", "map",
}  # fmt: skip
FALLING = {"loss", "nll", "perplexity", "ppl", "rmse", "mse", "mae", "bpb", "entropy", "ce"}
PERCENT = {"percent", "percentage", "pct", "%"}
LEAST_PERPLEXITY = 1.0  # of a model that is sure of every token, and right


@dataclass(frozen=True)
class Response:
    """What a column of results can be. low, high: its limits, high inf where there is none. rises:
    whether it grows as models get better, None where the name does not tell."""

    low: float = 0.0
    high: float = np.inf
    rises: bool | None = None

    @property
    def share(self) -> bool:
        return self.high == 1.0


def response(name: str, values: np.ndarray) -> Response:
    """What the column `name` can be, by its words and by whether its values (n,) are shares."""
    words = set(re.findall(r"[a-z]+\d*|%", name.lower().replace("_", " ")))
    top = float(np.max(values, initial=0.0))
    percent = 100.0 if top <= 100 else np.inf
    unit = 1.0 if top <= 1 and not words & PERCENT else percent
    # First: a `top5_error` is no top5.
    if "error" in name.lower() or "err" in words:
        return Response(0.0, 1.0 if unit == 1 else 100.0 if words & PERCENT else np.inf, False)
    if words & RISING and not words & FALLING:
        turned = re.match(r"\W*(1|100|one|hundred)[\W_]*(-|−|minus)", name.lower())
        return Response(0.0, unit, not turned)
    if words & FALLING:
        low = LEAST_PERPLEXITY if words & {"perplexity", "ppl"} else 0.0
        return Response(low, rises=False)
    return Response()


def in_order(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of predictors in the order that laws take them, by their names: parameters first,
    unique tokens last. A law of tokens and parameters would give each the other's exponent."""
    return tuple(sorted(columns, key=lambda c: ORDER.get(PREDICTORS.get(c.lower(), ""), 1)))
