"""Optimisers and learning-rate schedules.

The updates are torch's own fused kernels, through its functional interface: constructing a
`torch.optim` class imports torch._dynamo, 1.0 s of CPU in every job.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from .flat import Flat

FLOOR = 0.1  # a schedule ends at this share of the peak, the 10 % of Hoffmann et al. 2022
MOMENTUM = 0.9
# As in the reference system, and torch's defaults.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def schedule(kind: str, step: int, steps: int, warmup: float) -> float:
    """Factor on the learning rate at step 0 … steps − 1: linear warm-up, then down to a tenth."""
    rising = max(1, round(warmup * steps)) if warmup > 0 else 0
    if step < rising:
        return (step + 1) / rising
    if kind == "constant":
        return 1.0
    progress = (step - rising) / max(1, steps - 1 - rising)
    if kind == "linear":
        return 1.0 - (1.0 - FLOOR) * progress
    return FLOOR + (1.0 - FLOOR) * 0.5 * (1.0 + math.cos(math.pi * progress))


class Optimiser:
    """Updates every row of `flat` with its own learning rate: `adam`, `adamw` or `sgd`."""

    def __init__(self, flat: Flat, rates: list[float], kind: str, weight_decay: float):
        self.flat, self.rates, self.kind, self.weight_decay = flat, rates, kind, weight_decay
        # SGD needs only the first.
        self.moments = [torch.zeros_like(flat.values) for _ in range(1 if kind == "sgd" else 2)]
        self.views = [flat.parts(moment) for moment in self.moments]
        self.steps = 0

    def _of(self, rate: float, parts: list[Tensor]) -> list[Tensor]:
        """Of rows of members those with a rate; all, where they are parts of one."""
        if self.flat.apart:
            return parts
        return [part for part, own in zip(parts, self.rates, strict=True) if own == rate]

    def step(self, factor: float) -> None:
        """One update from the flat gradients at `factor` times the peak learning rates."""
        for rate in dict.fromkeys(self.rates):
            values = self._of(rate, self.flat.views)
            grads = self._of(rate, self.flat.gradients)
            moments = [self._of(rate, parts) for parts in self.views]
            options = {"lr": rate * factor, "weight_decay": self.weight_decay}
            # Anew for each rate: the kernel adds one to the counts it is given.
            counts = torch.full((len(values),), float(self.steps), device=self.flat.values.device)
            if self.kind == "sgd":
                sgd(
                    values,
                    grads,
                    *moments,
                    momentum=MOMENTUM,
                    dampening=0.0,
                    nesterov=False,
                    maximize=False,
                    fused=True,
                    **options,
                )
            else:
                adam(
                    values,
                    grads,
                    *moments,
                    [],
                    list(counts.unbind()),
                    decoupled_weight_decay=self.kind == "adamw",
                    beta1=BETA1,
                    beta2=BETA2,
                    eps=EPSILON,
                    amsgrad=False,
                    maximize=False,
                    fused=True,
                    **options,
                )
        self.steps += 1

    def keep(self, rows: Tensor, rates: list[float]) -> None:
        """Go on with these members alone, after the flat rows have been cut to them."""
        self.moments = [moment[rows].clone() for moment in self.moments]
        self.views = [self.flat.parts(moment) for moment in self.moments]
        self.rates = rates

    def state(self) -> dict[str, list[Tensor] | int]:
        """What decides the next updates beside values and gradients."""
        return {"moments": [moment.clone() for moment in self.moments], "steps": self.steps}

    def load(self, state: dict[str, list[Tensor] | int]) -> None:
        """Put a state back."""
        self.moments, self.steps = state["moments"], state["steps"]
        self.views = [self.flat.parts(moment) for moment in self.moments]
