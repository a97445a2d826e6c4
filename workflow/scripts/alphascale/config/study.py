"""The whole study: its domains, and what is asked of all of them."""

from __future__ import annotations

import json
import os
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ..carbon import WORLD, intensity
from ..errors import UserError
from ..sources import source
from .base import Count, Name, NotNegative, Number, Positive, Section, Seed, Share
from .domain import Domain

# Sizes that a law needs, those of the withheld apart; four for every law that is not named here.
# The forms say the same (a test holds them to it), but bring numpy along: not at every start.
LEAST_SIZES = {"auto": 2, "m4": 5, "broken": 6, "broken_2": 9, "broken_3": 12}


class Fit(Section):
    """The law that is fitted to error against parameters."""

    law: Literal[
        "auto", "power", "power_floor", "perplexity", "perplexity_floor",
        "m1", "m2", "m3", "m4", "broken", "broken_2", "broken_3",
    ] = Field(
        "auto",
        description="`auto` weighs forms by what they predict, and uses all fractions for each; or "
        "one form from the law engine: `power_floor` is E + A·N^(−α). All of them: docs/laws.md.",
    )  # fmt: skip
    params: Literal["total", "non_embedding"] = Field(
        "total",
        description="What N counts. Embeddings are 97–99 % of a small text model: `non_embedding` "
        "leaves them out of the law, and N* is then counted without them too.",
    )
    prior: str | None = Field(
        None,
        description="File of a prior for law `auto`, as `alphascale prior results/* --out FILE` "
        "learns it from your finished studies; without it, the one that ships with alphascale.",
    )

    options: dict[str, bool | int | float] | None = Field(
        None,
        description="Of the laws m1 to m4, by their published names: `{err_0: 1.0, update_err_0: "
        "false, max_iterations: 500}`. All of them: docs/curves.md.",
    )

    @model_validator(mode="after")
    def _options_are_the_laws(self) -> Fit:
        if self.options:
            from ..laws.options import settings  # numpy: not at every start of Snakemake

            try:
                settings(self.law, self.options)
            except UserError as fault:
                raise ValueError(f"options: {fault}") from None
        return self

    @model_validator(mode="after")
    def _prior_is_autos(self) -> Fit:
        if self.prior is not None and self.law != "auto":
            raise ValueError(f"prior: law {self.law} has none; use law auto")
        if self.prior is not None:
            from ..fitting.learning import read_prior  # numpy: not at every start of Snakemake

            if os.path.exists(self.prior) and not os.path.isfile(self.prior):
                raise ValueError(f"prior: {self.prior!r} is no file")
            try:
                read_prior(self.prior)
            except UserError as fault:
                raise ValueError(f"prior: {fault}") from None
        return self


class Bootstrap(Section):
    """Intervals by resampling."""

    resamples: Annotated[int, Field(ge=100, le=100_000)] = Field(
        1000, description="Bootstrap resamples per fit."
    )
    level: Share = Field(0.95, description="Coverage of every interval.")


class Costs(Section):
    """Prices that turn training FLOPs into energy, CO₂ and money."""

    watts: Positive | None = Field(
        None,
        description="Power of one device under load, where energy was not measured; by default "
        "that of the device that trained: 10 W for each CPU core by the CPU time used, a GPU's own "
        "limit.",
    )
    flops_per_second: Positive | None = Field(
        None,
        description="Sustained training throughput; by default taken from the study's records.",
    )
    carbon_g_per_kwh: Number | str = Field(
        WORLD,
        description="Carbon intensity: a number, or a country by English name or ISO code (`France`"
        ", `FR`), looked up in `alphascale/resources/carbon_intensity.csv`. Default: world average "
        "(IEA, Electricity 2025).",
    )
    pue: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        1.0, description="Power usage effectiveness of the building: 1 is none lost."
    )
    price_per_kwh: NotNegative = Field(0.25, description="Price of energy.")
    price_per_hour: Positive | None = Field(
        None,
        description="Price of an hour of one device, as a cloud charges it; where given, money is "
        "hours times this, and energy is not paid for apart.",
    )
    price_per_label: NotNegative | None = Field(
        None,
        description="Price of one labelled sample; where given, the cheapest pair (N, D) is the "
        "cheapest in money, labels and training together, and what labels cost is told.",
    )
    currency: str = Field("USD", max_length=8, description="Label of the price.")

    @field_validator("carbon_g_per_kwh")
    @classmethod
    def _known_country(cls, given: float | str) -> float | str:
        try:
            intensity(given)
        except UserError as fault:
            raise ValueError(str(fault)) from None
        return given


class Verify(Section):
    """What `snakemake verify` trains, to set measured beside predicted."""

    naive: bool = Field(
        False, description="Also train the naive model; else only the recommended architecture."
    )


