"""A decoder-only Transformer: pre-norm, causal attention, feed-forward of 4 d with GELU."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .draws import Masks
from .members import LayerNorm, Linear
from .vocabulary import Vocabulary

# Least width of a head: at 2 to 8 numbers a head, a narrow model would have 8 heads of no use.
HEAD_WIDTH = 16
ROTARY_BASE = 10_000.0


def lm_heads(d_model: int) -> int:
    """Attention heads: the first of 8, 4, 2 that gives an even width of 16 or more, else one."""
    fits = (n for n in (8, 4, 2) if d_model % (2 * n) == 0 and d_model >= n * HEAD_WIDTH)
    return next(fits, 1)


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x)): 12 d² + 13 d parameters."""

    def __init__(self, members: int, d_model: int):
        super().__init__()
        self.heads = lm_heads(d_model)
        self.qkv = Linear(members, d_model, 3 * d_model)
        self.out = Linear(members, d_model, d_model)
        self.up = Linear(members, d_model, 4 * d_model)
        self.down = Linear(members, 4 * d_model, d_model)
        self.norms = nn.ModuleList(LayerNorm(members, d_model) for _ in range(2))

    def forward(self, x: Tensor, angles: Tensor | None, masks: Masks | None, rate: float) -> Tensor:
        """x [M, B, T, d]; angles [T, d / heads / 2] turn queries and keys."""
        members, batch, length, d_model = x.shape
        x = x.flatten(1, 2)
        qkv = self.qkv(self.norms[0](x))
        qkv = qkv.view(members * batch, length, 3, self.heads, d_model // self.heads)
        query, key, value = (each.transpose(1, 2) for each in qkv.unbind(2))
        if angles is not None:
            query, key = _turn(query, angles), _turn(key, angles)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        mixed = self.out(mixed.transpose(1, 2).reshape(members, batch * length, d_model))
        x = x + (mixed if masks is None else masks.drop(mixed, rate))
        hidden = self.down(F.gelu(self.up(self.norms[1](x))))
        x = x + (hidden if masks is None else masks.drop(hidden, rate))
        return x.view(members, batch, length, d_model)


class TransformerLM(nn.Module):
    """Token ids [M or 1, B, T] → logits [M, B, T, V] of the token that follows each."""

    def __init__(
        self,
        members: int,
        meta,
        d_model: int,
        n_layers: int,
        dropout: float,
        positions: str,
        tied: bool,
    ):
        super().__init__()
        self.embedding = Vocabulary(members, meta, d_model, positions == "learned", tied)
        self.body = nn.ModuleList(Block(members, d_model) for _ in range(n_layers))
        self.norm = LayerNorm(members, d_model)
        angles = None
        if positions == "rotary":
            angles = rotary_angles(meta.shape[0], d_model // lm_heads(d_model))
        self.register_buffer("angles", angles, persistent=False)
        self.dropout = dropout

    def forward(self, ids: Tensor, masks: Masks | None = None) -> Tensor:
        x = self.embedding.embed(ids)
        if masks is not None:
            x = masks.drop(x, self.dropout)
        angles = None if self.angles is None else self.angles[: x.shape[2]]
        for block in self.body:
            x = block(x, angles, masks, self.dropout)
        return self.embedding.logits(self.norm(x.flatten(1, 2)).view_as(x))


def rotary_angles(length: int, width: int) -> Tensor:
    """Angles [length, width / 2]: t · 10,000^(−2i/width) (Su et al. 2021, eq. 15)."""
    rate = ROTARY_BASE ** (-torch.arange(0, width, 2) / width)
    return torch.arange(length)[:, None] * rate


def _turn(x: Tensor, angles: Tensor) -> Tensor:
    """Turn the pairs (x_i, x_{i + width/2}) of x [.., T, width] by the angles of their token."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)
