"""Worked examples of the calculator as texts, and one page that shows them with the figures."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from pathlib import Path

from alphascale.calculator.calculator import Calculator
from alphascale.calculator.historical import HISTORICAL, MEASURED
from alphascale.calculator.shown import budget, grid, nats, short
from alphascale.calculator.strategies import strategies
from alphascale.literature.published import PF_DAY

LAWS = ("kaplan-nd-separate", "kaplan-nd", "chinchilla", "chinchilla-epoch")
BUDGET = 1.0  # PF-days


def calculator_text() -> str:
    """Four questions, by Kaplan's law and beside it by others: a loss, models, ten times N, a
    budget."""
    calculators = {name: Calculator(name) for name in LAWS}
    ours = calculators[LAWS[0]]
    gpt3 = next(m for m in HISTORICAL if m.name == "GPT-3")
    parts = [
        f"By {ours.law.name}: {ours.law.source}.\nLosses in nats per token.",
        _titled(
            "1. What loss does GPT-3 reach?",
            grid(
                ["law", "N", "D", "loss"],
                [
                    [n, short(gpt3.params), short(gpt3.tokens),
                     nats(c.predict_loss(gpt3.params, gpt3.tokens))]
                    for n, c in calculators.items()
                ],
            )
            + f"\n{gpt3.source}",
        ),
        _titled("2. Models of the past", _models(calculators, HISTORICAL)),
        _titled("3. Models whose loss was published", _models(calculators, MEASURED)),
        _titled(
            "4. What do ten times the parameters gain, at 1e10 tokens?",
            grid(
                ["law", "1e9", "1e10", "gain"],
                [
                    [n, nats(before), nats(after), f"{percent:.1f} %"]
                    for n, (percent, before, after) in (
                        (n, c.how_much_better(1e9, 1e10, 1e10, 1e10))
                        for n, c in calculators.items()
                    )
                ],
            ),
        ),
        _titled(
            f"5. What should {BUDGET:g} PF-day train?",
            grid(
                ["law", "N", "D", "6·N·D, FLOP", "loss"],
                [
                    [a.law, short(a.params), short(a.tokens), short(a.spent), nats(a.loss)]
                    for a in (
                        Calculator(n).compute_optimal_allocation(BUDGET)
                        for n in (*LAWS, "kaplan-table6", "kaplan-closed-form")
                    )
                ],
            ),
        ),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def allocation_text() -> str:
    """Allocations over budgets, and what a wrong split of one costs, by every law of `LAWS`."""
    parts = []
    for name in LAWS:
        calculator = Calculator(name)
        rows = [
            [f"{a.flops / PF_DAY:g}", short(a.params), short(a.tokens), nats(a.loss)]
            for a in calculator.generate_allocation_table()
        ]
        parts.append(_titled(f"{name}: budgets", grid(["PF-days", "N", "D", "loss"], rows)))
        found = calculator.compare_allocation_strategies(BUDGET)
        best = found["optimal"].loss
        rows = [
            [how, short(a.params), short(a.tokens), nats(a.loss), f"{a.loss - best:.4f}"]
            for how, a in found.items()
        ]
        head = ["strategy", "N", "D", "loss", "above best"]
        parts.append(_titled(f"{name}: splits of {budget(BUDGET * PF_DAY)}", grid(head, rows)))
    return "\n\n".join(parts) + "\n"


def strategies_text() -> str:
    """Ways to spend one true cost: size against steps, and batch against steps."""
    head = ["strategy", "N", "B", "S", "D = B·S", "loss"]
    parts = []
    for days in (BUDGET, 100.0):
        rows = [
            [s.name, short(s.params), short(s.batch), short(s.steps), short(s.tokens), nats(s.loss)]
            for s in strategies(days * PF_DAY)
        ]
        parts.append(_titled(f"C = 6·N·B·S = {budget(days * PF_DAY)}", grid(head, rows)))
    return "\n\n".join(parts) + "\n"


TEXTS = {
    "calculator": calculator_text,
    "allocation": allocation_text,
    "training_strategies": strategies_text,
}


def page(figures: Mapping[str, Path], texts: Mapping[str, str]) -> str:
    """One self-contained HTML page: the figures (title → PNG) and the texts (title → text)."""
    out = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<title>The published laws</title>",
        "<style>body{font:15px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "img{width:100%;max-width:56em}pre{overflow:auto;background:#f6f6f6;padding:1em}</style>",
        "<h1>The published laws</h1>",
        "<p>Predictions of published scaling laws; nothing was trained. Every figure names its "
        "sources.</p>",
    ]
    for title, path in figures.items():
        data = base64.b64encode(Path(path).read_bytes()).decode()
        shown = html.escape(title, quote=True)
        out.append(f"<h2>{shown}</h2><img alt='{shown}' src='data:image/png;base64,{data}'>")
    for title, text in texts.items():
        out.append(f"<h2>{html.escape(title)}</h2><pre>{html.escape(text)}</pre>")
    return "\n".join([*out, "</html>"]) + "\n"


def _models(calculators: Mapping[str, Calculator], models) -> str:
    rows = []
    for model in models:
        at = (model.params, model.tokens)
        losses = [nats(c.predict_loss(*at)) for c in calculators.values()]
        rows.append([model.name, *(short(v) for v in at), nats(model.loss), *losses])
    named: dict[str, list[str]] = {}
    for model in models:
        named.setdefault(model.source, []).append(model.name)
    sources = "\n".join(f"{', '.join(names)}: {source}" for source, names in named.items())
    return f"{grid(['model', 'N', 'D', 'measured', *calculators], rows)}\n{sources}"


def _titled(title: str, body: str) -> str:
    return f"{title}\n\n{body}"
