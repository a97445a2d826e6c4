"""What `alphascale decide` leaves: the files of a study, in a folder of its own, and its words."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..deciding.summary_table import table_rows
from ..errors import UserError
from ..page.build import PAGE, study_payload, write_page
from ..page.payload import Stages, domain_payload
from ..records.decision import DecisionRecord
from ..records.files import read_sealed, sha256_file, write_sealed, write_text
from ..records.observations import read_frame, write_table
from ..records.typed import as_json, write
from ..tables.reading import Table
from .asked import Asked
from .columns import OTHERS, read_runs
from .decided import Decided, decide_table
from .histories import curves_beside
from .observed import Observed, observations
from .words import page

if TYPE_CHECKING:
    import pandas

MARK = "decide.json"  # by which a folder is told that may be written over
FORMAT = "alphascale-decide"
RECORDS = ("fit", "bootstrap", "decision", "audit")


@dataclass(frozen=True)
class Folder:
    """A folder of decisions, and those that were made so far."""

    path: Path
    source: str  # the table
    decisions: list[DecisionRecord] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)  # of them, in words
    shown: list[dict[str, Any]] = field(default_factory=list)  # of them, as the page holds them

    @classmethod
    def of(cls, path: Path, source: str) -> Folder:
        """UserError for one that holds something else: nothing but its own is written over."""
        if path.exists() and not path.is_dir():
            raise UserError(f"--out {path}: is a file; name a folder")
        mark = _mark_of(path)
        if path.is_dir() and any(path.iterdir()) and mark.get("format") != FORMAT:
            raise UserError(
                f"--out {path}: holds what this command did not write; name another folder"
            )
        before = Path(str(mark.get("asked", {}).get("runs", source))).name
        if path.is_dir() and before != Path(source).name:
            raise UserError(
                f"--out {path}: holds the decision on {before}; name another folder for that on "
                f"{Path(source).name}"
            )
        return cls(path, source)

    def begin(self, names: Sequence[str], args: argparse.Namespace) -> None:
        """Take away what an earlier call left of domains, and say what is asked now."""
        for name in _mark_of(self.path).get("domains", ()):
            old = [self.path / kind / f"{name}.json" for kind in RECORDS]
            old.append(self.path / "observations" / f"{name}.csv")
            old += (self.path / "figures" / name).glob("*.*")
            for each in old:
                each.unlink(missing_ok=True)
            with suppress(OSError):  # there is none, or somebody put something into it
                (self.path / "figures" / name).rmdir()
        asked = {
            key: value
            for key, value in vars(args).items()
            if isinstance(value, (str, int, float, list)) and value != [] and value is not False
        }
        self.path.mkdir(parents=True, exist_ok=True)
        write_sealed(
            self.path / MARK,
            {
                "format": FORMAT, "asked": asked, "domains": list(names),
                "source_sha256": sha256_file(self.source),
            },
        )  # fmt: skip

    def leave(self, name: str, table: Table, made: Observed, found: Decided, figures: bool) -> str:
        """Write one domain's records and figures; what is printed of it."""
        observed_at = self.path / "observations" / f"{name}.csv"
        write_table(observed_at, [as_json(row) for row in made.rows])
        for kind in RECORDS:
            write(self.path / kind / f"{name}.json", getattr(found, kind))
        self.decisions.append(found.decision)
        self.pages.append(page(found.decision, found.audit, made.flops))
        curves, along = curves_beside(table, made, found.decision.fraction)
        stages = Stages(
            found.spec, found.frame, found.fit, found.bootstrap, found.decision, found.audit,
            curves, along,
        )  # fmt: skip
        self.shown.append(domain_payload(stages, None))
        if figures:
            draw(self.path / "figures" / name, found, made, read_frame(observed_at))
        return self.pages[-1]

    def finish(self) -> None:
        """Write what is of all domains."""
        write_table(self.path / "summary.csv", table_rows(self.decisions))
        whole = "\n".join(self.pages)
        write_text(self.path / "summary.txt", whole)
        title = f"Decided on {Path(self.source).name}"
        study = study_payload(title, self.shown)
        write_page(self.path / PAGE, title, [study], whole)


def _mark_of(path: Path) -> dict:
    """What `begin` wrote; empty where it did not."""
    try:
        return read_sealed(path / MARK)
    except UserError:
        return {}


def decided(name: str, made: Observed, asked: Asked) -> Decided:
    """The decision on one domain, with nothing written where anybody looks: a fault leaves an
    earlier decision as it is."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"{name}.csv"
        write_table(path, [as_json(row) for row in made.rows])
        return decide_table(name, asked, made, read_frame(path))


def observed(
    name: str, table: Table, asked: Asked, args: argparse.Namespace, told: Sequence[str]
) -> Observed:
    """A table's rows as observations; told: sentences on the rows that were taken."""
    given: Mapping[str, str | None] = {
        what: getattr(args, what, None)
        for what in ("params", "samples", "status", *OTHERS)
        if what != "epochs"
    }
    metrics = dict(_pair(word) for word in args.metric)
    cell = args.cell.split(",") if args.cell else []
    swept = args.best_of
    if swept and swept not in table.columns:
        raise UserError(
            f"{table.path}: --best-of: column {swept!r} is missing; the columns are "
            f"{', '.join(table.columns)}"
        )
    runs, said = read_runs(table, asked.targets, given, metrics, cell, args.skip_invalid)
    labels = None
    if swept:
        cells = dict(zip(table.lines, table.columns[swept], strict=True))
        labels = _labels([cells[line] for line in runs.lines])
    made = observations(
        name, runs, asked.targets, epochs=args.epochs, tested=asked.tested, best_of=labels
    )
    return replace(made, notes=[*told, *said, *made.notes])


def _labels(cells: Sequence[str]) -> np.ndarray:
    """As numbers where all are, so that they have an order."""
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        return np.array(cells, str)


def _pair(word: str) -> tuple[str, str]:
    name, equals, column = word.partition("=")
    if not (equals and name.strip() and column.strip()):
        raise UserError(f"--metric {word}: write METRIC=COLUMN, as accuracy=val_acc")
    return name.strip(), column.strip()


def draw(folder: Path, found: Decided, made: Observed, frame: pandas.DataFrame) -> None:
    """Draw those of a study's figures that there are numbers for."""
    from ..plots.draw import DRAW, draw_all
    from ..plots.records import Records

    left = {
        "loss": frame["test_loss"].isna().all(),
        "compute": not made.flops,
        "carbon": found.decision.study.factor is None,
        "surface": len(found.fit.fractions) < 2,
    }
    chosen = {name: each for name, each in DRAW.items() if not left.get(name)}
    draws = found.bootstrap.of(found.decision.metric)
    draw_all(chosen, Records(frame, found.fit, draws, found.decision), folder)
