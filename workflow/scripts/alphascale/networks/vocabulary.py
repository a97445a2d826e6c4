"""Both ends of a language model: token ids to vectors, vectors to logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .members import Embedding, Linear


class Vocabulary(nn.Module):
    """Token (and learned position) embeddings, and the output head.

    All of it counts as embedding: Kaplan et al. 2020 leave vocabulary and positions out of N, and
    the head, V d of the parameters, is the vocabulary once more. What remains are the layers.
    """

    def __init__(
        self, members: int, meta, d_model: int, positions: bool = True, tied: bool = False
    ):
        super().__init__()
        self.tokens = Embedding(members, meta.vocabulary, d_model)
        self.positions = Embedding(members, meta.shape[0], d_model) if positions else None
        self.head = None if tied else Linear(members, d_model, meta.vocabulary)

    def embed(self, ids: Tensor) -> Tensor:
        """ids [M or 1, B, T] → [M, B, T, d]."""
        members = self.tokens.weight.shape[0]
        _, batch, length = ids.shape
        x = self.tokens(ids.flatten(1)).view(members, batch, length, -1)
        if self.positions is None:
            return x
        return x + self.positions.weight[:, None, :length]

    def logits(self, x: Tensor) -> Tensor:
        """x [M, B, T, d] → [M, B, T, V]."""
        flat = x.flatten(1, 2)
        if self.head is None:
            found = torch.bmm(flat, self.tokens.weight.transpose(1, 2))
        else:
            found = self.head(flat)
        return found.unflatten(1, x.shape[1:3])
