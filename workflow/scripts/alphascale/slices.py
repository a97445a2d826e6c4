"""Slices of a study: what each job depends on, and nothing else.

A rule carries its slice as canonical JSON in `params.spec`; an edit re-runs exactly the jobs whose
slice it changes. Keep a key out of a slice and the job ignores it; that is the whole mechanism.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from .carbon import intensity
from .config import Data, Domain, Study
from .errors import UserError
from .families import family
from .families.own import factory_file, is_own
from .provenance import file_digest
from .records.data import DataSpec
from .records.files import canonical_json, digest
from .records.specs import (
    AdoptedRun,
    AggregateSpec,
    AuditSpec,
    BootstrapSpec,
    ComparedDomain,
    CompareSpec,
    DecisionSpec,
    ExpectedRecord,
    FitSpec,
    LanguageDomain,
    LanguageSpec,
    PaceSpec,
    PageSpec,
    PlanSpec,
    Prices,
    PriorFile,
    RatesSpec,
    RegimesSpec,
    ServingSpec,
    Size,
    Target,
    TrainSpec,
    VerifySpec,
)
from .records.typed import as_json, digest_of, read
from .records.verification import Promise
from .sources import source
from .sweeps import cell_fractions, members, nested, rates_per_seed, swept


def folder(study: Study) -> str:
    """The folder that a study's results lie in."""
    return os.path.join(os.path.expanduser(study.results), study.run)


def cells(study: Study, domain: str) -> Iterator[tuple[str, str]]:
    """(scale, fraction) of every training job of a domain, in the ladder's order."""
    task = study.domains[domain]
    for scale in task.ladder:
        for fraction in cell_fractions(task, scale):
            yield scale, fraction


# What a slice says of how a training comes to its rate: it sweeps, whatever others do; or it
# follows the law, and of the study's candidates nothing shows in it.
SWEEPS = {"rates": "sweep"}
FOLLOWS = {"rates": "law", "learning_rates": [], "sweep": "full"}


def fractions(study: Study, domain: str) -> list[str]:
    """Every fraction that a domain trains at, smallest first."""
    return sorted({fraction for _, fraction in cells(study, domain)}, key=float)


def data_slice(study: Study, domain: str) -> DataSpec:
    """What preparation depends on: the keys that the source reads, and the seed of its splits.

    A ladder of pretrained models has its own tokenizer, the first one's, unless the data name one.
    """
    task = study.domains[domain]
    spec = data_spec(task.data, study.seed)
    names = tokenizers(task)
    return replace(spec, tokenizer=names[0]) if names else spec


def tokenizers(task: Domain) -> list[str]:
    """Pretrained models of a ladder whose tokenizer is the data's, which name none."""
    found = family(task.family).checkpoints
    if "tokenizer" not in source(task.data.source).reads or task.data.tokenizer or not found:
        return []
    return found(list(task.ladder.values()))


def data_spec(data: Data, seed: int) -> DataSpec:
    """A data section without the keys that its source does not read."""
    read = {key: getattr(data, key) for key in source(data.source).reads}
    if read.get("task") in ("classes", "next"):  # the default, whether it is written or not
        read["task"] = None
    return DataSpec(source=data.source, seed=seed, **read)


def train_slice(study: Study, domain: str, scale: str, fraction: str) -> TrainSpec:
    """What one training job depends on."""
    return trainings(study)(domain, scale, fraction)


def trainings(study: Study) -> Callable[[str, str, str], TrainSpec]:
    """`train_slice` of one study, for many cells: what those of a domain share is cut once."""

    sweeps = {name: swept(task) for name, task in study.domains.items()}

    @cache
    def of_scale(domain: str, scale: str, sweep: bool) -> TrainSpec:
        task = study.domains[domain]
        own = task.runs.get(scale)
        seeds = own.seeds if own and own.seeds else task.seeds
        spec = train_spec(study, domain, scale, "", task.ladder[scale], seeds, sweep)
        return replace(spec, nested=nested(task))

    return lambda domain, scale, fraction: of_scale(
        domain, scale, sweeps[domain].get(scale) == fraction
    ).on(fraction)


