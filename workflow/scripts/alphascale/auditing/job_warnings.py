"""What is remarkable about a training job, in words: judged from its record, after the training."""

from __future__ import annotations

from dataclasses import dataclass

from ..records.training import TrainingRecord
from .curves import Verdict, judge, summarise

EDGE = "learning_rate_edge"
BEATEN = "law_rate_beaten"


@dataclass(frozen=True)
class JobWarning:
    """code: one word, as the observations carry it. message: a sentence for a person."""

    code: str
    message: str


def job_warnings(record: TrainingRecord) -> list[JobWarning]:
    """Diverged runs, a learning rate on the edge of its list or better than the law's, batches that
    did not fit."""
    found = (_diverged(record), edge_warning(record), _beaten(record), _pieces(record))
    return [warning for warning in found if warning is not None]


def generalisation(record: TrainingRecord) -> Verdict:
    """What at least half of the seeds show that ended well."""
    good = [run for run in record.seeds if run.best_epoch is not None]
    return summarise([judge(run.curves, run.best_epoch) for run in good])


def edge_warning(record: TrainingRecord) -> JobWarning | None:
    """Where the best of three or more rates is the smallest or the largest."""
    rates, chosen = record.spec.training.learning_rates, record.learning_rate
    if len(rates) < 3 or min(rates) < chosen < max(rates) or _all_diverged(record):
        return None
    side, way = ("largest", "larger") if chosen == max(rates) else ("smallest", "smaller")
    return JobWarning(
        EDGE,
        f"the best learning rate, {chosen:g}, is the {side} of the list: a {way} one may be "
        "better; add it to training.learning_rates",
    )


def _beaten(record: TrainingRecord) -> JobWarning | None:
    """Where the check of the law of rates did better than the law."""
    training = record.spec.training
    if training.rates != "law" or record.learning_rate in training.learning_rates:
        return None
    (lawful,) = training.learning_rates
    return JobWarning(
        BEATEN,
        f"the law of learning rates says {lawful:g}, and {record.learning_rate:g} is better by "
        "more than the scatter of seeds: it was taken here alone; smaller sizes may want a lower "
        "one too: `rates: sweep` tells",
    )


def _all_diverged(record: TrainingRecord) -> bool:
    return all(run.status == "diverged" for run in record.sweep)


def _diverged(record: TrainingRecord) -> JobWarning | None:
    gone = [f"seed {r.seed} at {r.learning_rate:g}" for r in record.sweep if r.status == "diverged"]
    if not gone:
        return None
    return JobWarning(
        "diverged",
        f"{len(gone)} of {len(record.sweep)} runs diverged (loss not finite): {', '.join(gone)}",
    )


def _pieces(record: TrainingRecord) -> JobWarning | None:
    if record.pieces == 1:
        return None
    batch = record.spec.training.batch_size
    return JobWarning(
        "micro_batch",
        f"batches of {batch} did not fit into memory and were computed in {record.pieces} pieces "
        f"of at most {-(-batch // record.pieces)}, their gradients added up: same batch, more time",
    )
