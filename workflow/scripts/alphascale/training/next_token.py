"""Next-token prediction as a task of the training loop, and what its record says in addition."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..records.training import BySplit, Language, Perplexity
from .classification import Classification, foremost

if TYPE_CHECKING:
    from ..records.specs import Size
    from .loop import Member

# Logits of one evaluation batch, at most: 34 MB in float32, times the members.
EVALUATION_LOGITS = 1 << 23


class NextToken(Classification):
    """y are the tokens that follow x; the loss is cross-entropy in nats per token.

    The accuracy that stands beside it is the share of tokens whose most probable successor is
    right. A sample is one window of `length` tokens.
    """

    kept = False

    def losses(self, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss [M] and correct samples [M] (a share of each) of logits [M, B, T, V]."""
        members, batch, length, vocabulary = logits.shape
        logits, y = logits.float(), y.expand(members, batch, length)
        each = F.cross_entropy(logits.reshape(-1, vocabulary), y.flatten(), reduction="none")
        right = foremost(logits, y).sum((1, 2), dtype=torch.float64) / length
        return each.view(members, -1).mean(1), right

    def class_weights(self) -> None:
        """Tokens are not weighed."""

    def evaluation_batch(self) -> int:
        """Windows at a time: so few that their logits stay small beside the model."""
        return max(1, EVALUATION_LOGITS // (self.meta.shape[0] * self.meta.vocabulary))

    def language(self, size: Size) -> Language:
        """What the record of a language job says beside the rest."""
        length = self.meta.shape[0]
        return Language(
            d_model=size.get("d_model"),
            n_layers=size.get("n_layers"),
            length=length,
            vocabulary=self.meta.vocabulary,
            tokens=self.samples * length,
            unigram_perplexity=BySplit(
                math.exp(self.unigram_loss("validation")), math.exp(self.unigram_loss("test"))
            ),
        )

    def perplexity(self, member: Member) -> Perplexity:
        """By epoch, and at the best."""
        curve = member.curves.validation_loss
        return Perplexity(
            train_epochs=[_perplexity(loss) for loss in member.curves.train_loss],
            validation_epochs=[_perplexity(loss) for loss in curve],
            validation_final=_perplexity(curve[-1]),
            validation_best=_perplexity(min(curve)),
            test=_perplexity(member.test.loss),
        )

    def bits_per_byte(self, member: Member) -> BySplit | None:
        """None where the bytes of a token are not known."""
        if self.meta.bytes_per_token is None:
            return None
        _, validation, test = self.meta.bytes_per_token
        return BySplit(
            member.validation.loss / math.log(2) / validation,
            member.test.loss / math.log(2) / test,
        )

    def unigram_loss(self, split: str) -> float:
        """Nats per token of the model that knows how frequent each token is, and nothing else.

        Frequencies are those of the training fraction, one added to each count.
        """
        vocabulary = self.meta.vocabulary
        counts = torch.bincount(self.y["train"].flatten(), minlength=vocabulary).double() + 1
        return float(-(counts / counts.sum()).log()[self.y[split].flatten()].mean())


def _perplexity(loss: float) -> float:
    """e^loss, bounded where a double ends: a run may be that bad without having diverged."""
    return math.exp(min(loss, 700.0))
