"""How a domain is trained: the `training`, `runs` and `target` sections."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from .base import NotNegative, Positive, Section, Seed, Share

METRICS = ("accuracy", "error", "loss", "perplexity")
LANGUAGE_METRICS = ("loss", "perplexity")


class Training(Section):
    """How every member of a job is trained."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        20, description="Passes over the training fraction."
    )
    batch_size: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        128, description="Samples per step."
    )
    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        "adamw",
        description="`adam` (L2 in the gradient), `adamw` (decoupled), `sgd` (momentum .9).",
    )
    learning_rates: list[Positive] = Field(
        [1.0e-3],
        min_length=1,
        description="Candidates; each scale keeps the one with the lowest validation loss. "
        "With three or more, a choice on the edge is a warning.",
    )
    weight_decay: NotNegative = Field(1.0e-4, description="Weight decay.")
    schedule: Literal["constant", "cosine", "linear"] = Field(
        "cosine", description="Learning rate after warm-up: `constant`, or down to a tenth."
    )
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.05, description="Share of all steps over which the learning rate rises linearly."
    )
    clip: Positive | None = Field(
        1.0, description="Largest gradient norm of a member; null for no clipping."
    )
    patience: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Stop a member after this many epochs without a better validation loss."
    )
    augment: bool = Field(False, description="Images: random horizontal flip and shifted crop.")
    keep: bool = Field(
        False,
        description="Keep the best epoch's weights of each seed at the chosen learning rate, in "
        "`results/{run}/models/{domain}/{scale}/{fraction}/{seed}/`; those of family `hf` can be "
        "named as `pretrained`.",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="`auto`: bfloat16 autocast on GPUs that gain from it, else float32."
    )

    @field_validator("learning_rates")
    @classmethod
    def _sorted_once(cls, rates: list[float]) -> list[float]:
        if len(set(rates)) != len(rates):
            raise ValueError("a learning rate is listed twice")
        return sorted(rates)


def canonical_fractions(given: Any) -> Any:
    """0.5, .50 and "0.5" are one fraction: it becomes a file name, so it has one spelling."""
    if not isinstance(given, list):
        return given
    canonical = []
    for each in given:
        try:
            value = float(each) if not isinstance(each, bool) else 0.0
        except (TypeError, ValueError):
            value = 0.0
        if not 0 < value <= 1:
            raise ValueError(f"{each!r} is not a fraction in (0, 1]")
        canonical.append(repr(value))
    if len(set(canonical)) != len(canonical):
        raise ValueError("a fraction is listed twice")
    return sorted(canonical, key=float)


def seeds_once(seeds: list[int] | None) -> list[int] | None:
    if seeds is not None and len(set(seeds)) != len(seeds):
        raise ValueError("a seed is listed twice")
    # Their order says nothing, and makes nothing stale.
    return seeds and sorted(seeds)


class Runs(Section):
    """One scale that is trained at other fractions, or with other seeds, than its domain."""

    fractions: list[str] | None = Field(
        None, min_length=1, description="In place of the domain's `fractions`."
    )
    seeds: list[Seed] | None = Field(
        None, min_length=1, description="In place of the domain's `seeds`."
    )

    _canonical = field_validator("fractions", mode="before")(canonical_fractions)
    _once = field_validator("seeds")(seeds_once)


class Target(Section):
    """What the model must reach: exactly one metric."""

    accuracy: Share | None = Field(None, description="Test accuracy to reach, in (0, 1).")
    error: Share | None = Field(None, description="Test error (1 − accuracy) to reach, in (0, 1).")
    loss: Positive | None = Field(None, description="Test cross-entropy to reach, in nats.")
    perplexity: Annotated[float, Field(gt=1, allow_inf_nan=False)] | None = Field(
        None,
        description="Language models: test perplexity to reach, e to the loss in nats per token.",
    )

    confidence: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.9,
        description="The size that is recommended reaches the target with this probability in one "
        "run; 0.5 is an even chance, where every second run falls short.",
    )

    @model_validator(mode="after")
    def _one(self) -> Target:
        given = [m for m in METRICS if getattr(self, m) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(METRICS)}")
        return self

    @property
    def metric(self) -> str:
        return next(m for m in METRICS if getattr(self, m) is not None)

    @property
    def value(self) -> float:
        return getattr(self, self.metric)
