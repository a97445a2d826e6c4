"""Batches and steps after Kaplan et al. 2020: the critical batch, S_min, C_min, and what several
ways of spending one true budget reach.

L(N, S_min) is eq. 1.6 with Table 3, B_crit(L) is eq. 1.4. A run of S steps at batch B (tokens) of a
model of N parameters costs C = 6·N·B·S FLOP and is worth S_min = S/(1 + B_crit(L)/B) steps at an
infinite batch, with B_crit at the loss it ends at: that loss is the root of one equation, since a
higher loss means a smaller critical batch and so more worth per step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import brentq

from alphascale.calculator.allocation import allocate
from alphascale.calculator.known_laws import CLOSED_FORM, get_law, positive
from alphascale.errors import UserError
from alphascale.grids.allocation import FLOPS_PER
from alphascale.literature.published import PF_DAY, PUBLISHED

_NS = PUBLISHED["kaplan_ns"].constants
_CRITICAL = PUBLISHED["kaplan_bcrit"].constants
BATCH = 2.0**19  # tokens: 512 sequences of 1,024, Kaplan et al. 2020, section 2.2
SOURCE = f"{PUBLISHED['kaplan_ns'].source}; {PUBLISHED['kaplan_bcrit'].source.split(', ')[-1]}"


def critical_batch(loss: float) -> float:
    """B_crit, tokens, at a loss in nats: B_star/L^(1/alpha_B), eq. 1.4."""
    return _CRITICAL["B_star"] / positive("loss", loss) ** (1 / _CRITICAL["alpha_B"])


def size_loss(params: float) -> float:
    """(N_c/N)^alpha_N, nats: the loss of N parameters after endless steps, eq. 1.6."""
    return (_NS["N_c"] / positive("params", params)) ** _NS["alpha"]


def step_loss(min_steps: float) -> float:
    """(S_c/S_min)^alpha_S, nats: what is still to be gained by steps, eq. 1.6."""
    return (_NS["S_c"] / positive("min_steps", min_steps)) ** _NS["beta"]


def min_steps(params: float, loss: float) -> float:
    """S_min at which N parameters reach `loss`. Raises UserError where none does."""
    end = size_loss(params)
    if positive("loss", loss) <= end:
        least = _NS["N_c"] * loss ** (-1 / _NS["alpha"])
        raise UserError(
            f"loss {loss:.5g} is out of reach of {params:.4g} parameters: after endless steps they "
            f"stay above {end:.5g}; ask for more than that, or for more than {least:.4g} parameters"
        )
    return _NS["S_c"] * (loss - end) ** (-1 / _NS["beta"])


def loss_after(params: float, batch: float, steps: float) -> float:
    """Loss, nats, of N parameters after S steps at batch B (tokens): eqs. 1.6, 5.4 and 1.4."""
    batch, steps = positive("batch", batch), positive("steps", steps)
    return _ends_at(params, lambda loss: steps / (1 + critical_batch(loss) / batch))


def loss_at_critical_batch(params: float, flops: float) -> float:
    """Loss, nats, of N parameters trained with C FLOP at the critical batch of its final loss,
    where C = 2·C_min."""
    half = positive("flops", flops) / 2 / (FLOPS_PER * positive("params", params))
    return _ends_at(params, lambda loss: half / critical_batch(loss))


def stop_steps(params: float, tokens: float) -> float:
    """S_stop, the fewest steps before early stopping on D tokens, eq. 5.7:
    S_c/[L(N,D) − L(N,∞)]^(1/alpha_S). Both losses by eq. 1.5 with Table 2, so that their
    difference is positive."""
    law = get_law("kaplan-nd")
    params, tokens = positive("params", params), positive("tokens", tokens)
    gap = law.value(params=params, tokens=tokens) - law.limit({"params": params})
    if gap <= 0:
        raise UserError(
            f"{tokens:.4g} tokens overfit {params:.4g} parameters by less than a double can tell: "
            "no early stop; give fewer tokens"
        )
    return _NS["S_c"] * gap ** (-1 / _NS["beta"])


def _ends_at(params: float, worth: Callable[[float], float]) -> float:
    """The loss L with L = size_loss + step_loss(worth(L)); the right side falls as L rises."""
    end = size_loss(params)

    def miss(loss: float) -> float:
        return end + step_loss(worth(loss)) - loss

    high = 2 * end + 1
    while miss(high) > 0:
        high *= 2
    return brentq(miss, end, high, xtol=1e-15 * high, rtol=1e-14)


@dataclass(frozen=True)
class Strategy:
    """One way to spend a budget."""

    name: str
    flops: float  # C, FLOP
    params: float  # N, non-embedding
    batch: float  # B, tokens
    steps: float  # S
    loss: float  # at the end, nats
    critical_batch: float  # B_crit at that loss, tokens
    min_steps: float  # S_min
    min_flops: float  # C_min, FLOP

    @property
    def tokens(self) -> float:
        return self.batch * self.steps

    @property
    def spent(self) -> float:
        """6·N·B·S, FLOP: equal to `flops`."""
        return FLOPS_PER * self.params * self.batch * self.steps

    def as_dict(self) -> dict:
        return {**asdict(self), "tokens": self.tokens, "pf_days": self.flops / PF_DAY}


def strategy(name: str, flops: float, params: float, batch: float | None = None) -> Strategy:
    """N parameters trained with C FLOP at batch B tokens (None: the critical batch of its end).

    Raises UserError for a budget below one step or a batch below one token.
    """
    flops, params = positive("flops", flops), positive("params", params)
    if batch is None:
        loss = loss_at_critical_batch(params, flops)
        batch = critical_batch(loss)
    else:
        batch = positive("batch", batch)
        loss = loss_after(params, batch, flops / (FLOPS_PER * params * batch))
    steps = flops / (FLOPS_PER * params * batch)
    if steps < 1 or batch < 1:
        raise UserError(
            f"strategy {name}: {flops:.4g} FLOP on {params:.4g} parameters come to {steps:.3g} "
            f"steps at batch {batch:.3g} tokens, less than one; give a larger budget"
        )
    critical = critical_batch(loss)
    return Strategy(
        name, flops, params, batch, steps, loss, critical,
        min_steps=steps / (1 + critical / batch), min_flops=flops / (1 + batch / critical),
    )  # fmt: skip


def strategies(
    flops: float, params: Sequence[float] = (), batch: float | None = None
) -> list[Strategy]:
    """Several ways to spend C FLOP, all of them the same true cost.

    Without `params`: models of an eighth, one and eight times the compute-optimal size at their
    critical batch, and the optimal size at an eighth and at eight times its critical batch. With
    `params`: those sizes, at `batch` or at their critical batch.
    """
    flops = positive("flops", flops)
    if params:
        return [strategy(f"N = {n:.4g}", flops, n, batch) for n in params]
    best = allocate(CLOSED_FORM, flops)
    if batch is not None:
        return [strategy(name, flops, best.params * k, batch) for name, k in _SIZES.items()]
    critical = best.batch
    return [
        *(strategy(name, flops, best.params * k) for name, k in _SIZES.items()),
        strategy("optimal size, small batch, many steps", flops, best.params, critical / 8),
        strategy("optimal size, large batch, few steps", flops, best.params, critical * 8),
    ]


_SIZES = {"small model, long": 1 / 8, "compute-optimal size": 1.0, "large model, short": 8.0}


def training_curve(plan: Strategy, points: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Steps (points,) and the loss (points,) on the way to a strategy's end, batch held."""
    return _curve(plan.params, plan.batch, plan.steps, points)


