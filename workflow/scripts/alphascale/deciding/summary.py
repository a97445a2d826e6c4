"""All domains' decisions as the page printed when a study ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from ..metrics import metric
from ..records.decision import (
    CheapestPair,
    DataNeeded,
    DecisionRecord,
    PairMoney,
    Price,
    Saving,
    Served,
)
from ..records.fit import Errors
from ..records.specs import Size, Target
from ..records.typed import Refused
from ..units import (
    count,
    energy,
    fixed,
    mass,
    money,
    percent,
    prefixed,
    probability,
    significant,
    spread,
    wrapped,
)
from .ranges import FAR
from .rates import rates_text
from .serving_text import requests_text, serving_text
from .settling import untrusted
from .shown import fit_text, metric_text

NOT_CARRIED = "energy, CO₂ and money not told: the jobs' times do not carry them"


def labels_money(decision: DecisionRecord) -> float | None:
    """What the labels cost that what is built is trained on; None where they have no price."""
    each = decision.costs.price_per_label
    return None if not each or decision.samples is None else each * decision.samples


def labels_share(paid: PairMoney) -> float | None:
    return paid.labels / paid.total if paid.total else None


def text(
    decisions: list[DecisionRecord], reworded: Callable[[str], str] = lambda words: words
) -> str:
    """The summary as people read it, some fifteen lines a domain, at most 96 columns.

    reworded: turns its labels and paragraphs into those of what is no study.
    """
    return "\n".join(_domain(decision, reworded) for decision in decisions)


def _domain(decision: DecisionRecord, reworded: Callable[[str], str]) -> str:
    title = f"{decision.domain}: {target_text(decision)}"
    lines = [title, "-" * len(title)]
    for name, words in (
        ("withheld", withheld_text(decision)),
        ("N*", star_text(decision)),
        ("beside", beside_text(decision)),
        ("the fit", fit_text(decision)),
        ("build", build_text(decision)),
        *((label, cost_text(decision, run)) for label, run in
          (("its cost", "architecture"), ("naive", "naive"), ("the study", "study"))),
        ("rates", rates_text(decision.rates)),
        ("saving", saving_text(decision)),
        ("serving", serving_text(decision)),
        ("cheapest", joint_text(decision)),
        ("more data", data_text(decision)),
        ("settle it", settling_text(decision)),
        *(("warning", warning) for warning in warnings(decision)),
    ):  # fmt: skip
        if words:
            lines += wrapped(reworded(words), f"  {reworded(name):<10}")
    return "\n".join(lines) + "\n"


def target_text(decision: DecisionRecord) -> str:
    several = len(decision.fractions) > 1
    data = f", at fraction {decision.fraction} of the training data" if several else ""
    return f"target {target_value(decision.target)}{data}"


def target_value(target: Target) -> str:
    """`accuracy 95 %`: a target as the study gave it."""
    return metric(target.named).text(target.given)


def withheld_text(decision: DecisionRecord) -> str:
    """By how much the law missed sizes it had not seen, beside predictors that know no law."""
    found = decision.withheld
    if isinstance(found, Refused):
        return f"not tested on unseen sizes: {found.refused}"
    errors, sizes = found.errors, len(found.predictions)
    which = "the largest size" if sizes == 1 else f"the {sizes} largest sizes"
    line = "" if errors.line is None else f", a log-log line {gap(decision, errors.line)}"
    lost = " nor ".join(unbeaten(errors)).upper()
    verdict = f"THE LAW DOES NOT BEAT {lost}" if lost else "the law beats them"
    return (
        f"the law missed {which}, unseen, by {gap(decision, errors.law)}; repeating the last size "
        f"would miss by {gap(decision, errors.carry)}{line}: {verdict}"
    )


def unbeaten(errors: Errors) -> list[str]:
    """The predictors without a law that missed the withheld sizes by less than the law did."""
    naive = {"repeating the last size": errors.carry, "a log-log line": errors.line}
    return [name for name, error in naive.items() if error is not None and error < errors.law]


def gap(decision: DecisionRecord, value: float) -> str:
    """A difference in the fitted metric: percentage points, nats or the label's unit; of a
    perplexity, its share."""
    known = metric(decision.target.metric)
    if decision.target.perplexity is not None:
        return f"{percent(math.expm1(value), 2)} of the perplexity"
    if known.share:
        return f"{fixed(100 * value, 2, 1)} points"
    return f"{significant(value, 2)} {known.unit}".rstrip()


def star_text(decision: DecisionRecord) -> str:
    """N* with interval, level and the probability that the target is out of reach."""
    star = decision.star
    if isinstance(star, Refused):
        return f"none: {star.refused}"
    reach = f"out of reach in {probability(star.out_of_reach)} of {star.draws:,} {kind(decision)}"
    counted = "" if decision.counted == "total" else ", embeddings not counted"
    lower, upper = star.interval
    level = f"{percent(decision.level)} interval"
    interval = f"{level} {spread(lower, upper)}"
    if star.n_star is None:
        if lower is None:
            interval = f"{level} wholly out of reach"
        best = metric_text(decision.target.named, star.best_reachable)
        return (
            f"none: the fitted law never reaches the target; {interval}; {reach}; the best the law "
            f"can see is {best}"
        )
    even = f"{count(star.n_star)} parameters{counted} at even chance"
    if star.n_star <= decision.ladder.smallest:
        even = (
            f"met by the smallest size trained, {count(star.n_star)} parameters{counted}, at even "
            "chance; what lies below was not measured"
        )
        interval = f"{level} up to {count(upper)}"
    asked = percent(decision.target.confidence)
    sure = (
        f"no size up to {significant(FAR)} × the largest trained reaches the target with {asked}"
        if star.confident is None
        else f"one run reaches the target with {asked} at {count(star.confident)}"
    )  # fmt: skip
    return f"{even}; {interval}; {reach}; {sure}"


def beside_text(decision: DecisionRecord) -> str:
    """What a study's further targets ask for; empty where there are none."""
    asked = []
    for each in decision.others:
        star, sure = each.star, percent(each.target.confidence)
        if isinstance(star, Refused):
            what = f"no law ({star.refused})"
        elif star.n_star is None:
            what = "out of the law's reach"
        else:
            what = f"{count(star.n_star)} parameters at even chance, "
            what += (
                f"{count(star.confident)} with {sure}" if star.confident else f"none with {sure}"
            )
        asked.append(f"{target_value(each.target)}: {what}")
    if not asked:
        return ""
    return f"decided on {target_value(decision.target)}, which asks for most; {'; '.join(asked)}"


