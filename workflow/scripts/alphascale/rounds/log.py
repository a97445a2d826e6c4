"""The rounds that a study has begun: what they added to it, and when they were through.

`results/{run}/rounds.json` is read whenever the Snakefile is parsed, so this imports neither torch
nor numpy. It is written between two runs of Snakemake alone, never while one runs: all jobs of a
round, on whatever node, see the same study.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..config import Domain, Rounds, Runs, Study
from ..errors import UserError
from ..records.rounds import Adopted, Begun, Reached, RoundRecord, RoundsLog
from ..records.typed import digest_of, read, write
from ..slices import folder, train_spec
from ..sweeps import rough_params


def path_of(study: Study) -> Path:
    """Where a study's rounds are written down."""
    return Path(folder(study), "rounds.json")


def read_log(path: Path) -> RoundsLog:
    """The rounds so far, none where there is no file."""
    if not path.exists():
        return RoundsLog()
    try:
        return read(path, RoundsLog)
    except UserError as fault:
        raise UserError(
            f"{fault}; without it the study begins with its first round again: what that round and "
            "those after it ask for anew is not trained twice"
        ) from None


def take_up(study: Study) -> tuple[Study, RoundsLog, list[str]]:
    """The study as far as its rounds have come: of each ladder the sizes that the first trains, and
    what later ones added. Beside it the rounds, and what there is to say of them.

    Rounds of a domain whose trainings are made of something else by now are left out.
    """
    path = path_of(study)
    log, said, domains, begun = read_log(path), [], {}, {}
    for name, task in study.domains.items():
        made_of = what_of(study, name)
        known = log.domains.get(name, Begun(made_of))
        if known.made_of != made_of:
            said.append(f"{name}: its data, family or training have changed: its rounds begin anew")
            known = Begun(made_of)
        domains[name], known, left_out = _grown(task, study.study, known)
        said += [f"{name}: {line}" for line in left_out]
        begun[name] = known
    # A domain that this command leaves out keeps its rounds.
    whole = replace(log, domains={**log.domains, **begun})
    return study.model_copy(update={"domains": domains}), whole, said


def what_of(study: Study, domain: str) -> str:
    """Digest of what a domain's trainings are made of, whatever their size."""
    seeds = study.domains[domain].seeds[: study.study.seeds]
    spec = train_spec(study, domain, "", "", {}, seeds)
    return digest_of(replace(spec, device=""))


def smallest(task: Domain, count: int) -> list[str]:
    """The scales that the first round trains: the smallest by the family's rough count, of models
    that it knows nothing of those that are named first."""
    return sorted(task.ladder, key=lambda scale: rough_params(task, scale))[:count]


def _grown(task: Domain, asked: Rounds, begun: Begun) -> tuple[Domain, Begun, list[str]]:
    """The domain as far as its rounds have come, these, and what was left out of them: runs of a
    scale that the first round trains whole by now, or that names another size."""
    first = set(smallest(task, asked.start))
    ladder = {scale: size for scale, size in task.ladder.items() if scale in first}
    runs = {scale: own for scale, own in task.runs.items() if scale in first}
    kept, said = [], []
    for run in begun.runs:
        name = f"{run.scale} on {run.fraction} of the data, added by round {run.round}"
        if run.scale in first:
            said.append(f"{name}, is of the first round now: what that trains counts")
        elif task.ladder.get(run.scale, run.size) != run.size:
            said.append(f"{name}, was of another size than {run.scale} is now: it is left out")
        else:
            kept.append(run)
            ladder[run.scale] = run.size
            runs[run.scale] = Runs(fractions=[run.fraction], seeds=run.seeds)
    seeds, training = task.seeds[: asked.seeds], task.training
    # A sweep at every size would cost more than all that rounds save.
    if "rates" not in training.model_fields_set and len(training.learning_rates) > 1:
        training = training.model_copy(update={"rates": "law"})
    grown = task.model_copy(
        update={"ladder": ladder, "runs": runs, "seeds": seeds, "training": training}
    )
    return grown, replace(begun, runs=kept), said


def adopt(study: Study, log: RoundsLog, record: RoundRecord) -> None:
    """Write down the runs of the next round: the study has them from now on."""
    domains = dict(log.domains)
    for each in record.domains:
        new = [
            Adopted(each.number + 1, run.scale, run.size, run.fraction, run.seeds)
            for run in each.runs
        ]
        known = Reached(each.target, each.spent.flops, each.interval, each.out_of_reach)
        was = domains[each.domain]
        if new:
            was = replace(was, runs=[*was.runs, *new], known=[*was.known, known])
        domains[each.domain] = replace(was, made_of=each.made_of)
    write(path_of(study), RoundsLog(None, domains))


def finish(study: Study, log: RoundsLog, record: RoundRecord) -> None:
    """Write down that this answer ended the rounds."""
    write(path_of(study), replace(log, finished=record.asked))
