"""Slices of a study: what each job depends on, and nothing else.

A rule carries its slice as canonical JSON in `params.spec`; an edit re-runs exactly the jobs whose
slice it changes. Keep a key out of a slice and the job ignores it; that is the whole mechanism.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from .carbon import intensity
from .config import CORPORA, FAMILIES, Domain, Study
from .errors import UserError
from .provenance import file_digest
from .records.files import canonical_json, digest, read_json
from .running.cluster import rough_params


def cells(study: Study, domain: str) -> Iterator[tuple[str, str]]:
    """(scale, fraction) of every training job of a domain, in the ladder's order."""
    task = study.domains[domain]
    for scale in task.ladder:
        own = task.runs.get(scale)
        for fraction in (own and own.fractions) or task.fractions:
            yield scale, fraction


def fractions(study: Study, domain: str) -> list[str]:
    """Every fraction that a domain trains at, smallest first."""
    return sorted({fraction for _, fraction in cells(study, domain)}, key=float)


def data_slice(study: Study, domain: str) -> dict[str, Any]:
    """What preparation depends on: the data section and the seed of its splits."""
    return {**study.domains[domain].data.model_dump(), "seed": study.seed}


def train_slice(study: Study, domain: str, scale: str, fraction: str) -> dict[str, Any]:
    """What one training job depends on."""
    return trainings(study)(domain, scale, fraction)


def trainings(study: Study) -> Callable[[str, str, str], dict[str, Any]]:
    """`train_slice` of one study, for many cells: what those of a domain share is cut once."""
    shared = lru_cache(maxsize=None)(partial(train_spec, study))

    def cut(domain: str, scale: str, fraction: str) -> dict[str, Any]:
        task = study.domains[domain]
        spec = shared(domain) | {"scale": scale, "fraction": fraction, "size": task.ladder[scale]}
        own = task.runs.get(scale)
        return spec | {"seeds": own.seeds} if own and own.seeds else spec

    return cut


def train_spec(study: Study, domain: str) -> dict[str, Any]:
    """What every training of a domain's family depends on, beside scale, fraction and size."""
    task = study.domains[domain]
    spec = {
        "domain": domain,
        "family": task.family,
        "seeds": task.seeds,
        "training": task.training.model_dump(),
        "device": study.device,
        "data": data_slice(study, domain),
    }
    if task.family not in FAMILIES:
        spec["factory_code"] = file_digest(factory_file(task.family))
    return spec


def load(study: Study, wildcards: Any) -> tuple[int, int]:
    """Rough parameters of a training job's model and its members. A verification has no scale in
    its wildcards: what it trains is known later, and is no larger than the naive model or the
    ladder's largest."""
    task = study.domains[wildcards.domain]
    scale = getattr(wildcards, "scale", None)
    sizes = [*task.ladder.values(), task.naive] if scale is None else [task.ladder[scale]]
    members = len(task.seeds) * len(task.training.learning_rates)
    return max(rough_params(task.family, size) for size in sizes if size), members


def verified(study: Study, domain: str, code: str, folder: Path) -> list[tuple[str, str, str, str]]:
    """(path, scale, fraction, digest) of the records that `snakemake verify` left and that were
    trained as the study trains today; `folder` is the domain's, `code` the training program's.

    A promise lies beside each record and names what was trained. Records of another configuration
    or code stay where they are, unused.
    """
    found = []
    for promise in sorted(folder.glob("*.promise.json")):
        record = promise.with_name(promise.name.replace(".promise.", "."))
        run = read_json(promise)
        trained = verify_spec(study, domain) | {k: run[k] for k in ("scale", "fraction", "size")}
        spec = digest(trained)
        if record.name == verify_name(spec, code) and record.exists():
            found.append((str(record), run["scale"], run["fraction"], spec))
    return found


def verify_spec(study: Study, domain: str) -> dict[str, Any]:
    """The training of a verification, but for scale, fraction and size: as a job of the ladder,
    with seeds that the ladder has not used, so that a size of the ladder is tested as well."""
    task = study.domains[domain]
    used = {seed for own in task.runs.values() for seed in own.seeds or ()}
    spare = (seed for seed in itertools.count(max(task.seeds) + 1) if seed not in used)
    fresh = list(itertools.islice(spare, len(task.seeds)))
    empty = {"scale": "", "fraction": "", "size": {}}
    return train_spec(study, domain) | empty | {"seeds": fresh}


def verify_name(spec: str, code: str) -> str:
    """File name of a verification's record, from the digests of its spec and of the training."""
    return f"{spec}-{code[:16]}.json"


def verify_slice(study: Study, domain: str) -> dict[str, Any]:
    """How verification trains: as the ladder, another size; and the naive one if asked for."""
    task = study.domains[domain]
    return {
        "train": verify_spec(study, domain),
        "naive": task.naive if study.verify.naive else None,
        "metric": metric(task),
        "target": decision_slice(study, domain)["target"],
    }


def aggregate_slice(study: Study, domain: str, code: str, folder: Path) -> dict[str, Any]:
    """The records an aggregate expects, by digest (whole specs would outgrow a command line)."""
    cut = trainings(study)
    return {
        "code": code,
        "verified": [list(each[1:]) for each in verified(study, domain, code, folder)],
        "records": [
            [scale, fraction, digest(cut(domain, scale, fraction))]
            for scale, fraction in cells(study, domain)
        ],
    }


