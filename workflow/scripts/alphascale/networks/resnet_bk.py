"""ResNet-BK: a language model that mixes tokens by the resolvent of a tridiagonal matrix.

Layer: f = MoE(norm(x)); v = clip(w·f + c, ±3), one number a token; g the diagonal of the causal
resolvent of tridiag(1, −2 + v, 1); x + f + s · Linear₂→d(Re g, Im g). 16 d² + 22 d + 6 parameters.

What it can see: |∂g_i / ∂a_{i−k}| falls by .38 a token at a = 0 and faster elsewhere (|G_{i,i+k}|²
by .231 in free space), so about 3 to 5 tokens, through one number a token and layer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .draws import Masks
from .experts import Experts
from .members import LayerNorm, Linear
from .resolvent import BACKWARD_FLOPS, FORWARD_FLOPS, resolvent
from .vocabulary import Vocabulary

V_MAX = 3.0  # clip of v: with it, a lies in [−5, 1]
# Weight of the load-balance loss beside the cross-entropy (Fedus et al. 2021, eq. 4).
BALANCE = 0.01


class Layer(nn.Module):
    """x + Layer(norm(x)) on x [M, B, T, d]; `balance` [M] is that of the last forward pass."""

    def __init__(self, members: int, d_model: int):
        super().__init__()
        self.norm = LayerNorm(members, d_model)
        self.experts = Experts(members, d_model)
        self.potential = Linear(members, d_model, 1)
        self.mix = Linear(members, 2, d_model)
        self.strength = nn.Parameter(torch.ones(members, 1))

    def forward(self, x: Tensor, masks: Masks | None, rate: float) -> Tensor:
        members, batch, length, d_model = x.shape
        x = x.flatten(1, 2)
        f = self.experts(self.norm(x), masks, rate)
        v = self.potential(f).clamp(-V_MAX, V_MAX)
        features = resolvent(v.view(members * batch, length) - 2.0)
        mixed = self.mix(features.view(members, batch * length, 2).to(f.dtype))
        x = x + f + self.strength.unsqueeze(1) * mixed
        return x.view(members, batch, length, d_model)


class ResNetBK(nn.Module):
    """Token ids [M or 1, B, T] → logits [M, B, T, V] of the token that follows each."""

    def __init__(self, members: int, meta, d_model: int, n_layers: int, dropout: float):
        super().__init__()
        self.embedding = Vocabulary(members, meta, d_model)
        self.body = nn.ModuleList(Layer(members, d_model) for _ in range(n_layers))
        self.norm = LayerNorm(members, d_model)
        self.dropout = dropout

    def forward(self, ids: Tensor, masks: Masks | None = None) -> Tensor:
        x = self.embedding.embed(ids)
        for layer in self.body:
            x = layer(x, masks, self.dropout)
        return self.embedding.logits(self.norm(x.flatten(1, 2)).view_as(x))

    def auxiliary(self) -> Tensor:
        """Load-balance loss [M] of the last forward pass, weighted, to be added to the loss."""
        return BALANCE * torch.stack([layer.experts.balance for layer in self.body]).mean(0)

    def uncounted_flops(self, length: int) -> tuple[int, int]:
        """FLOPs (forward, backward) per sample of the recursion, which torch's formulas miss."""
        tokens = length * len(self.body)
        return tokens * FORWARD_FLOPS, tokens * BACKWARD_FLOPS