class Planning(Section):
    """What `snakemake plan` may spend, and on what."""

    flops: Positive | None = Field(
        None,
        description="Training FLOPs that the planned runs of a domain may take, all seeds and "
        "learning rates counted; by default as many as its ladder has taken.",
    )
    goal: Literal["n_star", "cheapest"] = Field(
        "n_star",
        description="What to narrow: `n_star`, the interval of N* at the full data, or `cheapest`, "
        "that of the FLOPs of the cheapest (N, D) by the joint law.",
    )
    reach: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        8.0, description="Largest size that may be proposed, as a multiple of the largest trained."
    )
    seeds: Annotated[int, Field(ge=1, le=1_000)] = Field(
        8, description="Most seeds of one planned run."
    )
    futures: Annotated[int, Field(ge=1, le=10_000)] = Field(
        24,
        description="Times that the planned runs' results are made up and fitted, to say how wide "
        "the interval will be after them.",
    )


class Until(Section):
    """When a study by rounds is sure enough."""

    interval: Annotated[float, Field(gt=1, allow_inf_nan=False)] = Field(
        1.5,
        description="N* is known well enough where the upper end of its interval is at most this "
        "many times the lower.",
    )


class Budget(Section):
    """What a study by rounds may take, all domains together; every limit that is given holds."""

    flops: Positive | None = Field(None, description="Training FLOPs.")
    hours: Positive | None = Field(None, description="Hours of devices, all jobs together.")
    kwh: Positive | None = Field(None, description="Energy, in kWh.")
    co2_g: Positive | None = Field(None, description="CO₂, in grams.")
    money: Positive | None = Field(None, description="Money, in `costs.currency`.")
    naive: Positive | None = Field(
        None,
        description="Of each domain, as a share of one training of its naive model, in FLOPs. "
        "Where no limit is given at all, .25.",
    )


class Rounds(Section):
    """A study by rounds: it begins with the smallest sizes of each ladder and trains, round by
    round, what narrows N* most for its cost."""

    until: Until = Field(default_factory=Until, description="When it is sure enough.")
    budget: Budget = Field(default_factory=Budget, description="What it may take.")
    start: Annotated[int, Field(ge=3, le=1_000)] = Field(
        4, description="How many sizes of each ladder the first round trains, the smallest."
    )
    seeds: Annotated[int, Field(ge=1, le=1_000)] = Field(
        2,
        description="With how many of the domain's seeds, the first; later rounds choose theirs.",
    )
    rounds: Annotated[int, Field(ge=1, le=1_000)] = Field(
        12, description="Most rounds, the first among them."
    )

    @property
    def limits(self) -> Budget:
        """The budget, or what holds where none is given."""
        given = any(value is not None for value in self.budget.model_dump().values())
        return self.budget if given else Budget(naive=0.25)


class Serving(Section):
    """What is asked of the model once it is trained; measured where this section is."""

    requests: NotNegative = Field(
        0.0,
        description="Requests, a sample each, that the model will answer over its life; their "
        "energy and money are added to those of its training.",
    )
    latency_ms: Positive | None = Field(
        None,
        description="Milliseconds within which 95 % of the batches must be answered on the device "
        "that trains; a size that is slower is not recommended.",
    )
    memory_mb: Positive | None = Field(
        None,
        description="MB (10⁶ bytes) that weights and activations may take while a batch is "
        "answered; a size that takes more is not recommended.",
    )
    batch: Count = Field(1, description="Requests that are answered at once.")


class CurvesBenchmark(Section):
    """The published learning curves that `snakemake curves_benchmark` judges the laws on."""

    source: str = Field(
        "https://raw.githubusercontent.com/google-research/google-research/master/"
        "revisiting_neural_scaling_laws/data",
        description="Address, or folder, of the benchmark's files; fetched to "
        "`downloads/learning_curves/`.",
    )
    sha256: dict[str, str] = Field(
        {
            "benchmark.vision.csv": (
                "23b00692d71e58aa5a2a941e831d57688e0977fdcf5f5125ff7b64283b5d9e83"
            ),
            "benchmark.lang.csv": (
                "63c346db00a66b692e1ea9a0f71a2f2b267e55f74be5b863a92e199dffbf0983"
            ),
        },
        description="File name → SHA-256 that it must have.",
    )


# Names of rules: as a target on the command line each means the stage, not a domain.
STAGES = frozenset(
    [
        "aggregate",
        "all",
        "audit",
        "audit_summary",
        "bootstrap",
        "compare",
        "compare_domain",
        "curves_benchmark",
        "figures",
        "fit",
        "fit_domain",
        "language_laws",
        "literature",
        "observations",
        "optimize",
        "optimize_domain",
        "pace_domain",
        "page",
        "plan",
        "plan_domain",
        "plot",
        "plot_language",
        "plot_summary",
        "prepare",
        "rates_domain",
        "regimes",
        "regimes_domain",
        "round",
        "serving_domain",
        "serving_figures",
        "summary",
        "summary_domain",
        "train",
        "verify",
        "verify_domain",
    ]
)
SHARED = ("curves", "literature")  # folders of results that are no study's


