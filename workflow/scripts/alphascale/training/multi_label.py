"""Any number of labels for each sample, as a task of the training loop."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .classification import Classification


class MultiLabel(Classification):
    """y is 0 or 1 for each of K labels; the loss is binary cross-entropy in nats, mean over labels.

    A label is named where its probability is above one half. The accuracy that stands beside the
    loss is the share of samples all of whose labels are right.
    """

    def losses(self, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss [M] and samples wholly right [M] of logits [M, B, K], labels [M or 1, B, K]."""
        logits = logits.float()
        y = y.expand(logits.shape)
        each = F.binary_cross_entropy_with_logits(logits, y.to(logits.dtype), reduction="none")
        return each.mean((1, 2)), ((logits > 0) == y.bool()).all(2).sum(1)

    def objective(self, logits: Tensor, y: Tensor, losses: Tensor) -> Tensor:
        """The mean loss [M], or with weights that in which a label's positives weigh as much as its
        negatives."""
        if self.weights is None:
            return losses
        logits = logits.float()
        y = y.expand(logits.shape).to(logits.dtype)
        each = F.binary_cross_entropy_with_logits(
            logits, y, reduction="none", pos_weight=self.weights
        )
        return each.mean((1, 2))

    def class_weights(self) -> Tensor:
        """Weight of each label's positives, [K]: negatives over positives of the fraction, 1 where
        it has none of either."""
        there = self.y["train"].bool().sum(0).float()
        rest = self.samples - there
        return torch.where((there > 0) & (rest > 0), rest / there, 1.0)
