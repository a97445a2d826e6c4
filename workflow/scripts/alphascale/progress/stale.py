"""Why jobs run, in the words of whoever edited the study.

Snakemake compares each rule's `job` parameter (`running.program.Told`) with the last run's and
gives both as they are. Here the two are read back, and the keys of the slice that differ are named
as the study names them. A job that only follows from others counts under what made those stale.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# Keys of slices that are made of others: named only where nothing else of a job differs.
DERIVED = {
    "members", "rates", "records", "verified", "metric", "metrics", "fitted", "others", "law",
    "seeds_at_most", "apart", "scale", "fraction", "shared", "adopted", "code",
    "swept", "halving",
}  # fmt: skip
# A slice's key as people know it; any other goes by its own name.
WORDS = {
    "targets": "target", "others": "target", "metric": "target", "metrics": "target",
    "costs": "prices", "size": "ladder", "verified": "verified trainings", "members": "seeds",
    "rates": "learning rates", "naive": "naive model", "counted": "what counts as parameters",
    "level": "level of intervals", "factory_code": "your model's code", "adopted": "plan",
}  # fmt: skip
# Keys that hold sections: what differs in them is named by its own key.
SECTIONS = {"training", "train", "data", "options"}
NEW, FORCED, GONE = "not there yet", "forced", "left incomplete"
LADDER, RETRAINED = "ladder changed", "trainings changed"
PAGE, DATA = "page changed", "the data's files changed"
# What a job says of itself only where nothing that it follows from says more.
WEAK = {NEW, LADDER, RETRAINED, PAGE, "fractions changed", "seeds changed"}


@dataclass
class Due:
    """A job that will run."""

    rule: str
    domain: str | None  # None for what concerns all
    causes: set[str] = field(default_factory=set)  # of its own
    after: list[Due] = field(default_factory=list)  # jobs that will run, and that it needs


def changes(old: Iterable[str], new: Iterable[str], rule: str = "") -> set[str]:
    """What differs between the parameters that a job of a rule had and has, in words. All that
    Snakemake found to differ is given: the job as it is told, and of a preparation the state of its
    files."""
    (before, others), (now, more) = _told(old), _told(new)
    words = {DATA} if rule == "prepare" and others != more else set()
    if before is None or now is None:
        return words or {"parameters changed"}
    return words | _job_changes(before, now, rule)


def _job_changes(before: dict[str, Any], now: dict[str, Any], rule: str) -> set[str]:
    """What differs between a job as it was told and as it is."""
    differing = _differing(before["spec"], now["spec"])
    plain = {key for key in differing if key not in DERIVED} or differing
    words = {f"{WORDS.get(key, key.replace('_', ' '))} changed" for key in plain - {"records"}}
    # The page takes what decisions take, and the command that was typed: it has a word of its own
    # only where nothing else makes it anew.
    if rule == "page" and plain:
        words = {PAGE}
    if "records" in plain:
        words.add(_cells(before["spec"]["records"], now["spec"]["records"]))
    if before["code"] != now["code"]:
        words.add("code changed")
    return words


def _differing(before: Any, now: Any) -> set[str]:
    """The keys at which two slices differ: of a section, those within it."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return set()
    found = set()
    for key in before.keys() | now.keys():
        a, b = before.get(key), now.get(key)
        if a == b:
            continue
        inner = _differing(a, b) if key in SECTIONS else set()
        found |= inner or {key}
    return found


def _cells(before: list[list[str]], now: list[list[str]]) -> str:
    """What a list of records (scale, fraction, digest) says of the edit behind it."""
    if sorted(before) == sorted(now):  # in another order
        return LADDER
    for i, what in enumerate((LADDER, "fractions changed")):
        if {each[i] for each in before} != {each[i] for each in now}:
            return what
    return RETRAINED if len(before) == len(now) else LADDER


def _told(params: Iterable[str]) -> tuple[dict[str, Any] | None, set[str]]:
    """Spec, with what its cell has beside, and code of the one parameter that is a job; and the
    other parameters."""
    job, others = None, set()
    for text in params:
        try:
            shared, cell = _two(ast.literal_eval(text))
            job = {"spec": shared["spec"] | cell, "code": shared["code"]}
        except (ValueError, SyntaxError, KeyError, TypeError):
            others.add(text)
    return job, others


def _two(text: str) -> tuple[dict, dict]:
    decoder = json.JSONDecoder()
    shared, end = decoder.raw_decode(text)
    cell, _ = decoder.raw_decode(text, end)
    return shared, cell


