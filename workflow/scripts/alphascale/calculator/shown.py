"""How the calculator's answers are shown as text: numbers, labelled lines, tables."""

from __future__ import annotations

from collections.abc import Sequence

from alphascale.literature.published import PF_DAY
from alphascale.units import fixed


def short(value: float | None) -> str:
    """Five digits, or a dash."""
    return "–" if value is None else f"{value:.5g}"


def nats(value: float | None) -> str:
    """Four decimals, or a dash."""
    return "–" if value is None else fixed(value, 4)


def budget(flops: float) -> str:
    """A budget in FLOP and in PF-days."""
    return f"{flops:.5g} FLOP = {flops / PF_DAY:.5g} PF-days"


def pairs(rows: Sequence[tuple[str, str]], notes: Sequence[str] = ()) -> str:
    """Lines of label and value, labels padded; notes under them."""
    rows = [*rows, *(("note", note) for note in notes)]
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {value}" for label, value in rows)


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in plain text: first column to the left, numbers to the right."""
    table = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    numeric = [
        i > 0 and all(row[i][:1].isdigit() or row[i] in "–" for row in rows)
        for i in range(len(head))
    ]
    lines = [
        "  ".join(
            cell.rjust(w) if right else cell.ljust(w)
            for cell, w, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in table
    ]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)