def kind(decision: DecisionRecord) -> str:
    """What an interval is the spread of."""
    return "draws of the posterior" if decision.law == "auto" else "resamples"


def joint_text(decision: DecisionRecord) -> str:
    """The cheapest size and data together, by the joint law; empty where there is none."""
    found = decision.joint
    if not isinstance(found, CheapestPair):
        return ""
    reached = probability(found.reached)
    if found.params is None:
        limited = isinstance(decision.serving, Served) and decision.serving.limit is not None
        within = "within the limits of serving " if limited else ""
        return (
            f"{within}the joint law alone never reaches the target ({reached} of its "
            f"{kind(decision)} do)"
        )
    low, high = found.interval["flops"]
    data = (
        "all the data" if found.fraction >= 1
        else f"{found.samples:,} samples ({percent(found.fraction)} of the data)"
    )  # fmt: skip
    paid = found.money and f"; {pair_money_text(decision, found, found.money)}"
    if isinstance(decision.serving, Served) and decision.serving.asked.requests and not found.money:
        paid = (
            "; of its training alone, requests not counted, since the jobs' times do not carry "
            "what a training costs"
        )
    return (
        f"by the joint law of N and D alone, at even chance: {count(found.params)} parameters on "
        f"{data}, {prefixed(found.flops, 'FLOP')} (interval "
        f"{prefixed(low, 'FLOP') if low else '∞'} – {prefixed(high, 'FLOP') if high else '∞'})"
        f"{paid or ''}; reached in {reached} of its draws"
    )


