"""Optimisers and learning-rate schedules.

The updates are torch's own fused kernels, called as torch.optim calls them: constructing one of its
classes imports torch._dynamo, 1.0 s of CPU in every job. By its functional interface an update was
16 % of a step of nine MLPs of width 8, and nearly all of that what it looks up.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..data.batches import cools_at
from .flat import Flat

FLOOR = 0.1  # a schedule ends at this share of the peak, the 10 % of Hoffmann et al. 2022
MOMENTUM = 0.9
# As in the reference system, and torch's defaults.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def schedule(kind: str, step: int, steps: int, warmup: float, first: int | None = None) -> float:
    """Factor on the learning rate at step 0 … steps − 1: linear warm-up, then down to a tenth;
    `cooldown` stays at the peak up to `cools_at`, and goes down to nothing.

    first: the steps that the warm-up is a share of, where these are fewer than all.
    """
    rising = max(1, round(warmup * (first or steps))) if warmup > 0 else 0
    if step < rising:
        return (step + 1) / rising
    if kind == "constant":
        return 1.0
    if kind == "cooldown":
        cooled = step - cools_at(steps)
        return 1.0 - math.sqrt(max(0, cooled) / (steps - cools_at(steps)))
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
        self.steps = 0
        self._arrange()

    def _arrange(self) -> None:
        """The parts that share a rate, as the kernel takes them: values and moments of each."""
        self.views = self.flat.views
        parts = [self.views, *(self.flat.parts(moment) for moment in self.moments)]
        rates = dict.fromkeys(self.rates)
        self.groups = [(rate, *(self._of(rate, each) for each in parts)) for rate in rates]

    def _of(self, rate: float, parts: list[Tensor]) -> list[Tensor]:
        """Of rows of members those with a rate; all, where they are parts of one."""
        if self.flat.apart:
            return parts
        return [part for part, own in zip(parts, self.rates, strict=True) if own == rate]

    def step(self, factor: float) -> None:
        """One update from the flat gradients at `factor` times the peak learning rates."""
        self.steps += 1
        if self.views is not self.flat.views:  # the flat rows are others than they were
            self._arrange()
        gradients = self.flat.gradients
        # Not torch.tensor: a copy from the host, which a GPU is waited for, and no graph captures.
        count = torch.full((), float(self.steps), device=self.flat.values.device)
        for rate, values, *moments in self.groups:
            grads = self._of(rate, gradients)
            options = {"lr": rate * factor, "weight_decay": self.weight_decay, "maximize": False}
            if self.kind == "sgd":
                torch._fused_sgd_(
                    values,
                    grads,
                    *moments,
                    momentum=MOMENTUM,
                    dampening=0.0,
                    nesterov=False,
                    is_first_step=False,
                    **options,
                )
            else:
                update = torch._fused_adamw_ if self.kind == "adamw" else torch._fused_adam_
                update(
                    values,
                    grads,
                    *moments,
                    [],
                    [count] * len(values),
                    beta1=BETA1,
                    beta2=BETA2,
                    eps=EPSILON,
                    amsgrad=False,
                    **options,
                )

    def keep(self, rows: Tensor, rates: list[float]) -> None:
        """Go on with these members alone, after the flat rows have been cut to them."""
        self.moments = [moment[rows].clone() for moment in self.moments]
        self.rates = rates
        self._arrange()

    def state(self) -> dict[str, list[Tensor] | int]:
        """What decides the next updates beside values and gradients."""
        return {"moments": [moment.clone() for moment in self.moments], "steps": self.steps}

    def load(self, state: dict[str, list[Tensor] | int]) -> None:
        """Put a state back."""
        self.moments, self.steps = state["moments"], state["steps"]
        self._arrange()
