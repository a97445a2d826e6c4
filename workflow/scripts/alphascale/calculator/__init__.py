"""The calculator: numbers, allocations and comparisons from the published laws or a fit's own."""

from alphascale.calculator.calculator import Calculator

__all__ = ["Calculator"]
