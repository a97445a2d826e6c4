"""From a domain's training records to its observations: each record checked, and judged once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..errors import UserError
from ..metrics import TABLE
from ..records.data import read_prepared
from ..records.files import REBUILD
from ..records.observations import Observation
from ..records.rates import RateLaw, check_rate
from ..records.specs import AggregateSpec, ExpectedRecord
from ..records.training import SeedRun, TrainingRecord, read_record
from .chance import Verdict, beside_chance, chance_of, nothing_learnt, weighted_luck
from .curves import judge
from .job_warnings import generalisation, job_warnings
from .measure import Measured, measured, test_labels

# Metrics that a run's record does not hold: they are measured from its outputs.
MEASURED = [name for name in TABLE if name not in ("accuracy", "error", "loss", "perplexity")]

LISTED = 4  # records named in a sentence before it says that there are more


def gather(
    domain: str,
    expected: AggregateSpec,
    paths: list[str],
    meta: str,
    say: Callable[[str], None],
    law: RateLaw | None = None,
) -> list[Observation]:
    """Rows of a domain's records, sorted by params, fraction and seed; warnings are said.

    `paths` in the order of `expected`: the ladder's records (role `ladder`), then those that
    verification left (role `verify`). A record that is not whole, was edited, is foreign, stale, or
    trained on other data than `meta` describes is set aside, so that the next run trains its cell
    anew; UserError then names it. A record of verification on other data is left out, which `say`
    tells: nothing would ever train it again. Runs that learnt nothing, among others that did, have
    the status `chance` (see `chance`). law: of rates, which the records that follow it must have
    been trained by; one of verification that was not is left out too.
    """
    prepared = read_prepared(meta)
    sha256, tested = prepared.sha256, prepared.sizes["test"]
    found: list[tuple[str, str, ExpectedRecord, TrainingRecord]] = []
    refused: dict[str, str] = {}
    wanted = [("ladder", each) for each in expected.records]
    wanted += [("verify", each) for each in expected.verified]
    for path, (role, cell) in zip(paths, wanted, strict=True):
        try:
            data = sha256 if role == "ladder" else None
            record = read_record(path, cell.spec, expected.code, data)
            if role == "ladder":
                check_rate(path, record, law)
        except UserError as fault:
            refused[path] = _set_aside(path, fault)
            continue
        if role == "verify":
            try:
                check_rate(path, record, law)
            except UserError as fault:
                say(f"{fault}; left out")
                continue
        if record.data_sha256 != sha256:
            say(f"{path}: verified on other data than {meta} describes; left out")
            continue
        found.append((path, role, cell, record))
    _refuse(refused, say)
    runs = [run for _, _, _, record in found for run in record.seeds]
    told = any(record.outputs_sha256 for _, _, _, record in found)
    y = test_labels(meta, prepared) if told else None
    others = {path: measured(path, record, y, prepared) for path, _, _, record in found}
    chance = chance_of(prepared)
    if chance is not None:
        lucks = {
            id(run): weighted_luck(others[path][run.seed], prepared)
            for path, _, _, record in found
            if record.spec.training.class_weights == "balanced"
            for run in record.seeds
            if others[path][run.seed]
        }
        known = {key: luck for key, luck in lucks.items() if luck is not None}
        chance = replace(chance, weighted=known)
    verdict = beside_chance(chance, runs)
    if not verdict.learnt:
        say(nothing_learnt(domain, verdict, len(runs)))
    rows: list[Observation] = []
    for path, role, cell, record in found:
        for line in filter(None, (*warning_lines(record), verdict.sentence(record.seeds))):
            say(f"{cell.scale} on {cell.fraction} of the data: {line}")
        rows += [
            _row(domain, role, record, run, verdict, prepared.task, tested, others[path][run.seed])
            for run in record.seeds
        ]
    return sorted(rows, key=lambda row: (row.params, float(row.fraction), row.seed))


def whole_records(
    paths: list[str],
    expected: list[ExpectedRecord],
    code: str,
    meta: str,
    say: Callable[[str], None],
) -> list[TrainingRecord]:
    """The records at some paths, each checked and set aside as `gather` does."""
    found, refused, sha256 = [], {}, read_prepared(meta).sha256
    for path, cell in zip(paths, expected, strict=True):
        try:
            found.append(read_record(path, cell.spec, code, sha256))
        except UserError as fault:
            refused[path] = _set_aside(path, fault)
    _refuse(refused, say)
    return found


def _refuse(refused: dict[str, str], say: Callable[[str], None]) -> None:
    """Raise UserError, of one line, where records were refused; path → why."""
    if not refused:
        return
    for line in refused.values():
        say(line)
    _, *others = refused
    named = ", ".join(map(str, others[:LISTED])) + (" …" if len(others) > LISTED else "")
    more = f" (and {len(others)} more, why is in the job's log: {named})" if others else ""
    raise UserError(next(iter(refused.values())) + more)


def warning_lines(record: TrainingRecord) -> Iterator[str]:
    """A record's warnings and the signals that half of its seeds show, in words."""
    for warning in job_warnings(record):
        yield f"{warning.code}: {warning.message}"
    for signal in generalisation(record).signals:
        yield f"{signal.signal} ({signal.level}): {signal.message}"