class Study(Section):
    """The whole study."""

    run: Name = Field("default", description="Name of the study: results go to `results/{run}/`.")
    results: str = Field(
        "results",
        min_length=1,
        pattern=r"^[A-Za-z0-9._/~-][A-Za-z0-9._/ ~-]*$",
        description="Folder that results go to, one of each `run`'s name below it; absolute, or "
        "relative to the folder that snakemake runs in.",
    )
    quick: bool = Field(
        False,
        description="`true` (as in `--config quick=true`): the study's quick test, as its domains' "
        "`quick` sections say it; results go to `results/{run}-quick/`.",
    )
    seed: Seed = Field(
        0, description="Seed of splits, permutation and bootstrap; members have their own."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where to train: `auto` takes a GPU where there is one."
    )
    jobs_per_gpu: Count = Field(
        1,
        description="How many training jobs of one machine may share a GPU; each GPU is leased to "
        "so many at once. Under SLURM the scheduler hands out GPUs, and this does nothing.",
    )
    domains: dict[Name, Domain] = Field(min_length=1, description="Domain name → task.")
    fit: Fit = Field(default_factory=Fit, description="The law.")
    bootstrap: Bootstrap = Field(default_factory=Bootstrap, description="The intervals.")
    costs: Costs = Field(default_factory=Costs, description="The prices.")
    verify: Verify = Field(default_factory=Verify, description="Predictions put to the test.")
    planning: Planning = Field(default_factory=Planning, description="The next runs.")
    study: Rounds | None = Field(
        None,
        description="A study by rounds, within a budget, in place of the whole ladder at once: "
        "docs/rounds.md. `{}` for its defaults.",
    )
    serving: Serving | None = Field(
        None,
        description="What the model costs to keep, measured and added to the decision; without "
        "this section (`serving: {}` is one) nothing is measured.",
    )
    plan: Literal["apply"] | None = Field(
        None,
        description="`apply` (as in `--config plan=apply`): also train the runs that the last "
        "`snakemake plan` proposed, as if they were written in this file.",
    )
    curves_benchmark: CurvesBenchmark = Field(
        default_factory=CurvesBenchmark, description="Published curves to judge the laws on."
    )

    @field_validator("run")
    @classmethod
    def _a_folder_of_its_own(cls, run: str) -> str:
        if run in SHARED:
            raise ValueError(f"results/{run}/ holds what is no study's: choose another name")
        return run

    @field_validator("domains")
    @classmethod
    def _no_stage(cls, domains: dict[str, Domain]) -> dict[str, Domain]:
        for name in STAGES & set(domains):
            raise ValueError(f"{name!r} is a stage, as a target to make: choose another name")
        return domains

    @model_validator(mode="after")
    def _ladders_are_fittable(self) -> Study:
        least = LEAST_SIZES.get(self.fit.law, 4)
        for name, domain in self.domains.items():
            sizes = len({json.dumps(size, sort_keys=True) for size in domain.ladder.values()})
            if sizes - domain.withhold < least:
                raise ValueError(
                    f"domains.{name}.ladder: it has {sizes} sizes and withholds {domain.withhold}: "
                    f"law {self.fit.law} needs at least {least} sizes to fit; add sizes"
                )
        return self

    @model_validator(mode="after")
    def _rounds_can_begin(self) -> Study:
        if self.study is None:
            return self
        if self.plan is not None:
            raise ValueError("plan: a study by rounds (`study`) plans for itself: leave one out")
        least = LEAST_SIZES.get(self.fit.law, 4)
        for name, domain in self.domains.items():
            if self.study.start - domain.withhold < least:
                raise ValueError(
                    f"study.start: the first round trains {self.study.start} sizes and "
                    f"domains.{name} withholds {domain.withhold}: law {self.fit.law} needs at "
                    f"least {least} sizes to fit; start with {least + domain.withhold}"
                )
        return self

    @model_validator(mode="after")
    def _comparisons_are_fair(self) -> Study:
        for name, domain in self.domains.items():
            other = self.domains.get(domain.compare) if domain.compare else None
            if domain.compare and (other is None or domain.compare == name or other.compare):
                raise ValueError(
                    f"domains.{name}.compare: {domain.compare!r} must be another domain that does "
                    f"not itself compare; there are {', '.join(self.domains)}"
                )
            if other is not None and other.data != domain.data:
                raise ValueError(
                    f"domains.{name}.compare: {domain.compare!r} has other data: families compare "
                    "only on the same (write `data: *NAME` with a YAML anchor)"
                )
            # Perplexity laws have always been compared whatever the targets are.
            if (
                other is not None
                and other.target.given != domain.target.given
                and not source(domain.data.source).corpus
            ):
                raise ValueError(
                    f"domains.{name}.compare: {domain.compare!r} has another target: which family "
                    "costs less is asked of one (write `target: *NAME` with a YAML anchor)"
                )
        return self
