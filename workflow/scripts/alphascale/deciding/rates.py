"""How a domain's learning rates were set, and what that saved against sweeping every cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..auditing.job_warnings import BEATEN
from ..records.decision import RatesUsed
from ..records.rates import edge_text
from ..records.runs import jobs
from ..records.specs import DecisionSpec
from ..units import percent, prefixed

if TYPE_CHECKING:
    import pandas


def rates_used(spec: DecisionSpec, frame: pandas.DataFrame) -> RatesUsed | None:
    """Of a domain with a law of rates, or whose sweeps were halved; None where every cell was swept
    to the end.

    A full sweep is what the runs at the chosen rates took, times the number of rates.
    """
    if spec.swept is None and not spec.halving:
        return None
    ladder = frame[frame["role"] == "ladder"]
    each = jobs(ladder)
    full = float(ladder["flops"].sum()) * spec.rates
    if spec.swept is None:
        return RatesUsed(spec.rates, [], None, None, None, full, float(each["job_flops"].sum()))
    whole = max(ladder["fraction"], key=float)
    swept = ladder["scale"].isin(spec.swept) & (ladder["fraction"] == whole)
    followed = ladder[~swept]
    seeds = followed.groupby(["scale", "fraction"])["seed"].transform("nunique")
    tried = followed[followed["job_members"] > seeds]
    beaten = tried["warnings"].fillna("").astype(str).str.contains(BEATEN).any()
    return RatesUsed(
        rates=spec.rates,
        swept=spec.swept,
        ends=(float(followed["learning_rate"].min()), float(followed["learning_rate"].max()))
        if len(followed)
        else None,
        checked=str(tried["scale"].iloc[-1]) if len(tried) else None,
        beaten=bool(beaten) if len(tried) else None,
        sweep_flops=full,
        flops=float(each["job_flops"].sum()),
        edge=edge_text(ladder[swept]["learning_rate"].tolist(), spec.candidates),
    )


def rates_text(used: RatesUsed | None) -> str:
    """In words, for the summary; empty where every cell was swept."""
    if used is None:
        return ""
    spent = (
        f"{prefixed(used.flops, 'FLOP')} in place of the {prefixed(used.sweep_flops, 'FLOP')} of "
        f"sweeping {used.rates} to the end in every cell, {percent(used.flops / used.sweep_flops)}"
    )
    if not used.swept:
        return (
            f"rates that could not win any more were stopped after a third of the epochs: {spent}"
        )
    told = f"{used.rates} rates were swept at {' and '.join(used.swept)}"
    if used.ends is not None:
        low, high = (f"{end:.2g}" for end in used.ends)
        told += f"; all else took the one of the law, {low}" + (f" to {high}" * (low != high))
    if used.checked is None:
        told += "; it was checked nowhere"
    elif used.beaten:
        told += f"; a lower one did better at {used.checked}, which was taken there alone"
    else:
        told += f"; a lower one did no better at {used.checked}"
    if used.edge:
        told += f"; {used.edge}"
    return f"{told}; {spent}"
