"""The study as validated data: every key, its type, its bounds, its default and its meaning.

This module is the one place where the configuration is defined. The JSON schema
(`workflow/schemas/config.schema.json`) and the reference in `config/README.md` are generated from
it by `workflow/scripts/document_config.py`; a test fails when they drift.

It imports neither torch nor pandas: the Snakefile parses it, and every cluster job parses again.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from .carbon import WORLD, intensity
from .errors import UserError
from .records.options import Count, Positive, Section, Share, Training

# A name becomes a folder, a wildcard and a shell word: nothing that any of the three could misread.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
Name = Annotated[str, Field(pattern=NAME, max_length=64)]
FAMILIES = ("mlp", "cnn", "transformer", "transformer_lm", "resnet_bk")
EMBEDDED = ("optdigits", "letter", "torch_code")
DOWNLOADED = ("cifar10", "fashion_mnist", "yahoo_answers", "covertype")
OWN = ("csv", "images", "text", "corpus")
CORPORA = ("torch_source", "wikitext2", "corpus")
# What a family of this project takes; sources of other kinds are refused before anything is read.
TAKES = {
    "mlp": ("letter", "covertype", "csv", "optdigits", "cifar10", "fashion_mnist", "images"),
    "cnn": ("optdigits", "cifar10", "fashion_mnist", "images"),
    "transformer": ("torch_code", "yahoo_answers", "text"),
    "transformer_lm": CORPORA,
    "resnet_bk": CORPORA,
}
METRICS = ("accuracy", "error", "loss", "perplexity")
LANGUAGE_METRICS = ("loss", "perplexity")


class Data(Section):
    """Where a domain's samples come from and how they are split."""

    source: Literal[
        "optdigits", "letter", "torch_code",
        "cifar10", "fashion_mnist", "yahoo_answers", "covertype",
        "csv", "images", "text",
        "torch_source", "wikitext2", "corpus",
    ] = Field(
        description="Embedded: `optdigits` (8×8 digit images), `letter` (16 numbers, 26 letters), "
        "`torch_code` (fragments of the installed torch's Python files, ten subpackages). "
        "Downloaded on demand: `cifar10`, `fashion_mnist`, `yahoo_answers`, `covertype`. "
        "Your own, by `path`: `csv` (a table), `images` (a folder per class, or IDX files), "
        "`text` (CSV or JSON lines). "
        "For language models: `torch_source` (embedded: the installed torch's Python files), "
        "`wikitext2` (downloaded, raw), `corpus` (your own: a text file or a folder of them)."
    )  # fmt: skip
    path: str | None = Field(
        None,
        description="File or folder of your own data (`csv`, `images`, `text`); for a downloaded "
        "source, the folder where its files lie or go (default `downloads/`).",
    )
    label: str | None = Field(
        None, description="`csv`, `text`: the column that holds the class (default `label`)."
    )
    text: list[str] | None = Field(
        None, description="`text`: the columns that are joined into the text (default `[text]`)."
    )
    drop: list[str] = Field([], description="`csv`: columns to leave out (identifiers, dates).")
    test: float | int = Field(
        0.2, description="Test split: a share in (0, 1) or a number of samples."
    )
    validation: float | int = Field(
        0.1, description="Validation split: a share in (0, 1) or a number of samples."
    )
    limit: Count | None = Field(
        None,
        description="Use at most this many samples, drawn stratified; all by default. Of a corpus: "
        "at most this many training windows.",
    )
    length: Count = Field(
        128,
        description="Text: tokens per sample; longer ones are cut. Of a corpus: tokens per window.",
    )
    vocabulary: Annotated[int, Field(ge=257, strict=True)] = Field(
        4096,
        description="Text: size of the byte-pair vocabulary trained on the training part; the 256 "
        "bytes and the padding are always in it.",
    )
    tokenizer: str | None = Field(
        None,
        description="Text: a pretrained tokenizer by name or folder (as `bert-base-uncased`) "
        "instead of one trained here.",
    )
    image_size: Count | None = Field(
        None, description="`images` in folders: side in pixels every image is resized to."
    )

    @field_validator("path", "tokenizer")
    @classmethod
    def _a_name_that_all_can_take(cls, path: str | None) -> str | None:
        if path is not None and not (path and path.isprintable()):
            raise ValueError(f"{path!r} is empty or holds characters that cannot be printed")
        if path is not None and set("{}<>") & set(path):
            raise ValueError(
                f"{path!r} holds {{, }}, < or >, which Snakemake does not take as such"
            )
        return path

    @model_validator(mode="after")
    def _fits_source(self) -> Data:
        if self.source in OWN and not self.path:
            raise ValueError(f"source `{self.source}` needs `path`: a file or folder of your own")
        for split in ("test", "validation"):
            value = getattr(self, split)
            if isinstance(value, bool) or not (
                0 < value < 1 or (value >= 1 and value == int(value))
            ):
                raise ValueError(f"`{split}` is {value}: a share in (0, 1) or a number of samples")
        if 0 < self.test < 1 and 0 < self.validation < 1 and self.test + self.validation >= 1:
            raise ValueError("`test` and `validation` together leave nothing to train on")
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
    return seeds


