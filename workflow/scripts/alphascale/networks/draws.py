"""Random draws of a training run: everything follows from a member's seed, nothing from its peers.

Members with one seed and different learning rates share their draws, so that a sweep compares
learning rates on the same data order and the same dropout masks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

# Masks are cut from random 16-bit words, four to a 64-bit draw: 0.05 ms for 32,768 elements, where
# `bernoulli_` takes 0.31 ms. The dropout rate is thereby rounded to a multiple of 1/65,536.
WORD = 1 << 16


def stream(seed: int, purpose: str, epoch: int = 0) -> int:
    """A 63-bit seed for one purpose of one epoch of a member's seed.

    Streams need no saved state between epochs: a run resumed there draws what the whole one would.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, epoch: int = 0, device: str = "cpu") -> torch.Generator:
    """A generator at the start of a stream."""
    return torch.Generator(device).manual_seed(stream(seed, purpose, epoch))


class Masks:
    """Dropout masks of one epoch for members of the given seeds, in the members' order."""

    def __init__(self, seeds: list[int], epoch: int, device: torch.device):
        self.distinct = list(dict.fromkeys(seeds))
        self.index = torch.tensor([self.distinct.index(seed) for seed in seeds], device=device)
        self.generators = [generator(s, "dropout", epoch, device.type) for s in self.distinct]
        self.device = device
        self.seeds = seeds
        self.epoch = epoch
        self.lent: list[tuple[Tensor, ...] | None] = [None] * len(seeds)
        each = len(seeds) // len(self.distinct)
        # Seed after seed, equally many members each: masks can be broadcast, not copied.
        self.each = each if seeds == [s for s in self.distinct for _ in range(each)] else None

    def mask(self, shape: tuple[int, ...], rate: float) -> Tensor:
        """Masks [distinct seeds, *shape]: 0 with probability `rate`, else 1 / (1 − rate)."""
        count = 1
        for length in shape:
            count *= length
        dropped = round(rate * WORD)
        words = torch.empty(
            len(self.generators), -(-count // 4), dtype=torch.int64, device=self.device
        )
        for row, source in zip(words, self.generators, strict=True):
            row.random_(-(2**63), None, generator=source)
        bits = words.view(torch.int16)[:, :count]
        # Into floats at once: by way of booleans it takes 7 × as long.
        kept = torch.empty(bits.shape, device=self.device)
        torch.ge(bits, dropped - WORD // 2, out=kept)
        return kept.mul_(WORD / (WORD - dropped)).view(-1, *shape)

    def drop(self, x: Tensor, rate: float, shape: tuple[int, ...] | None = None) -> Tensor:
        """Dropout on x [members, ...]; `shape` (default x.shape[1:]) may hold ones to broadcast."""
        if rate == 0:
            return x
        mask = self.mask(tuple(x.shape[1:]) if shape is None else shape, rate).to(x.dtype)
        if len(self.distinct) == len(self.seeds):
            return x * mask
        if self.each:
            return (x.unflatten(0, (-1, self.each)) * mask.unsqueeze(1)).flatten(0, 1)
        return x * mask[self.index]

    def mark(self) -> tuple[list[Tensor], list]:
        """Where the draws stand."""
        return [source.get_state() for source in self.generators], list(self.lent)

    def restore(self, mark: tuple[list[Tensor], list]) -> None:
        """Draw again from where they stood."""
        for source, state in zip(self.generators, mark[0], strict=True):
            source.set_state(state.cpu())  # a checkpoint is loaded to the device, states never are
        self.lent = list(mark[1])

    @contextmanager
    def lend(self, member: int) -> Iterator[None]:
        """Torch's global generator as this member's own: for models that draw by themselves."""
        devices = [torch.cuda.current_device()] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            if self.lent[member] is None:
                torch.manual_seed(stream(self.seeds[member], "dropout", self.epoch))
            else:
                torch.set_rng_state(self.lent[member][0].cpu())
                for device, state in zip(devices, self.lent[member][1:], strict=True):
                    torch.cuda.set_rng_state(state.cpu(), device)
            yield
            states = (torch.get_rng_state(), *(torch.cuda.get_rng_state(d) for d in devices))
            self.lent[member] = states
