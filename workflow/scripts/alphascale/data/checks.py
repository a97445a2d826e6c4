"""Whether a study's fractions can be trained on, told from the descriptions of prepared data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError, quoted
from ..records.data import read_prepared
from .store import check_content, prefix

if TYPE_CHECKING:
    from ..records.data import DataSpec, PreparedData


def check_prepared(name: str, meta: Path, data: DataSpec, fractions: list[str]) -> None:
    """`check_fractions` of a domain whose data were prepared before, from the section `data`.

    Data still to be prepared, or prepared from another section, are checked by their preparation;
    a damaged description is refused by the job that needs it.
    """
    try:
        prepared = read_prepared(meta)
    except UserError:
        return
    if prepared.spec == data:
        check_fractions(name, prepared, fractions)


def check_fractions(domain: str, data: PreparedData, fractions: list[str]) -> None:
    """Raise UserError if a fraction of the training pool leaves a class without samples.

    data: description of what was prepared. The message names `domains.NAME.fractions`,
    the class, and the smallest fraction that holds every class.
    """
    rows = data.sizes["train"]
    first = data.first_rows
    for fraction in sorted(fractions, key=float):
        samples = prefix(rows, fraction)
        without = [c for c, row in enumerate(first) if row >= samples]
        if without:
            more = f" and {len(without) - 1} more" if len(without) > 1 else ""
            if data.task == "numbers":
                leaves, whole = "holds one value of the label alone", "two"
            else:
                name = f"{quoted(data.class_names[without[0]])}{more}"
                leaves, whole = f"leaves class {name} without any", "every class"
                if data.task == "labels":
                    leaves = f"holds no sample with label {name}, or none without"
                    whole = "both for every label"
            raise UserError(
                f"domains.{domain}.fractions: {fraction} is {samples} of {rows} training samples "
                f"and {leaves}; the smallest fraction that holds {whole} is "
                f"{smallest_fraction(rows, data.smallest_prefix)}"
            )


def check_whole(meta: str | Path) -> None:
    """Raise UserError if prepared data, or their description `meta`, are not as they were written:
    each of their trainings would refuse them, one by one."""
    check_content(Path(meta).with_suffix(".safetensors"), read_prepared(meta).sha256)


def smallest_fraction(rows: int, smallest_prefix: int) -> str:
    """The shortest decimal fraction of `rows` that is `smallest_prefix` rows or a few more."""
    for digits in range(1, 17):
        unit = 10**digits
        fraction = repr(-(-smallest_prefix * unit // rows) / unit)  # rounded up
        if smallest_prefix <= prefix(rows, fraction) <= 1.05 * smallest_prefix:
            return fraction
    return "1.0"