def pair_money_text(decision: DecisionRecord, found: CheapestPair, paid: PairMoney) -> str:
    """What the cheapest pair costs, labels and training, what share of it are labels, and where
    dear labels have driven it to the edge of what was measured."""

    def shown(amount: float | None) -> str:
        return "∞" if amount is None else money(amount, decision.costs.currency)

    ends = " – ".join(map(shown, paid.interval))
    interval = f"{percent(decision.level)} interval {ends}"
    if paid.training is None:
        return (
            f"its labels cost {shown(paid.labels)} ({interval}); the cheapest in FLOPs, since the "
            "jobs' times do not carry what a training costs"
        )
    within = f", known within × {paid.factor:.2f}" if paid.factor > 1.005 else ""
    share_ = labels_share(paid)
    parts = "" if share_ is None or not paid.labels else f", {percent(share_)} of it labels"
    if paid.serving is not None:
        parts += f", the requests {shown(paid.serving)}"
    edge = ""
    if found.fraction <= min(map(float, decision.fractions)) * (1 + 1e-9):
        edge = "; with less than the smallest fraction nothing was trained"
    far = found.params / decision.ladder.largest
    if far > FAR:
        edge += f"; {significant(far, 2)} × the largest size trained, far from what was measured"
    life = ""
    if paid.serving is not None:
        life = f" over its life, with {requests_text(decision.serving.asked.requests)}"
    return (
        f"the cheapest in money{life}: {shown(paid.total)} ({interval}){parts}, the training "
        f"{shown(paid.training)}{within}{edge}"
    )


def data_text(decision: DecisionRecord) -> str:
    """What more data would do for the largest size trained; empty where it is not known."""
    found = decision.data
    if not isinstance(found, DataNeeded):
        return ""
    there, size = f"the {found.have:,} samples trained on", count(found.params)
    law = "by the joint law alone"
    if found.interval[0] is None:
        return f"the largest size trained ({size} parameters) misses the target with any, {law}"
    level = f"{percent(decision.level)} interval"
    ends = f"{level} {_times(found.interval[0])} – {_times(found.interval[1])}"
    even = "no amount is enough"
    if found.needs is not None:
        even = _times(found.needs)
        if found.needs <= found.least:
            even = f"no more than the smallest fraction trained on, {even},"
    asked = percent(decision.target.confidence)
    sure = (
        f"no amount is enough with {asked}" if found.confident is None
        else f"{_times(found.confident)} for one run to reach it with {asked}"
    )  # fmt: skip
    paid = needed_labels_text(decision, found)
    return (
        f"of {there}, the largest size trained ({size} parameters) needs for the target, {law}: "
        f"{even} at even chance; {ends}; {sure}{paid}"
    )


def needed_labels_text(decision: DecisionRecord, found: DataNeeded) -> str:
    """What the labels would cost that the largest size needs; empty where they have no price."""
    each = decision.costs.price_per_label
    if not each or found.needs is None:
        return ""

    def priced(factor: float) -> str:
        labels = math.ceil(factor * found.have)
        return f"{money(each * labels, decision.costs.currency)} ({count(labels)} labels)"

    sure = percent(decision.target.confidence)
    more = f", with {sure} {priced(found.confident)}" if found.confident is not None else ""
    return f"; the labels would cost {priced(found.needs)} at even chance{more}"


def _times(factor: float | None) -> str:
    return "∞" if factor is None else f"{significant(factor, 2)} ×"


