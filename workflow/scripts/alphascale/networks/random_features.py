"""Random ReLU features and a linear readout (Rahimi and Recht 2007).

f(x) = c + Σ_j a_j (√2·relu(w_j·x/√d + b_j/2) − m)/√width with w_j, b_j ~ N(0, 1) drawn once and
kept: the loss is convex in what is trained, so two runs differ by their features and not by a
minimum that one of them was caught in. It is the model on which Bahri et al. 2021 show that a
loss is limited by variance or by resolution, in the data as in the width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .draws import Masks
from .members import Layer, Linear

# Mean of √2·relu(z) over z ~ N(0, 5/4): subtracted, or one direction would dwarf all others.
MEAN = math.sqrt(5 / 4 / math.pi)


class Features(Layer):
    """x [M or 1, B, inputs] → [M, B, width]; no parameters, its weights are state."""

    def __init__(self, members: int, inputs: int, width: int):
        super().__init__()
        self.register_buffer("weight", torch.empty(members, inputs, width))
        self.register_buffer("bias", torch.zeros(members, width))

    def forward(self, x: Tensor) -> Tensor:
        members, inputs, width = self.weight.shape
        x = x.expand(members, *x.shape[1:])
        z = torch.baddbmm(self.bias.unsqueeze(1) / 2, x, self.weight, alpha=inputs**-0.5)
        return (math.sqrt(2) * z.relu() - MEAN) / math.sqrt(width)

    def draw(self, source: torch.Generator) -> dict[str, Tensor]:
        # A feature at a time: a wider model of the same seed has the narrower one's, and more.
        _, inputs, width = self.weight.shape
        drawn = torch.empty(width, inputs + 1).normal_(generator=source)
        return {"weight": drawn[:, :-1].T, "bias": drawn[:, -1]}


class Readout(Linear):
    """A linear layer that begins at zero: what is random is then the features alone."""

    def draw(self, source: torch.Generator) -> dict[str, Tensor]:
        return {name: torch.zeros(value.shape[1:]) for name, value in self.named_parameters()}


class RandomFeatures(nn.Module):
    """x [M or 1, B, ...] → logits [M, B, classes]; anything but the batch is flattened."""

    def __init__(self, members: int, meta, width: int):
        super().__init__()
        self.features = Features(members, math.prod(meta.shape), width)
        self.head = Readout(members, width, meta.classes)

    def forward(self, x: Tensor, masks: Masks | None = None) -> Tensor:
        return self.head(self.features(x.flatten(2)))
