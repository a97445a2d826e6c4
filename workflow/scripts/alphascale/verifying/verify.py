"""Predicted against measured: the promise made before a training, and what the training showed.

A promise is the prediction of one architecture by laws that have not seen it; it is kept beside the
record of that training. The record joins the observations of the next fit, so a later prediction
of the same architecture is no test any more: only promises are judged.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..auditing.measure import RECORDED, Measured, measured, reached, test_labels
from ..deciding.summary import metric_text, size_text, target_value
from ..errors import UserError
from ..records.data import read_prepared
from ..records.decision import DecisionRecord
from ..records.fit import Estimate
from ..records.rates import RateLaw, check_rate
from ..records.specs import TrainSpec, VerifySpec
from ..records.training import TrainingRecord, read_record
from ..records.typed import digest_of
from ..records.verification import Promise, VerificationRecord, VerifiedRun
from ..slices import promised
from ..units import probability


def promises(decision: DecisionRecord, spec: VerifySpec) -> list[Promise]:
    """What the decision promises of the models to train: recommended, and naive if asked.

    Empty where there is no architecture to build.
    """
    wanted = [("recommended", decision.architecture)]
    if spec.naive is not None:
        wanted.append(("naive", decision.naive))
    return [
        Promise(
            role=role,
            scale=f"v{run.params['total']}",
            fraction=decision.fraction,
            size=run.size,
            params=run.params["total"],
            metric=decision.metric,
            target=decision.target,
            level=decision.level,
            predicted=run.predicted,
            chance=run.chance,
            largest_trained=decision.ladder.largest,
            law=decision.law,
        )
        for role, run in wanted
        if run and run.predicted
    ]


def trained_before(
    path: Path, spec: TrainSpec, code: str, data_sha256: str, law: RateLaw | None = None
) -> TrainingRecord | None:
    """The record of this very training, on this data, at the rate that the law says, if it is
    there."""
    if not path.exists():
        return None
    try:
        record = read_record(path, digest_of(spec), code, data_sha256)
        check_rate(str(path), record, law)
    except UserError:
        return None
    return record


def judge(
    decision: DecisionRecord,
    spec: VerifySpec,
    folder: Path,
    code: str,
    meta: str | Path,
    law: RateLaw | None = None,
) -> VerificationRecord:
    """Every promise of a domain beside its record; the newest fit plays no part.

    meta: the description of the data, beside which they lie.
    """
    runs, prepared = [], read_prepared(meta)
    y = None if decision.metric in RECORDED else test_labels(meta, prepared)
    for record_path, promise in promised(folder, code):
        trained = promise.trained(spec.train)
        record = trained_before(record_path, trained, code, prepared.sha256, law)
        if record is not None:
            runs.append(_judged(promise, record, measured(record_path, record, y, prepared)))
    reason = None
    if decision.architecture is None:
        refused = getattr(decision.star, "refused", None)
        reason = refused or "the target is out of the law's reach"
    return VerificationRecord(decision.domain, sorted(runs, key=lambda run: run.params), reason)


def _judged(promise: Promise, record: TrainingRecord, others: dict[int, Measured]) -> VerifiedRun:
    """A promise and its measurement."""
    predicted = promise.predicted
    values = [
        reached(run, promise.metric, others[run.seed]) for run in record.seeds if run.status == "ok"
    ]
    mean = float(np.mean(values)) if values else None
    return VerifiedRun(
        **vars(promise),
        measured=mean,
        values=values,
        diverged=len(record.seeds) - len(values),
        inside=bool(values) and predicted.lower <= mean <= predicted.upper,
        runs_inside=sum(predicted.lower <= value <= predicted.upper for value in values),
        reached=bool(values) and mean <= promise.target.fitted,
        runs_reached=sum(value <= promise.target.fitted for value in values),
        flops=record.flops.job,
        seconds=record.time.train_s,
        energy=record.energy,
    )


def table_rows(reports: list[VerificationRecord]) -> list[dict[str, object]]:
    """One flat row a run, in the fitted metric (error or loss)."""
    return [
        {
            "domain": report.domain,
            "role": run.role,
            "size": size_text(run.size),
            "params": run.params,
            "fraction": run.fraction,
            "metric": run.metric,
            "level": run.level,
            **vars(run.predicted),
            "measured": run.measured,
            "runs": len(run.values),
            "diverged": run.diverged,
            "inside": run.inside,
            "runs_inside": run.runs_inside,
            "reached": run.reached,
            "runs_reached": run.runs_reached,
            "chance": run.chance,
            "flops": run.flops,
            "seconds": run.seconds,
            "joules": run.energy.joules,
        }
        for report in reports
        for run in report.runs
    ]


def text(reports: list[VerificationRecord]) -> str:
    """A line or two for each run, as people read it."""
    lines = ["predicted against measured"]
    for report in reports:
        for run in report.runs:
            lines += ["", *_lines(report.domain, run)]
        if report.nothing_to_build:
            lines += ["", f"{report.domain}: nothing to build: {report.nothing_to_build}"]
    if any(report.runs for report in reports):
        lines += ["", "These runs join the next fit: `snakemake --cores all` takes them in."]
    return "\n".join(lines) + "\n"


def _lines(domain: str, run: VerifiedRun) -> list[str]:
    metric = run.target.named
    head = f"{domain}, {run.role} ({size_text(run.size)}: {run.params:,} parameters)"
    predicted = f"  predicted {metric_text(metric, run.predicted)} for one run"
    if run.measured is None:
        return [head, predicted, f"  measured  nothing: all {run.diverged} runs diverged"]
    values = run.values
    shown = Estimate(run.measured, min(values), max(values))
    verdict = "INSIDE the interval" if run.inside else "OUTSIDE the interval"
    told = "" if run.chance is None else f" (foretold: {probability(run.chance)})"
    wanted = target_value(run.target)
    target = f"{run.runs_reached} of {len(values)} runs reach the target, {wanted}{told}"
    gone = f", {run.diverged} diverged" if run.diverged else ""
    return [
        head,
        predicted,
        f"  measured  {metric_text(metric, shown)}, mean and range of {len(values)} runs{gone}",
        f"  {verdict} ({run.runs_inside} of {len(values)} runs are); {target}",
    ]
