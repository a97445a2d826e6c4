"""What the trainings of a study are: parameters, FLOPs and steps of each, before any has run.

Exact where a record of the same size is there, which counted them. Else `about`: the family's rough
count of a size's body, with its first and last layer where the data are known, scaled by what the
domain's records say of other sizes. No torch, numpy or pandas: the Snakefile's process asks.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..config import Study
from ..data.batches import blocks, steps_of, trunk_of
from ..data.store import prefix
from ..families import family
from ..sources import source
from ..sweeps import members as count_members
from ..sweeps import nested, on_trunk, trunk_from

Cell = tuple[str, str, str]  # domain, scale, fraction
# Backward takes twice the multiply-adds of forward, each of 2 FLOPs (Kaplan et al. 2020, eq. 2.2).
FLOPS_PER_PARAM = 6


@dataclass(frozen=True)
class Work:
    """One training job: all its members, seeds × learning rates, to the last epoch."""

    members: int
    params: int | None  # of one model; None where nothing tells it before a record
    flops: float | None  # of all members; None where that or the number of samples is not known
    steps: float | None  # of one member, on average
    about: bool  # whether no record has counted them
    # whether another of these jobs trains its trunk, which is not counted here (`cooldown`)
    trunk: bool = False


@dataclass(frozen=True)
class Known:
    """What a record counted, and what it measured."""

    params: int
    per_sample: float  # training FLOPs
    members: float  # as so many whole runs
    flops: float  # of the job, as far as its members ran
    steps: int  # of one member, the longest
    seconds: float
    watts: float | None  # measured, else rated
    measured: bool


class Records:
    """The records of a domain that were made of the sizes it has today, one a scale at most two."""

    def __init__(self, study: Study, domain: str, folder: str):
        self.study, self.domain, self.folder = study, domain, Path(folder)
        self.task = study.domains[domain]
        self.family = family(self.task.family)
        self._counted: dict[str, tuple[int | None, float | None, bool]] = {}

    @cached_property
    def data(self) -> dict[str, Any]:
        """The description of the prepared data; empty where they are not prepared."""
        return _read(self.folder / "data" / f"{self.domain}.json") or {}

    @cached_property
    def known(self) -> dict[str, list[Known]]:
        """By scale, what records say: two fractions tell a step's price from a FLOP's."""
        found = {}
        for scale, size in self.task.ladder.items():
            own = self.task.runs.get(scale)
            paths = (
                self.folder / "train" / self.domain / scale / f"{fraction}.json"
                for fraction in (own and own.fractions) or self.task.fractions
            )
            records = list(filter(None, map(_read, [p for p in paths if p.exists()][-2:])))
            whole = self.family.complete(size)
            same = [known for known in map(_known, records) if known and known[1] == whole]
            if same:
                found[scale] = [known for known, _ in same]
        return found

    def measured(self) -> list[Known]:
        """All that was measured."""
        return [each for many in self.known.values() for each in many]

    def counted(self, scale: str) -> tuple[int | None, float | None, bool]:
        """Parameters, training FLOPs of a sample, and whether they are only about right; None
        where nothing tells them."""
        if scale not in self._counted:  # asked once for each fraction
            self._counted[scale] = self._count(scale)
        return self._counted[scale]

    def _count(self, scale: str) -> tuple[int | None, float | None, bool]:
        if scale in self.known:
            return self.known[scale][0].params, self.known[scale][0].per_sample, False
        if (found := self._rough(scale)) is None:
            return None, None, True
        params, flops = found
        in_params = [(rough[0], many[0].params) for rough, many in self._points]
        in_flops = [(rough[1], many[0].per_sample) for rough, many in self._points]
        return round(_scaled(params, in_params)), _scaled(flops, in_flops), True

    @cached_property
    def _points(self) -> list[tuple[tuple[float, float], list[Known]]]:
        """The rough count of each size that records have counted, and what they say."""
        found = [(self._rough(name), many) for name, many in self.known.items()]
        return [(rough, many) for rough, many in found if rough is not None]

    def samples(self, fraction: str) -> int | None:
        """Samples of a fraction of the training data; None where nothing says how many."""
        whole = self.data.get("sizes", {}).get("train") or self._samples_said()
        return prefix(whole, fraction) if whole else None

    def _rough(self, scale: str) -> tuple[float, float] | None:
        """Parameters and training FLOPs of a sample. None for a model that its family knows nothing
        of, as of a user's own, but for its first and last layer where a table's width is known."""
        size = self.family.complete(self.task.ladder[scale])
        body = self.family.rough_params(size)
        width = size.get("d_model") or size.get("width") or 0
        spec = self.task.data
        kind = self.data.get("kind") or source(spec.source).kind
        shape = self.data.get("shape") or [spec.length or 1]
        classes = self.data.get("classes") or 0
        if body < 1 and not (kind == "tabular" and self.data and width):
            return None
        vocabulary = self.data.get("vocabulary") or spec.vocabulary or 0
        if kind in ("text", "tokens"):
            # An embedding is looked up, and computes nothing; logits are, of every token of text
            # that is run on.
            head = classes * width
            counted = body * shape[0] + head * (shape[0] if kind == "tokens" else 1)
            return body + vocabulary * width + head, FLOPS_PER_PARAM * counted
        if kind == "tabular" or self.task.family == "mlp":
            ends = width * (math.prod(shape) + classes) if self.data else 0
            return body + ends, FLOPS_PER_PARAM * (body + ends)
        # A convolution is applied at every place of what pooling has left, an eighth of all.
        places = max(1, math.prod(self._side()) // 8)
        return body, FLOPS_PER_PARAM * body * places

    def _side(self) -> tuple[int, int]:
        if self.data.get("shape"):
            return tuple(self.data["shape"][-2:])
        side = self.task.data.image_size
        said = re.search(r"(\d+)×(\d+)", source(self.task.data.source).description)
        return (side, side) if side else tuple(map(int, said.groups())) if said else (32, 32)

    def _samples_said(self) -> int | None:
        """Training samples by the words of a shipped source, `50,000 + 10,000 samples`, which
        its licence-holder fixed, and by the study's limit and splits."""
        spec = self.task.data
        said = re.search(r"([\d,]+)(?: \+ ([\d,]+))? samples", source(spec.source).description)
        if not said:
            return spec.limit
        first, test = (int(part.replace(",", "")) if part else 0 for part in said.groups("0"))
        whole = min(first, spec.limit or first)
        held = [spec.validation, 0 if test else spec.test]
        return max(1, round(whole - sum(part * whole if part < 1 else part for part in held)))


