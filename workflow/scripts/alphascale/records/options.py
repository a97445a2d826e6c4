"""How a training is done: the part of a study's configuration that its jobs and records carry.

It is apart from the rest of the configuration because training programs import it: a key of another
section leaves trained models alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, strict=True)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Training(Section):
    """How every member of a job is trained."""

    epochs: Count = Field(20, description="Passes over the training fraction.")
    batch_size: Count = Field(128, description="Samples per step.")
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
    weight_decay: Annotated[float, Field(ge=0)] = Field(1.0e-4, description="Weight decay.")
    schedule: Literal["constant", "cosine", "linear"] = Field(
        "cosine", description="Learning rate after warm-up: `constant`, or down to a tenth."
    )
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.05, description="Share of all steps over which the learning rate rises linearly."
    )
    clip: Positive | None = Field(
        1.0, description="Largest gradient norm of a member; null for no clipping."
    )
    patience: Count | None = Field(
        None, description="Stop a member after this many epochs without a better validation loss."
    )
    augment: bool = Field(False, description="Images: random horizontal flip and shifted crop.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="`auto`: bfloat16 autocast on GPUs that gain from it, else float32."
    )

    @field_validator("learning_rates")
    @classmethod
    def _sorted_once(cls, rates: list[float]) -> list[float]:
        if len(set(rates)) != len(rates):
            raise ValueError("a learning rate is listed twice")
        return sorted(rates)
