"""Models of the past, with sources, and how far any model is from what each law would build."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from alphascale.calculator.allocation import (
    allocate,
    can_allocate,
    cheapest,
    outside,
)
from alphascale.calculator.known_laws import CLOSED_FORM, get_law, positive
from alphascale.errors import UserError
from alphascale.grids.allocation import FLOPS_PER
from alphascale.literature.published import PF_DAY


@dataclass(frozen=True)
class Model:
    """A trained model."""

    name: str
    params: float  # N
    tokens: float  # D seen in training
    flops: float | None = None  # C as reported, FLOP, or None for 6·N·D
    loss: float | None = None  # as measured, nats, or None
    source: str = ""  # where the figures come from

    @property
    def budget(self) -> float:
        """FLOP: as reported, else 6·N·D."""
        return self.flops or FLOPS_PER * self.params * self.tokens


# Budgets are 6·N·D; a reported compute is named in the source, since it follows other rules.
HISTORICAL = (
    Model(
        "GPT-2", 1.5e9, 4e10, loss=2.54,
        source="Radford et al. 2019: 1.5e9 parameters, 40 GB of WebText; tokens seen were never "
        "published, 4e10 is an assumption; loss measured on OpenWebText, github.com/karpathy/"
        "nanoGPT, README, baselines",
    ),
    Model(
        "GPT-3", 1.75e11, 3e11,
        source="Brown et al. 2020, arXiv:2005.14165, Tables 2.1 and D.1 (reports 3.14e23 FLOP); "
        "its loss is published as a figure alone, 3.1, on the trend 2.57·C^-.048 (C in PF-days)",
    ),
    Model(
        "Gopher", 2.8e11, 3e11,
        source="Rae et al. 2021, arXiv:2112.11446; Hoffmann et al. 2022 (report 5.76e23 FLOP)",
    ),
    Model(
        "Chinchilla", 7e10, 1.4e12,
        source="Hoffmann et al. 2022, arXiv:2203.15556, section 4 (the budget of Gopher)",
    ),
)  # fmt: skip

# Trained on text with a part of it masked: a place in the plane of N and D, no loss to compare.
BERT = Model(
    "BERT", 3.4e8, 1.28e11,
    source="Devlin et al. 2019: BERT-large, a million steps of 128,000 tokens, 40 epochs over "
    "3.3e9 words",
)  # fmt: skip

_GPT2 = (
    "loss on OpenWebText, an open copy of the private WebText it was trained on: github.com/"
    "karpathy/nanoGPT, README, baselines; 4e10 tokens are an assumption"
)
_CEREBRAS = (
    "Dey et al. 2023, arXiv:2304.03208: Pile test cross-entropy and tokens of the model card, "
    "huggingface.co/cerebras/Cerebras-GPT-13B; GPT-2's tokenizer"
)
# Models whose loss in nats per token was published, beside which a prediction can be held. N is
# total, as published. Gopher's and Chinchilla's losses were not.
MEASURED = tuple(
    Model(f"{family} {size}", params, tokens, loss=loss, source=source)
    for family, source, rows in (
        (
            "GPT-2", _GPT2,
            (
                ("124M", 1.24e8, 4e10, 3.12), ("350M", 3.5e8, 4e10, 2.84),
                ("774M", 7.74e8, 4e10, 2.67), ("1558M", 1.558e9, 4e10, 2.54),
            ),
        ),
        (
            "Cerebras-GPT", _CEREBRAS,
            (
                ("111M", 1.11e8, 2.22e9, 2.566), ("256M", 2.56e8, 5.12e9, 2.299),
                ("590M", 5.9e8, 1.18e10, 2.184), ("1.3B", 1.3e9, 2.63e10, 1.996),
                ("2.7B", 2.7e9, 5.30e10, 1.834), ("6.7B", 6.7e9, 1.33e11, 1.704),
                ("13B", 1.3e10, 2.57e11, 1.575),
            ),
        ),
    )
    for size, params, tokens, loss in rows
)  # fmt: skip

UNLIKE = 1.5  # times 6·N·D a budget may be of the same dense model
COMPARED = (
    "kaplan-nd",
    "kaplan-nd-separate",
    "chinchilla-rounded",
    "chinchilla",
    "chinchilla-epoch",
    "chinchilla-huber",
    "kaplan-table6",
    CLOSED_FORM,
    "chinchilla-1",
    "chinchilla-2",
    "chinchilla-3",
)


@dataclass(frozen=True)
class Comparison:
    """One model against one law."""

    # name, law: the model's and the law's
    name: str
    law: str
    # params, tokens, flops: the model's N, D and C
    params: float
    tokens: float
    flops: float
    loss: float | None  # predicted at (params, tokens), None for a rule without a loss of N and D
    measured: float | None  # the model's own loss, or None
    # best_params, best_tokens, best_loss: the law's allocation of the same budget
    best_params: float
    best_tokens: float
    best_loss: float | None
    # params_ratio, tokens_ratio: model over optimum
    params_ratio: float
    tokens_ratio: float
    # the least budget whose allocation reaches the same predicted loss, FLOP
    flops_needed: float | None
    wasted: float | None  # 1 − flops_needed/flops
    notes: tuple[str, ...] = ()  # what a reader should know

    def __iter__(self) -> Iterator:
        """name, N, D, loss: `for name, N, D, L in …`."""
        return iter((self.name, self.params, self.tokens, self.loss))

    def as_dict(self) -> dict:
        return {**asdict(self), "notes": list(self.notes), "pf_days": self.flops / PF_DAY}


def compare(models: Iterable[Model], laws: Sequence = COMPARED) -> list[Comparison]:
    """Every model against every law (names, saved fits, Fits). Raises UserError for a law without
    an allocation."""
    chosen = [get_law(law) for law in laws]
    for law in chosen:
        if not can_allocate(law):
            known = ", ".join(COMPARED)
            raise UserError(
                f"law {law.name} has no optimum to compare with; choose of {known}, or a saved fit "
                "of params and tokens"
            )
    return [_compare(model, law) for model in models for law in chosen]


def _compare(model: Model, law) -> Comparison:
    best = allocate(law, model.budget)
    loss = needed = wasted = None
    if {"params", "tokens"} == set(law.variables):
        loss = law.value(params=model.params, tokens=model.tokens)
        needed = cheapest(law, loss).flops
        wasted = 1 - needed / model.budget
    notes = outside(law, {"params": model.params, "tokens": model.tokens})
    dense = FLOPS_PER * model.params * model.tokens
    if wasted is not None and (wasted < 0 or not 1 / UNLIKE < model.budget / dense < UNLIKE):
        wasted = None
        notes += (
            f"{model.budget:.3g} FLOP are {model.budget / dense:.3g} × 6·N·D (experts, PF-days?): "
            "what was wasted is not told",
        )
    return Comparison(
        model.name, law.name, model.params, model.tokens, model.budget, loss, model.loss,
        best.params, best.tokens, best.loss, model.params / best.params,
        model.tokens / best.tokens, needed, wasted,
        notes,
    )  # fmt: skip


def read_models(path: str | Path) -> list[Model]:
    """Models of a CSV with columns name, params, tokens and, optionally, flops and loss.

    An empty cell of an optional column is a missing value. Raises UserError naming file, row and
    column.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns = [c.strip() for c in reader.fieldnames or []]
            reader.fieldnames = columns
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise UserError(f"{path}: cannot be read as a CSV ({fault})") from None
    missing = [c for c in ("name", "params", "tokens") if c not in columns]
    if missing:
        raise UserError(
            f"{path}: column {', '.join(missing)} is missing; the columns are name, params, tokens "
            f"and, optionally, flops and loss; found {', '.join(columns) or 'none'}"
        )
    if not rows:
        raise UserError(f"{path}: no rows under the header: nothing to compare")
    return [_model(path, number, row) for number, row in enumerate(rows, 2)]


def _model(path, number: int, row: dict) -> Model:
    values: dict[str, float | None] = {}
    for column in ("params", "tokens", "flops", "loss"):
        text = (row.get(column) or "").strip()
        if not text and column in ("flops", "loss"):
            values[column] = None
            continue
        try:
            values[column] = positive(column, text)
        except UserError as fault:
            raise UserError(f"{path}, line {number}: {fault}") from None
    name = (row.get("name") or "").strip() or f"line {number}"
    return Model(name, **values, source=str(path))