def settling_text(decision: DecisionRecord) -> str:
    """What to train next where the decision cannot be trusted yet; empty where it can."""
    found = decision.settling
    if found is None:
        why = untrusted(decision.star, decision.withheld)
        none = "no single size up to 8 × the largest would settle it; `snakemake plan` weighs more"
        return f"{why}: {none}" if why else ""
    cost = found.run.price
    n = found.members
    spent = replace(
        cost, flops=cost.flops * n, kwh=cost.kwh * n, co2_g=cost.co2_g * n, money=cost.money * n
    )
    return (
        f"{found.why}: training {size_text(found.run.size)} "
        f"({count(found.run.params['total'])} parameters, {significant(found.multiple)} × the "
        f"largest; {found.members} trainings, {cost_line(decision, spent)}) would leave about "
        f"{percent(found.left, 2)} of the uncertainty at the size to build; `snakemake plan` "
        "weighs more runs"
    )


def build_text(decision: DecisionRecord) -> str:
    """The architecture, its parameter count and what the law predicts for one run of it."""
    built = decision.architecture
    if built is None:
        return f"none: {decision.unbuildable}" if decision.unbuildable else ""
    parts = [f"{size_text(built.size)}: {built.params['total']:,} parameters"]
    if built.params["embedding"]:
        parts.append(f"{built.params['non_embedding']:,} without embeddings")
    return (
        f"{decision.family} {', '.join(parts)}; predicted {predicted_text(decision)}; "
        f"{chance_text(decision)}" + (f"; {decision.between}" if decision.between else "")
    )


def chance_text(decision: DecisionRecord) -> str:
    """How likely one run of the architecture reaches the target, and whether that is enough."""
    asked, chance = percent(decision.target.confidence), probability(decision.architecture.chance)
    if decision.star.confident is None:
        return f"this is N*: one run reaches the target with {chance} (asked: {asked})"
    return f"one run reaches the target with {chance} (asked: {asked})"


def size_text(size: Size) -> str:
    return ", ".join(f"{key} {value}" for key, value in size.items())


def predicted_text(decision: DecisionRecord) -> str:
    """Predicted metric of one run of N*, as the target names it, with its interval."""
    return metric_text(decision.target.named, decision.architecture.predicted)


def cost_text(decision: DecisionRecord, run: str) -> str:
    """Energy, CO₂ and money of a run of RUNS, and how the energy was got."""
    cost = price_of(decision, run)
    if cost is None:
        return ""
    size = ""
    if run == "naive":
        chance = decision.naive.chance
        reaches = "" if chance is None else f"; reaches the target with {probability(chance)}"
        size = f" (once, {count(decision.naive.params['total'])} parameters, not run{reaches})"
    if run == "architecture":
        size = " (once)"
    told = "" if cost.factor is None else f", {how(cost)}"
    labels = labels_text(decision) if run == "architecture" else ""
    return f"{cost_line(decision, cost)}{told}{size}{labels}"


def labels_text(decision: DecisionRecord) -> str:
    """What the labels cost that what is built is trained on, beside the training; empty where they
    have no price."""
    paid = labels_money(decision)
    if paid is None:
        return ""
    amount = money(paid, decision.costs.currency)
    return f"; beside the training, its {decision.samples:,} labels: {amount}"


def cost_line(decision: DecisionRecord, cost: Price) -> str:
    """FLOPs, and energy, CO₂ and money with the factor that they are known by."""
    flops = prefixed(cost.flops, "FLOP")
    if cost.factor is None:
        return f"{flops}; {NOT_CARRIED}{beyond_text(cost)}"
    paid = money(cost.money, decision.costs.currency)
    within = f" (within × {cost.factor:.2f})" if cost.factor > 1.005 else ""
    return f"{flops}, {energy(cost.kwh)}, {mass(cost.co2_g)} CO₂, {paid}{within}"


def beyond_text(cost: Price) -> str:
    """How far beyond what was timed a training lies; empty where it is no larger."""
    if cost.beyond < 1.05:
        return ""
    return f" (a step takes {significant(cost.beyond, 2)} × the FLOPs of any that was timed)"


