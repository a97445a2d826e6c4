"""Score every named law and `auto` on the 92 learning curves; write table and figures."""

from __future__ import annotations

import csv
import shutil
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
from alphascale.data.fetch import fetch, folder_of
from alphascale.errors import UserError
from alphascale.laws.fitting import fit_form
from alphascale.laws.selection import auto
from alphascale.literature.learning_curves import (
    DOMAINS,
    PUBLISHED,
    Task,
    coverage,
    log_rmse,
    log_rmse_error,
    read_tasks,
)
from alphascale.plots import curves as figures
from alphascale.plots import style
from alphascale.records.files import replacing, sha256_file
from alphascale.running import program

NAMED = ("m1", "m2", "m3", "m4", "broken")  # M1 is the power law, M2 the one with a floor
TAIL = 0.3
LEVELS = (0.5, 0.8, 0.95)


def named_law(law: str) -> Callable[[Task], np.ndarray]:
    """A method that fits `law` to all points."""

    def method(task: Task) -> np.ndarray:
        return fit_form(law, task.x, task.y).curve(task.test_x[None])

    return method


def last_value(task: Task) -> np.ndarray:
    return np.full(len(task.test_x), task.y[-1])


def tail_line(task: Task) -> np.ndarray:
    """A log-log line through the last 30 % of the points."""
    n = max(2, int(np.ceil(TAIL * len(task.x))))
    line = np.polyfit(np.log(task.x[-n:]), np.log(task.y[-n:]), 1)
    return np.exp(np.polyval(line, np.log(task.test_x)))


METHODS = {
    "last value": last_value,
    "log-log line, last 30 %": tail_line,
    **{law: named_law(law) for law in NAMED},
}


def score(tasks: list[Task], say: Callable[[str], None]) -> list[dict]:
    """One row per task and method: log-RMSE and its standard error, seconds of CPU, and for auto
    coverage and warnings."""
    rows = []
    for name, method in METHODS.items():
        for task in tasks:
            started = time.process_time()
            predicted = method(task)
            took = time.process_time() - started
            rows.append(_row(task, name, predicted, took))
        say(f"{name}: {len(tasks)} tasks")
    for task in tasks:
        started = time.process_time()
        law = auto(task.x, task.y)
        bands = {level: law.predict(task.test_x, level) for level in LEVELS}
        took = time.process_time() - started
        inside = {
            f"inside_{100 * level:.0f}": coverage(band.lower, band.upper, task.test_y)
            for level, band in bands.items()
        }
        told = law.withheld if isinstance(law.withheld, dict) else {}
        more = {
            "withheld": told.get("law", ""),
            "withheld_naive": min(told["carry_last"], told["log_log_line"]) if told else "",
            "running_best": any("best value so far" in note for note in law.warnings),
        }
        rows.append(_row(task, "auto", bands[LEVELS[-1]].mean, took) | inside | more)
    say(f"auto: {len(tasks)} tasks")
    return rows


def _row(task: Task, method: str, predicted: np.ndarray, took: float) -> dict:
    error = log_rmse_error(predicted, task.test_y)
    return {
        "domain": task.domain, "model": task.model, "task": task.task, "fit_points": len(task.x),
        "test_points": len(task.test_x), "law": method,
        "log_rmse": log_rmse(predicted, task.test_y),
        "standard_error": "" if np.isnan(error) else error, "cpu_s": took,
    }  # fmt: skip


def won(rows: list[dict]) -> dict[str, float]:
    """Law → share of the tasks on which its error, cut to three decimals, is the least; several
    that are share it. As the code published with the benchmark counts."""
    tasks: dict[tuple, dict[str, float]] = {}
    for row in rows:
        key = (row["domain"], row["model"], row["task"])
        tasks.setdefault(key, {})[row["law"]] = int(1000 * row["log_rmse"])
    out = dict.fromkeys((row["law"] for row in rows), 0.0)
    for errors in tasks.values():
        best = [law for law, error in errors.items() if error == min(errors.values())]
        for law in best:
            out[law] += 1 / len(best) / len(tasks)
    return out