Seed = Annotated[int, Field(ge=0, strict=True)]


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


class Domain(Section):
    """One task: its data, model family, ladder of sizes and target."""

    data: Data = Field(description="Where the samples come from.")
    family: str = Field(
        description="`mlp`, `cnn`, `transformer`, for language models `transformer_lm` or "
        "`resnet_bk`, or your own model as `module:factory`, a "
        "function called as `factory(data, **size)` that returns a `torch.nn.Module`."
    )
    ladder: dict[Name, dict[str, Any]] = Field(
        description="Scale name → size, a mapping of the family's keys: mlp `width`, `depth`; cnn "
        "`width` (a multiplier of 64-128-256 channels); transformer `d_model`, `n_layers`, "
        "and so `transformer_lm` (also `positions`: learned or rotary, `tied`: true or false) and "
        "`resnet_bk`. All may set `dropout`."
    )
    only: list[Name] | None = Field(
        None,
        min_length=1,
        description="Train only these sizes of the ladder, as for a quick test; all by default.",
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
        description="Language models: another domain of the same data and length, with whose "
        "family this one's exponents are compared.",
    )
    withhold: Annotated[int, Field(ge=0, strict=True)] = Field(
        1,
        description="How many of the largest sizes are kept from a second fit, which then predicts "
        "them: the error that leads every table.",
    )

    @field_validator("family")
    @classmethod
    def _known_family(cls, family: str) -> str:
        if family not in FAMILIES and family.count(":") != 1:
            raise ValueError(
                f"unknown family {family!r}: one of {', '.join(FAMILIES)}, or `module:factory`"
            )
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
        """Loss and perplexity are of language models, accuracy and error of classes."""
        corpus = self.data.source in CORPORA
        if corpus and self.target.metric not in LANGUAGE_METRICS:
            raise ValueError(
                f"target `{self.target.metric}`: of a language model it is one of "
                f"{', '.join(LANGUAGE_METRICS)}"
            )
        if not corpus and self.target.metric == "perplexity":
            raise ValueError("target `perplexity` is for language models: give accuracy or loss")
        if self.compare is not None and not corpus:
            raise ValueError("`compare` is for language models: domains of one corpus")
        return self

    @model_validator(mode="after")
    def _family_takes_the_source(self) -> Domain:
        if self.data.source not in TAKES.get(self.family, (self.data.source,)):
            fitting = [family for family, taken in TAKES.items() if self.data.source in taken]
            raise ValueError(
                f"family `{self.family}` cannot take source `{self.data.source}`: use "
                f"{' or '.join(fitting) or 'another family'}, or your own `module:factory`"
            )
        return self

    @model_validator(mode="after")
    def _ladder_is_fittable(self) -> Domain:
        sizes = len(self.ladder)
        if sizes - self.withhold < 4:
            raise ValueError(
                f"the ladder has {sizes} sizes and withholds {self.withhold}: a power law with a "
                "floor needs at least 4 sizes to fit"
            )
        return self


class Fit(Section):
    """The law that is fitted to error against parameters."""

    law: Literal[
        "auto", "power", "power_floor", "accuracy", "perplexity", "perplexity_floor",
        "m1", "m2", "m3", "m4", "broken", "broken_2", "broken_3",
    ] = Field(
        "power_floor",
        description="Form from the law engine: `power_floor` is E + A·N^(−α); `auto` weighs forms "
        "by what they predict. All of them: docs/laws.md.",
    )  # fmt: skip
    params: Literal["total", "non_embedding"] = Field(
        "total",
        description="What N counts. Embeddings are 97–99 % of a small text model: `non_embedding` "
        "leaves them out of the law, and N* is then counted without them too.",
    )


class Bootstrap(Section):
    """Intervals by resampling."""

    resamples: Annotated[int, Field(ge=100, strict=True)] = Field(
        1000, description="Bootstrap resamples per fit."
    )
    level: Share = Field(0.95, description="Coverage of every interval.")


