"""Kaplan's laws by the names that worked examples of the paper use: `predict_loss(N, D, C)` and
others. C is in PF-days here, as in the paper; everywhere else it is FLOP.

    calculator = Calculator()                            # eq. 1.5 with the constants of 1.1 and 1.2
    calculator.predict_loss(N=175e9, D=300e9)
    N, D = calculator.compute_optimal_allocation(C=1.0)
    percent, before, after = calculator.how_much_better(1e9, 10e9, 10e9, 10e9)

Each is another name of what `Calculator`, `strategies`, `historical` and `improvement` compute.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from alphascale.calculator import strategies
from alphascale.calculator.allocation import Allocation, around, can_allocate
from alphascale.calculator.historical import Comparison, Model, compare
from alphascale.calculator.known_laws import positive
from alphascale.errors import UserError
from alphascale.literature.published import PF_DAY

DEFAULT = "kaplan-nd-separate"
BUDGETS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)  # PF-days
MOST = 1e12  # PF-days, 8.64e31 FLOP: who asks for more gave FLOP


def flops_of(C: float) -> float:
    """PF-days to FLOP. UserError for a number that can only be FLOP."""
    if positive("C", C) > MOST:
        raise UserError(f"C is in PF-days ({PF_DAY:g} FLOP each) here; {C:g} looks like FLOP")
    return C * PF_DAY


class Names:
    """The methods that `Calculator` has by these names; they use its own."""

    def predict_loss(
        self, N: float | None = None, D: float | None = None, C: float | None = None
    ) -> float:
        """The loss at any two of N, D and C (PF-days), or that of the best split of C alone."""
        flops = None if C is None else flops_of(C)
        if N is None and D is None and flops is not None and can_allocate(self.law):
            found = self.allocate(flops).loss
            if found is not None:
                return found
        return self.loss(params=N, tokens=D, flops=flops)

    def compute_optimal_allocation(self, C: float) -> Allocation:
        """`allocate` for C PF-days; `N, D = …` takes it apart."""
        return self.allocate(flops_of(C))

    def compare_models(self, models: Iterable[Model | tuple]) -> list[Comparison]:
        """`historical.compare` by this law of (name, N, D) or `Model`s; `name, N, D, L = …` takes
        each apart."""
        return compare([m if isinstance(m, Model) else Model(*m) for m in models], [self.law])

    def how_much_better(
        self, N1: float, D1: float, N2: float, D2: float
    ) -> tuple[float, float, float]:
        """Per cent of the loss gained from (N1, D1) to (N2, D2), and both losses: `improvement`."""
        from alphascale.calculator.improvement import improvement  # it needs Calculator

        runs = ({"params": N1, "tokens": D1}, {"params": N2, "tokens": D2})
        found = improvement(self.law, *runs)
        before, after = (found[end][self.law.response] for end in ("from", "to"))
        return 100 * found["share"], before, after

    def generate_allocation_table(self, C_values: Iterable[float] = BUDGETS) -> list[Allocation]:
        """The allocation of each budget, PF-days."""
        return [self.compute_optimal_allocation(C) for C in C_values]

    def compare_allocation_strategies(self, C: float, factor: float = 3.0) -> dict[str, Allocation]:
        """The best split of C PF-days beside `factor` times as many parameters, and as few."""
        return around(self.law, flops_of(C), factor)


def training_loss_curve(N: float, D: float, S_max: float, B: float = strategies.BATCH):
    """`strategies.training_loss_curve`: steps (n,) and losses (n,)."""
    return strategies.training_loss_curve(N, D, S_max, B)


def compare_training_strategies(
    C: float = 1.0, save_path: str | Path | None = None
) -> list[strategies.Strategy]:
    """`strategies.strategies` for C PF-days, each at that true cost; drawn to `save_path`."""
    if save_path is not None:
        draw("training_curves", save_path, flops=flops_of(C))
    return strategies.strategies(flops_of(C))


def visualize_optimal_frontier(
    save_path: str | Path | None = None, models: Iterable[Model] | None = None
):
    """The figure of the (N, D) plane with the laws' frontiers and historical models."""
    return draw("plane", save_path, **({} if models is None else {"models": tuple(models)}))


def plot_scaling_law_N(D_fixed: float = 10e9, save_path: str | Path | None = None):
    """The figure of L(N) at one D, on logarithmic axes."""
    return draw("loss_over_params", save_path, tokens=D_fixed)


def plot_scaling_law_D(N_fixed: float = 1e9, save_path: str | Path | None = None):
    """The figure of L(D) at one N, on logarithmic axes."""
    return draw("loss_over_tokens", save_path, params=N_fixed)


def draw(name: str, path: str | Path | None, **options):
    """The figure `name` of `plots.literature`, written to `path` (.png or .svg) if one is given.
    Raises UserError where matplotlib is absent: the light installation has none."""
    if path is not None and Path(path).suffix not in (".png", ".svg"):
        raise UserError(f"{path}: name a file that ends in .png or .svg")
    try:
        from alphascale.plots.literature import FIGURES
        from alphascale.plots.style import save
    except ModuleNotFoundError as fault:
        raise UserError(
            f"a figure needs matplotlib ({fault}): pip install 'alphascale[plots]'"
        ) from None
    figure = FIGURES[name](**options)
    if path is not None:
        save(figure, path)
    return figure
