"""The pipeline from Python: train a study, or some of its runs, and read what it left.

    import alphascale
    done = alphascale.run("config/paper.yaml", quick=True, device="cpu", results="elsewhere")
    done.observations(), done.records("language"), done.law("language"), done.figures("language")

`run` starts Snakemake as a command would: what is there already is not trained again, and what it
leaves is what a command leaves. `Results` reads any study's folder, with or without it.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import slices
from .config import Study, read_study, refuse_code
from .errors import UserError

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from .laws import AutoLaw, Fit
    from .records.compare import CompareRecord
    from .records.decision import DecisionRecord
    from .records.fit import FitRecord
    from .records.language import LanguageRecord
    from .records.regimes import RegimesRecord
    from .records.training import TrainingRecord

PROJECT = Path(__file__).resolve().parents[3]
DEFAULT = "config/config.yaml"


def run(
    study: str | os.PathLike | dict[str, Any] = DEFAULT,
    *,
    domains: Sequence[str] | None = None,
    scales: Sequence[str] | None = None,
    quick: bool = False,
    epochs: int | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    results: str | os.PathLike | None = None,
    name: str | None = None,
    cores: int | None = None,
    dry: bool = False,
) -> Results:
    """Train a study with Snakemake and return its results.

    study: a YAML file, of this folder or of the project's, or what it would hold as a mapping.
    domains, scales: train only these; with scales, their training records alone are made, one run
    even. quick: the study's quick test. epochs, batch_size, device: in place of the study's; other
    epochs or batches, or not all domains, go to results of their own, `{run}-e3-b16`, unless `name`
    says where. results: the folder that results go to. cores: all by default. dry: say what would
    run. Raises UserError, one line, for what the study cannot be, and where Snakemake fails.
    """
    whole = scales is None
    config = _edited(_read(study), domains, whole, quick, epochs, batch_size, device, results, name)
    checked = read_study(config)
    folder = Path(slices.folder(checked))
    targets = [] if scales is None else _records(checked, folder, scales)
    if not (PROJECT / "Snakefile").exists():
        raise UserError(
            f"{PROJECT}: holds no Snakefile, and `run` needs the project's folder: install from it "
            "by `make setup` or `pip install -e .`"
        )
    with tempfile.TemporaryDirectory() as scratch:
        # What only looks leaves no mark on results that others settings made.
        file = Path(scratch if dry else folder) / "study.yaml"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, config)
        except OSError as fault:
            raise UserError(f"{file}: cannot be written ({fault.strerror})") from None
        ended = _snakemake(file, targets, cores, dry)
    if ended:
        raise UserError(f"snakemake ended with status {ended}: {_fault(folder)}")
    return Results(folder)


def _snakemake(file: Path, targets: list[str], cores: int | None, dry: bool) -> int:
    """Exit status of Snakemake on a study's file."""
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile"),
        "--cores", "all" if cores is None else str(cores), "--configfile", str(file),
        *(["--dry-run"] if dry else []), "--", *targets,
    ]  # fmt: skip
    return subprocess.run(command, check=False).returncode


def _read(study: str | os.PathLike | dict[str, Any]) -> dict[str, Any]:
    if isinstance(study, dict):
        return copy.deepcopy(study)
    import yaml

    path = Path(study)
    if not path.exists() and (PROJECT / path).exists():
        path = PROJECT / path
    refuse_code(path)
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)


def _edited(
    config: dict[str, Any],
    domains: Sequence[str] | None,
    whole: bool,
    quick: bool,
    epochs: int | None,
    batch_size: int | None,
    device: str | None,
    results: str | os.PathLike | None,
    name: str | None,
) -> dict[str, Any]:
    """The study's mapping with what `run` was asked for; its own faults are left for read_study."""
    tasks = config.get("domains")
    if not isinstance(tasks, dict):
        return config
    for wanted in domains or ():
        if wanted not in tasks:
            raise UserError(f"the study has no domain {wanted!r}: {', '.join(tasks)}")
    # Anchors make several domains share one section: each gets its own.
    tasks = {
        key: copy.deepcopy(task) for key, task in tasks.items() if domains is None or key in domains
    }
    changes = {"epochs": epochs, "batch_size": batch_size}
    changes = {key: value for key, value in changes.items() if value is not None}
    for task in (each for each in tasks.values() if isinstance(each, dict)):
        if task.get("compare") not in tasks:
            task.pop("compare", None)
        if changes:
            task["training"] = dict(task.get("training") or {}) | changes
        if quick and epochs is not None and isinstance(task.get("quick"), dict):
            task["quick"]["epochs"] = epochs
    suffix = "".join(f"-{key[0]}{value}" for key, value in changes.items())
    # A study's tables are of all its domains; records of single runs are as the study's.
    if whole and len(tasks) < len(config["domains"]):
        suffix += "".join(f"-{key}" for key in tasks)
    given = {"device": device, "results": None if results is None else os.fspath(results)}
    return config | {
        **{key: value for key, value in given.items() if value is not None},
        "domains": tasks,
        "run": name or f"{config.get('run', 'default')}{suffix}",
        "quick": quick or config.get("quick", False),
    }


