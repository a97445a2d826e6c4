"""`alphascale prior`: ladders of finished studies, by their folders, as the prior of the next."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alphascale.errors import UserError
from alphascale.fitting.learning import learn, save
from alphascale.laws.priors import SHIPPED, Belief
from alphascale.laws.shapes import ALPHA, BETA
from alphascale.tables.reading import read_csv, spare

LEAST = 4  # sizes of a ladder that teaches: fewer say what the prior said


def run_prior(args: argparse.Namespace) -> None:
    """Learn from every domain of every study named, say from what, and write the prior."""
    spare(args.out, '"learned_from"')
    ladders, lines, skipped = [], [], []
    known: dict[bytes, str] = {}
    for folder in dict.fromkeys(str(Path(each).resolve()) for each in args.studies):
        decisions = sorted(Path(folder).glob("decision/*.json"))
        if not decisions:
            skipped.append(f"{folder}: no study ended there (no decision/*.json)")
        for path in decisions:
            try:
                found = ladders_of(path)
            except UserError as reason:
                skipped.append(str(reason))
                continue
            for name, *ladder in found:
                # A study beside another (`--config run=tried`) holds trainings of both.
                if known.setdefault(_runs_of(*ladder), name) != name:
                    skipped.append(f"{name}: the runs of {known[_runs_of(*ladder)]}")
                    continue
                ladders.append(tuple(ladder))
                lines.append(name)
    for reason in skipped:
        print(f"left out: {reason}")
    if not ladders:
        raise UserError(
            f"no ladder to learn from in {', '.join(args.studies)}; name folders of studies that "
            "ended, like results/default"
        )
    beliefs = learn(ladders)
    save(beliefs, args.out, lines)
    print(
        "\n".join(
            [f"learned from {len(ladders)} tables of runs:", *(f"  {line}" for line in lines)]
        )
    )
    for role, name in (("one", "of N alone"), ("two", "of N and D")):
        print(f"exponents {name}: {_exponents(getattr(beliefs, role))}")
        print(f"  shipped:      {_exponents(getattr(SHIPPED, role))}")
    print(f"saved: {args.out}; a study takes it as fit: {{prior: {args.out}}}")


def _runs_of(x: np.ndarray, y: np.ndarray, cluster: np.ndarray) -> bytes:
    """Equal for tables of equal runs, in whatever order."""
    order = np.lexsort((y, *x))
    return x[:, order].tobytes() + y[order].tobytes()


def ladders_of(decision: Path) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """(what it is, x (r, m), y (m,), cluster (m,)) of a finished domain: its largest fraction in N,
    and all fractions in N and D where there are two; of the metric that the study decided on.

    decision: results/{run}/decision/{domain}.json. Raises UserError where the domain teaches
    nothing.
    """
    try:
        told = json.loads(decision.read_text())
        metric, counted, fraction = told["metric"], told["counted"], float(told["fraction"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise UserError(f"{decision}: not a decision of this version ({fault})") from None
    table = decision.parent.parent / "observations" / f"{decision.stem}.csv"
    frame = read_csv(table).columns
    size = "params" if counted == "total" else "non_embedding"
    try:
        good = np.array(frame["status"]) == "ok"
        n, d, share, y = (
            np.array(frame[name])[good].astype(float)
            for name in (size, "samples", "fraction", f"test_{metric}")
        )
        scale = np.array(frame["scale"])[good]
    except (KeyError, ValueError) as fault:
        raise UserError(f"{table}: not the observations of a study ({fault})") from None
    usable = (y > 0) & np.isfinite(y)
    n, d, share, y, scale = (each[usable] for each in (n, d, share, y, scale))
    here = share == fraction
    sizes = len(np.unique(n[here]))
    if sizes < LEAST:
        raise UserError(f"{table}: {sizes} sizes at fraction {fraction:g}; {LEAST} teach something")
    name = f"{decision.parent.parent.name}/{decision.stem}"
    out = [(f"{name}: {metric} of {sizes} sizes", n[here][None], y[here], scale[here])]
    amounts = len(np.unique(d))
    if amounts > 1:
        cells = np.char.add(np.char.add(scale, "/"), share.astype(str))
        about = f"{name}: {metric} of {sizes} sizes at {amounts} amounts of data"
        out.append((about, np.stack([n, d]), y, cells))
    return out


def _exponents(beliefs: Sequence[Belief]) -> str:
    """The first form's exponents, middle and one sd to either side."""
    form = beliefs[0]
    words = []
    for name, i in (("N", ALPHA), ("D", BETA)):
        if 0 < form.sd[i] < np.inf:
            m, s = form.mean[i], form.sd[i]
            ends = " – ".join(f"{np.exp(m + k * s):.2f}" for k in (-1, 1))
            words.append(f"{name} {np.exp(m):.2f} ({ends})")
    return ", ".join(words)
