"""The learning rate of a job: one for all its seeds, chosen by validation loss."""

from __future__ import annotations

import math

from .loop import Member


def choose_rate(members: list[Member]) -> float:
    """The rate with the lowest mean over seeds of the best validation loss.

    A diverged member loses: a rate with fewer of them always wins over one with more.
    """

    def rank(rate: float) -> tuple[int, float, float]:
        group = [m for m in members if m.learning_rate == rate]
        losses = [m.best_loss for m in group if m.status == "ok"]
        mean = sum(losses) / len(losses) if losses else math.inf
        return len(group) - len(losses), mean, rate

    return min({m.learning_rate for m in members}, key=rank)