def train_spec(
    study: Study,
    domain: str,
    scale: str,
    fraction: str,
    size: Size,
    seeds: list[int],
    sweep: bool = False,
) -> TrainSpec:
    """What training any size of a domain's family depends on, of the ladder or not.

    The size is complete, so that a default that changes concerns just the sizes that rest on it.
    sweep: whether the domain's law of rates, if it has one, rests on it. What takes its rate from
    the law has no learning rates in its slice: the program reads the law, and its record states the
    rate. So other candidates train nothing anew whose rate they leave as it was.
    """
    task = study.domains[domain]
    own, law = is_own(task.family), task.training.rates == "law"
    return TrainSpec(
        domain=domain,
        scale=scale,
        fraction=fraction,
        family=task.family,
        size=family(task.family).complete(size) if size else size,
        seeds=seeds,
        training=task.training.model_copy(update=SWEEPS if sweep or not law else FOLLOWS),
        device=study.device,
        # Where the data lie is no part of a training, their SHA-256 is: a table that is moved, or
        # whose path is spelt another way, leaves its records as they are.
        data=replace(data_spec(task.data, study.seed), path=None),
        factory_code=file_digest(factory_file(task.family)) if own else None,
    )


def load(study: Study, wildcards: Any) -> tuple[int, int]:
    """Rough parameters of a training job's model and its members. A verification has no scale in
    its wildcards: what it trains is known later, and is no larger than the naive model or the
    ladder's largest."""
    task = study.domains[wildcards.domain]
    scale = getattr(wildcards, "scale", None)
    sizes = [*task.ladder.values(), task.naive] if scale is None else [task.ladder[scale]]
    if scale is None:
        runs = len(task.seeds) * rates_per_seed(task)
    else:
        runs = members(task, scale, wildcards.fraction)
    kind = family(task.family)
    return max(kind.rough_params(kind.complete(size)) for size in sizes if size), runs


def verified(
    study: Study, domain: str, code: str, folder: Path
) -> list[tuple[str, ExpectedRecord]]:
    """(path, what it must be) of the records that `snakemake verify` left and that were
    trained as the study trains today; `folder` is the domain's, `code` the training program's.

    A promise lies beside each record and names what was trained. Records of another configuration
    or code stay where they are, unused.
    """
    found = []
    for record, promise in promised(folder, code):
        trained = promise.trained(verify_spec(study, domain))
        spec = digest_of(trained)
        if record.name == verify_name(spec, code) and record.exists():
            found.append((str(record), ExpectedRecord(trained.scale, trained.fraction, spec)))
    return found


def verify_spec(study: Study, domain: str) -> TrainSpec:
    """The training of a verification, but for scale, fraction and size: as a job of the ladder,
    with seeds that the ladder has not used, so that a size of the ladder is tested as well."""
    task = study.domains[domain]
    used = {seed for own in task.runs.values() for seed in own.seeds or ()}
    spare = (seed for seed in itertools.count(max(task.seeds) + 1) if seed not in used)
    fresh = list(itertools.islice(spare, len(task.seeds)))
    return replace(train_spec(study, domain, "", "", {}, fresh), nested=nested(task))


def promised(folder: Path, code: str) -> list[tuple[Path, Promise]]:
    """(where its record is or will be, promise) of all that this code trained for a verification:
    what another version promised is not even read."""
    return [
        (path.with_name(path.name.replace(".promise.", ".")), read(path, Promise))
        for path in sorted(folder.glob(f"*-{code[:16]}.promise.json"))
    ]


def verify_name(spec: str, code: str) -> str:
    """File name of a verification's record, from the digests of its spec and of the training."""
    return f"{spec}-{code[:16]}.json"


def verify_slice(study: Study, domain: str) -> VerifySpec:
    """How verification trains: as the ladder, another size; and the naive one if asked for."""
    task = study.domains[domain]
    naive = task.naive if study.verify.naive else None
    return VerifySpec(verify_spec(study, domain), naive)


def aggregate_slice(study: Study, domain: str, code: str, folder: Path) -> AggregateSpec:
    """The records an aggregate expects, by digest (whole specs would outgrow a command line)."""
    cut = trainings(study)
    records = [
        ExpectedRecord(scale, fraction, digest_of(cut(domain, scale, fraction)))
        for scale, fraction in cells(study, domain)
    ]
    kept = verified(study, domain, code, folder)
    return AggregateSpec(code, records, [each for _, each in kept])


def rates_slice(study: Study, domain: str, code: str) -> RatesSpec:
    """What a law of rates depends on: the swept sizes, and nothing of the ladder above them."""
    task, cut = study.domains[domain], trainings(study)
    return RatesSpec(
        domain=domain,
        learning_rates=task.training.learning_rates,
        code=code,
        records=[
            ExpectedRecord(scale, fraction, digest_of(cut(domain, scale, fraction)))
            for scale, fraction in swept(task).items()
        ],
    )