def fit_slice(study: Study, domain: str) -> dict[str, Any]:
    """What the fits depend on: the law, what N counts, which sizes are withheld."""
    return {
        **study.fit.model_dump(),
        "withhold": study.domains[domain].withhold,
    }


def metric(task: Domain) -> str:
    """The column the law is fitted to: `error` also serves a target in accuracy."""
    return "loss" if task.target.metric in ("loss", "perplexity") else "error"


def loss_target(task: Domain) -> dict[str, Any]:
    """The target as stages take it: a perplexity is the loss of its logarithm."""
    if task.target.metric == "perplexity":
        return {
            "metric": "loss",
            "value": math.log(task.target.value),
            "perplexity": task.target.value,
        }
    return {"metric": task.target.metric, "value": task.target.value}


def bootstrap_slice(study: Study, domain: str) -> dict[str, Any]:
    """What the bootstrap depends on, beside the fit."""
    return {
        **study.bootstrap.model_dump(),
        **study.fit.model_dump(),
        "seed": study.seed,
        "metric": metric(study.domains[domain]),
    }


def decision_slice(study: Study, domain: str) -> dict[str, Any]:
    """What the decision depends on: target, naive model, ladder shape, prices."""
    task = study.domains[domain]
    return {
        "domain": domain,
        "metric": metric(task),
        "target": loss_target(task),
        "family": task.family,
        "ladder": task.ladder,
        "naive": task.naive,
        "epochs": task.training.epochs,
        "batch_size": task.training.batch_size,
        "members": len(task.seeds) * len(task.training.learning_rates),
        "counted": study.fit.params,
        "level": study.bootstrap.level,
        "costs": prices(study),
    }


def plan_slice(study: Study, domain: str, adopted: list[str]) -> dict[str, Any]:
    """What the plan depends on, beside observations and laws; adopted: scales of `plan: apply`."""
    task = study.domains[domain]
    return {
        **bootstrap_slice(study, domain),
        "domain": domain,
        "target": loss_target(task),
        "family": task.family,
        "ladder": task.ladder,
        "epochs": task.training.epochs,
        "rates": len(task.training.learning_rates),
        "seeds": task.seeds,
        "withhold": task.withhold,
        "flops": study.planning.flops,
        "goal": study.planning.goal,
        "reach": study.planning.reach,
        "futures": study.planning.futures,
        "seeds_at_most": study.planning.seeds,
        "adopted": {
            scale: {"size": task.ladder[scale], **task.runs[scale].model_dump()}
            for scale in adopted
        },
    }


def audit_slice(study: Study, domain: str) -> dict[str, Any]:
    """What the audit asks of the configuration, beside the records."""
    task = study.domains[domain]
    return {
        "rates": len(task.training.learning_rates),
        "epochs": task.training.epochs,
        "withhold": task.withhold,
        "apart": sorted(scale for scale, own in task.runs.items() if own.seeds),
    }


def prices(study: Study) -> dict[str, Any]:
    """The costs section, a country's carbon intensity looked up and its source named."""
    grams, source = intensity(study.costs.carbon_g_per_kwh)
    return study.costs.model_dump() | {"carbon_g_per_kwh": grams, "carbon_source": source}


def language_groups(study: Study) -> dict[str, list[str]]:
    """Language domains that are judged together: first domain → it and those that compare to it."""
    groups = {
        name: [name]
        for name, task in study.domains.items()
        if task.data.source in CORPORA and task.compare is None
    }
    for name, task in study.domains.items():
        if task.compare is not None:
            groups[task.compare].append(name)
    return groups


def language_slice(study: Study, domain: str) -> dict[str, Any]:
    """What the laws of a group of language domains depend on, beside their observations."""
    members = language_groups(study)[domain]
    return {
        "domains": {
            name: {
                "family": study.domains[name].family,
                "withhold": study.domains[name].withhold,
            }
            for name in members
        },
        "resamples": study.bootstrap.resamples,
        "level": study.bootstrap.level,
        "seed": study.seed,
    }


def canonical(slice_: dict[str, Any]) -> str:
    """A slice as one string, the form in which rules carry it."""
    return canonical_json(slice_)


def check_factory(name: str, task: Domain) -> None:
    """Raise UserError, naming the domain, where the module of its `module:factory` is not found."""
    if task.family not in FAMILIES:
        try:
            factory_file(task.family)
        except UserError as fault:
            raise UserError(f"configuration: domains.{name}.{fault}") from None


def factory_file(family: str) -> Path:
    """The file of a user's `module:factory`, found without importing it.

    Raises UserError if no such module lies in the working directory or on the Python path.
    """
    module, _, function = family.partition(":")
    local = Path(*module.split(".")).with_suffix(".py")
    if local.exists():
        return local.resolve()
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.origin or not found.origin.endswith(".py"):
        raise UserError(
            f"family: no module `{module}`: put {local} into the folder that snakemake "
            f"runs in, or install it, with a function `{function}` inside"
        )
    return Path(found.origin)