def _records(study: Study, folder: Path, scales: Sequence[str]) -> list[str]:
    """The training records of some scales, of all domains that have them."""
    cells = [(name, *cell) for name in study.domains for cell in slices.cells(study, name)]
    for wanted in scales:
        if all(scale != wanted for _, scale, _ in cells):
            known = ", ".join(dict.fromkeys(scale for _, scale, _ in cells))
            raise UserError(f"the study has no scale {wanted!r}: {known}")
    return [
        str(folder / "train" / name / scale / f"{fraction}.json")
        for name, scale, fraction in cells
        if scale in scales
    ]


def _write(path: Path, config: dict[str, Any]) -> None:
    import yaml

    from .records.files import write_text

    class Plain(yaml.SafeDumper):
        """Without anchors: what was shared may differ by now."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    write_text(path, yaml.dump(config, Dumper=Plain, sort_keys=False))


def _fault(folder: Path) -> str:
    """What went wrong, as the jobs said it."""
    path = folder / "logs" / "faults.txt"
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return next((line for line in lines if line.strip()), "what it said stands above")


@dataclass(frozen=True)
class Results:
    """What a study left in `folder`, read when asked for; UserError where it is not there."""

    folder: Path

    def __init__(self, folder: str | os.PathLike):
        object.__setattr__(self, "folder", Path(folder))

    @property
    def domains(self) -> list[str]:
        """The domains that were prepared."""
        return sorted(path.stem for path in self.folder.glob("data/*.json"))

    def records(self, domain: str) -> dict[tuple[str, str], TrainingRecord]:
        """(scale, fraction) → training record: every seed's curves, costs, device."""
        from .records.files import read_sealed
        from .records.training import TrainingRecord
        from .records.typed import parse

        return {
            (path.parent.name, path.stem): parse(TrainingRecord, read_sealed(path), str(path))
            for path in sorted(self.folder.glob(f"train/{domain}/*/*.json"))
        }

    def observations(self, domain: str) -> pandas.DataFrame:
        """One row a (scale, fraction, seed)."""
        from .records.observations import read_frame

        return read_frame(self._there(f"observations/{domain}.csv"))

    def fit(self, domain: str) -> FitRecord:
        """The laws at every fraction, and how they predict sizes they have not seen."""
        from .records.fit import FitRecord

        return self._read(f"fit/{domain}.json", FitRecord)

    def law(self, domain: str, part: str = "") -> Fit | AutoLaw:
        """The law that the decision rests on, to predict and solve with; part: a fraction, or
        `joint` for that of N and D."""
        from .fitting.saved import load

        path = self._there(f"bootstrap/{domain}.json")
        return load(f"{part}:{path}" if part else path)

    def decision(self, domain: str) -> DecisionRecord:
        """N*, its price and what it saves."""
        from .records.decision import DecisionRecord

        return self._read(f"decision/{domain}.json", DecisionRecord)

    def regimes(self, domain: str) -> RegimesRecord:
        """What limits the loss along each axis, and the law in compute."""
        from .records.regimes import RegimesRecord

        return self._read(f"regimes/{domain}.json", RegimesRecord)

    def language(self, domain: str) -> LanguageRecord:
        """Perplexity laws of a group of language domains, by its first one."""
        from .records.language import LanguageRecord

        return self._read(f"language/{domain}.json", LanguageRecord)

    def compared(self, domain: str) -> CompareRecord:
        """Families of domains that compare, by the group's first one."""
        from .records.compare import CompareRecord

        return self._read(f"compare/{domain}.json", CompareRecord)

    def text(self, page: str = "summary") -> str:
        """A page as printed: summary, fit, regimes, compare, language/DOMAIN."""
        return self._there(f"{page}.txt").read_text(encoding="utf-8")

    def figures(self, domain: str) -> list[Path]:
        """The figures drawn of a domain, as png."""
        return sorted(self.folder.glob(f"figures/{domain}/*.png"))

    def draw(self, domain: str, figure: str) -> Figure:
        """A figure by name, drawn anew as a matplotlib Figure, to show or to change."""
        from .plots import families
        from .plots.draw import DRAW, DRAW_LANGUAGE
        from .plots.records import read_records

        if figure in DRAW:
            rooms = ("observations", "fit", "bootstrap", "decision")
            ends = [".csv" if room == "observations" else ".json" for room in rooms]
            files = [f"{room}/{domain}{end}" for room, end in zip(rooms, ends, strict=True)]
            return DRAW[figure](read_records(*map(self._there, files)))
        if figure in DRAW_LANGUAGE:
            return DRAW_LANGUAGE[figure](self.language(domain))
        if figure in families.DRAW:
            return families.DRAW[figure](self.compared(domain))
        known = [*DRAW, *DRAW_LANGUAGE, *families.DRAW]
        raise UserError(f"no figure {figure!r}: {', '.join(known)}")

    def _read(self, name: str, kind: type) -> Any:
        from .records.typed import read

        return read(self._there(name), kind)

    def _there(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            raise UserError(f"{path}: is not there: run the study first, or name another domain")
        return path
