"""What is trained: the data of one job on the device, its batches, its loss.

A task is what the loop knows of the data: `Classification` here, for one class a sample;
`multi_label.MultiLabel` for any number of labels, `regression.Regression` for a number,
`next_token.NextToken` for running text. Batches are gathered by index from
tensors on the device: 18 × as fast as a DataLoader that fetches sample by sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.batches import block_steps, blocks, steps_of
from ..data.store import prefix
from ..networks.draws import generator
from ..records.outputs import MANY
from ..records.training import Scores

if TYPE_CHECKING:
    from ..records.data import Meta
    from ..records.specs import Size
    from ..records.training import BySplit, Language, Perplexity
    from .loop import Member


# Enough samples to keep the device busy, few enough to fit where a training batch fits.
EVALUATION_BATCH = 512
# Classes of which argmax is as quick as anything.
FEW = 10


class Classification:
    """One label per sample; the loss is cross-entropy in nats, the metric accuracy."""

    # Whether test outputs are kept, for metrics that are measured later.
    kept = True

    def __init__(
        self,
        tensors: dict[str, Tensor],
        meta: Meta,
        fraction: str,
        device: torch.device,
        augment: bool = False,
        weights: str = "none",
        nested: Sequence[str] = (),
    ):
        """nested: smaller fractions, smallest first, whose samples an epoch sees before all
        others: each is a prefix of the next, in a random order of its own."""
        self.meta, self.device = meta, device
        self.pool = len(tensors["train_y"])
        self.samples = prefix(self.pool, fraction)
        self.blocks = blocks(self.pool, fraction, nested)
        rows = {"train": self.samples, "validation": None, "test": None}
        self.x = {split: tensors[f"{split}_x"][:n].to(device) for split, n in rows.items()}
        self.y = {split: tensors[f"{split}_y"][:n].to(device) for split, n in rows.items()}
        self.shift = self.scale = None
        if meta.kind == "image":
            shift, scale = torch.tensor(meta.mean), 1 / torch.tensor(meta.std)
            self.shift, self.scale = (v.view(-1, 1, 1).to(device) for v in (shift, scale))
        self.padding = max(1, meta.shape[-1] // 8) if augment and meta.kind == "image" else 0
        if self.padding:
            # Four pixels for an image of 32, one for an image of 8; filled with zeros, as stored.
            self.padded = F.pad(self.x["train"], (self.padding,) * 4)
        self.weights = None if weights == "none" else self.class_weights()

    def steps(self, batch_size: int) -> int:
        """Steps per epoch."""
        return steps_of(self.blocks, batch_size)

    def smallest_batch(self, batch_size: int) -> int:
        """Samples of an epoch's smallest batch."""
        return min(n // block_steps(n, batch_size) for _, n in self.blocks)

    def batches(
        self, seeds: list[int], epoch: int, batch_size: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's batches for distinct seeds: x [S, B, ...], y [S, B].

        Each seed has its own permutation, of each block: no batch is of two. Batches of a block
        differ by at most one sample, so that none is too small for batch statistics; where one
        sample would be left over, one batch has three.
        """
        draws = [generator(seed, "order", epoch) for seed in seeds]
        sources = [generator(seed, "augment", epoch) for seed in seeds]
        for start, n in self.blocks:
            orders = [start + torch.randperm(n, generator=draw) for draw in draws]
            order = torch.stack(orders).to(self.device)
            for rows in order.tensor_split(block_steps(n, batch_size), dim=1):
                if self.padding:
                    pairs = zip(rows, sources, strict=True)
                    x = torch.stack([self._augmented(r, s) for r, s in pairs])
                else:
                    x = self.x["train"][rows]
                yield self.prepare(x), self.y["train"][rows]

    def evaluation_batch(self) -> int:
        """Samples at a time when evaluating."""
        return EVALUATION_BATCH

    def evaluation(self, split: str) -> Iterator[tuple[Tensor, Tensor]]:
        """The split in order, shared by all members: x [1, B, ...], y [1, B]."""
        size = self.evaluation_batch()
        for x, y in zip(self.x[split].split(size), self.y[split].split(size), strict=True):
            yield self.prepare(x.unsqueeze(0)), y.unsqueeze(0)

    def prepare(self, x: Tensor) -> Tensor:
        """As the model takes it: images are stored as uint8 and normalised here."""
        return (x - self.shift) * self.scale if self.meta.kind == "image" else x

    def losses(self, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss [M] and correct predictions [M] of logits [M, B, K], labels [M or 1, B]."""
        members, batch, classes = logits.shape
        logits, y = logits.float(), y.expand(members, batch)
        each = F.cross_entropy(logits.reshape(-1, classes), y.flatten(), reduction="none")
        return each.view(members, batch).mean(1), foremost(logits, y).sum(1)

    def objective(self, logits: Tensor, y: Tensor, losses: Tensor) -> Tensor:
        """What training lowers, [M]: the mean loss, or with class weights their weighted mean."""
        if self.weights is None:
            return losses
        members, batch, classes = logits.shape
        y = y.expand(members, batch).flatten()
        each = F.cross_entropy(logits.float().reshape(-1, classes), y, reduction="none")
        return (each * self.weights[y]).view(members, batch).mean(1)

    def class_weights(self) -> Tensor:
        """Weight of each class, [K], as scikit-learn's `balanced`: n / (K · its samples), so that
        their mean over the samples is 1. A class without a sample in the fraction has 0."""
        counts = torch.bincount(self.y["train"], minlength=self.meta.classes).float()
        return torch.where(counts > 0, self.samples / ((counts > 0).sum() * counts), 0.0)

    def scores(self, loss: float, right: float) -> Scores:
        """A split's mean loss and share right, for the record."""
        return Scores(loss, right, 1.0 - right)

    def output(self, logits: Tensor) -> Tensor:
        """What is kept of test outputs [M, B, K]: on the CPU, of many classes in half precision."""
        return logits.to("cpu", torch.float16 if logits.shape[2] > MANY else torch.float32)

    def language(self, size: Size) -> Language | None:
        """What the record says of the language: there is none."""
        return None

    def perplexity(self, member: Member) -> Perplexity | None:
        """What it says of a seed's perplexity."""
        return None

    def bits_per_byte(self, member: Member) -> BySplit | None:
        """What it says of a seed's bits per byte."""
        return None

    def _augmented(self, rows: Tensor, source: torch.Generator) -> Tensor:
        """Images [B, C, H, W] shifted by up to the padding and flipped, half of them."""
        count, (_, height, width) = len(rows), self.meta.shape
        draw = torch.randint(0, 2 * self.padding + 1, (2, count), generator=source)
        flip = torch.randint(0, 2, (count, 1), generator=source, dtype=torch.bool)
        across = torch.arange(width)
        across = torch.where(flip, across.flip(0), across) + draw[0][:, None]
        down = torch.arange(height) + draw[1][:, None]
        down, across = down.to(self.device), across.to(self.device)
        channels = torch.arange(self.meta.shape[0], device=self.device)
        return self.padded[
            rows[:, None, None, None],
            channels[None, :, None, None],
            down[:, None, :, None],
            across[:, None, None, :],
        ]


def foremost(logits: Tensor, y: Tensor) -> Tensor:
    """Whether `logits.argmax(-1) == y`, of logits [..., K] and y [...].

    Of 9 × 256 × 26 logits argmax takes 0.23 ms, 8 % of a step of nine MLPs of width 8; to see that
    none exceeds that of y takes 0.10 ms. Only of several that are equal it does not tell the first.
    """
    logits = logits.detach()
    if logits.shape[-1] > FEW:
        own = logits.gather(-1, y.unsqueeze(-1))
        equal = torch.eq(logits, own, out=torch.empty_like(logits)).sum()
        if equal == y.numel():
            beyond = torch.gt(logits, own, out=torch.empty_like(logits))
            return (beyond @ logits.new_ones(logits.shape[-1])) == 0
    return logits.argmax(-1) == y
