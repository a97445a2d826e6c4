"""What limits a domain's loss, variance or resolution, and how it falls with compute."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..families import family
from ..grids import regimes as grid
from ..grids.front import front
from ..metrics import loss_unit
from ..records.regimes import AxisVerdict, ComputeFront, RegimesRecord, SliceVerdict
from ..records.runs import COUNT_COLUMN, good
from ..records.specs import RegimesSpec
from ..records.typed import Refused
from ..units import percent, prefixed, wrapped
from .describe import finite

if TYPE_CHECKING:
    import pandas

PARAMS = 0.5  # what parameters show when variance limits: they grow as the square of a width


def judge(spec: RegimesSpec, frame: pandas.DataFrame) -> RegimesRecord:
    """Verdicts along size and samples, and the law of the loss in compute, from observations."""
    # What verification trained stands in no ladder: it is left out, by its name.
    runs = good(frame)
    runs = runs[runs["scale"].isin(spec.ladder)]
    size, values = size_axis(spec)
    if size == "params":
        column = runs[COUNT_COLUMN[spec.counted]].to_numpy(float)
    else:
        column = runs["scale"].map(values).to_numpy(float)
    columns = {
        size: column,
        "samples": runs["samples"].to_numpy(float),
        "loss": runs["test_loss"].to_numpy(float),
        "seed": runs["seed"].to_numpy(),
        "flops": runs["flops"].to_numpy(float),
        "cell": (runs["scale"] + "/" + runs["fraction"]).to_numpy(str),
    }
    return RegimesRecord(
        spec.domain, size, spec.level, _axes(spec, size, columns), _front(spec, columns),
        loss_unit(frame["task"].iloc[0]),
    )  # fmt: skip


def size_axis(spec: RegimesSpec) -> tuple[str, dict[str, float]]:
    """The axis of sizes, and its value by scale: the one key that the ladder varies, by which
    variance shows 1 (Bahri et al. 2021); else the parameters, by which it shows ½."""
    kind = family(spec.family)
    sizes = {scale: kind.complete(size) for scale, size in spec.ladder.items()}
    rest = [{k: v for k, v in size.items() if k != kind.turned} for size in sizes.values()]
    if kind.turned is None or any(each != rest[0] for each in rest):
        return "params", {}
    return kind.turned, {scale: float(size[kind.turned]) for scale, size in sizes.items()}


def _axes(spec: RegimesSpec, size: str, columns: dict) -> dict[str, AxisVerdict] | Refused:
    expected = (PARAMS if size == "params" else 1.0, 1.0)
    try:
        found = grid.regimes(
            columns, size, "samples", "loss", seed="seed", level=spec.level,
            variance_exponent=expected,
        )  # fmt: skip
    except UserError as reason:
        return Refused(str(reason).removeprefix("regimes: "))
    return {
        axis.name: AxisVerdict(
            axis.name, axis.other, axis.expected, axis.verdict, finite(axis.exponent),
            finite(axis.lower), finite(axis.upper), list(axis.evidence),
            [_slice(each) for each in axis.slices],
        )
        for axis in found.values()
    }  # fmt: skip


def _slice(one: grid.Slice) -> SliceVerdict:
    errors = one.errors.tolist() if np.isfinite(one.errors).all() else None
    return SliceVerdict(
        one.fixed, one.values.tolist(), one.losses.tolist(), errors, one.exponent,
        finite(one.lower), finite(one.upper), one.floor, one.gain, finite(one.doubling),
        one.verdict, one.why,
    )  # fmt: skip


def _front(spec: RegimesSpec, columns: dict) -> ComputeFront | Refused:
    try:
        found = front(columns, "flops", "loss", cells=["cell"], level=spec.level, seed=spec.seed)
    except UserError as reason:
        return Refused(str(reason).removeprefix("front: "))
    return ComputeFront(
        found.flops.tolist(), found.losses.tolist(), found.on.tolist(),
        *found.law.exponents()["flops"], *found.law.floor(), found.law.to_json(),
    )  # fmt: skip


def axes_of(found: dict[str, AxisVerdict]) -> dict[str, grid.Axis]:
    """A record's axes as `plots.regimes` draws them."""

    def number(value: float | None) -> float:
        return math.nan if value is None else value

    def slice_of(one: SliceVerdict) -> grid.Slice:
        values, losses = np.array(one.values), np.array(one.losses)
        errors = np.full(len(values), np.nan) if one.errors is None else np.array(one.errors)
        return grid.Slice(
            one.fixed, values, losses, errors, one.exponent, number(one.lower), number(one.upper),
            one.floor, one.gain, number(one.doubling), one.verdict, one.why, 0, np.array([]),
            np.array([]),
        )  # fmt: skip

    return {
        name: grid.Axis(
            axis.name, axis.other, axis.expected, axis.verdict, number(axis.exponent),
            number(axis.lower), number(axis.upper), tuple(axis.evidence),
            tuple(slice_of(each) for each in axis.slices),
        )
        for name, axis in found.items()
    }  # fmt: skip


