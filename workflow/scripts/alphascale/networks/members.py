"""Layers with a leading member axis: M independent models computed as one.

Weights are [M, ...], activations [M, B, ...]. No layer mixes members: the gradient of one, or one
that has diverged, never touches another. The number of members is read from the weights, so that
members can be dropped while training. One member is M = 1.

On two CPU cores, one thread, nine members at width 8–64 and batch 128: `baddbmm` is 2.7–9 × as fast
as a loop over members, and equal at width 256.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# A convolution of images of at most so many places, on a CPU, is a matrix product in a batch of so
# many samples or more. Of nine members, forward and backward at batch 64, at 2 to 64 channels of
# the first stage, that takes 0.5–0.9 of the convolution's time at 2×2 and 0.2–0.7 at 1×1; at 4×4
# it would take 0.7–4.5 of it, and at batch 16 up to 1.7 at 2×2. (The count of FLOPs runs a batch
# of two, and counts the convolution.)
PLACES, BATCH = 4, 32


class Layer(nn.Module):
    """A layer whose parameters are drawn one member at a time."""

    def draw(self, source: torch.Generator) -> dict[str, Tensor]:
        """Initial values of one member, by parameter name, on the CPU; rest stays as built."""
        raise NotImplementedError


class Linear(Layer):
    """y = x W + b, x [M, B, inputs] → [M, B, outputs]; torch's own initial values."""

    def __init__(self, members: int, inputs: int, outputs: int, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(members, outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        members = self.weight.shape[0]
        if x.shape[0] != members:
            x = x.expand(members, *x.shape[1:])
        if self.bias is None:
            return torch.bmm(x, self.weight)
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight)

    def draw(self, source: torch.Generator) -> dict[str, Tensor]:
        _, inputs, outputs = self.weight.shape
        values = {"weight": _uniform((inputs, outputs), 1 / math.sqrt(inputs), source)}
        if self.bias is not None:
            values["bias"] = _uniform((outputs,), 1 / math.sqrt(inputs), source)
        return values


class Conv(Layer):
    """A convolution without bias as M groups, x [B, M·C, H, W]; torch's own initial values."""

    def __init__(self, members: int, inputs: int, outputs: int, kernel: int = 3):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, outputs, inputs, kernel, kernel))

    def forward(self, x: Tensor) -> Tensor:
        members, _, _, kernel, _ = self.weight.shape
        if x.shape[2] * x.shape[3] <= PLACES and len(x) >= BATCH and not x.is_cuda:
            return self._as_product(x)
        return F.conv2d(x, self.weight.flatten(0, 1), padding=kernel // 2, groups=members)

    def _as_product(self, x: Tensor) -> Tensor:
        """As one matrix from all places and channels to all others, of each member."""
        members, outputs, inputs, kernel, _ = self.weight.shape
        batch, _, height, width = x.shape
        places = height * width
        rows = x.permute(0, 2, 3, 1).reshape(batch, places, members, inputs)
        rows = rows.permute(2, 0, 1, 3).reshape(members, batch, places * inputs)
        matrix = self.weight.flatten(3) @ taps(height, width, kernel)
        matrix = matrix.view(members, outputs, inputs, places, places).permute(0, 3, 2, 4, 1)
        out = torch.bmm(rows, matrix.reshape(members, places * inputs, places * outputs))
        out = out.view(members, batch, height, width, outputs).permute(1, 2, 3, 0, 4)
        return out.reshape(batch, height, width, members * outputs).permute(0, 3, 1, 2)

    def draw(self, source: torch.Generator) -> dict[str, Tensor]:
        shape = tuple(self.weight.shape[1:])
        return {"weight": _uniform(shape, 1 / math.sqrt(math.prod(shape[1:])), source)}


@cache
def taps(height: int, width: int, kernel: int) -> Tensor:
    """[kernel², places²]: 1 where an entry of the kernel leads from one place to another."""
    places = [(row, column) for row in range(height) for column in range(width)]
    found = torch.zeros(kernel, kernel, len(places), len(places))
    for i, (row, column) in enumerate(places):
        for j, (to_row, to_column) in enumerate(places):
            down, right = row - to_row + kernel // 2, column - to_column + kernel // 2
            if 0 <= down < kernel and 0 <= right < kernel:
                found[down, right, i, j] = 1.0
    return found.flatten(2).flatten(0, 1)


class BatchNorm(nn.Module):
    """Batch normalisation over members folded into channels, x [B, M·C, ...]."""

    def __init__(self, members: int, features: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, features))
        self.bias = nn.Parameter(torch.zeros(members, features))
        self.register_buffer("mean", torch.zeros(members, features))
        self.register_buffer("variance", torch.ones(members, features))

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self.mean.flatten(), self.variance.flatten()
        weight, bias = self.weight.flatten(), self.bias.flatten()
        return F.batch_norm(x, mean, variance, weight, bias, self.training)


class LayerNorm(nn.Module):
    """Layer normalisation of x [M, B, features]."""

    def __init__(self, members: int, features: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, features))
        self.bias = nn.Parameter(torch.zeros(members, features))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight.unsqueeze(1), self.bias.unsqueeze(1)
        return torch.addcmul(bias, F.layer_norm(x, x.shape[-1:]), weight)


class Embedding(Layer):
    """Rows of a table: ids [M, B] → [M, B, features]; drawn from N(0, 1/features)."""

    def __init__(self, members: int, entries: int, features: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, entries, features))

    def forward(self, ids: Tensor) -> Tensor:
        members, entries, features = self.weight.shape
        first = entries * torch.arange(members, device=ids.device).unsqueeze(1)
        # One gather from all tables. Its gradient adds rows up, in half the time of F.embedding's.
        rows = self.weight.flatten(0, 1).index_select(0, (ids + first).flatten())
        return rows.view(members, -1, features)

    def draw(self, source: torch.Generator) -> dict[str, Tensor]:
        shape = tuple(self.weight.shape[1:])
        return {"weight": torch.randn(shape, generator=source) / math.sqrt(shape[-1])}


def _uniform(shape: tuple[int, ...], bound: float, source: torch.Generator) -> Tensor:
    return torch.empty(shape).uniform_(-bound, bound, generator=source)
