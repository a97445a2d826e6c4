"""How a domain is trained: the `training`, `runs` and `target` sections."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ..metrics import TABLE
from .base import NotNegative, Positive, Section, Seed, Share


def described(name: str) -> str:
    """A metric as the reference has it: what it is, and of which tasks."""
    found = TABLE[name]
    return f"{found.meaning[0].upper()}{found.meaning[1:]}. Of {', '.join(found.tasks)}."


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
        description="Candidates; each scale keeps the one with the lowest validation loss. "
        "With three or more, a choice on the edge is a warning.",
        json_schema_extra={"minItems": 1},
    )
    rates: Literal["sweep", "law"] = Field(
        "sweep",
        description="`sweep`: every scale is trained at every candidate. `law`: the two smallest "
        "are, on the largest fraction, and all else at the one rate that follows from them for its "
        "size; the largest size is checked at a lower one. A study by rounds (`study`) takes `law` "
        "where this key is not given.",
    )
    sweep: Literal["full", "halving"] = Field(
        "full",
        description="`halving`: a candidate that can win no more after a third of the epochs is "
        "stopped.",
    )
    weight_decay: NotNegative = Field(1.0e-4, description="Weight decay.")
    schedule: Literal["constant", "cosine", "linear", "cooldown"] = Field(
        "cosine",
        description="Learning rate after warm-up: `constant`, or down to a tenth by `cosine` or "
        "`linear`. `cooldown`, of running text with `epochs: 1`: constant, and down to nothing "
        "over the last 20 % of the steps; a training on more data goes on from where that on less "
        "began to cool down, which spares about a quarter of `fractions: [0.5, 1.0]`, a third of "
        "`[0.25, 0.5, 1.0]`.",
    )
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.05,
        description="Share of all steps over which the learning rate rises linearly; with "
        "`schedule: cooldown` of those on the domain's smallest fraction.",
    )
    clip: Positive | None = Field(
        1.0, description="Largest gradient norm of a member; null for no clipping."
    )
    patience: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Stop a member after this many epochs without a better validation loss."
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none",
        description="Classes: `balanced` weighs each sample by 1/(samples of its class), so that "
        "rare classes count as much as common ones; of several labels, positives as much as "
        "negatives. Losses are reported unweighted.",
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

    @model_validator(mode="after")
    def _some_rate(self) -> Training:
        # A slice of a training by the law has none: its rate is known once small sizes are trained.
        if not self.learning_rates and self.rates != "law":
            raise ValueError("learning_rates: give at least one")
        return self


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
    """What the model must reach on the test split: a metric, or several, all of them."""

    accuracy: Share | None = Field(None, description=described("accuracy"))
    error: Share | None = Field(None, description=described("error"))
    balanced_accuracy: Share | None = Field(None, description=described("balanced_accuracy"))
    macro_f1: Share | None = Field(None, description=described("macro_f1"))
    weighted_f1: Share | None = Field(None, description=described("weighted_f1"))
    top5: Share | None = Field(None, description=described("top5"))
    auroc: Share | None = Field(None, description=described("auroc"))
    average_precision: Share | None = Field(None, description=described("average_precision"))
    calibration_error: Share | None = Field(None, description=described("calibration_error"))
    rmse: Positive | None = Field(None, description=described("rmse"))
    mae: Positive | None = Field(None, description=described("mae"))
    r2: Share | None = Field(None, description=described("r2"))
    loss: Positive | None = Field(None, description=described("loss"))
    perplexity: Annotated[float, Field(gt=1, allow_inf_nan=False)] | None = Field(
        None, description=described("perplexity")
    )

    confidence: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.9,
        description="The size that is recommended reaches the target with this probability in one "
        "run; 0.5 is an even chance, where every second run falls short.",
    )

    @model_validator(mode="after")
    def _some(self) -> Target:
        if not self.given:
            raise ValueError(f"give at least one of {', '.join(TABLE)}")
        laws = [TABLE[name].fitted for name in self.given]
        for name, law in zip(self.given, laws, strict=True):
            if laws.count(law) > 1:
                raise ValueError(f"`{name}` says the same as another of them: give one")
        return self

    @property
    def given(self) -> dict[str, float]:
        """Metric → value, of those that are given."""
        return {name: getattr(self, name) for name in TABLE if getattr(self, name) is not None}
