"""`alphascale decide`: N*, its price and whether to believe it, from a table of runs."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ..errors import UserError

# Libraries that a light install has not, and the extra that brings them.
EXTRAS = {"pandas": "decide", "matplotlib": "decide"}


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    command = subparsers.add_parser(
        "decide", help="how large must the model be, by the runs of a CSV: nothing is trained"
    )
    command.add_argument("runs", help="CSV with one row per run, as alphascale import writes it")
    command.add_argument(
        "--target", action="append", required=True, metavar="METRIC=VALUE",
        help="what the model must reach, as accuracy=.95 or loss=2.9; given twice, both",
    )  # fmt: skip
    command.add_argument(
        "--confidence", type=float, default=0.9,
        help="with which one run of the size to build reaches it (default .9)",
    )  # fmt: skip
    command.add_argument(
        "--naive", type=float, metavar="N",
        help="parameters of the model that would have been trained, to save against",
    )  # fmt: skip
    columns = command.add_argument_group(
        "columns, where their names do not tell (none: leave it out)"
    )
    for name, what in (
        ("params", "parameters"),
        ("samples", "unique training samples or tokens; a number where all runs have it"),
        ("seed", "seeds"),
        ("flops", "FLOPs of a training, forward and backward"),
        ("seconds", "seconds of a training"),
        ("learning-rate", "learning rates"),
        ("status", "how a run ended: ok or diverged"),
    ):
        columns.add_argument(f"--{name}", metavar="COLUMN", help=what)
    columns.add_argument(
        "--metric", action="append", default=[], metavar="METRIC=COLUMN",
        help="column of a target's metric, as accuracy=val_acc",
    )  # fmt: skip
    columns.add_argument("--group", metavar="COLUMNS", help="each group of rows is decided apart")
    columns.add_argument(
        "--cell", metavar="COLUMNS", help="what names a configuration (default its parameters)"
    )
    columns.add_argument(
        "--best-of", metavar="COLUMN",
        help="take of each cell the entry with the best mean, as learning_rate; its other runs "
        "count as cost alone",
    )  # fmt: skip
    columns.add_argument("--epochs", type=int, help="passes over the samples, of every run")
    columns.add_argument(
        "--where", action="append", metavar="CONDITION",
        help='rows to take, as "task == letters"; given twice, both hold',
    )  # fmt: skip
    columns.add_argument(
        "--skip-invalid", action="store_true",
        help="leave out rows whose cells are empty or no numbers, and say which",
    )  # fmt: skip
    prices = command.add_argument_group("prices, as `costs:` of a study")
    prices.add_argument(
        "--costs", action="append", default=[], metavar="FILE|KEY=VALUE",
        help="a YAML file, or key=value with commas between",
    )  # fmt: skip
    for key, what in PRICES.items():
        prices.add_argument(f"--{key.replace('_', '-')}", metavar="VALUE", help=what)
    command.add_argument(
        "--tested", type=int, metavar="N", help="samples that errors were counted on"
    )
    command.add_argument("--level", type=float, default=0.95, help="of intervals (default .95)")
    command.add_argument(
        "--withhold", type=int, default=1,
        help="of the largest sizes, to test the law on them (default 1)",
    )  # fmt: skip
    command.add_argument("--out", help="folder to write (default: that of the CSV's name)")
    command.add_argument(
        "--figures", action="store_true", help="also draw the figures of a study (matplotlib)"
    )
    command.set_defaults(run=run_decide)


# Flags of prices → what they are; `--costs` takes every key of a study's.
PRICES = {
    "watts": "of one device under load",
    "flops_per_second": "sustained, of one device",
    "carbon": "g CO₂ per kWh, or a country",
    "pue": "power usage effectiveness of the building",
    "price_per_kwh": "of energy",
    "price_per_hour": "of one device",
    "price_per_label": "of one labelled sample",
    "currency": "label of the prices",
}


def run_decide(args: argparse.Namespace) -> None:
    """Decide, write what a study writes, and print the answer."""
    try:
        print("\n".join(_decided(args)))
    except ModuleNotFoundError as fault:
        library = (fault.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        raise UserError(
            f"needs {library}, which is not installed: pip install 'alphascale[{EXTRAS[library]}]'"
        ) from None


def _decided(args: argparse.Namespace) -> list[str]:
    import pandas  # noqa: F401  first of all: without it nothing is decided

    from ..page.build import PAGE
    from ..tables.reading import read_csv
    from ..tables.where import where
    from .asked import Asked, prices_of, targets_of
    from .written import Folder, decided, observed

    for name, value, least, most in (
        ("level", args.level, 0.0, 1.0), ("naive", args.naive, 0.0, 1e18),
        ("tested", args.tested, 0, 1e15), ("epochs", args.epochs, 0, 1e9),
        ("withhold", args.withhold, -1, 1e3),
    ):  # fmt: skip
        if value is not None and not least < value < most:
            raise UserError(f"--{name} {value:g}: must lie between {max(least, 0):g} and {most:g}")
    asked = Asked(
        targets=targets_of(args.target, args.confidence),
        costs=prices_of(args.costs, {key: getattr(args, key) for key in PRICES}),
        naive=args.naive,
        tested=args.tested,
        level=args.level,
        withhold=args.withhold,
    )
    table = read_csv(args.runs)
    stem = Path(args.runs).stem
    folder = Folder.of(Path(args.out) if args.out else Path(args.runs).with_name(stem), table.path)
    told: list[str] = []
    for condition in args.where or ():
        table, line = where(table, condition)
        told.append(line)
    parts = groups(table, args.group, stem)
    made = {name: observed(name, part, asked, args, told) for name, part in parts.items()}
    found = {name: decided(name, each, asked) for name, each in made.items()}
    folder.begin(list(made), args)
    lines = [
        folder.leave(name, parts[name], each, found[name], args.figures)
        for name, each in made.items()
    ]
    folder.finish()
    return [
        *lines,
        f"saved: {folder.path}/ (decision/, observations/, fit/, …)",
        f"the page: {folder.path / PAGE}, to move the target and the prices",
    ]


def groups(table, columns: str | None, stem: str) -> dict:
    """Name of a domain → its rows; all of them under the file's name where nothing divides them."""
    base = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-.") or "runs"
    if not columns:
        return {base: table}
    from ..laws.groups import group_keys

    try:
        keys = group_keys(table.columns, tuple(columns.split(",")))
    except UserError as fault:
        raise UserError(f"{table.path}: --group: {fault}") from None
    found = {}
    for key in dict.fromkeys(keys):
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join(key)).strip("-.") or "empty"
        while name in found:  # two names that differ in signs alone
            name += "_"
        found[name] = table.without({i for i, each in enumerate(keys) if each != key})
    return found