def fit_slice(study: Study, domain: str) -> FitSpec:
    """What the fits depend on: the law, what N counts, which sizes are withheld."""
    task = study.domains[domain]
    return FitSpec(**law_of(study), withhold=task.withhold, metrics=metrics(task))


def law_of(study: Study) -> dict[str, Any]:
    """The law, what N counts, and the prior by its content. Raises UserError where it is none."""
    section = study.fit.model_dump()
    if section["prior"] is not None:
        path = Path(section["prior"])
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        section["prior"] = PriorFile(section["prior"], sha256)
    return section


def metrics(task: Domain) -> tuple[str, ...]:
    """All that laws are fitted to: error (but of numbers) and loss whatever the targets are, so
    that a target of either makes no fit anew, and what else the targets are of."""
    always = ["loss"] if task.data.asks == "numbers" else ["error", "loss"]
    return tuple(dict.fromkeys([*always, *(target.law for target in targets(task))]))


def targets(task: Domain) -> list[Target]:
    """The targets as stages take them: a perplexity is the loss of its logarithm."""
    sure = task.target.confidence
    return [
        Target("loss", math.log(value), sure, perplexity=value)
        if name == "perplexity"
        else Target(name, value, sure)
        for name, value in task.target.given.items()
    ]


def bootstrap_slice(study: Study, domain: str) -> BootstrapSpec:
    """What the bootstrap depends on, beside the fit."""
    first, *others = dict.fromkeys(each.law for each in targets(study.domains[domain]))
    return BootstrapSpec(
        **study.bootstrap.model_dump(),
        **law_of(study),
        seed=study.seed,
        metric=first,
        others=tuple(others),
    )


def decision_slice(study: Study, domain: str) -> DecisionSpec:
    """What the decision depends on: targets, naive model, ladder shape, prices."""
    task = study.domains[domain]
    first, *others = targets(task)
    return DecisionSpec(
        domain=domain,
        metric=first.law,
        target=first,
        others=others,
        family=task.family,
        ladder=task.ladder,
        naive=task.naive,
        epochs=task.training.epochs,
        batch_size=task.training.batch_size,
        members=len(task.seeds) * rates_per_seed(task),
        rates=len(task.training.learning_rates),
        swept=list(swept(task)) if task.training.rates == "law" else None,
        candidates=task.training.learning_rates if task.training.rates == "law" else [],
        halving=task.training.sweep == "halving",
        counted=study.fit.params,
        level=study.bootstrap.level,
        costs=prices(study),
        serving=study.serving,
    )


def serving_slice(study: Study, domain: str) -> ServingSpec | None:
    """What the measurement of serving depends on: no weights, no limits, no prices. None where the
    study asks for none."""
    if study.serving is None:
        return None
    task = study.domains[domain]
    return ServingSpec(
        domain=domain,
        family=task.family,
        ladder=task.ladder,
        naive=task.naive,
        counted=study.fit.params,
        batch=study.serving.batch,
        precision=task.training.precision,
        device=study.device,
        factory_code=file_digest(factory_file(task.family)) if is_own(task.family) else None,
    )


# Of a training section, what makes no step longer or shorter: another of them times nothing anew.
TIMELESS = {
    "epochs": 1000, "learning_rates": [1e-4], "rates": "sweep", "sweep": "full", "patience": None,
    "schedule": "constant", "warmup": 0.0, "keep": False,
}  # fmt: skip


def pace_slice(study: Study, domain: str) -> PaceSpec | None:
    """What timing the naive model depends on. None where there is none, or where the study states
    how fast its device is."""
    task = study.domains[domain]
    if task.naive is None or study.costs.flops_per_second is not None:
        return None
    return PaceSpec(
        domain=domain,
        family=task.family,
        naive=task.naive,
        fraction=fractions(study, domain)[-1],
        training=task.training.model_copy(update=TIMELESS),
        device=study.device,
        factory_code=file_digest(factory_file(task.family)) if is_own(task.family) else None,
    )


def page_slice(study: Study, called: str) -> PageSpec:
    """What the page depends on, beside records; called: the command that makes a run
    anew."""
    folder = Path(__file__).parent / "page"
    files = sorted(each for name in ("assets", "vendor") for each in (folder / name).iterdir())
    return PageSpec(
        title=study.run,
        # By name: the order of domains in the study makes nothing stale.
        domains=[decision_slice(study, domain) for domain in sorted(study.domains)],
        command=called,
        files=digest([each.read_text(encoding="utf-8") for each in files]),
    )


