"""Mixture of experts, top-1: each token goes through one of four small networks.

The output is weighed by the full softmax's probability of the chosen expert, so that the router has
a gradient (a softmax over the one chosen logit is 1 and has none).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .draws import Masks
from .members import Layer, Linear

EXPERTS = 4


class Experts(Layer):
    """x [M, T, d] → [M, T, d] through experts d → 2d → d with ReLU and dropout on 2d.

    `balance` [M], of the last forward pass, is E Σ_e f_e P_e (Fedus et al. 2021, eq. 4): f_e the
    share of tokens that chose expert e, P_e its mean probability; 1 where evenly used.
    """

    def __init__(self, members: int, d_model: int):
        super().__init__()
        hidden = 2 * d_model
        self.router = Linear(members, d_model, EXPERTS)
        self.up = nn.Parameter(torch.empty(members, EXPERTS, d_model, hidden))
        self.up_bias = nn.Parameter(torch.empty(members, EXPERTS, hidden))
        self.down = nn.Parameter(torch.empty(members, EXPERTS, hidden, d_model))
        self.down_bias = nn.Parameter(torch.empty(members, EXPERTS, d_model))
        self.balance: Tensor | None = None

    def forward(self, x: Tensor, masks: Masks | None, rate: float) -> Tensor:
        members, tokens, _ = x.shape
        probability = self.router(x).float().softmax(-1)
        gate, choice = probability.max(-1)
        group = choice + EXPERTS * torch.arange(members, device=x.device)[:, None]
        order, inverse, counts = _by_group(group.flatten(), members * EXPERTS)
        sent = _Rows.apply(x.flatten(0, 1), order, inverse)
        # Members' tokens stay together, so that dropout is drawn by member as everywhere.
        hidden = _grouped(sent, counts, self.up_bias, self.up).relu().view(members, tokens, -1)
        if masks is not None:
            hidden = masks.drop(hidden, rate)
        out = _grouped(hidden.flatten(0, 1), counts, self.down_bias, self.down)
        out = _Rows.apply(out, inverse, order).view_as(x)
        share = torch.zeros_like(probability).scatter_(-1, choice.unsqueeze(-1), 1.0).mean(1)
        self.balance = EXPERTS * (share * probability.mean(1)).sum(-1)
        return out * gate.unsqueeze(-1).to(out.dtype)

    def draw(self, source: torch.Generator) -> dict[str, Tensor]:
        values = {}
        for name in ("up", "down"):
            weight, bias = getattr(self, name), getattr(self, f"{name}_bias")
            bound = 1 / math.sqrt(weight.shape[2])
            for key, tensor in ((name, weight), (f"{name}_bias", bias)):
                shape = tuple(tensor.shape[1:])
                values[key] = torch.empty(shape).uniform_(-bound, bound, generator=source)
        return values


def _grouped(x: Tensor, counts: list[int], bias: Tensor, weight: Tensor) -> Tensor:
    """Rows [T, in], `counts` of them to each weight [groups, in, out] in turn → [T, out].

    A loop: with tokens sorted by expert it computes just what is needed, where the products of
    all tokens with all experts, or of padded groups, compute up to four times as much.
    """
    weights, biases = weight.flatten(0, 1).unbind(0), bias.flatten(0, 1).unbind(0)
    parts = zip(x.split(counts), weights, biases, strict=True)
    return torch.cat([torch.addmm(b, rows, w) for rows, w, b in parts])


def _by_group(group: Tensor, groups: int) -> tuple[Tensor, Tensor, list[int]]:
    """Order that sorts rows by group, the order that undoes it, and the size of each group."""
    order = group.argsort(stable=True)
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order), device=order.device)
    if group.is_meta:  # for counting only: evenly
        each = len(group) // groups
        return order, inverse, [each] * (groups - 1) + [len(group) - each * (groups - 1)]
    return order, inverse, torch.bincount(group, minlength=groups).tolist()


class _Rows(torch.autograd.Function):
    """x[order]; its gradient gathers too, where autograd's own would scatter and add."""

    @staticmethod
    def forward(ctx, x: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return x.index_select(0, order)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        (inverse,) = ctx.saved_tensors
        return grad.index_select(0, inverse), None, None
