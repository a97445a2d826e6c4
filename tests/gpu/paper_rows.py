"""What config/paper.yaml would take on this device, from steps that were timed on it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
import yaml
from alphascale import slices, sweeps
from alphascale.config import Study, read_study
from alphascale.networks.count import count_flops
from alphascale.progress.sizes import works
from alphascale.records.data import Meta
from alphascale.training.device import use_bfloat16
from gpu.cases import Case, together
from gpu.rows import OK, SKIPPED, Row, each
from gpu.speed_rows import rate_of

STUDY = Path(__file__).resolve().parents[2] / "config" / "paper.yaml"
# What the data are once prepared. Covertype's columns and WikiText-2's windows are not said by the
# study: 54 columns, 2.4 M tokens by a vocabulary of 30,000.
IMAGES = Meta("image", 10, (3, 32, 32), None, None, (125.0,) * 3, (63.0,) * 3)
METAS = {
    "cifar10": IMAGES,
    "yahoo_answers": Meta("text", 10, (128,), 30_522, 0, None, None),
    "covertype": Meta("tabular", 7, (54,), None, None, None, None),
    "wikitext2": Meta("tokens", 30_000, (128,), 30_000, None, None, None, task="next"),
}
# As these, small: for a trial of this file on a CPU.
TINY = {
    "cifar10": Meta("image", 10, (3, 8, 8), None, None, (125.0,) * 3, (63.0,) * 3),
    "yahoo_answers": Meta("text", 10, (8,), 50, 0, None, None),
    "covertype": METAS["covertype"],
    "wikitext2": Meta("tokens", 50, (8,), 50, None, None, None, task="next"),
}
WINDOWS = 19_000


def measure_paper(device: torch.device, quick: bool) -> Iterator[Row]:
    """Hours of each domain: the time of a step at the smallest and at the largest size makes a line
    in its FLOPs, on which all sizes are read off."""
    name, hours = "paper.yaml", {}
    study = read_study(yaml.safe_load(STUDY.read_text(encoding="utf-8")))

    def of(domain: str) -> Iterator[Row]:
        seconds, flops, why = taken(study, domain, device, quick)
        hours[domain] = seconds / 3600
        yield Row(name, f"{domain}, {flops:.2g} FLOPs", hours[domain], "h", OK, why)

    yield from each(name, study.domains, of, 20 if quick else 100)
    missing = sorted(set(study.domains) - set(hours))
    why = "one job at a time; without evaluation, data and the start of jobs"
    if quick:
        why = "a trial on tiny data: no estimate"
    if missing:
        yield Row(name, "all", None, "h", SKIPPED, f"not known of {', '.join(missing)}")
    else:
        yield Row(name, "all", sum(hours.values()), "h", OK, why)


def taken(study: Study, domain: str, device: torch.device, quick: bool) -> tuple[float, float, str]:
    """(seconds, FLOPs, how they were got) of a domain's trainings."""
    task = study.domains[domain]
    training = task.training
    meta = (TINY if quick else METAS)[task.data.source]
    scales = list(task.ladder)[:2] if quick else list(task.ladder)
    batch = 4 if quick else training.batch_size
    bfloat16 = use_bfloat16(training.precision, device)
    section = training.model_dump(include={"optimizer", "weight_decay", "clip", "augment"})
    cells = [(domain, *cell) for cell in slices.cells(study, domain) if cell[0] in scales]
    members = {scale: sweeps.members(task, scale, fraction) for _, scale, fraction in cells}
    if quick:
        members = {scale: min(2, count) for scale, count in members.items()}
    cases = {
        scale: Case(scale, task.family, task.ladder[scale], meta, batch=batch, more=section)
        for scale in scales
    }
    at_once = {scale: together(cases[scale], device, members[scale]) for scale in scales}
    flops = {
        scale: count_flops(task.family, task.ladder[scale], meta)["training"] * batch
        for scale in scales
    }
    by_flops = sorted(scales, key=flops.__getitem__)
    points = []
    for scale in (by_flops[0], by_flops[-1]):
        window = 0.02 if quick else 1.5
        rate, _ = rate_of(cases[scale], device, at_once[scale], bfloat16, window)
        points.append((at_once[scale] * flops[scale], at_once[scale] * batch / rate))
    start, each_flop = line(*points)
    seconds = counted = 0.0
    for cell, work in works(study, "/nonexistent", cells).items():
        scale = cell[1]
        steps = work.steps or training.epochs * math.ceil(WINDOWS / training.batch_size)
        chunks = math.ceil(members[scale] / at_once[scale])
        seconds += chunks * steps * (start + each_flop * at_once[scale] * flops[scale])
        counted += members[scale] * steps * flops[scale]
    speed = f"{1 / each_flop:.2g} FLOP/s" if each_flop else "no time for a FLOP"
    return seconds, counted, f"{1e3 * start:.2g} ms a step and {speed}"


def line(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """(seconds of a step of no FLOPs, seconds of a FLOP) through two points (FLOPs, seconds),
    neither below nought: else all is the FLOPs', or all the step's."""
    (x, t), (far, longer) = sorted((one, other))
    slope = (longer - t) / (far - x) if far > x else 0.0
    if slope <= 0:
        return max(t, longer), 0.0
    return (t - slope * x, slope) if t > slope * x else (0.0, longer / far)