def summarise(rows: list[dict]) -> list[dict]:
    """Means over tasks and their standard errors by law and domain, and the share of tasks won,
    worst law first; the published methods' means among them."""
    domains = [*DOMAINS.values(), "all"]
    out, shares = [], won(rows)
    for law in dict.fromkeys(row["law"] for row in rows):
        own = [row for row in rows if row["law"] == law]
        line = {"law": law}
        for domain in domains:
            part = [r["log_rmse"] for r in own if domain in (r["domain"], "all")]
            line[domain] = float(np.mean(part)) if part else None
            spread = np.std(part, ddof=1) / np.sqrt(len(part)) if len(part) > 1 else None
            line[f"{domain}_se"] = None if spread is None else float(spread)
        for level in LEVELS:
            key = f"inside_{100 * level:.0f}"
            line[key] = float(np.mean([r[key] for r in own])) if key in own[0] else None
        line["won"] = shares[law]
        line["ms_per_task"] = 1e3 * float(np.mean([r["cpu_s"] for r in own]))
        out.append(line)
    empty = dict.fromkeys(out[0])
    for law, pairs in PUBLISHED.items():
        line = empty | {"law": law}
        for domain, (mean, error) in zip(domains, pairs, strict=True):
            line |= {domain: mean, f"{domain}_se": error}
        out.append(line)
    # NSL-PFN has a figure for images alone.
    return sorted(out, key=lambda line: -line["image"])


def files_of(spec: dict) -> list[Path]:
    """The benchmark's files, in a folder or fetched, each with the right SHA-256."""
    source = spec["source"].rstrip("/")
    remote = source.startswith(("http://", "https://"))
    folder = folder_of(None, "learning_curves") if remote else Path(source)
    paths = []
    for name, expected in spec["sha256"].items():
        path = folder / name
        if remote and not path.exists():
            address = f"{source}/{name}"
            by_hand = f"put the file at {path}, or set curves_benchmark.source to its folder"
            fetch(name, address, by_hand, lambda a=address, p=path: _download(a, p), KEY)
        if not path.is_file():
            raise UserError(f"{KEY}: {path} does not exist: give the folder that holds {name}")
        found = sha256_file(path)
        if found != expected:
            raise UserError(
                f"{KEY}: {path} has SHA-256 {found[:12]}…, not {expected[:12]}…: delete it, or set "
                "curves_benchmark.sha256 if another version is meant"
            )
        paths.append(path)
    return paths


KEY = "configuration: curves_benchmark.source"


def _download(address: str, path: Path) -> None:
    with (
        urllib.request.urlopen(address) as answer,
        replacing(path) as temporary,
        open(temporary, "wb") as stream,
    ):
        shutil.copyfileobj(answer, stream)


def write_table(path: Path, rows: list[dict]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def markdown(lines: list[dict]) -> str:
    """The summary as a table for the documentation."""
    heads = ["law", "image 72", "NMT 5", "LM 5", "BB 10", "all 92", "won", "inside 95 %",
             "ms a task"]  # fmt: skip
    keys = ["law", "image", "NMT", "LM", "BB", "all", "won", "inside_95", "ms_per_task"]
    out = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for line in lines:
        cells = [line["law"]] + [_cell(line[key], key, line.get(f"{key}_se")) for key in keys[1:]]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def _cell(value: float | None, key: str, error: float | None) -> str:
    if value is None:
        return ""
    share = f"{100 * value:.1f} %"
    own = {"inside_95": share, "won": share, "ms_per_task": f"{value:.3g}"}
    return own.get(key) or f"{value:.4f}" + ("" if error is None else f" ± {error:.4f}")


def main(job):
    tasks = read_tasks(files_of(job.spec))
    rows = score(tasks, job.say)
    lines = summarise(rows)
    folder = Path(job.output.tables[0]).parent
    write_table(folder / "tasks.csv", rows)
    write_table(folder / "summary.csv", lines)
    with replacing(folder / "summary.md") as temporary:
        temporary.write_text(markdown(lines), encoding="utf-8")
    drawn = {
        "errors": figures.errors(rows),
        "examples": figures.examples(tasks),
        "coverage": figures.coverage_by_level(rows, LEVELS),
    }
    for name, figure in drawn.items():
        for kind in style.KINDS:
            style.save(figure, folder / f"{name}.{kind}")
    print(markdown(lines), end="")


if __name__ == "__main__":
    program.run(main)