def text(records: list[RegimesRecord]) -> str:
    """What limits each domain, axis by axis, with what that rests on, and its law in compute."""
    return "\n".join(_domain(each) for each in records)


def _domain(found: RegimesRecord) -> str:
    title = f"{found.domain}: what limits the loss"
    lines = [title, "-" * len(title)]
    if isinstance(found.axes, Refused):
        lines += wrapped(found.axes.refused, "  not asked ")
    else:
        for name, axis in found.axes.items():
            lines += wrapped(verdict_text(axis, found.level), f"  {name:<10}")
            for sentence in axis.evidence:
                lines += wrapped(sentence, " " * 12)
    lines += wrapped(front_text(found.front, found.level, found.unit), "  compute   ")
    return "\n".join(lines) + "\n"


def verdict_text(axis: AxisVerdict, level: float) -> str:
    """The regime along an axis in words, with the exponent of all slices."""
    regime = f"{axis.verdict}-limited" if axis.verdict in grid.REGIMES else axis.verdict
    if axis.exponent is None:
        return regime
    ends = ""
    if axis.lower is not None:
        ends = f" ({percent(level)}: {axis.lower:.3f} to {axis.upper:.3f})"
    return f"{regime}; exponent {axis.exponent:.3f}{ends}, where {axis.expected:g} means variance"


def front_text(found: ComputeFront | Refused, level: float, unit: str) -> str:
    """The law of the loss in compute, in words."""
    if isinstance(found, Refused):
        return f"no law: {found.refused}"
    dearest = found.flops[found.on[-1]]
    return (
        f"{len(found.on)} of {len(found.flops)} cells lie on the front; along it the loss falls as "
        f"C^−{found.exponent:.3f} at {prefixed(dearest, 'FLOP')} ({percent(level)}: "
        f"{found.lower:.3f} to {found.upper:.3f}), to a floor of {found.floor:.3g} {unit} "
        f"({found.floor_lower:.3g} to {found.floor_upper:.3g})"
    )


def table_rows(records: list[RegimesRecord]) -> list[dict[str, object]]:
    """A flat row a domain and axis, and one for the law in compute; None where there is none."""
    rows = []
    for found in records:
        if not isinstance(found.axes, Refused):
            rows += [
                _row(found.domain, axis.name, axis.verdict, axis, axis.expected)
                for axis in found.axes.values()
            ]
        if not isinstance(found.front, Refused):
            rows.append(_row(found.domain, "flops", None, found.front, None))
    return rows or [_row(None, None, None, None, None)]


def _row(domain, axis, verdict, found, expected) -> dict[str, object]:
    ends = {name: found and getattr(found, name) for name in ("exponent", "lower", "upper")}
    return {"domain": domain, "axis": axis, "verdict": verdict, **ends, "variance_means": expected}