def due_jobs(dag: Any) -> list[Due]:
    """The jobs of Snakemake's graph that will run, each with its own causes."""
    found: dict[Any, Due] = {}
    waiting = [job for job in dag.needrun_jobs() if job.output]
    for job in waiting:
        domain = job.wildcards_dict.get("domain")
        reason = dag.reason(job)
        # Snakemake compares parameters only where it has found no other reason.
        changed = reason.params_changed or dag.workflow.persistence.params_changed(job)
        found[job] = Due(job.rule.name, domain, _causes(job, reason, changed))
    for job, due in found.items():
        due.after = [found[each] for each in dag.dependencies[job] if each in found]
    # A cell that is new is so because the ladder or its fractions were edited, as the list of
    # records shows that was gathered before.
    for due in found.values():
        if edited := due.causes & {LADDER, "fractions changed"}:
            for each in due.after:
                if each.causes == {NEW}:
                    each.causes = set(edited)
    return list(found.values())


def _causes(job: Any, reason: Any, changed: Any) -> set[str]:
    """A job's own causes, by Snakemake's account of them."""
    causes = {FORCED} if reason.forced else set()
    if changed:
        causes |= changes(changed.only_old, changed.only_new, job.rule.name)
    if DATA in causes:
        # By name, where they are single files; that they are newer says no more.
        if files := sorted(map(str, job.input)):
            causes = causes - {DATA} | {_several(files, "changed")}
    elif own := set(map(str, reason.updated_input)) - set(map(str, reason.updated_input_run)):
        causes.add(_several(sorted(own), "newer"))
    if reason.code_changed or reason.software_stack_changed:
        causes.add("rule changed")
    if reason.incomplete_output:
        causes.add(GONE)
    # A training that is to be made anew has lost its record to that already.
    if reason.missing_output and not causes:
        causes.add(NEW)
    if reason.input_changed and not causes:
        causes.add(LADDER)
    return causes


def _several(files: list[str], what: str) -> str:
    """data/people.csv changed; data/people.csv and 2 more are newer."""
    first, *more = files
    if what == "newer":
        what = "are newer" if more else "is newer"
    return f"{first}{f' and {len(more)} more' if more else ''} {what}"


def spread(jobs: list[Due]) -> dict[int, set[tuple[str, str | None]]]:
    """By id of each job, (cause, domain of the job that has it), its own or of what it follows."""
    known: dict[int, set[tuple[str, str | None]]] = {}

    def all_of(job: Due) -> set[tuple[str, str | None]]:
        todo = [job]
        while todo:
            now = todo[-1]
            if id(now) in known:
                todo.pop()
                continue
            first = [each for each in now.after if id(each) not in known]
            if first:
                todo += first
                continue
            inherited = set().union(*(known[id(each)] for each in now.after))
            own = {(cause, now.domain) for cause in now.causes}
            # What follows from an edit elsewhere is not there yet because of that.
            if inherited:
                edits = {cause for cause, _ in inherited}
                weak = WEAK if edits - {NEW} else set()
                own = {each for each in own if each[0] not in weak | edits}
            known[id(now)] = own | inherited
            todo.pop()
        return known[id(job)]

    return {id(job): all_of(job) for job in jobs}


def words(jobs: list[Due], domains: int, trains: tuple[str, ...] = ("train",)) -> list[str]:
    """What makes jobs run, a line each, with how many: `tabular: seeds changed: 15 trainings and 9
    other jobs`; domains: how many the study has."""
    causes = spread(jobs)
    counted: dict[str, dict[str | None, set[int]]] = {}
    for job in jobs:
        for cause, domain in causes[id(job)]:
            counted.setdefault(cause, {}).setdefault(domain, set()).add(id(job))
    by_id = {id(job): job for job in jobs}
    lines = []
    for cause, by_domain in counted.items():
        # What differs in the same way everywhere is said once.
        named = [domain for domain in by_domain if domain is not None]
        ids = set().union(*by_domain.values())
        trained = sum(by_id[each].rule in trains for each in ids)
        where = f"{', '.join(named)}: " if named and 0 < len(named) < domains else ""
        lines.append((-trained, f"{where}{cause}: {amount(len(ids), trained)}"))
    lines = [line for _, line in sorted(lines)]
    if len(lines) > 1:
        trained = sum(job.rule in trains for job in jobs)
        lines.append(f"together: {amount(len(jobs), trained)}")
    return lines


def amount(jobs: int, trained: int) -> str:
    """7 jobs, no training; 15 trainings; 15 trainings and 9 other jobs."""
    others = jobs - trained
    if not trained:
        return f"{others} job{'s' * (others != 1)}, no training"
    told = f"{trained} training{'s' * (trained != 1)}"
    return f"{told} and {others} other job{'s' * (others != 1)}" if others else told