def works(study: Study, folder: str, cells: Collection[Cell]) -> dict[Cell, Work]:
    """The trainings of some cells; folder: of the run's results."""
    records = {name: Records(study, name, folder) for name in study.domains}
    every = set(cells)
    return {cell: work(study, records[cell[0]], *cell[1:], every) for cell in cells}


def work(
    study: Study, records: Records, scale: str, fraction: str, every: Collection[Cell] = ()
) -> Work:
    """One training, beside all those of `every`: one of them may train the trunk of this."""
    task = records.task
    members = count_members(task, scale, fraction)
    params, per_sample, about = records.counted(scale)
    samples = records.samples(fraction)
    if samples is None:
        return Work(members, params, None, None, about)
    epochs, size = task.training.epochs, task.training.batch_size
    steps, runs = epochs * math.ceil(samples / size), epochs * samples * members
    before = trunk_from(task, scale, fraction)
    pool, inside = records.samples("1.0"), nested(task, fraction)
    if inside:
        steps = steps_of(blocks(pool, fraction, inside), size)
    shared = (records.domain, scale, before) in every
    if shared:
        spared, seen = trunk_of(pool, before, nested(task, before), size)
        going = on_trunk(task, scale, fraction)
        steps, runs = steps - spared * going / members, runs - seen * going
    if per_sample is None:
        return Work(members, None, None, steps, about, shared)
    whole = "sizes" in records.data
    return Work(members, params, per_sample * runs, steps, about or not whole, shared)


def _scaled(rough: float, points: list[tuple[float, float]]) -> float:
    """A rough count put right by (rough, true) of other sizes: on the line between, or beyond, the
    two nearest in logarithms; of one, in its ratio."""
    near = sorted(set(points), key=lambda point: abs(math.log(point[0] / rough)))[:2]
    if not near:
        return rough
    (x, y), *more = near
    slope = 1.0
    if more and more[0][0] != x:
        slope = math.log(more[0][1] / y) / math.log(more[0][0] / x)
    return y * (rough / x) ** slope


def recorded(folder: str | Path, cell: Cell) -> tuple[Known, float | None] | None:
    """What the record of a training says, and its lowest validation loss in nats; None where there
    is none, or none of this version."""
    domain, scale, fraction = cell
    record = _read(Path(folder) / "train" / domain / scale / f"{fraction}.json")
    found = _known(record) if record else None
    if found is None:
        return None
    losses = [run.get("validation_loss") for run in record["sweep"]]
    return found[0], min((loss for loss in losses if loss is not None), default=None)


def _known(record: dict[str, Any]) -> tuple[Known, dict] | None:
    try:
        flops, energy, seconds = record["flops"], record["energy"], record["time"]["train_s"]
        joules = energy["joules"]
        watts = joules / seconds if joules is not None and seconds else energy["watts"]
        known = Known(
            params=record["params"]["total"],
            per_sample=flops["training_per_sample"],
            members=_whole_runs(record["sweep"]) - _spared(record),
            flops=flops["job"],
            steps=record["steps"],
            seconds=seconds,
            watts=watts,
            measured=joules is not None,
        )
        return known, record["spec"]["size"]
    except (KeyError, TypeError):  # another version's: it will be made anew
        return None


def _whole_runs(sweep: list[dict[str, Any]]) -> float:
    """A job's members as so many whole runs: one that was stopped is a part of one."""
    epochs = [run.get("epochs_run") for run in sweep]
    longest = max(filter(None, epochs), default=1)
    return sum((longest if each is None else each) / longest for each in epochs)


def _spared(record: dict[str, Any]) -> float:
    """As so many whole runs, what another job trained of a record's."""
    trunk = record.get("trunk")
    return trunk["runs"] * trunk["steps"] / record["steps"] if trunk else 0.0


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
