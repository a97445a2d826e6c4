"""The calculator: numbers, allocations and comparisons from the published laws or a fit's own."""

from alphascale.calculator.calculator import Calculator
from alphascale.calculator.kaplan import (
    compare_training_strategies,
    plot_scaling_law_D,
    plot_scaling_law_N,
    training_loss_curve,
    visualize_optimal_frontier,
)

__all__ = [
    "Calculator",
    "compare_training_strategies",
    "plot_scaling_law_D",
    "plot_scaling_law_N",
    "training_loss_curve",
    "visualize_optimal_frontier",
]
