"""From training records to rows: one per (domain, scale, fraction, seed), stable column names."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .files import REBUILD, read_record, read_sealed, replacing

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "domain",
    "scale",
    "fraction",
    "seed",
    "role",
    "family",
    "status",
    "params",
    "non_embedding",
    "embedding",
    "head",
    "samples",
    "samples_seen",
    "learning_rate",
    "best_epoch",
    "epochs_run",
    "train_loss",
    "validation_loss",
    "validation_accuracy",
    "test_loss",
    "test_accuracy",
    "test_error",
    "level",
    "forward_flops",
    "step_flops",
    "flops",
    "job_flops",
    "job_seconds",
    "job_members",
    "joules",
    "energy_how",
    "device",
    "precision",
    "warnings",
    "d_model",
    "n_layers",
    "tokens",
    "bits_per_byte",
    "unigram_perplexity",
    "peak_memory_bytes",
)


def gather(
    domain: str,
    expected: dict[str, Any],
    paths: list[str],
    meta: str,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Rows of a domain's records, sorted by params, fraction and seed.

    `expected` is `study.aggregate_slice`; `paths` in the same order: the ladder's records (role
    `ladder`), then those that verification left (role `verify`). A record that is not whole, was
    edited, is foreign, stale, or trained on other data than `meta` describes is set aside, so that
    the next run trains its cell anew; UserError then names it. A record of verification on other
    data is left out, which `say` tells: nothing would ever train it again.
    """
    sha256 = read_sealed(meta)["sha256"]
    rows: list[dict[str, Any]] = []
    refused: list[str] = []
    ladder = [("ladder", *each) for each in expected["records"]]
    verify = [("verify", *each) for each in expected["verified"]]
    for path, (role, scale, fraction, spec) in zip(paths, ladder + verify, strict=True):
        try:
            data = sha256 if role == "ladder" else None
            record = read_record(path, spec, expected["code"], data)
        except UserError as fault:
            refused.append(_set_aside(path, fault))
            continue
        if record["data_sha256"] != sha256:
            say(f"{path}: verified on other data than {meta} describes; left out")
            continue
        rows += [
            _row(domain, scale, fraction, record, member) | {"role": role}
            for member in record["seeds"]
        ]
    if refused:
        more = f" (and {len(refused) - 1} more, see above)" if len(refused) > 1 else ""
        for line in refused:
            say(line)
        raise UserError(refused[0] + more)
    return sorted(rows, key=lambda row: (row["params"], float(row["fraction"]), row["seed"]))


def _set_aside(path: str, fault: UserError) -> str:
    """Rename a record that cannot be used, so that it is missing and thereby made again."""
    reason = str(fault).removesuffix(f"; {REBUILD}")
    aside = f"{path}.refused"
    try:
        os.replace(path, aside)
    except OSError:
        return str(fault)
    return f"{reason}; set aside as {os.path.basename(aside)}: run snakemake again to train it anew"


def _row(
    domain: str, scale: str, fraction: str, record: dict[str, Any], member: dict[str, Any]
) -> dict[str, Any]:
    """One seed's row; a diverged run has a status and empty cells, never a number."""
    test = member["test"] or {}
    validation = member["validation"] or {}
    best = member["best_epoch"]
    return {
        "domain": domain,
        "scale": scale,
        "fraction": fraction,
        "seed": member["seed"],
        "role": "ladder",
        "family": record["family"],
        "status": member["status"],
        "params": record["params"]["total"],
        "non_embedding": record["params"]["non_embedding"],
        "embedding": record["params"]["embedding"],
        "head": record["params"]["head"],
        "samples": record["samples"],
        "samples_seen": record["samples"] * member["epochs_run"],
        "learning_rate": member["learning_rate"],
        "best_epoch": best,
        "epochs_run": member["epochs_run"],
        "train_loss": member["curves"]["train_loss"][best - 1] if best else None,
        "validation_loss": validation.get("loss"),
        "validation_accuracy": validation.get("accuracy"),
        "test_loss": test.get("loss"),
        "test_accuracy": test.get("accuracy"),
        "test_error": test.get("error"),
        "level": (member["warnings"] or {}).get("level"),
        "forward_flops": record["flops"]["forward_per_sample"],
        "step_flops": record["flops"]["training_per_sample"],
        "flops": member["flops"],
        "job_flops": record["flops"]["job"],
        "job_seconds": record["time"]["train_s"],
        "job_members": len(record["sweep"]),
        "joules": record["energy"]["joules"],
        "energy_how": record["energy"]["how"],
        "device": record["device"]["name"],
        "precision": record["device"]["precision"],
        "warnings": " ".join(warning["code"] for warning in record["warnings"]),
        # Of language models; empty elsewhere.
        "d_model": record.get("d_model"),
        "n_layers": record.get("n_layers"),
        "tokens": record.get("tokens"),
        "bits_per_byte": (member.get("bits_per_byte") or {}).get("test"),
        "unigram_perplexity": (record.get("unigram_perplexity") or {}).get("test"),
        "peak_memory_bytes": record["peak_memory_bytes"],
    }


def write_table(path: str | os.PathLike, rows: list[dict[str, Any]]) -> None:
    """Write rows as CSV, columns in the order of the first row; numbers keep every digit."""
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: str | os.PathLike) -> list[dict[str, str]]:
    """The rows of a table as text, for joining; raises UserError if it is not such a table."""
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, strict=True)
            rows = list(reader)
            columns = reader.fieldnames or ()
    except (OSError, ValueError, csv.Error) as fault:
        raise UserError(f"{path}: cannot be read as observations ({fault}); {REBUILD}") from None
    _check_columns(path, columns)
    if any(None in row or None in row.values() for row in rows):
        raise UserError(f"{path}: a line is cut short or too long; {REBUILD}")
    return rows


def read_frame(path: str | os.PathLike) -> pandas.DataFrame:
    """Observations as a DataFrame; `fraction` stays text, since it names files."""
    import pandas

    try:
        frame = pandas.read_csv(path, dtype={"fraction": str, "scale": str, "domain": str})
    except (OSError, ValueError) as fault:  # pandas' own faults are ValueErrors
        text = str(fault).strip().splitlines()[0]
        raise UserError(f"{path}: cannot be read as observations ({text}); {REBUILD}") from None
    _check_columns(path, frame.columns)
    return frame


def _check_columns(path: str | os.PathLike, columns: Iterable[str]) -> None:
    missing = sorted(set(COLUMNS) - set(columns))
    if missing:
        raise UserError(f"{path}: has no column {missing[0]!r}; {REBUILD}")
