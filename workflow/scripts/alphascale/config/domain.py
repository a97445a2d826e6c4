"""One domain: its data, family, ladder and target, and what fits together of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from ..errors import UserError
from ..families import check_name, families, family, takers
from ..metrics import TABLE, metrics_of
from ..sources import source
from .base import Count, Name, Section, Seed
from .data import Data
from .training import Runs, Target, Training, canonical_fractions, seeds_once


class Quick(Section):
    """What `quick: true` changes of a domain: a test of minutes before a grid of days."""

    only: list[Name] | None = Field(
        None, min_length=1, description="Its sizes; all of the domain's by default."
    )
    epochs: Count | None = Field(None, description="Its epochs; the domain's by default.")
    withhold: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        None, description="Its withheld sizes; as many as the domain's by default."
    )


class Domain(Section):
    """One task: its data, model family, ladder of sizes and target."""

    data: Data = Field(description="Where the samples come from.")
    family: str = Field(
        description="A name of the table of families, or your own model as `module:factory`, a "
        "function called as `factory(data, **size)` that returns a `torch.nn.Module`.",
        examples=list(families()),
    )
    ladder: dict[Name, dict[str, Any]] = Field(
        description="Scale name → size, a mapping of the family's keys: see its table of sizes."
    )
    only: list[Name] | None = Field(
        None,
        min_length=1,
        description="Train only these sizes of the ladder, as for a quick test; all by default.",
    )
    quick: Quick | None = Field(
        None,
        description="What `quick: true` changes here; a domain without this section is left out of "
        "a quick test.",
    )
    naive: dict[str, Any] | None = Field(
        None,
        description="The size you would have trained without a study. Its FLOPs are counted, never "
        "spent. Without it, savings are not reported.",
    )
    fractions: list[str] = Field(
        ["1.0"], min_length=1, description="Shares of the training pool in (0, 1], nested prefixes."
    )
    seeds: list[Seed] = Field(
        [0, 1, 2], min_length=1, description="One full training per seed and learning rate."
    )
    runs: dict[Name, Runs] = Field(
        {},
        description="Scale name → its own fractions or seeds, as `snakemake plan` proposes them. "
        "All other scales are trained at every fraction with every seed.",
    )
    training: Training = Field(default_factory=Training, description="How members are trained.")
    target: Target = Field(description="What the model must reach.")
    compare: Name | None = Field(
        None,
        description="Another domain of the same data and target, with whose family this one's is "
        "compared: which reaches the target at less cost, and whether their exponents differ.",
    )
    withhold: Annotated[int, Field(ge=0, strict=True)] = Field(
        1,
        description="How many of the largest sizes are kept from a second fit, which then predicts "
        "them: the error that leads every table.",
    )

    @field_validator("family")
    @classmethod
    def _known_family(cls, family: str) -> str:
        try:
            check_name(family)
        except UserError as fault:
            raise ValueError(str(fault)) from None
        return family

    _canonical = field_validator("fractions", mode="before")(canonical_fractions)
    _once = field_validator("seeds")(seeds_once)

    @model_validator(mode="after")
    def _only_some(self) -> Domain:
        """Leave in the ladder what `only` names, so that nothing else need know of it."""
        for name in self.only or ():
            if name not in self.ladder:
                raise ValueError(
                    f"`only` names {name!r}, which is not in the ladder: {', '.join(self.ladder)}"
                )
        if self.only is not None:
            for name in set(self.ladder) - set(self.only):
                del self.ladder[name]
                self.runs.pop(name, None)
        for name in self.runs:
            if name not in self.ladder:
                raise ValueError(
                    f"`runs` names {name!r}, which is not in the ladder: {', '.join(self.ladder)}"
                )
        return self

    @model_validator(mode="after")
    def _target_fits(self) -> Domain:
        """A metric is of the task; error or F1 of numbers would be a slip."""
        asks = self.data.asks
        for name in self.target.given:
            if name not in metrics_of(asks):
                hint = ""
                if "numbers" in TABLE[name].tasks:
                    hint = "; for a number as label write `task: numbers` into `data`"
                raise ValueError(
                    f"target `{name}`: of task {asks} it is one of "
                    f"{', '.join(metrics_of(asks))}{hint}"
                )
        return self

    @model_validator(mode="after")
    def _rates_can_be_told(self) -> Domain:
        if self.training.rates == "law" and len(self.training.learning_rates) < 2:
            raise ValueError(
                "training.rates: law needs two learning_rates or more to sweep the smallest sizes"
            )
        return self

    @model_validator(mode="after")
    def _cooldowns_have_a_trunk(self) -> Domain:
        """Trainings on less data are the beginning of those on more only where each sample is seen
        once."""
        training = self.training
        if training.schedule != "cooldown":
            return self
        if not source(self.data.source).corpus:
            raise ValueError(
                "training.schedule: cooldown is for running text, where more data is a longer "
                f"training; task {self.data.asks} of source `{self.data.source}` takes `cosine`"
            )
        if training.epochs != 1:
            raise ValueError(
                f"training.epochs: schedule cooldown needs 1, not {training.epochs}: a second pass "
                "over less data is not the beginning of a training on more"
            )
        if training.patience is not None:
            raise ValueError(
                "training.patience: schedule cooldown has one epoch: leave patience out"
            )
        if training.warmup > 0.5:
            raise ValueError(
                f"training.warmup: {training.warmup:g} leaves schedule cooldown too little between "
                "warm-up and cool-down on the smallest fraction: at most 0.5"
            )
        return self

    @model_validator(mode="after")
    def _weights_have_classes(self) -> Domain:
        if self.training.class_weights != "none" and self.data.asks not in ("classes", "labels"):
            raise ValueError(
                f"training.class_weights: task {self.data.asks} has no classes to weigh"
            )
        return self

    @model_validator(mode="after")
    def _family_takes_the_source(self) -> Domain:
        kind = source(self.data.source).kind
        if kind not in family(self.family).kinds:
            raise ValueError(
                f"family `{self.family}` cannot take source `{self.data.source}`: use "
                f"{' or '.join(takers(kind)) or 'another family'}, or your own `module:factory`"
            )
        if self.data.asks not in family(self.family).tasks:
            able = [name for name in takers(kind) if self.data.asks in family(name).tasks]
            raise ValueError(
                f"family `{self.family}` cannot be asked task `{self.data.asks}`: use "
                f"{' or '.join(able) or 'another task'}, or your own `module:factory`"
            )
        return self
