"""The answer in words: the page of a study, in the words of who has a table."""

from __future__ import annotations

import re

from ..auditing.audit import PASSED
from ..deciding.summary import text
from ..records.audit import AuditRecord
from ..records.decision import DecisionRecord
from ..units import wrapped

# What a study's page says → what is said of a table's runs; applied in this order.
WORDS = {
    "energy, CO₂ and money not told: the jobs' times do not carry them": "no more is told",
    "of energy not told: the jobs' times do not carry it; ": "",
    "the study never pays off": "the runs so far never pay off",
    "the study pays off": "the runs so far pay off",
    "with the study counted": "with the runs so far counted",
    "without it; the": "without them; the",
    "at the study's own speed": "at the speed of the runs so far",
    "not reported: the study names no naive model to save against": (
        "not reported: name the model that would have been trained, --naive N"
    ),
    "and the study's cost is spent": "and the cost of the runs is spent",
    "the study": "so far",  # the label
    "; `snakemake plan` weighs more runs": "",
    "; `snakemake plan` weighs more": "",
}

A_FLOP = re.compile(r"(?<=\d )([kMGTPE]?FLOP)\b(?! for)")


def page(decision: DecisionRecord, audit: AuditRecord, whole: bool) -> str:
    """The decision as it is printed, and what the audit objects to.

    whole: whether FLOPs are those of trainings; else they are of one sample in each, and say so.
    """

    def reworded(words: str) -> str:
        for of_study, own in WORDS.items():
            words = words.replace(of_study, own)
        words = re.sub(r"\bmodel params \d+: (?=[\d,]+ parameters)", "", words)  # said twice
        words = re.sub(r"\btraining params \d+ \(", "training one more size (", words)
        return words if whole else A_FLOP.sub(r"\1 a sample", words)

    return text([decision], reworded) + "\n".join(audit_lines(audit)) + "\n"


def audit_lines(found: AuditRecord) -> list[str]:
    """The tally, and each check that did not pass."""
    tally = ", ".join(f"{n} {word}" for word, n in found.tally.items())
    lines = wrapped(f"{tally} (audit/{found.domain}.json)", "  audit     ")
    for check in found.checks:
        if check.status != PASSED:
            lines += wrapped(f"{check.check}: {check.figure}", f"  {check.status:<10}")
    return lines
