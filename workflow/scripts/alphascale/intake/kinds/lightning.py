"""Lightning's CSVLogger: `metrics.csv` and `hparams.yaml` in a folder for each run.

Both are plain text, which csv and yaml read. Its checkpoints are pickles and are never opened.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from ...errors import UserError, first_line
from ...tables.reading import read_csv
from ..descriptor import Kind, Point, Run, number, plain, relative
from ..files import AGAIN, begins, text_of

METRICS, HPARAMS = "metrics.csv", "hparams.yaml"


class _Plain(yaml.SafeLoader):
    """YAML that leaves out what only running code would make: `!!python/object` is None."""


_Plain.add_multi_constructor("", lambda loader, suffix, node: None)


def _find(files: list[Path], root: Path) -> list[Path]:
    return [p.parent if root.is_dir() else p for p in files if p.name == METRICS and _logged(p)]


def _logged(path: Path) -> bool:
    """Whether it is a logger's: it has a step, and an epoch or hyperparameters beside it."""
    head = begins(path, 10_000).decode("utf-8", "replace").split("\n")[0].strip().split(",")
    return not head[0] or (
        "step" in head and ("epoch" in head or (path.parent / HPARAMS).is_file())
    )


def _read(unit: Path, root: Path) -> list[Run]:
    folder = unit if unit.is_dir() else unit.parent
    path = folder / METRICS
    table = read_csv(path)
    run = Run(relative(folder, root) if root.is_dir() else folder.absolute().name, str(path))
    names = [n for n in table.columns if n not in ("step", "epoch")]
    for row, line in enumerate(table.lines):
        values = {}
        for name in names:
            cell = table.columns[name][row].strip()
            if cell:
                value = number(cell)
                if value is None:
                    raise UserError(
                        f"{path}, line {line}: column {name!r}: {cell!r} is no number; {AGAIN}"
                    )
                values[name] = value
        step, epoch = (number(table.columns[c][row]) if c in table.columns else None
                       for c in ("step", "epoch"))  # fmt: skip
        run.points.append(Point(step, epoch, values))
    if not run.points:
        raise UserError(f"{path}: has no rows: nothing was logged in this run")
    # Both are counted from 0.
    epochs = [p.epoch for p in run.points if p.epoch is not None]
    steps = [p.step for p in run.points if p.step is not None]
    if epochs:
        run.known["epochs"] = (max(epochs) + 1, "epoch of the log, counted from 0, and 1")
    if steps:
        run.known["steps"] = (max(steps) + 1, "step of the log, counted from 0, and 1")
    hparams = folder / HPARAMS
    if hparams.is_file():
        try:
            told = yaml.load(text_of(hparams), Loader=_Plain)
        except yaml.YAMLError as fault:
            raise UserError(f"{hparams}: is no YAML ({first_line(fault)}); {AGAIN}") from None
        run.config = plain(told) if isinstance(told, dict) else {}
    run.no_params = "the logger keeps none, unless hparams.yaml has it"
    return [run]


KIND = Kind(
    name="lightning",
    title="Lightning's CSVLogger",
    seeks=METRICS,
    find=_find,
    read=_read,
    place=30,
)