def _set_aside(path: str, fault: UserError) -> str:
    """Rename a record that cannot be used, so that it is missing and thereby made again."""
    reason = str(fault).removesuffix(f"; {REBUILD}")
    aside = f"{path}.refused"
    try:
        os.replace(path, aside)
    except OSError:
        return str(fault)
    return f"{reason}; set aside as {os.path.basename(aside)}: run snakemake again to train it anew"


def _row(
    domain: str,
    role: str,
    record: TrainingRecord,
    run: SeedRun,
    verdict: Verdict,
    task: str,
    tested: int,
    others: Measured,
) -> Observation:
    """One seed's row, of so many test samples, with the metrics measured from its outputs; a
    diverged run has a status and empty cells, never a number, and one that learnt nothing has its
    numbers and a status that keeps them out of every law."""
    status = verdict.status(run)
    codes = [warning.code for warning in job_warnings(record)]
    spec, params, flops, language = record.spec, record.params, record.flops, record.language
    best, validation, test = run.best_epoch, run.validation, run.test
    return Observation(
        domain=domain,
        scale=spec.scale,
        fraction=spec.fraction,
        seed=run.seed,
        role=role,
        family=spec.family,
        task=task,
        status=status,
        params=params.total,
        non_embedding=params.non_embedding,
        embedding=params.embedding,
        head=params.head,
        samples=record.samples,
        samples_seen=record.samples * run.epochs_run,
        learning_rate=run.learning_rate,
        best_epoch=best,
        epochs_run=run.epochs_run,
        train_loss=run.curves.train_loss[best - 1] if best else None,
        validation_loss=validation and validation.loss,
        validation_accuracy=validation and validation.accuracy,
        test_loss=test and test.loss,
        test_accuracy=test and test.accuracy,
        test_error=test and test.error,
        **{f"test_{name}": others.get(name) for name in MEASURED},
        test_samples=tested * (language.length if language else 1),
        level=judge(run.curves, best).level if best and status == "ok" else None,
        forward_flops=flops.forward_per_sample,
        step_flops=flops.training_per_sample,
        flops=run.flops,
        job_flops=flops.job,
        job_seconds=record.time.train_s,
        job_members=len(record.sweep),
        joules=record.energy.joules,
        energy_how=record.energy.how,
        watts=record.energy.watts,
        watts_how=record.energy.watts_how,
        device=record.device.name,
        precision=record.device.precision,
        warnings=" ".join(filter(None, (*codes, verdict.code(record.seeds)))),
        d_model=language and language.d_model,
        n_layers=language and language.n_layers,
        tokens=language and language.tokens,
        bits_per_byte=run.bits_per_byte and run.bits_per_byte.test,
        unigram_perplexity=language and language.unigram_perplexity.test,
        peak_memory_bytes=record.peak_memory_bytes,
    )
