"""The CNN of the reference system: three stages of convolutions, then a small head."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .draws import Masks
from .members import BatchNorm, Conv, Linear


class Stage(nn.Module):
    """n × (3×3 convolution without bias, batch norm, ReLU), max-pool 2, 2-D dropout."""

    def __init__(self, members: int, inputs: int, outputs: int, n_layers: int):
        super().__init__()
        widths = (inputs, *[outputs] * n_layers)
        self.convolutions = nn.ModuleList(Conv(members, a, b) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(BatchNorm(members, outputs) for _ in range(n_layers))

    def forward(self, x: Tensor) -> Tensor:
        last = len(self.norms) - 1
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            x = norm(convolution(x))
            # An 8×8 image ends at 1×1; what is smaller is pooled as far as it goes. The largest of
            # four before ReLU is the largest after, which then has a quarter of the work.
            if i == last and min(x.shape[2:]) >= 2:
                x = F.max_pool2d(x, 2)
            x = x.relu_()
        return x


class CNN(nn.Module):
    """x [M or 1, B, C, H, W] → logits [M, B, classes]; members are groups of channels."""

    def __init__(
        self,
        members: int,
        meta,
        channels: tuple[int, int, int],
        n_layers: int,
        dropout: float,
        spatial_dropout: float,
    ):
        super().__init__()
        stages = (meta.shape[0], *channels)
        self.body = nn.ModuleList(
            Stage(members, inputs, outputs, n_layers) for inputs, outputs in pairwise(stages)
        )
        hidden = max(1, stages[-1] // 2)
        self.head = nn.ModuleList(
            (Linear(members, stages[-1], hidden), Linear(members, hidden, meta.classes))
        )
        self.dropout, self.spatial_dropout = dropout, spatial_dropout

    def forward(self, x: Tensor, masks: Masks | None = None) -> Tensor:
        members = self.head[0].weight.shape[0]
        x = x.expand(members, *x.shape[1:]).transpose(0, 1).flatten(1, 2)
        # Channels last: 1.4 × as fast as the default layout at 4–16 channels on a CPU, never slower
        # by more than masks at 8×8, and twice as fast at 28×28.
        x = x.contiguous(memory_format=torch.channels_last)
        for stage in self.body:
            x = stage(x)
            if masks is not None and self.spatial_dropout:
                x = x * self._channel_mask(x, masks, members)
        x = x.mean((2, 3)).unflatten(1, (members, -1)).transpose(0, 1)
        x = self.head[0](x).relu()
        if masks is not None:
            x = masks.drop(x, self.dropout)
        return self.head[1](x)

    def _channel_mask(self, x: Tensor, masks: Masks, members: int) -> Tensor:
        """Mask [B, M·C, 1, 1]: whole channels of a sample are dropped."""
        batch, folded = x.shape[:2]
        ones = x.new_ones(()).expand(members, batch, folded // members)
        return masks.drop(ones, self.spatial_dropout).transpose(0, 1).flatten(1)[:, :, None, None]
