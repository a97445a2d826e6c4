"""The fit of a domain in words: the form in its reader's terms, and how it describes the runs."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial

from ..metrics import TABLE, by_fitted, metric
from ..records.bootstrap import BootstrapRecord
from ..records.decision import DecisionRecord
from ..records.fit import Estimate, FitRecord, ShownForm
from ..records.runs import largest
from ..records.typed import Refused
from ..units import fixed, percent, share, significant, wrapped


def fit_text(decision: DecisionRecord) -> str:
    """The fit at the decision's fraction; empty where the record tells none."""
    return words(decision.shown, decision.law, decision.level)


def words(found: ShownForm | Refused | None, law: str, level: float) -> str:
    """The form with its parameters, R², MAE and AIC, and how many resamples failed.

    law: what the study decides by; level: of the parameters' intervals.
    """
    if found is None:
        return ""
    if isinstance(found, Refused):
        return f"no form with parameters could be fitted: {found.refused}"
    found = as_accuracy(found)
    decides = "; law auto decides, this form describes" if law == "auto" else ""
    return (
        f"{formula(found)}: {_parameters(found)} ({percent(level)} intervals)"
        f"{_as_error(found)}; {description(found)}{decides}"
    )


def page(fits: list[FitRecord], bootstraps: list[BootstrapRecord], paths: list[str]) -> str:
    """All fits as people read them, a paragraph a fraction; paths: of the bootstraps."""
    lines = []
    for fit, bootstrap, path in zip(fits, bootstraps, paths, strict=True):
        title = (
            f"{fit.domain}: law {fit.law} of {bootstrap.metric} against N, {fit.counted} counted"
        )
        lines += [title, "-" * len(title)]
        for fraction, draws in bootstrap.fractions.items():
            found = draws if isinstance(draws, Refused) else draws.shown
            said = f"fraction {fraction}: {words(found, fit.law, bootstrap.level)}"
            lines += wrapped(said, "  ", "    ")
        drawn = bootstrap.fractions[largest(bootstrap.fractions)]
        if not isinstance(drawn, Refused):
            middle = significant(drawn.band.mean[len(drawn.band.mean) // 2])
            ask = f"alphascale optimum {shlex.quote(path)} --target {middle}"
            lines.append(f"  to ask it, for example: {ask}")
        lines.append("")
    return "\n".join(lines)


def as_accuracy(found: ShownForm) -> ShownForm:
    """A floor and a power of the error as the same curve of accuracy, a = 1 − E and b = A; any
    other form as it is."""
    if (found.law, found.of) != ("power_floor", "error"):
        return found
    e, b, alpha = (found.params[name] for name in ("E", "A", "alpha"))
    ends = (None if end is None else 1 - end for end in (e.upper, e.lower))
    return replace(
        found,
        law="accuracy",
        of="accuracy",
        expression="a - b·N^-alpha",
        params={"a": Estimate(1 - e.mean, *ends), "b": b, "alpha": alpha},
    )


def formula(found: ShownForm) -> str:
    """The form, α written as such: `accuracy = a − b·N^(−α)`."""
    right = found.expression.replace("N^-alpha", "N^(−α)").replace(" - ", " − ")
    known = TABLE.get(found.of) or by_fitted(found.of)
    left = found.of if known.name == found.of else f"1 − {known.title}"
    return f"{left if known.share else known.title} = {right}"


def _parameters(found: ShownForm) -> str:
    """Each with its interval, in the order in which the formula has them."""
    named = sorted(found.params.items(), key=lambda each: found.expression.find(each[0]))
    return ", ".join(f"{name.replace('alpha', 'α')} {_estimate(value)}" for name, value in named)


def _estimate(value: Estimate) -> str:
    shown = _number(value.mean)
    if value.lower is None or value.upper is None:
        return shown
    return f"{shown} ({_number(value.lower)} – {_number(value.upper)})"


def _number(value: float) -> str:
    """Three digits; of a coefficient without end, a power of ten."""
    return f"{value:.3g}" if abs(value) >= 1e6 else significant(value)


def _as_error(found: ShownForm) -> str:
    """The same curve as an error, where it is of accuracy."""
    if found.law != "accuracy":
        return ""
    a, b, alpha = (found.params[name].mean for name in ("a", "b", "alpha"))
    return f"; error = {_number(1 - a)} + {_number(b)}·N^(−{_number(alpha)})"


def description(found: ShownForm) -> str:
    """R², MAE, AIC and failed resamples."""
    s = found.in_sample
    r2 = "undefined" if s["r2"] is None else f"{s['r2']:.4f}"
    aic = "undefined" if s["aic"] is None else f"{s['aic']:.1f}".replace("-", "−")
    return (
        f"R² {r2}, MAE {significant(s['mae'], 2)}, AIC {aic} on the {s['n']:.0f} runs fitted, no "
        "evidence of prediction; "
        f"{found.failed_resamples:,} of {found.resamples:,} resamples failed"
    )


def as_named(named: str, found: Estimate) -> Estimate:
    """A prediction in what laws are fitted to, as the target's own metric: an accuracy, e to a
    loss."""
    if named == "perplexity":
        return found.as_perplexity()
    known = metric(named)
    ends = [None if each is None else known.falling(each) for each in (found.lower, found.upper)]
    lower, upper = reversed(ends) if known.rises else ends
    return Estimate(known.falling(found.mean), lower, upper)


def metric_text(named: str, found: Estimate) -> str:
    """A prediction in what laws are fitted to, with its interval, as the target's metric."""
    known = metric(named)
    mean, lower, upper = vars(as_named(named, found)).values()
    if known.share:
        return f"{known.title} {share(mean, lower, upper)}"
    shown = partial(fixed, decimals=3) if named == "loss" else significant
    return f"{known.title} {shown(mean)} ({shown(lower)} – {shown(upper)}) {known.unit}".rstrip()
