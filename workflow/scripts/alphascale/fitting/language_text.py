"""What a group of language domains came to, as people read it."""

from __future__ import annotations

import numpy as np

from ..records.language import LanguagePoint, LanguageRecord, LawKey, PerplexityLaw, PlaneFit
from ..records.typed import Refused
from ..units import prefixed, significant

# Columns of the table of sizes; the perplexity is of the test split, its mean over seeds.
TABLE = (
    "size", "d_model", "n_layers", "parameters", "in blocks", "perplexity", "FLOPs", "time",
    "memory",
)  # fmt: skip


def text(found: LanguageRecord) -> str:
    """The group in a few lines: what was reached, which law predicts, whether families differ."""
    lines = []
    for name, domain in found.domains.items():
        if not domain.points:
            lines.append(f"{name} ({domain.family}): every run diverged")
            continue
        first, last = domain.points[0], domain.points[-1]
        bits = f" ({np.mean(last.bits_per_byte):.2f} bits per byte)" if last.bits_per_byte else ""
        lines.append(
            f"{name} ({domain.family}): test perplexity {first.mean_perplexity:.1f} at "
            f"{first.non_embedding:,} to {last.mean_perplexity:.1f} at {last.non_embedding:,} "
            f"non-embedding parameters{bits}; token "
            f"frequencies alone: {domain.unigram_perplexity:.1f}"
        )
        lines += [f"  {line}" for line in _table(domain.points)]
        lines += [f"  {_line(row, domain.best)}" for row in domain.laws]
        gains = domain.widening
        said = f"not asked: {gains.refused}" if isinstance(gains, Refused) else gains.says
        lines.append(f"  wider or deeper: {said}")
        both = domain.params_and_data
        if isinstance(both, PlaneFit):
            lines.append(
                f"  loss in N and D (Kaplan 1.5): alpha_N {both.params['alpha_N']:.3f}, alpha_D "
                f"{both.params['alpha_D']:.3f}"
            )
    lines += [comparison.says for comparison in found.comparisons]
    return "\n".join(lines) + "\n"


def _line(row: PerplexityLaw, best: LawKey | None) -> str:
    counted = "non-embedding" if row.counted == "non_embedding" else "all"
    head = f"{row.law} in {counted} parameters"
    if isinstance(row.fit, Refused):
        return f"{head}: refused ({row.fit.refused})"
    error = row.fit.withheld_error
    missed = "not tested" if error is None else f"{100 * np.expm1(error):.1f} % off"
    low, high = row.fit.interval["b"]
    mark = " <- predicts best" if row.key == best else ""
    b, r2 = row.fit.params["b"], row.fit.in_sample["r2"]
    return (
        f"{head}: withheld sizes {missed}; b = {b:.3f} ({low:.3f} to {high:.3f}); R² of all sizes "
        f"{r2:.3f}{mark}"
    )


def _table(points: list[LanguagePoint]) -> list[str]:
    """The sizes, one a line: shape, parameters, perplexity over seeds, what one training takes."""
    rows = [TABLE] + [
        (
            point.scale,
            *("–" if each is None else f"{each:g}" for each in (point.d_model, point.n_layers)),
            f"{point.total:,}",
            f"{point.non_embedding:,}",
            f"{point.mean_perplexity:.1f}",
            "–" if point.flops is None else prefixed(point.flops, "FLOP"),
            f"{significant(point.seconds)} s",
            prefixed(point.peak_memory_bytes, "B"),
        )
        for point in points
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