def plan_slice(study: Study, domain: str, adopted: list[str]) -> PlanSpec:
    """What the plan depends on, beside observations and laws; adopted: scales of `plan: apply`."""
    task, planning = study.domains[domain], study.planning
    laws = vars(bootstrap_slice(study, domain))
    return PlanSpec(
        **{key: value for key, value in laws.items() if key != "others"},
        domain=domain,
        target=targets(task)[0],
        family=task.family,
        ladder=task.ladder,
        epochs=task.training.epochs,
        rates=rates_per_seed(task),
        seeds=task.seeds,
        withhold=task.withhold,
        flops=planning.flops,
        goal=planning.goal,
        reach=planning.reach,
        futures=planning.futures,
        seeds_at_most=planning.seeds,
        adopted={
            scale: AdoptedRun(task.ladder[scale], **task.runs[scale].model_dump())
            for scale in adopted
        },
    )


def audit_slice(study: Study, domain: str) -> AuditSpec:
    """What the audit asks of the configuration, beside the records."""
    task = study.domains[domain]
    return AuditSpec(
        rates=len(task.training.learning_rates),
        epochs=task.training.epochs,
        withhold=task.withhold,
        apart=sorted(scale for scale, own in task.runs.items() if own.seeds),
        swept=swept(task) if task.training.rates == "law" else None,
    )


def regimes_slice(study: Study, domain: str) -> RegimesSpec:
    """What the verdicts on regimes depend on, beside the observations."""
    task = study.domains[domain]
    return RegimesSpec(
        domain, task.family, task.ladder, study.fit.params, study.bootstrap.level, study.seed
    )


def prices(study: Study) -> Prices:
    """The costs section, a country's carbon intensity looked up and its source named."""
    grams, source = intensity(study.costs.carbon_g_per_kwh)
    known = study.costs.model_dump() | {"carbon_g_per_kwh": grams, "carbon_source": source}
    return Prices(**known)


def language_groups(study: Study) -> dict[str, list[str]]:
    """Language domains that are judged together: first domain → it and those that compare to it."""
    groups = {
        name: [name]
        for name, task in study.domains.items()
        if source(task.data.source).corpus and task.compare is None
    }
    for name, task in study.domains.items():
        if task.compare in groups:
            groups[task.compare].append(name)
    return groups


def language_slice(study: Study, domain: str) -> LanguageSpec:
    """What the laws of a group of language domains depend on, beside their observations."""
    tasks = {name: study.domains[name] for name in language_groups(study)[domain]}
    return LanguageSpec(
        domains={name: LanguageDomain(task.family, task.withhold) for name, task in tasks.items()},
        resamples=study.bootstrap.resamples,
        level=study.bootstrap.level,
        seed=study.seed,
    )


def compared_groups(study: Study) -> dict[str, list[str]]:
    """Domains whose families are compared: first domain → it and those that compare to it."""
    groups: dict[str, list[str]] = {}
    for name, task in study.domains.items():
        if task.compare is not None:
            groups.setdefault(task.compare, [task.compare]).append(name)
    return groups


def compare_slice(study: Study, domain: str) -> CompareSpec:
    """What the comparison of a group depends on, beside its observations and laws."""
    group = compared_groups(study)[domain]
    given = [study.domains[name].target.given for name in group]
    return CompareSpec(
        domains=[
            ComparedDomain(name, task.family, task.training.epochs, task.training.batch_size)
            for name, task in ((name, study.domains[name]) for name in group)
        ],
        targets=targets(study.domains[domain]),
        shared=all(each == given[0] for each in given),
        counted=study.fit.params,
        level=study.bootstrap.level,
        seed=study.seed,
        costs=replace(prices(study), price_per_label=None),  # all families need the same labels
    )


def canonical(slice_: Any) -> str:
    """A slice as one string, the form in which rules carry it."""
    return canonical_json(as_json(slice_))


def check_factory(name: str, task: Domain) -> None:
    """Raise UserError, naming the domain, where the module of its `module:factory`, or one of the
    user's that it imports, is not found or is no Python."""
    if is_own(task.family):
        try:
            file_digest(factory_file(task.family))
        except UserError as fault:
            text = str(fault).removeprefix("family: ")
            raise UserError(f"configuration: domains.{name}.family: {text}") from None
