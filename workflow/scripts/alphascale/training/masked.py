"""Masked language modelling as a task of the training loop (Devlin et al. 2019, §3.1).

Of every window 15 % of the tokens are to be told, at least one and never the first, which opens it:
as many in each window, as in BERT's own code, so that a mean over a batch is a mean over tokens. Of
these, 80 % are shown as the mask, 10 % as a token at random, 10 % as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..networks.draws import generator
from .classification import foremost
from .next_token import NextToken

if TYPE_CHECKING:
    from ..records.data import Meta
    from ..records.training import BySplit
    from .loop import Member

CHOSEN, HIDDEN, RANDOM = 0.15, 0.8, 0.1
# A token that is not to be told, in y.
LEFT = -100
# The seed of what is masked in validation and test: the same for every member and study.
FIXED = int.from_bytes(hashlib.sha256(b"masked").digest()[:7], "big")


class Masked(NextToken):
    """x are windows with tokens masked, y those tokens; the loss is in nats per masked token.

    In training what is masked follows from a member's seed and the epoch; in validation and test it
    is drawn once, the same for all.
    """

    def __init__(self, tensors: dict[str, Tensor], meta: Meta, *args, **options):
        super().__init__(tensors, meta, *args, **options)
        self.chosen = max(1, round(CHOSEN * meta.shape[0]))
        self.whole = dict(self.y)
        for split in ("validation", "test"):
            source = generator(FIXED, split)
            self.x[split], self.y[split] = self._masked(self.y[split], source)

    def batches(
        self, seeds: list[int], epoch: int, batch_size: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's batches for distinct seeds: x and y [S, B, T]."""
        sources = [generator(seed, "masked", epoch) for seed in seeds]
        for _, y in super().batches(seeds, epoch, batch_size):
            rows = [self._masked(row, source) for row, source in zip(y, sources, strict=True)]
            yield torch.stack([x for x, _ in rows]), torch.stack([told for _, told in rows])

    def losses(self, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss [M] and correct samples [M] (a share of each) of logits [M, B, T, V]."""
        members, batch, length, vocabulary = logits.shape
        y = y.expand(members, batch, length)
        # Only what is told is a term: a seventh of the softmaxes.
        told = y != LEFT
        logits, y = logits[told].float(), y[told]
        each = F.cross_entropy(logits.view(-1, vocabulary), y, reduction="none")
        right = foremost(logits, y).view(members, -1).sum(1, dtype=torch.float64)
        return each.view(members, -1).mean(1), right / self.chosen

    def bits_per_byte(self, member: Member) -> BySplit | None:
        """No loss of all tokens is known: a byte has none."""
        return None

    def unigram_loss(self, split: str) -> float:
        """As of the next token, of the tokens that are masked."""
        masked, self.y = self.y, self.whole
        try:
            return super().unigram_loss(split)
        finally:
            self.y = masked

    def _masked(self, windows: Tensor, source: torch.Generator) -> tuple[Tensor, Tensor]:
        """Windows [B, T] with tokens masked, and what these were, LEFT elsewhere; drawn on the CPU,
        so that a seed means the same everywhere."""
        batch, length = windows.shape
        scores = torch.rand(batch, length, generator=source)
        scores[:, 0] = -1.0  # the opening token is shown
        told = scores.topk(self.chosen, dim=1).indices
        fate = torch.rand(batch, self.chosen, generator=source)
        other = torch.randint(0, self.meta.vocabulary, told.shape, generator=source)
        told, fate, other = (each.to(windows.device) for each in (told, fate, other))
        were = windows.gather(1, told)
        shown = torch.where(fate < HIDDEN, self.meta.mask, were)
        shown = torch.where(fate >= 1 - RANDOM, other, shown)
        y = torch.full_like(windows, LEFT).scatter_(1, told, were)
        return windows.scatter(1, told, shown), y
