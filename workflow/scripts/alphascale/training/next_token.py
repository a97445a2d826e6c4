"""Next-token prediction as a task of the training loop, and what its record says in addition."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .classification import Classification

# Logits of one evaluation batch, at most: 34 MB in float32, times the members.
EVALUATION_LOGITS = 1 << 23


class NextToken(Classification):
    """y are the tokens that follow x; the loss is cross-entropy in nats per token.

    The accuracy that stands beside it is the share of tokens whose most probable successor is
    right. A sample is one window of `length` tokens.
    """

    # A batch may be computed in pieces: no layer of these models looks across samples.
    divisible = True

    def losses(self, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss [M] and correct samples [M] (a share of each) of logits [M, B, T, V]."""
        members, batch, length, vocabulary = logits.shape
        logits, y = logits.float(), y.expand(members, batch, length)
        each = F.cross_entropy(logits.reshape(-1, vocabulary), y.flatten(), reduction="none")
        right = (logits.argmax(3) == y).sum((1, 2), dtype=torch.float64) / length
        return each.view(members, -1).mean(1), right

    def evaluation_batch(self) -> int:
        """Windows at a time: so few that their logits stay small beside the model."""
        return max(1, EVALUATION_LOGITS // (self.meta.shape[0] * self.meta.vocabulary))

    def facts(self, spec: dict[str, Any]) -> dict[str, Any]:
        """What the record of a language job says beside the rest."""
        length = self.meta.shape[0]
        return {
            "d_model": spec["size"].get("d_model"),
            "n_layers": spec["size"].get("n_layers"),
            "length": length,
            "vocabulary": self.meta.vocabulary,
            "tokens": self.samples * length,
            "unigram_perplexity": {
                split: math.exp(self.unigram_loss(split)) for split in ("validation", "test")
            },
        }

    def member_facts(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Perplexities of a seed's entry, by epoch and at its best, and bits per byte."""
        curve = entry["curves"]["validation_loss"]
        facts: dict[str, Any] = {"perplexity": None, "bits_per_byte": None}
        if entry["status"] == "ok":
            facts["perplexity"] = {
                "train_epochs": [_perplexity(loss) for loss in entry["curves"]["train_loss"]],
                "validation_epochs": [_perplexity(loss) for loss in curve],
                "validation_final": _perplexity(curve[-1]),
                "validation_best": _perplexity(min(curve)),
                "test": _perplexity(entry["test"]["loss"]),
            }
            if self.meta.bytes_per_token is not None:
                _, validation, test = self.meta.bytes_per_token
                facts["bits_per_byte"] = {
                    "validation": entry["validation"]["loss"] / math.log(2) / validation,
                    "test": entry["test"]["loss"] / math.log(2) / test,
                }
        return facts

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