def training_loss_curve(
    params: float, tokens: float, steps: float, batch: float = BATCH, points: int = 100
) -> tuple[np.ndarray, np.ndarray]:
    """Steps (points,) up to `steps` and the loss (points,), nats, of N parameters that pass over D
    tokens at batch B (tokens; Kaplan's own by default).

    Eqs. 1.6, 5.4 and 1.4; never below L(N, D) of eq. 1.5 (Table 2), where D tokens overfit. Raises
    UserError for what is not positive, and for less than one step.
    """
    tokens, steps = positive("tokens", tokens), positive("steps", steps)
    if steps < 1:
        raise UserError(f"steps must be at least 1, got {steps:g}")
    seen, loss = _curve(positive("params", params), positive("batch", batch), steps, points)
    return seen, np.maximum(loss, get_law("kaplan-nd").value(params=params, tokens=tokens))


def _curve(params: float, batch: float, end: float, points: int) -> tuple[np.ndarray, np.ndarray]:
    """The law holds after the warm-up, so the curve starts at a hundredth of the run's steps."""
    steps = np.geomspace(max(1.0, end / 100), end, points)
    return steps, np.array([loss_after(params, batch, s) for s in steps])


def steps_report(
    loss: float,
    params: float | None = None,
    tokens: float | None = None,
    batch: float | None = None,
    steps: float | None = None,
    flops: float | None = None,
) -> dict[str, float]:
    """Everything about steps and batches that follows from what is given, at a final `loss`.

    Always critical_batch. With params: min_steps, min_tokens (E_min), min_flops. With a batch as
    well: steps, tokens_processed, flops. With batch and steps: min_steps (eq. 5.4). With batch and
    flops: min_flops (eq. 5.5). With params and tokens (the size of the data): stop_steps. Raises
    UserError when two ways to the same figure disagree.
    """
    critical = critical_batch(loss)
    out = {"loss": loss, "critical_batch": critical}
    for name, value in (("steps", steps), ("flops", flops)):
        if value is not None and batch is None:
            raise UserError(f"{name} needs a batch beside it: give batch, in tokens")
    if params is not None:
        if steps is not None or flops is not None:
            raise UserError(
                "params and loss fix the steps and the compute already: leave out steps and flops, "
                "or leave out params"
            )
        least = min_steps(params, loss)
        out |= {
            "params": params,
            "min_steps": least,
            "min_tokens": least * critical,
            "min_flops": FLOPS_PER * params * critical * least,
        }
        if batch is not None:
            needed = least * (1 + critical / positive("batch", batch))
            out |= {
                "batch": batch,
                "steps": needed,
                "tokens_processed": needed * batch,
                "flops": FLOPS_PER * params * batch * needed,
            }
    elif batch is not None:
        out["batch"] = positive("batch", batch)
        if steps is None and flops is None:
            raise UserError(
                "a batch alone says nothing more: give params, steps or flops beside it"
            )
    if steps is not None:
        out["steps"] = positive("steps", steps)
        out["min_steps"] = steps / (1 + critical / batch)
    if flops is not None:
        out["flops"] = positive("flops", flops)
        out["min_flops"] = flops / (1 + batch / critical)
    if tokens is not None:
        if params is None:
            raise UserError("the early-stopping step needs params beside tokens: give params")
        out |= {"tokens": tokens, "stop_steps": stop_steps(params, tokens)}
    return out