class Costs(Section):
    """Prices that turn training FLOPs into energy, CO₂ and money."""

    watts: Positive = Field(
        250.0, description="Power of one device under load, where energy was not measured."
    )
    flops_per_second: Positive | None = Field(
        None,
        description="Sustained training throughput; by default taken from the study's records.",
    )
    carbon_g_per_kwh: float | str = Field(
        WORLD,
        description="Carbon intensity: a number, or a country by English name or ISO code (`France`"
        ", `FR`), looked up in `alphascale/carbon.py`. Default: world average (IEA, Electricity "
        "2025).",
    )
    pue: Annotated[float, Field(ge=1)] = Field(
        1.0, description="Power usage effectiveness of the building: 1 is none lost."
    )
    price_per_kwh: Annotated[float, Field(ge=0)] = Field(0.25, description="Price of energy.")
    price_per_hour: Positive | None = Field(
        None,
        description="Price of an hour of one device, as a cloud charges it; where given, money is "
        "hours times this, and energy is not paid for apart.",
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
    seeds: Count = Field(8, description="Most seeds of one planned run.")
    futures: Count = Field(
        24,
        description="Times that the planned runs' results are made up and fitted, to say how wide "
        "the interval will be after them.",
    )


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


class Study(Section):
    """The whole study."""

    run: Name = Field("default", description="Name of the study: results go to `results/{run}/`.")
    seed: Annotated[int, Field(ge=0, strict=True)] = Field(
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
    plan: Literal["apply"] | None = Field(
        None,
        description="`apply` (as in `--config plan=apply`): also train the runs that the last "
        "`snakemake plan` proposed, as if they were written in this file.",
    )
    curves_benchmark: CurvesBenchmark = Field(
        default_factory=CurvesBenchmark, description="Published curves to judge the laws on."
    )

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
                    f"domains.{name}.compare: {domain.compare!r} has other data: perplexities "
                    "compare only on the same tokens (write `data: *NAME` with a YAML anchor)"
                )
        return self


def read_study(config: dict[str, Any]) -> Study:
    """Validate a configuration mapping (as read from YAML).

    Raises UserError with one line that names the key, what was given and what is allowed.
    """
    try:
        return Study.model_validate(config)
    except ValidationError as invalid:
        # A misspelt key also leaves the right one missing: say the misspelling first.
        faults = sorted(invalid.errors(), key=lambda error: error["type"] != "extra_forbidden")
        lines = [_explain(error) for error in faults]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise UserError(f"configuration: {lines[0]}{more}") from None


def refuse_code(path: str | Path) -> None:
    """Raise UserError for a study's file that is not plain YAML or JSON.

    Snakemake evaluates Python expressions in a file that says `__use_yte__` (YTE templates). A
    study is data: the default one is refused before that; one given by --configfile Snakemake has
    read before any workflow can look, so it is refused before anything runs.
    """
    try:
        study = yaml.load(Path(path).read_text(encoding="utf-8"), yaml.CSafeLoader)
    except OSError as fault:
        raise UserError(f"{path}: cannot be read ({fault.strerror or fault})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        text = " ".join(str(fault).split()) or type(fault).__name__
        raise UserError(f"{path}: is not plain YAML or JSON ({text[:200]})") from None
    if not isinstance(study, dict):
        raise UserError(f"{path}: is not a study: keys such as `domains:` are expected")
    if "__use_yte__" in study:
        raise UserError(
            f"{path}: `__use_yte__` would run Python code from a study, which is data; take it out "
            "and write the values themselves"
        )


def check_paths(study: Study) -> None:
    """Raise UserError where a path of the study names nothing on this machine."""
    for name, domain in study.domains.items():
        path = domain.data.path
        if domain.data.source in OWN and not Path(path).exists():
            raise UserError(
                f"configuration: domains.{name}.data.path: {path!r} does not exist: give a file or "
                "folder, absolute or relative to the folder that snakemake runs in"
            )


def _explain(error: dict[str, Any]) -> str:
    """One line for one pydantic error: the key, the fault, what is allowed."""
    key = ".".join(str(part) for part in error["loc"] if part != "[key]") or "the study"
    key = key if key.isprintable() else repr(key)  # a name may be anything, a newline too
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] != "value_error":  # ours begin as they should, pydantic's with a capital
        message = message[0].lower() + message[1:]
    if error["type"] == "extra_forbidden":
        allowed = _keys_at(error["loc"][:-1])
        close = difflib.get_close_matches(str(error["loc"][-1]), allowed, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        return f"{key}: unknown key; {hint}allowed here: {', '.join(allowed)}"
    if error["type"] == "missing":
        return f"{key}: this key is needed and missing"
    given = error.get("input")
    shown = (
        f", not {given!r}"
        if isinstance(given, (str, int, float)) and repr(given) not in message
        else ""
    )
    if error["type"] == "string_pattern_mismatch":
        message = "a name may hold letters, digits, `_`, `-`, `.` and starts with a letter or digit"
    return f"{key}: {message}{shown}"


def _keys_at(loc: tuple[Any, ...]) -> list[str]:
    """The keys that the section at `loc` allows."""
    section: Any = Study
    for part in loc:
        if isinstance(section, type) and issubclass(section, Section):
            section = section.model_fields[part].annotation
        else:  # dict[Name, X]: the part is a name the user chose
            section = section.__args__[1]
    return list(section.model_fields)
