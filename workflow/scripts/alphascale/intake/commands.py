"""`alphascale import`: runs of other tools as the rows that `fit` and `decide` read."""

from __future__ import annotations

import argparse

from alphascale.errors import UserError
from alphascale.intake.descriptor import OK, QUANTITIES, Run
from alphascale.intake.gather import duplicates, gather, states
from alphascale.intake.kinds import kinds
from alphascale.intake.names import rises
from alphascale.intake.quantities import no_params, resolve
from alphascale.intake.results import Results, results, withheld
from alphascale.intake.shares import shares, with_error
from alphascale.intake.writing import CURVES, END, HEAD, cell, check, curves_path, write
from alphascale.tables.reading import Table
from alphascale.tables.where import where

WHAT = {
    "params": "parameters of each run",
    "samples": "samples (or tokens) trained on",
    "seed": "seed",
    "learning_rate": "learning rate",
    "flops": "training FLOPs",
}


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    command = subparsers.add_parser("import", help="read other tools' runs into one CSV")
    command.add_argument(
        "source", metavar="SOURCE",
        help="file or folder of " + ", ".join(each.title for each in kinds().values()),
    )  # fmt: skip
    command.add_argument("--from", dest="kind", choices=list(kinds()), help="whose files they are")
    command.add_argument("--out", required=True, help="CSV to write; histories go beside it")
    for name, what in WHAT.items():
        command.add_argument(
            f"--{name.replace('_', '-')}", metavar="WHAT",
            help=f"{what}: a number, the name of a column, of something logged or of what stands "
            f"before a number in the runs' names, or a CSV with columns run,{name}",
        )  # fmt: skip
    command.add_argument(
        "--metric", action="append", default=[], metavar="NAME",
        help="a result to take, as accuracy, eval_loss, or accuracy=my/score; several may be given "
        "(default: all that are found); the first chooses the best step",
    )  # fmt: skip
    command.add_argument(
        "--take", choices=("best", "last"),
        help="of a history (default: best where something was measured in validation)",
    )  # fmt: skip
    command.add_argument(
        "--where", action="append", metavar="CONDITION",
        help='runs to take, as "optimizer == adamw and seed < 3", by what they have and by the '
        "columns written; given twice, both hold",
    )  # fmt: skip
    command.add_argument(
        "--skip-invalid", action="store_true",
        help="leave out damaged files and runs without a number of parameters, and say which",
    )  # fmt: skip
    command.set_defaults(run=run_import)


def run_import(args: argparse.Namespace) -> None:
    check(args.out, args.source)
    gathered = gather(args.source, args.kind, args.skip_invalid)
    runs, told = gathered.runs, list(gathered.told)
    rows, lines = resolve(runs, {name: getattr(args, name) for name in WHAT})
    told += lines
    found = results(runs, gathered.kind, args.metric, args.take)
    told += found.told
    withheld(runs, found.rows)
    keep = _kept(runs, rows, found, args, told)
    runs, rows = ([each[i] for i in keep] for each in (runs, rows))
    found = found.only(keep)
    told += [*shares(runs, found, args.metric), *with_error(found)]
    measured = found.rows
    told += [*states(runs), *duplicates(runs, rows)]
    if not any(run.status == OK and each for run, each in zip(runs, measured, strict=True)):
        raise UserError(f"{args.source}: no run that finished has a result; {'; '.join(told[1:])}")
    table = zip(runs, rows, measured, strict=True)
    write(args.out, [*HEAD, *found.columns, *END], (_row(*each, found.columns) for each in table))
    print("\n".join(told))
    print(f"saved: {args.out} ({len(runs)} rows){_curves(args.out, runs, found)}")
    _next(args.out, found.columns, measured)


def _row(
    run: Run, row: dict[str, float], measured: dict[str, float], columns: list[str]
) -> list[object]:
    quantities = [row.get(name) for name in QUANTITIES]
    return [run.name, *quantities, *(measured.get(c) for c in columns), run.status, run.source]


def _kept(
    runs: list[Run], rows: list[dict[str, float]], found: Results, args: argparse.Namespace,
    told: list[str],
) -> list[int]:  # fmt: skip
    """Places of the runs that --where leaves and that have parameters; says what was left out."""
    kept = list(range(len(runs)))
    if args.where:
        logged = [run.config | run.values for run in runs]
        names = dict.fromkeys(name for each in logged for name in each)
        columns = {n: [cell(each.get(n)) for each in logged] for n in names}
        own = (_row(*each, found.columns) for each in zip(runs, rows, found.rows, strict=True))
        head = [*HEAD, *found.columns, *END]
        columns |= {
            n: [cell(v) for v in c] for n, c in zip(head, zip(*own, strict=True), strict=True)
        }
        table = Table(args.source, columns, kept)
        for condition in args.where:
            table, line = where(table, condition)
            told.append(line)
        kept = table.lines
    without = [i for i in kept if "params" not in rows[i]]
    if without:
        said = no_params([runs[i] for i in kept], [rows[i] for i in kept])
        if not args.skip_invalid or len(without) == len(kept):
            hint = "" if len(without) == len(kept) else "; or leave them out: --skip-invalid"
            raise UserError(f"{args.source}: {said}{hint}")
        names = ", ".join(runs[i].name for i in without)
        told.append(f"left out: {len(without)} run(s) without a number of parameters: {names}")
    return [i for i in kept if "params" in rows[i]]


def _curves(out: str, runs: list[Run], found: Results) -> str:
    """Write the histories and say so; those of an earlier import do not stay beside other runs."""
    path = curves_path(out)
    lines = [
        [run.name, step, epoch, *(values.get(c) for c in found.columns)]
        for run, curve in zip(runs, found.curves, strict=True)
        for step, epoch, values in curve
    ]
    if lines:
        write(path, [*CURVES, *found.columns], lines)
        return f", {path} ({len(lines)} rows)"
    if path.exists():
        path.unlink()
        return f"; removed {path}, of an earlier import: these runs have no histories"
    return "; no histories"


def _next(out: str, columns: list[str], measured: list[dict[str, float]]) -> None:
    """The command that takes it from here."""
    whole = [c for c in columns if any(c in row for row in measured)]
    y = next((c for c in ("error", "loss") if c in whole), whole[0])
    law = " --law accuracy" if rises(y) else ""
    skip = " --skip-invalid" if any(y not in row for row in measured) else ""
    print(f"next: alphascale fit {out} --x params --y {y}{law}{skip}")
    asked = next((c for c in ("accuracy", "loss") if c in whole), y)
    print(f"or what to build: alphascale decide {out} --target {asked}=VALUE{skip}")
