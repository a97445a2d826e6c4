"""From FLOPs and steps to seconds: by a study's records, its configuration, or a rough figure.

seconds of a member = steps · step_seconds + FLOPs / flops_per_second, as in deciding/costs.py,
which fits the same with numpy once a study has run; here it is two numbers and no import.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..config.study import Costs
from .sizes import Known, Work

# Where nothing is measured yet, (seconds a step, FLOPs a second, watts): of a core of a CPU, and of
# a GPU. To a factor of several; what is printed says where it is from.
ROUGH_CPU = (2e-3, 5e9, 10.0)
ROUGH_GPU = (2e-3, 5e12, 250.0)


@dataclass(frozen=True)
class Pace:
    """How fast trainings go, and what they draw."""

    step_seconds: float
    flops_per_second: float
    watts: float
    how: str  # where all this is from

    def seconds(self, work: Work) -> float | None:
        """Seconds of a job; None where its FLOPs are not known."""
        if work.flops is None:
            return None
        return work.members * work.steps * self.step_seconds + work.flops / self.flops_per_second


def pace(measured: Iterable[Known], costs: Costs, gpu: bool) -> Pace:
    """The pace of the trainings to come; gpu: whether they will find one."""
    jobs = [each for each in measured if each.seconds > 0]
    step, rate, watts = ROUGH_GPU if gpu else ROUGH_CPU
    device = "a GPU" if gpu else "a CPU core"
    how = f"at a rough {rate / 1e9:,.0f} GFLOP/s and {step * 1e3:g} ms a step of {device}"
    if jobs:
        step, per_flop = two_terms(
            [(each.members * each.steps, each.flops, each.seconds) for each in jobs]
        )
        rate = 1 / per_flop if per_flop else math.inf
        how = f"at the pace of {len(jobs)} trainings that were recorded"
        if drawn := [each.watts for each in jobs if each.watts is not None]:
            watts = sum(drawn) / len(drawn)
    if costs.flops_per_second is not None:
        step, rate, how = 0.0, costs.flops_per_second, "at costs.flops_per_second"
    if costs.watts is not None and not any(each.measured for each in jobs):
        watts = costs.watts
    return Pace(step, rate, watts, how)


def two_terms(jobs: list[tuple[float, float, float]], towards: float = 0.0) -> tuple[float, float]:
    """(a, b) ≥ 0 of seconds = a·x + b·y by least squares on relative error.

    jobs: (x, y, seconds), seconds above 0; towards: the weight of b = 1 among them, each of which
    has 1: where jobs are all alike they do not tell a from b.
    """
    rows = [(x / t, y / t) for x, y, t in jobs]
    xx, xy, yy = (sum(r[i] * r[j] for r in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    x, y = (sum(r[i] for r in rows) for i in (0, 1))
    yy, y = yy + towards, y + towards
    det = xx * yy - xy * xy
    if det > 1e-9 * xx * yy:
        a, b = (x * yy - y * xy) / det, (y * xx - x * xy) / det
        if a >= 0 and b >= 0:
            return a, b
    one, other = (x / xx if xx else 0.0), (y / yy if yy else 0.0)
    # With one term alone: the one that leaves less.
    left_one, left_other = len(rows) - one * x, len(rows) - other * y
    return (one, 0.0) if left_one <= left_other else (0.0, other)