def how(cost: Price) -> str:
    """How the energy was got, in a word, and by how many steps the seconds if some were timed."""
    steps = f", timed over {cost.timed} steps" if cost.timed else ""
    return "measured" if cost.measured else f"estimated{steps}"


def saving_text(decision: DecisionRecord) -> str:
    """Net saving, gross beside it, and when the study is paid back."""
    gains = decision.saving
    if gains is None:
        if decision.naive is None:
            return "not reported: the study names no naive model to save against"
        why = "N* cannot be built" if decision.unbuildable else "there is no N*"
        if excluded(decision):
            why = "nothing is recommended within the limits of serving"
        return f"none: {why}, and the study's cost is spent"
    return (
        f"of FLOPs net {percent(gains.net)} with the study counted, gross {percent(gains.gross)} "
        f"without it; {pays_text(gains.pays_after_runs)}; {energy_saving_text(gains)}; "
        f"{amounts_text(decision)}{unsaved_text(decision)}"
    )


def unsaved_text(decision: DecisionRecord) -> str:
    """That labels are no part of the saving, where they have a price."""
    paid = labels_money(decision)
    if paid is None:
        return ""
    amount = money(paid, decision.costs.currency)
    return f"; labels are no part of it: either is trained on {amount} of them"


def amounts_text(decision: DecisionRecord) -> str:
    """What one training of the architecture saves against one of the naive model, in amounts."""
    built, naive = decision.architecture.price, decision.naive.price
    flops, grams = naive.flops - built.flops, naive.co2_g - built.co2_g
    carbon = ""
    if decision.saving.energy is not None:
        carbon = f" and {_amount(grams, mass)} CO₂"
    return f"{_amount(flops, lambda value: prefixed(value, 'FLOP'))}{carbon} less a training, gross"


def _amount(value: float, shown: Callable[[float], str]) -> str:
    return ("−" if value < 0 else "") + shown(abs(value))


def energy_saving_text(gains: Saving) -> str:
    """The saving of energy, with its intervals."""
    found = gains.energy
    if found is None:
        return "of energy not told: the jobs' times do not carry it"
    shown = []
    for value, ends in ((found.net, found.net_interval), (found.gross, found.gross_interval)):
        low, high = (percent(end, 2) for end in ends)
        # Two long trainings take times that go with their FLOPs, whatever the rate.
        shown.append(percent(value, 2) + (f" ({low} to {high})" if low != high else ""))
    return f"of energy net {shown[0]}, gross {shown[1]}, at the study's own speed"


def pays_text(runs: float | None) -> str:
    """After how many trainings of N* in place of the naive model the study is paid back."""
    if runs is None:
        return "the study never pays off: what to build costs no less than the naive model"
    if runs <= 1:
        return "the study pays off with the first training"
    return f"the study pays off after {int(-(-runs // 1)):,} trainings"


def excluded(decision: DecisionRecord) -> bool:
    """Whether a limit of serving is why nothing is recommended."""
    return isinstance(decision.serving, Served) and decision.serving.excluded


def extrapolation(decision: DecisionRecord) -> float | None:
    """What is recommended as a multiple of the largest size trained."""
    return decision.recommended and decision.recommended / decision.ladder.largest


def warnings(decision: DecisionRecord) -> list[str]:
    """What a reader must know before trusting the numbers, a sentence each."""
    found = []
    factor = extrapolation(decision)
    if factor is not None and factor > 1 and not excluded(decision):
        far = ", far from what was measured" if factor > FAR else ""
        found.append(f"what to build is {significant(factor, 2)} × the largest size trained{far}")
    star = decision.star
    if not isinstance(star, Refused) and star.failed_resamples:
        failed, all_ = star.failed_resamples, decision.resamples
        found.append(f"{failed:,} of {all_:,} resamples could not be fitted")
    return found + decision.fit_warnings + decision.run_warnings


def price_of(decision: DecisionRecord, run: str) -> Price | None:
    """What a run of RUNS costs; None where there is none."""
    if run == "study":
        return decision.study
    found = getattr(decision, run)
    return found and found.price
