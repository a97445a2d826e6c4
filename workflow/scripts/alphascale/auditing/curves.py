"""Warnings from a run's curves: four signals, of which a healthy run raises none.

The signals are the reference system's. Its curvature signal fired on every healthy convex curve,
and its plateau on every run that had converged; here each signal asks for what is wrong, not for
what the shape of a loss curve always is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..records.runs import LEVELS
from ..records.training import Curves

GAP_MEDIUM, GAP_HIGH = 0.08, 0.12  # train − validation accuracy at the best epoch (reference)
WINDOW = 5  # epochs of the plateau (reference)
STALLED = 0.002  # nats: less improvement of the validation loss in a window is none (reference)
STILL_FALLING = 0.01  # nats: train loss falls by more, so the run has not simply converged
RISING = 4  # epochs in a row that validation loss rises while train loss falls (reference)
RISE = 0.01  # share of the best validation loss: a smaller rise is noise
FLAT = 0.05  # last third's progress as a share of the middle third's


@dataclass(frozen=True)
class Signal:
    """signal: its name. level: LOW (advice), MEDIUM or HIGH. message: figures, for a person."""

    signal: str
    level: str
    message: str


@dataclass(frozen=True)
class Verdict:
    """What curves show."""

    level: str | None  # the highest of the signals', LOW without any, None where no run ended well
    signals: list[Signal]  # those that were raised
    best_epoch: int | None  # 1-based, of the run, or the median over runs


def judge(curves: Curves, best_epoch: int) -> Verdict:
    """The signals of one run. `flattening` is advice of level LOW."""
    train, validation = curves.train_loss, curves.validation_loss
    found = [
        signal
        for signal in (
            _gap(curves, best_epoch),
            _plateau(train, validation),
            _overfitting(train, validation),
            _flattening(validation),
        )
        if signal is not None
    ]
    return Verdict(_highest(found), found, best_epoch)


def summarise(judged: list[Verdict]) -> Verdict:
    """One verdict over seeds: what at least half of them show, and the median best epoch."""
    if not judged:
        return Verdict(None, [], None)
    half = math.ceil(len(judged) / 2)
    groups: dict[str, list[Signal]] = {}
    for verdict in judged:
        for signal in verdict.signals:
            groups.setdefault(signal.signal, []).append(signal)
    # Worst first, the one at which half of the seeds are reached: so bad, half of them are.
    shared = [
        sorted(group, key=lambda s: -LEVELS.index(s.level))[half - 1]
        for group in groups.values()
        if len(group) >= half
    ]
    best_epochs = sorted(verdict.best_epoch for verdict in judged)
    return Verdict(_highest(shared), shared, best_epochs[(len(judged) - 1) // 2])


def _highest(signals: list[Signal]) -> str:
    return max((signal.level for signal in signals), key=LEVELS.index, default="LOW")


def _gap(curves: Curves, best_epoch: int) -> Signal | None:
    at = best_epoch - 1
    gap = curves.train_accuracy[at] - curves.validation_accuracy[at]
    if gap <= GAP_MEDIUM:
        return None
    level = "HIGH" if gap > GAP_HIGH else "MEDIUM"
    return Signal("gap", level, f"train accuracy is {gap:.3f} above validation accuracy")


def _plateau(train: list[float], validation: list[float]) -> Signal | None:
    """The model goes on learning its training data and nothing of it carries over."""
    if len(validation) <= WINDOW:
        return None
    gained = min(validation[:-WINDOW]) - min(validation[-WINDOW:])
    falling = train[-WINDOW - 1] - train[-1]
    if gained >= STALLED or falling <= STILL_FALLING:
        return None
    return Signal(
        "plateau",
        "MEDIUM",
        f"validation loss improved by {max(gained, 0.0):.4f} in the last {WINDOW} epochs while "
        f"train loss fell by {falling:.3f}",
    )


def _overfitting(train: list[float], validation: list[float]) -> Signal | None:
    run = 0
    for epoch in range(1, len(validation)):
        worse = validation[epoch] > validation[epoch - 1] and train[epoch] < train[epoch - 1]
        run = run + 1 if worse else 0
        rise = validation[epoch] - validation[epoch - run]
        if run >= RISING and rise > RISE * min(validation):
            return Signal(
                "overfitting",
                "HIGH",
                f"validation loss rose for {run} epochs up to epoch {epoch + 1} while train loss "
                "fell",
            )
    return None


def _flattening(validation: list[float]) -> Signal | None:
    """Progress has all but ended: advice that fewer epochs would do, not a fault."""
    third = len(validation) // 3
    if third < 2:
        return None
    start, middle, end = validation[-2 * third - 1], validation[-third - 1], validation[-1]
    if start - middle < STALLED or middle - end >= FLAT * (start - middle):
        return None
    return Signal(
        "flattening", "LOW", f"the last {third} epochs brought next to nothing: fewer may do"
    )
