"""The laws, the decision and the audit of a table's observations, by the engine of studies."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..auditing.audit import PASSED, SEVERITY, WARNED, audit
from ..config.study import Bootstrap
from ..deciding.costs import CARRIED
from ..deciding.decision import decide
from ..deciding.models import of_table
from ..errors import UserError
from ..fitting.domain import bootstrap_domain, fit_domain
from ..records.audit import AuditRecord, Check
from ..records.bootstrap import BootstrapRecord
from ..records.data import Meta
from ..records.decision import BARE, CheapestPair, DecisionRecord, Price, PricedRun, Star
from ..records.fit import FitRecord
from ..records.specs import AuditSpec, BootstrapSpec, DecisionSpec, FitSpec, Target
from ..units import count, probability
from .asked import Asked
from .observed import UNTOLD, Observed

if TYPE_CHECKING:
    import pandas

LAW = "auto"
# Test samples of errors that the table does not tell the count of: so many that counting them adds
# no noise, which is how a metric is taken that is no count. At 10^12 its variance is 1e-10 or less.
UNCOUNTED = 10**12


@dataclass(frozen=True)
class Decided:
    """What a study writes of a domain."""

    spec: DecisionSpec  # what was decided on
    frame: pandas.DataFrame  # the observations, as they were taken
    fit: FitRecord
    bootstrap: BootstrapRecord
    decision: DecisionRecord
    audit: AuditRecord


def decide_table(domain: str, asked: Asked, made: Observed, frame: pandas.DataFrame) -> Decided:
    """The records of one domain; frame: its observations, as they were written and read again."""
    first, *others = asked.targets
    metrics = tuple(dict.fromkeys(target.law for target in asked.targets))
    resamples = Bootstrap().resamples
    costs, notes = asked.costs, list(made.notes)
    frame = frame.assign(test_samples=made.tested or UNCOUNTED)
    why = _untold(asked, made)
    if why:
        notes.append(why)
        frame, costs = frame.assign(job_seconds=0.0), replace(costs, flops_per_second=None)
    elif costs.flops_per_second is not None and not made.timed:
        frame = frame.assign(job_seconds=frame["job_flops"] / costs.flops_per_second)
    if costs.price_per_label and not made.samples:
        raise UserError("--costs price_per_label: the table tells no samples; name them: --samples")
    shown = tuple(
        dict.fromkeys([*metrics, *(["loss"] if frame["test_loss"].notna().any() else [])])
    )
    fits = fit_domain(domain, FitSpec(LAW, "total", asked.withhold, metrics=shown), frame)
    drawn = BootstrapSpec(
        LAW, "total", first.law, resamples, asked.level, 0,
        others=tuple(name for name in metrics if name != first.law),
    )  # fmt: skip
    bootstrap = bootstrap_domain(domain, drawn, frame, fits)
    spec = DecisionSpec(
        domain=domain, metric=first.law, target=first, others=others, family=BARE,
        ladder={scale: {"params": n} for scale, n in made.scales.items()},
        naive=None if asked.naive is None else {"params": round(asked.naive)},
        epochs=made.epochs, batch_size=made.batch, members=made.members, counted="total",
        level=asked.level, costs=costs,
    )  # fmt: skip
    decision = decide(spec, frame, fits, bootstrap, _meta(made, asked.targets), of_table(frame))
    if small := _naive_is_small(decision):
        notes.append(small)
    if why:
        decision = _blank(decision)
    elif decision.architecture is not None and decision.architecture.price.factor is None:
        notes.append(
            "energy, CO₂ and money are not told: the runs' seconds do not go with their FLOPs well "
            f"enough to carry them (a factor of {CARRIED:g} or more off); state --flops-per-second"
        )
    decision = replace(
        decision,
        costs=asked.costs,
        run_warnings=[*notes, *decision.run_warnings],
        samples=decision.samples if made.samples else None,
    )
    checks = AuditSpec(made.rates, made.epochs, asked.withhold, [])
    return Decided(
        spec, frame, fits, bootstrap, decision, _told(audit(checks, frame, fits, decision), made)
    )


def _untold(asked: Asked, made: Observed) -> str | None:
    """Why no energy, CO₂ and money are told, and what would tell them; None where they are."""
    missing = []
    if not made.timed and asked.costs.flops_per_second is None:
        missing.append("how long a run takes (a column: --seconds; or --flops-per-second)")
    if asked.costs.watts is None:
        missing.append("what the device draws (--watts)")
    if not made.flops:
        missing.append("what a training takes (--samples or --flops)")
    if not missing:
        return None
    return (
        f"energy, CO₂ and money are not told: neither table nor costs say {' nor '.join(missing)}"
    )


def _blank(decision: DecisionRecord) -> DecisionRecord:
    """Without what rests on times that nobody told: it is not shown, and no number stands there."""

    def of(run: PricedRun | None) -> PricedRun | None:
        return run and replace(run, price=_unpriced(run.price))

    pair, next_run = decision.joint, decision.settling
    if isinstance(pair, CheapestPair):
        pair = replace(pair, architecture=of(pair.architecture))
    return replace(
        decision,
        architecture=of(decision.architecture),
        naive=of(decision.naive),
        joint=pair,
        settling=next_run and replace(next_run, run=of(next_run.run)),
        study=_unpriced(decision.study),
    )


def _unpriced(price: Price) -> Price:
    return replace(price, seconds=0.0, kwh=0.0, co2_g=0.0, money=0.0, how=UNTOLD)


def _meta(made: Observed, targets: tuple[Target, ...]) -> Meta:
    """What a decision need know of the data: of a table nothing, so that no target is a guess."""
    corpus = any(target.perplexity is not None for target in targets)
    return Meta(
        kind="tokens" if corpus else "tabular", classes=sys.maxsize, shape=(1,), vocabulary=None,
        pad=None, mean=None, std=None, task=made.task,
    )  # fmt: skip


def _naive_is_small(decision: DecisionRecord) -> str | None:
    """A sentence where the naive model is smaller than N*; None where it is not."""
    star, naive = decision.star, decision.naive
    if naive is None or not isinstance(star, Star) or star.n_star is None:
        return None
    if naive.params["total"] >= star.n_star:
        return None
    return (
        f"the naive model, {count(naive.params['total'])} parameters, is smaller than N* and would "
        f"reach the target with {probability(naive.chance)} alone: a saving against it says little"
    )


def _told(found: AuditRecord, made: Observed) -> AuditRecord:
    """The audit without what a table cannot tell: that is a warning, and says so."""
    untold = {}
    if not made.embeddings:
        untold["counting rule"] = "embeddings are not told apart (a column non_embedding would)"
    if not made.rates:
        untold["learning-rate edges"] = "the table tells no learning rates"
    if not made.endings:
        untold["divergences"] = "the table tells no status: runs that diverged may be left out"
    checks = [
        Check(each.check, WARNED if each.status == PASSED else each.status, untold[each.check])
        if each.check in untold
        else each
        for each in found.checks
    ]
    tally = {word: sum(each.status == word for each in checks) for word in SEVERITY}
    return replace(found, checks=checks, tally=tally)
