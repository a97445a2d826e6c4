"""The first page of `snakemake --report`: what was decided, and whether to believe it.

Snakemake renders it as a template, and then as reStructuredText; nothing in a sentence is either.
"""

from __future__ import annotations

import re

from ..deciding import summary
from ..records.decision import DecisionRecord

INTRODUCTION = """\
What a study of small models says of the large one. Of each task first by how much the law missed
sizes that it had not seen: that alone says whether to believe the rest. To move targets and
prices: `study.html`_, also in Summary_. How the results hang together is drawn below.
"""
READING = """\
How to read it
==============

N* is the smallest number of parameters whose expected metric reaches the target. Its interval
comes from draws of the law (of a named law, from resamples of its fit): a draw that never reaches
the target counts as infinitely large, and is told as the probability that the target is out of
reach. In-sample fit is no evidence, and is shown as a description. Energy is marked as estimated
(assumed power × time) wherever it was not measured. Savings count the cost of this study first
(net), and leave it out second (gross).
"""


def answer(title: str, decisions: list[DecisionRecord]) -> str:
    """The page in reStructuredText, a section a domain."""
    parts = [_heading(f"Study {title}", "#"), INTRODUCTION]
    for decision in decisions:
        parts.append(_heading(f"{decision.domain}: {summary.target_text(decision)}", "="))
        for name, words in (
            ("Withheld sizes", summary.withheld_text(decision)),
            ("N*", summary.star_text(decision)),
            ("Build", summary.build_text(decision)),
            ("Its cost", summary.cost_text(decision, "architecture")),
            ("Saving", summary.saving_text(decision)),
            *(("Warning", each) for each in summary.warnings(decision)),
        ):
            if words:
                parts.append(f"**{escaped(name)}**: {escaped(words)}.\n")
    return "\n".join([*parts, READING])


def escaped(text: str) -> str:
    """Text that neither reStructuredText nor a template takes for markup."""
    plain = re.sub(r"([\\*_`|<>\[\]])", r"\\\1", text)
    return re.sub(r"([{#%])(?=[{#%])", r"\1 ", plain)


def _heading(text: str, line: str) -> str:
    shown = escaped(text)
    return f"{shown}\n{line * (len(shown) + 4)}\n"
